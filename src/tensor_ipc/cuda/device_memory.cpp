#include "tensor_ipc/cuda/device_memory.hpp"

#include "tensor_ipc/base/checked.hpp"
#include "tensor_ipc/cuda/import_cache.hpp"
#include "tensor_ipc/cuda/ipc_memory.hpp"
#include "tensor_ipc/cuda/vmm_memory.hpp"
#include "tensor_ipc/os/shared_memory.hpp"

namespace tensor_ipc::cuda {

Result<std::shared_ptr<DeviceMemory>> DeviceMemory::create(const ContextRef& context,
                                                           MemoryKind kind, std::uint64_t bytes)
{
    const auto rounded = checked_align_up(bytes, kAllocationBytes);
    if (bytes == 0 || !rounded) {
        return Error{ErrorCode::InvalidArgument,
                     "device memory of " + std::to_string(bytes) + " bytes"};
    }
    return kind == MemoryKind::Ipc ? IpcMemory::create(context, *rounded)
                                   : VmmMemory::create(context, *rounded);
}

Result<MemoryTicket> DeviceMemory::share(std::uint32_t mode)
{
    const auto id = os::random_id();
    if (!id) {
        return id.error();
    }
    MemoryTicket ticket{};
    ticket.kind = kind();
    ticket.creator_pid = os::process_id();
    ticket.bytes = bytes_;
    ticket.device = context_->device().uuid;
    ticket.id = id.value();
    ticket.pid_namespace = os::pid_namespace();
    if (const auto offered = offer(ticket, mode); !offered) {
        return offered.error();
    }
    remember_own(ticket, shared_from_this());
    return ticket;
}

}  // namespace tensor_ipc::cuda
