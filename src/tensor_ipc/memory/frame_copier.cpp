#include "tensor_ipc/memory/frame_copier.hpp"

#include "tensor_ipc/os/clock.hpp"

namespace tensor_ipc {

void FrameCopier::copy_timed(std::byte* into, std::span<const std::byte> from) noexcept
{
    const CopyWay way = choice_.way();
    const std::uint64_t began_ns = os::monotonic_ns();
    if (way == CopyWay::PastCaches) {
        streaming_copy(into, from);
    } else {
        std::memcpy(into, from.data(), from.size());
    }
    choice_.note(way, from.size(), os::monotonic_ns() - began_ns);
}

}  // namespace tensor_ipc
