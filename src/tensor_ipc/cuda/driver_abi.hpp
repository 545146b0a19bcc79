/// The part of the CUDA driver's binary interface that this project uses, written out, so that no
/// CUDA toolkit is needed to build it.
///
/// Source: cuda.h of CUDA 13.0. tests/cuda/abi_check.cpp compares every size, value and signature
/// with the header of whatever toolkit there is.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tensor_ipc::cuda {

/// CUresult, as far as this project treats some differently from others.
enum class Status : int {
    Success = 0,
    InvalidValue = 1,
    OutOfMemory = 2,
    NotInitialized = 3,
    Deinitialized = 4,
    StubLibrary = 34,
    CallRequiresNewerDriver = 36,
    DeviceUnavailable = 46,
    NoDevice = 100,
    InvalidDevice = 101,
    InvalidContext = 201,
    MapFailed = 205,
    AlreadyMapped = 208,
    PeerAccessUnsupported = 217,
    OperatingSystem = 304,
    InvalidHandle = 400,
    NotReady = 600,
    IllegalAddress = 700,
    ContextIsDestroyed = 709,
    TooManyPeers = 711,
    HostMemoryAlreadyRegistered = 712,
    HostMemoryNotRegistered = 713,
    LaunchFailed = 719,
    NotPermitted = 800,
    NotSupported = 801,
    SystemNotReady = 802,
    SystemDriverMismatch = 803,
    CompatNotSupportedOnDevice = 804,
    StreamCaptureUnsupported = 900,
    StreamCaptureImplicit = 906,
    Unknown = 999,
};

/// CUdevice_attribute
enum class DeviceAttribute : int {
    HostRegisterSupported = 99,
    VirtualMemorySupported = 102,
    PosixDescriptorSupported = 103,
    ReadOnlyHostRegisterSupported = 113,
};

/// CUpointer_attribute
enum class PointerAttribute : int {
    MemoryType = 2,
    DeviceOrdinal = 9,
};

/// CUmemorytype
enum class MemoryType : unsigned int {
    Host = 1,
    Device = 2,
};

/// CUstreamCaptureStatus
enum class CaptureStatus : int {
    None = 0,
    Active = 1,
    Invalidated = 2,
};

/// CUmemAllocationType, CUmemAllocationHandleType, CUmemLocationType, CUmemAccess_flags and
/// CUmemAllocationGranularity_flags
enum class AllocationType : int { Pinned = 1 };
enum class HandleType : int { PosixDescriptor = 1 };
enum class LocationType : int { Device = 1 };
enum class MemoryAccess : int { Read = 1, ReadWrite = 3 };
enum class Granularity : int { Minimum = 0 };

// Flags
inline constexpr unsigned int kStreamNonBlocking = 1;
inline constexpr unsigned int kEventBlockingSync = 1;
inline constexpr unsigned int kEventDisableTiming = 2;
inline constexpr unsigned int kIpcLazyEnablePeerAccess = 1;
inline constexpr unsigned int kHostRegisterPortable = 1;
inline constexpr unsigned int kHostRegisterReadOnly = 8;

using DeviceHandle = int;                       ///< CUdevice
using DevicePointer = unsigned long long;       ///< CUdeviceptr
using AllocationHandle = unsigned long long;    ///< CUmemGenericAllocationHandle
using ContextHandle = struct ContextObject*;    ///< CUcontext
using StreamHandle = struct StreamObject*;      ///< CUstream
using EventHandle = struct EventObject*;        ///< CUevent
using HostFunction = void (*)(void* argument);  ///< CUhostFn

/// CUuuid
struct Uuid {
    char bytes[16];  // NOLINT(*-avoid-c-arrays)
};

/// CUipcMemHandle
struct IpcMemoryHandle {
    char reserved[64];  // NOLINT(*-avoid-c-arrays)
};

/// CUmemLocation
struct MemoryLocation {
    LocationType type;
    int id;
};

/// CUmemAllocationProp
struct AllocationProperties {
    AllocationType type;
    HandleType requested_handle_types;
    MemoryLocation location;
    void* windows_metadata;

    struct {
        unsigned char compression_type;
        unsigned char gpu_direct_rdma_capable;
        unsigned short usage;
        unsigned char reserved[4];  // NOLINT(*-avoid-c-arrays)
    } flags;
};

/// CUmemAccessDesc
struct AccessDescription {
    MemoryLocation location;
    MemoryAccess access;
};

/// Every function of the driver that is called: the name that libcuda exports, and its arguments.
/// All of them are there since kNeededVersion.
// NOLINTNEXTLINE(*-macro-usage)
#define TENSOR_IPC_CUDA_ENTRY_POINTS(X)                                                          \
    X(cuInit, (unsigned int))                                                                    \
    X(cuDriverGetVersion, (int*))                                                                \
    X(cuGetErrorName, (Status, const char**))                                                    \
    X(cuGetErrorString, (Status, const char**))                                                  \
    X(cuDeviceGetCount, (int*))                                                                  \
    X(cuDeviceGet, (DeviceHandle*, int))                                                         \
    X(cuDeviceGetName, (char*, int, DeviceHandle))                                               \
    X(cuDeviceGetUuid_v2, (Uuid*, DeviceHandle))                                                 \
    X(cuDeviceGetAttribute, (int*, DeviceAttribute, DeviceHandle))                               \
    X(cuDevicePrimaryCtxRetain, (ContextHandle*, DeviceHandle))                                  \
    X(cuDevicePrimaryCtxRelease_v2, (DeviceHandle))                                              \
    X(cuCtxPushCurrent_v2, (ContextHandle))                                                      \
    X(cuCtxPopCurrent_v2, (ContextHandle*))                                                      \
    X(cuPointerGetAttribute, (void*, PointerAttribute, DevicePointer))                           \
    X(cuMemAlloc_v2, (DevicePointer*, std::size_t))                                              \
    X(cuMemFree_v2, (DevicePointer))                                                             \
    X(cuMemGetAddressRange_v2, (DevicePointer*, std::size_t*, DevicePointer))                    \
    X(cuIpcGetMemHandle, (IpcMemoryHandle*, DevicePointer))                                      \
    X(cuIpcOpenMemHandle_v2, (DevicePointer*, IpcMemoryHandle, unsigned int))                    \
    X(cuIpcCloseMemHandle, (DevicePointer))                                                      \
    X(cuMemGetAllocationGranularity, (std::size_t*, const AllocationProperties*, Granularity))   \
    X(cuMemCreate,                                                                               \
      (AllocationHandle*, std::size_t, const AllocationProperties*, unsigned long long))         \
    X(cuMemRelease, (AllocationHandle))                                                          \
    X(cuMemAddressReserve,                                                                       \
      (DevicePointer*, std::size_t, std::size_t, DevicePointer, unsigned long long))             \
    X(cuMemAddressFree, (DevicePointer, std::size_t))                                            \
    X(cuMemMap, (DevicePointer, std::size_t, std::size_t, AllocationHandle, unsigned long long)) \
    X(cuMemUnmap, (DevicePointer, std::size_t))                                                  \
    X(cuMemSetAccess, (DevicePointer, std::size_t, const AccessDescription*, std::size_t))       \
    X(cuMemExportToShareableHandle, (void*, AllocationHandle, HandleType, unsigned long long))   \
    X(cuMemImportFromShareableHandle, (AllocationHandle*, void*, HandleType))                    \
    X(cuMemHostRegister_v2, (void*, std::size_t, unsigned int))                                  \
    X(cuMemHostUnregister, (void*))                                                              \
    X(cuMemcpyDtoDAsync_v2, (DevicePointer, DevicePointer, std::size_t, StreamHandle))           \
    X(cuMemcpyHtoDAsync_v2, (DevicePointer, const void*, std::size_t, StreamHandle))             \
    X(cuMemcpyDtoHAsync_v2, (void*, DevicePointer, std::size_t, StreamHandle))                   \
    X(cuMemcpyPeerAsync,                                                                         \
      (DevicePointer, ContextHandle, DevicePointer, ContextHandle, std::size_t, StreamHandle))   \
    X(cuStreamCreate, (StreamHandle*, unsigned int))                                             \
    X(cuStreamDestroy_v2, (StreamHandle))                                                        \
    X(cuStreamSynchronize, (StreamHandle))                                                       \
    X(cuStreamQuery, (StreamHandle))                                                             \
    X(cuStreamWaitEvent, (StreamHandle, EventHandle, unsigned int))                              \
    X(cuStreamIsCapturing, (StreamHandle, CaptureStatus*))                                       \
    X(cuEventCreate, (EventHandle*, unsigned int))                                               \
    X(cuEventDestroy_v2, (EventHandle))                                                          \
    X(cuEventRecord, (EventHandle, StreamHandle))                                                \
    X(cuEventQuery, (EventHandle))                                                               \
    X(cuEventSynchronize, (EventHandle))                                                         \
    X(cuLaunchHostFunc, (StreamHandle, HostFunction, void*))

/// As cuDriverGetVersion counts: 1000 times the major version, 10 times the minor one. 11.4 is the
/// first whose device identifiers tell the parts of a divided GPU (MIG) apart (cuDeviceGetUuid_v2).
inline constexpr int kNeededVersion = 11040;

}  // namespace tensor_ipc::cuda
