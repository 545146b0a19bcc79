/// Device memory of others, opened once in this process.
#pragma once

#include <cstdint>
#include <memory>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/cuda/device_memory.hpp"

namespace tensor_ipc::cuda {

/// The memory of `ticket` in `context`: opened when it is not, the same object as long as anybody
/// holds it, and the creator's own where this process made it. Opening costs a millisecond or more
/// and grows with the allocation, so it is never done for a frame.
///
/// @param context      of the device that `ticket` names (`find_device`)
/// @param deadline_ns  CLOCK_MONOTONIC, for the creator of Vmm memory to answer. Blocking.
/// @return BadSegment for a ticket that cannot be one, PoolNotFound when its creator is gone,
///         CudaUnsupported when device, driver or containers stand in the way, InvalidArgument for
///         a context of another device
[[nodiscard]] Result<std::shared_ptr<const DeviceMemory>> import_memory(const ContextRef& context,
                                                                        const MemoryTicket& ticket,
                                                                        std::uint64_t deadline_ns);

/// Lets `import_memory` find memory that this process made. `DeviceMemory::share` calls it.
void remember_own(const MemoryTicket& ticket, const std::shared_ptr<const DeviceMemory>& memory);

}  // namespace tensor_ipc::cuda
