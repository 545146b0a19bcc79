/// cuda/ is the CUDA driver as this project uses it: loaded when it is first needed, its handles in
/// types that own them, and device memory that other processes can open. It may include base,
/// tensor and os, and knows nothing of pools, slots or frames.
///
/// Threads: every function may be called from any thread. Events and streams keep the order of the
/// calls that were made on them; who calls from two threads orders these himself.
///
/// Forks: CUDA does not survive fork(). In a child of a process that had loaded the driver, every
/// call here returns CudaUnavailable, and objects that came along die without touching the driver.
///
/// Blocking: nothing here waits for the device, except where its comment says so.
#pragma once

#include "tensor_ipc/cuda/context.hpp"
#include "tensor_ipc/cuda/device.hpp"
#include "tensor_ipc/cuda/device_memory.hpp"
#include "tensor_ipc/cuda/driver.hpp"
#include "tensor_ipc/cuda/driver_abi.hpp"
#include "tensor_ipc/cuda/host_registration.hpp"
#include "tensor_ipc/cuda/import_cache.hpp"
#include "tensor_ipc/cuda/memory_ticket.hpp"
#include "tensor_ipc/cuda/pointer.hpp"
#include "tensor_ipc/cuda/stream.hpp"
