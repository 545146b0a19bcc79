#include "tensor_ipc/cuda/memory_ticket.hpp"

#include <string_view>

#include "tensor_ipc/os/descriptor_passing.hpp"
#include "tensor_ipc/os/shared_memory.hpp"

namespace tensor_ipc::cuda {

Result<void> validate(const MemoryTicket& ticket)
{
    if (ticket.kind != MemoryKind::Ipc && ticket.kind != MemoryKind::Vmm) {
        return Error{ErrorCode::BadSegment,
                     "device memory of kind " +
                         std::to_string(static_cast<std::uint32_t>(ticket.kind)) +
                         ": expected 1 (ipc) or 2 (vmm); its creator may be of a newer version"};
    }
    if (ticket.bytes == 0 || ticket.bytes % kAllocationBytes != 0) {
        return Error{ErrorCode::BadSegment, "device memory of " + std::to_string(ticket.bytes) +
                                                " bytes: expected a multiple of " +
                                                std::to_string(kAllocationBytes)};
    }
    return {};
}

std::string socket_path(const os::RandomId& id)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string path = std::string(os::kSharedMemoryDirectory) + "/tensoripcfd_";
    for (const std::uint8_t byte : id) {
        path.push_back(kDigits[byte / 16U]);
        path.push_back(kDigits[byte % 16U]);
    }
    return path;
}

bool remove_leftover(const MemoryTicket& ticket) noexcept
{
    return ticket.kind == MemoryKind::Vmm && os::remove_dead_socket(socket_path(ticket.id));
}

}  // namespace tensor_ipc::cuda
