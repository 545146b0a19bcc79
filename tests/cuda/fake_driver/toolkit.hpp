/// CUDA's names: from the toolkit's own header where there is one, so that the compiler compares
/// every function of the stand-in with it; otherwise from the project's declarations.
#pragma once

#ifdef TENSOR_IPC_TEST_CUDA_TOOLKIT

#include <cuda.h>

inline int handle_types_of(const CUmemAllocationProp& properties)
{
    return static_cast<int>(properties.requestedHandleTypes);
}

inline int access_of(const CUmemAccessDesc& description)
{
    return static_cast<int>(description.flags);
}

#else

#include "tensor_ipc/cuda/driver_abi.hpp"

using CUresult = tensor_ipc::cuda::Status;
using CUdevice = tensor_ipc::cuda::DeviceHandle;
using CUdeviceptr = tensor_ipc::cuda::DevicePointer;
using CUcontext = tensor_ipc::cuda::ContextHandle;
using CUstream = tensor_ipc::cuda::StreamHandle;
using CUevent = tensor_ipc::cuda::EventHandle;
using CUhostFn = tensor_ipc::cuda::HostFunction;
using CUuuid = tensor_ipc::cuda::Uuid;
using CUipcMemHandle = tensor_ipc::cuda::IpcMemoryHandle;
using CUdevice_attribute = tensor_ipc::cuda::DeviceAttribute;
using CUpointer_attribute = tensor_ipc::cuda::PointerAttribute;
using CUstreamCaptureStatus = tensor_ipc::cuda::CaptureStatus;
using CUmemGenericAllocationHandle = tensor_ipc::cuda::AllocationHandle;
using CUmemAllocationProp = tensor_ipc::cuda::AllocationProperties;
using CUmemAccessDesc = tensor_ipc::cuda::AccessDescription;
using CUmemAllocationHandleType = tensor_ipc::cuda::HandleType;
using CUmemAllocationGranularity_flags = tensor_ipc::cuda::Granularity;

inline constexpr CUresult CUDA_SUCCESS = CUresult::Success;
inline constexpr CUresult CUDA_ERROR_INVALID_VALUE = CUresult::InvalidValue;
inline constexpr CUresult CUDA_ERROR_OUT_OF_MEMORY = CUresult::OutOfMemory;
inline constexpr CUresult CUDA_ERROR_NOT_INITIALIZED = CUresult::NotInitialized;
inline constexpr CUresult CUDA_ERROR_NO_DEVICE = CUresult::NoDevice;
inline constexpr CUresult CUDA_ERROR_INVALID_DEVICE = CUresult::InvalidDevice;
inline constexpr CUresult CUDA_ERROR_INVALID_CONTEXT = CUresult::InvalidContext;
inline constexpr CUresult CUDA_ERROR_PEER_ACCESS_UNSUPPORTED = CUresult::PeerAccessUnsupported;
inline constexpr CUresult CUDA_ERROR_INVALID_HANDLE = CUresult::InvalidHandle;
inline constexpr CUresult CUDA_ERROR_NOT_READY = CUresult::NotReady;
inline constexpr CUresult CUDA_ERROR_ILLEGAL_ADDRESS = CUresult::IllegalAddress;
inline constexpr CUresult CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED =
    CUresult::HostMemoryAlreadyRegistered;
inline constexpr CUresult CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED = CUresult::HostMemoryNotRegistered;
inline constexpr CUresult CUDA_ERROR_NOT_PERMITTED = CUresult::NotPermitted;
inline constexpr CUresult CUDA_ERROR_NOT_SUPPORTED = CUresult::NotSupported;
inline constexpr CUresult CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED =
    CUresult::StreamCaptureUnsupported;

inline int handle_types_of(const CUmemAllocationProp& properties)
{
    return static_cast<int>(properties.requested_handle_types);
}

inline int access_of(const CUmemAccessDesc& description)
{
    return static_cast<int>(description.access);
}

#endif
