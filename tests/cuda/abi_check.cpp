/// Compares our declarations of the CUDA driver's interface with the toolkit's own header, when it
/// is compiled. Run, it says with which.
#include <cstdio>

#include "tensor_ipc/cuda/driver_abi.hpp"

#ifndef TENSOR_IPC_TEST_CUDA_TOOLKIT

int main()
{
    std::puts("skipped: no cuda.h (set TENSOR_IPC_CUDA_INCLUDE, or run scripts/test cuda)");
    return 77;
}

#else

#include <type_traits>

#include <cuda.h>

namespace {

namespace ours = tensor_ipc::cuda;

// ---- The toolkit's type for each of ours, through pointers, const and functions.

template <typename Ours>
struct Toolkit {
    using type = Ours;
};

template <typename Ours>
using ToolkitType = typename Toolkit<Ours>::type;

template <typename Ours>
struct Toolkit<const Ours> {
    using type = const ToolkitType<Ours>;
};

template <typename Ours>
struct Toolkit<Ours*> {
    using type = ToolkitType<Ours>*;
};

template <typename Answer, typename... Arguments>
struct Toolkit<Answer(Arguments...)> {
    using type = ToolkitType<Answer>(ToolkitType<Arguments>...);
};

/// Says that `Ours` stands for `Theirs`, and that they are alike.
#define SAME(Ours, Theirs)                                    \
    template <>                                               \
    struct Toolkit<Ours> {                                    \
        using type = Theirs;                                  \
    };                                                        \
    static_assert(sizeof(Ours) == sizeof(Theirs), #Theirs);   \
    static_assert(alignof(Ours) == alignof(Theirs), #Theirs); \
    static_assert(std::is_standard_layout_v<Ours>, #Theirs)

SAME(ours::Status, CUresult);
SAME(ours::DeviceAttribute, CUdevice_attribute);
SAME(ours::PointerAttribute, CUpointer_attribute);
SAME(ours::MemoryType, CUmemorytype);
SAME(ours::CaptureStatus, CUstreamCaptureStatus);
SAME(ours::AllocationType, CUmemAllocationType);
SAME(ours::HandleType, CUmemAllocationHandleType);
SAME(ours::LocationType, CUmemLocationType);
SAME(ours::MemoryAccess, CUmemAccess_flags);
SAME(ours::Granularity, CUmemAllocationGranularity_flags);
SAME(ours::Uuid, CUuuid);
SAME(ours::IpcMemoryHandle, CUipcMemHandle);
SAME(ours::MemoryLocation, CUmemLocation);
SAME(ours::AllocationProperties, CUmemAllocationProp);
SAME(ours::AccessDescription, CUmemAccessDesc);
SAME(ours::ContextHandle, CUcontext);
SAME(ours::StreamHandle, CUstream);
SAME(ours::EventHandle, CUevent);

static_assert(std::is_same_v<ours::DeviceHandle, CUdevice>);
static_assert(std::is_same_v<ours::DevicePointer, CUdeviceptr>);
static_assert(std::is_same_v<ours::AllocationHandle, CUmemGenericAllocationHandle>);
static_assert(std::is_same_v<ours::HostFunction, CUhostFn>);

// ---- Members: the same place, the same type.

#define MEMBER(Ours, member, Theirs, theirs)                                                     \
    static_assert(offsetof(Ours, member) == offsetof(Theirs, theirs), #theirs);                  \
    static_assert(std::is_same_v<ToolkitType<decltype(Ours::member)>, decltype(Theirs::theirs)>, \
                  #theirs)

MEMBER(ours::Uuid, bytes, CUuuid, bytes);
MEMBER(ours::IpcMemoryHandle, reserved, CUipcMemHandle, reserved);
MEMBER(ours::MemoryLocation, type, CUmemLocation, type);
MEMBER(ours::MemoryLocation, id, CUmemLocation, id);
MEMBER(ours::AllocationProperties, type, CUmemAllocationProp, type);
MEMBER(ours::AllocationProperties, requested_handle_types, CUmemAllocationProp,
       requestedHandleTypes);
MEMBER(ours::AllocationProperties, location, CUmemAllocationProp, location);
MEMBER(ours::AllocationProperties, windows_metadata, CUmemAllocationProp, win32HandleMetaData);
MEMBER(ours::AllocationProperties, flags.usage, CUmemAllocationProp, allocFlags.usage);
MEMBER(ours::AccessDescription, location, CUmemAccessDesc, location);
MEMBER(ours::AccessDescription, access, CUmemAccessDesc, flags);

// ---- Values.

#define VALUE(ours_value, theirs) \
    static_assert(static_cast<long>(ours_value) == static_cast<long>(theirs), #theirs)

VALUE(ours::Status::Success, CUDA_SUCCESS);
VALUE(ours::Status::InvalidValue, CUDA_ERROR_INVALID_VALUE);
VALUE(ours::Status::OutOfMemory, CUDA_ERROR_OUT_OF_MEMORY);
VALUE(ours::Status::NotInitialized, CUDA_ERROR_NOT_INITIALIZED);
VALUE(ours::Status::Deinitialized, CUDA_ERROR_DEINITIALIZED);
VALUE(ours::Status::StubLibrary, CUDA_ERROR_STUB_LIBRARY);
VALUE(ours::Status::DeviceUnavailable, CUDA_ERROR_DEVICE_UNAVAILABLE);
#if CUDA_VERSION >= 13000
VALUE(ours::Status::CallRequiresNewerDriver, CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER);
#endif
VALUE(ours::Status::NoDevice, CUDA_ERROR_NO_DEVICE);
VALUE(ours::Status::InvalidDevice, CUDA_ERROR_INVALID_DEVICE);
VALUE(ours::Status::InvalidContext, CUDA_ERROR_INVALID_CONTEXT);
VALUE(ours::Status::MapFailed, CUDA_ERROR_MAP_FAILED);
VALUE(ours::Status::PeerAccessUnsupported, CUDA_ERROR_PEER_ACCESS_UNSUPPORTED);
VALUE(ours::Status::OperatingSystem, CUDA_ERROR_OPERATING_SYSTEM);
VALUE(ours::Status::InvalidHandle, CUDA_ERROR_INVALID_HANDLE);
VALUE(ours::Status::NotReady, CUDA_ERROR_NOT_READY);
VALUE(ours::Status::IllegalAddress, CUDA_ERROR_ILLEGAL_ADDRESS);
VALUE(ours::Status::ContextIsDestroyed, CUDA_ERROR_CONTEXT_IS_DESTROYED);
VALUE(ours::Status::TooManyPeers, CUDA_ERROR_TOO_MANY_PEERS);
VALUE(ours::Status::HostMemoryAlreadyRegistered, CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
VALUE(ours::Status::HostMemoryNotRegistered, CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
VALUE(ours::Status::LaunchFailed, CUDA_ERROR_LAUNCH_FAILED);
VALUE(ours::Status::NotPermitted, CUDA_ERROR_NOT_PERMITTED);
VALUE(ours::Status::NotSupported, CUDA_ERROR_NOT_SUPPORTED);
VALUE(ours::Status::SystemNotReady, CUDA_ERROR_SYSTEM_NOT_READY);
VALUE(ours::Status::SystemDriverMismatch, CUDA_ERROR_SYSTEM_DRIVER_MISMATCH);
VALUE(ours::Status::CompatNotSupportedOnDevice, CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE);
VALUE(ours::Status::StreamCaptureUnsupported, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
VALUE(ours::Status::StreamCaptureImplicit, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
VALUE(ours::Status::Unknown, CUDA_ERROR_UNKNOWN);

VALUE(ours::DeviceAttribute::HostRegisterSupported, CU_DEVICE_ATTRIBUTE_HOST_REGISTER_SUPPORTED);
VALUE(ours::DeviceAttribute::VirtualMemorySupported,
      CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED);
VALUE(ours::DeviceAttribute::PosixDescriptorSupported,
      CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED);
VALUE(ours::DeviceAttribute::ReadOnlyHostRegisterSupported,
      CU_DEVICE_ATTRIBUTE_READ_ONLY_HOST_REGISTER_SUPPORTED);
VALUE(ours::PointerAttribute::MemoryType, CU_POINTER_ATTRIBUTE_MEMORY_TYPE);
VALUE(ours::PointerAttribute::DeviceOrdinal, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL);
VALUE(ours::MemoryType::Host, CU_MEMORYTYPE_HOST);
VALUE(ours::MemoryType::Device, CU_MEMORYTYPE_DEVICE);
VALUE(ours::CaptureStatus::None, CU_STREAM_CAPTURE_STATUS_NONE);
VALUE(ours::CaptureStatus::Active, CU_STREAM_CAPTURE_STATUS_ACTIVE);
VALUE(ours::CaptureStatus::Invalidated, CU_STREAM_CAPTURE_STATUS_INVALIDATED);
VALUE(ours::AllocationType::Pinned, CU_MEM_ALLOCATION_TYPE_PINNED);
VALUE(ours::HandleType::PosixDescriptor, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR);
VALUE(ours::LocationType::Device, CU_MEM_LOCATION_TYPE_DEVICE);
VALUE(ours::MemoryAccess::Read, CU_MEM_ACCESS_FLAGS_PROT_READ);
VALUE(ours::MemoryAccess::ReadWrite, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
VALUE(ours::Granularity::Minimum, CU_MEM_ALLOC_GRANULARITY_MINIMUM);
VALUE(ours::kStreamNonBlocking, CU_STREAM_NON_BLOCKING);
VALUE(ours::kEventBlockingSync, CU_EVENT_BLOCKING_SYNC);
VALUE(ours::kEventDisableTiming, CU_EVENT_DISABLE_TIMING);
VALUE(ours::kIpcLazyEnablePeerAccess, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS);
VALUE(ours::kHostRegisterPortable, CU_MEMHOSTREGISTER_PORTABLE);
VALUE(ours::kHostRegisterReadOnly, CU_MEMHOSTREGISTER_READ_ONLY);

// ---- Functions: the exported name, the answer and every argument. A name that the header does not
// declare does not compile.

template <typename Ours, typename Theirs>
constexpr bool kSameFunction = std::is_same_v<ToolkitType<Ours>, Theirs>;

int count = 0;

#define FUNCTION(name, arguments)                                                                  \
    static_assert(kSameFunction<ours::Status arguments, std::remove_pointer_t<decltype(&::name)>>, \
                  #name);                                                                          \
    ++count;

void check_functions()
{
    using namespace tensor_ipc::cuda;  // the list names its arguments' types so
    TENSOR_IPC_CUDA_ENTRY_POINTS(FUNCTION)
}

}  // namespace

int main()
{
    check_functions();
    std::printf("%d functions are as in cuda.h of CUDA %d.%d\n", count, CUDA_VERSION / 1000,
                CUDA_VERSION % 1000 / 10);
    return 0;
}

#endif
