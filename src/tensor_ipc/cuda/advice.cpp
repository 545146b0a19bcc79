#include "tensor_ipc/cuda/advice.hpp"

#include <array>
#include <string_view>

namespace tensor_ipc::cuda {

namespace {

struct Entry {
    std::string_view entry_point;  ///< empty: whatever was called
    Status status;
    Advice advice;
};

constexpr const char* kNoLegacyIpc =
    "this device or driver does not share memory by handle. Divided GPUs (MIG), integrated GPUs "
    "(Jetson) and WSL2 do not; memory kind 'vmm' may work there";
constexpr const char* kNoVirtualMemory =
    "this device or driver does not share memory by descriptor; memory kind 'ipc' may work";

// Sources for what is not in cuda.h: the driver's compared PID values: the README of Triton's
// client library, LMCache 4551, vLLM 55906; WSL2: NVIDIA developer forum 307322; MIG: the
// deployment documentation of RAPIDS; Orin: wheelos/core 62.
constexpr auto kTable = std::to_array<Entry>({
    // of one function
    {"cuInit",
     Status::NoDevice,
     {ErrorCode::CudaUnavailable,
      "the driver sees no GPU. In a container: was it started with GPUs (docker run --gpus all)? "
      "Otherwise look at CUDA_VISIBLE_DEVICES and nvidia-smi"}},
    {"cuInit",
     Status::Unknown,
     {ErrorCode::CudaUnavailable,
      "the driver could not start; its kernel modules may not be loaded (nvidia-smi, dmesg)"}},
    {"cuIpcGetMemHandle", Status::InvalidValue, {ErrorCode::CudaUnsupported, kNoLegacyIpc}},
    {"cuIpcGetMemHandle", Status::OutOfMemory, {ErrorCode::CudaUnsupported, kNoLegacyIpc}},
    {"cuIpcGetMemHandle", Status::NotSupported, {ErrorCode::CudaUnsupported, kNoLegacyIpc}},
    {"cuIpcOpenMemHandle_v2",
     Status::InvalidValue,
     {ErrorCode::CudaUnsupported,
      "the handle cannot be opened here. Jetson Orin answers so: use memory kind 'vmm' there. "
      "Elsewhere the memory's creator may have freed it"}},
    {"cuIpcOpenMemHandle_v2", Status::NotSupported, {ErrorCode::CudaUnsupported, kNoLegacyIpc}},
    {"cuIpcOpenMemHandle_v2",
     Status::InvalidContext,
     {ErrorCode::CudaUnsupported,
      "the driver takes creator and opener for one process, as it does when their PID *values* are "
      "equal, also in two containers. Let both see the same PIDs (docker run --pid=host or "
      "--pid=container:NAME), or use memory kind 'vmm'"}},
    {"cuIpcOpenMemHandle_v2",
     Status::InvalidHandle,
     {ErrorCode::PoolNotFound, "the memory's creator has ended or has freed it"}},
    {"cuIpcOpenMemHandle_v2",
     Status::MapFailed,
     {ErrorCode::PoolNotFound, "the memory's creator may have ended, or has freed it"}},
    {"cuMemCreate", Status::NotSupported, {ErrorCode::CudaUnsupported, kNoVirtualMemory}},
    {"cuMemCreate", Status::NotPermitted, {ErrorCode::CudaUnsupported, kNoVirtualMemory}},
    {"cuMemGetAllocationGranularity",
     Status::NotSupported,
     {ErrorCode::CudaUnsupported, kNoVirtualMemory}},
    {"cuMemExportToShareableHandle",
     Status::NotSupported,
     {ErrorCode::CudaUnsupported, kNoVirtualMemory}},
    {"cuMemImportFromShareableHandle",
     Status::NotSupported,
     {ErrorCode::CudaUnsupported, kNoVirtualMemory}},
    {"cuMemImportFromShareableHandle",
     Status::InvalidValue,
     {ErrorCode::CudaFailed, "the descriptor that came is not one of this driver's memory"}},
    {"cuMemHostRegister_v2",
     Status::NotSupported,
     {ErrorCode::CudaUnsupported,
      "this device or driver cannot pin memory that it did not allocate; the pool works unpinned"}},
    {"cuMemHostRegister_v2",
     Status::OutOfMemory,
     {ErrorCode::CudaFailed,
      "the memory could not be locked; see ulimit -l and how much memory is free. The pool works "
      "unpinned"}},
    {"cuMemHostRegister_v2",
     Status::OperatingSystem,
     {ErrorCode::CudaFailed,
      "the memory could not be locked; see ulimit -l. The pool works unpinned"}},

    // of any function
    {"",
     Status::OutOfMemory,
     {ErrorCode::CudaOutOfMemory,
      "free memory on the GPU (nvidia-smi shows who has it) or make the pool smaller"}},
    {"",
     Status::NotInitialized,
     {ErrorCode::CudaUnavailable,
      "CUDA does not survive fork(): start processes with spawn, or before CUDA is first used"}},
    {"", Status::Deinitialized, {ErrorCode::CudaUnavailable, "this process is ending"}},
    {"",
     Status::StubLibrary,
     {ErrorCode::CudaUnavailable,
      "this is the CUDA toolkit's stub for linking, not a driver. Take its folder ('stubs') off "
      "LD_LIBRARY_PATH, or name the real library in TENSOR_IPC_CUDA_DRIVER"}},
    {"",
     Status::CallRequiresNewerDriver,
     {ErrorCode::CudaUnavailable, "install a newer NVIDIA driver"}},
    {"",
     Status::DeviceUnavailable,
     {ErrorCode::CudaUnavailable,
      "another process has the GPU for itself (compute mode, see nvidia-smi -q)"}},
    {"",
     Status::NoDevice,
     {ErrorCode::CudaUnavailable, "look at CUDA_VISIBLE_DEVICES and nvidia-smi"}},
    {"",
     Status::InvalidDevice,
     {ErrorCode::CudaUnavailable, "look at CUDA_VISIBLE_DEVICES and nvidia-smi"}},
    {"",
     Status::PeerAccessUnsupported,
     {ErrorCode::CudaUnsupported, "the two GPUs cannot read each other's memory"}},
    {"",
     Status::TooManyPeers,
     {ErrorCode::CudaUnsupported, "the GPU has no room for one more peer"}},
    {"",
     Status::IllegalAddress,
     {ErrorCode::CudaFailed,
      "an earlier kernel or copy of this process went outside its memory; the context is unusable "
      "until the process ends"}},
    {"",
     Status::LaunchFailed,
     {ErrorCode::CudaFailed,
      "an earlier kernel of this process failed; the context is unusable until the process ends"}},
    {"",
     Status::ContextIsDestroyed,
     {ErrorCode::CudaFailed, "something in this process has reset the device"}},
    {"", Status::NotPermitted, {ErrorCode::CudaFailed, "a host function must not call CUDA"}},
    {"", Status::NotSupported, {ErrorCode::CudaUnsupported, ""}},
    {"",
     Status::SystemNotReady,
     {ErrorCode::CudaUnavailable,
      "the machine's GPU services are not up; with NVSwitch: is nvidia-fabricmanager running?"}},
    {"",
     Status::SystemDriverMismatch,
     {ErrorCode::CudaUnavailable,
      "the driver's library and its kernel module are of different versions: reboot, or reload the "
      "module, after an update"}},
    {"",
     Status::CompatNotSupportedOnDevice,
     {ErrorCode::CudaUnavailable,
      "the compatibility driver that was loaded is not for this GPU; take it off LD_LIBRARY_PATH"}},
    {"",
     Status::StreamCaptureUnsupported,
     {ErrorCode::CudaFailed,
      "a stream is being captured into a graph, and this cannot be captured; do it before or "
      "after"}},
    {"",
     Status::StreamCaptureImplicit,
     {ErrorCode::CudaFailed,
      "a stream is being captured into a graph, and this would wait for it; do it before or "
      "after"}},
});

}  // namespace

Advice advice_for(const char* entry_point, Status status) noexcept
{
    for (const Entry& entry : kTable) {
        if (entry.status == status &&
            (entry.entry_point.empty() || entry.entry_point == entry_point)) {
            return entry.advice;
        }
    }
    return {ErrorCode::CudaFailed, ""};
}

}  // namespace tensor_ipc::cuda
