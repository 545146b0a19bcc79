#include "tensor_ipc/memory/frame_copier.hpp"

#include <cstring>

#include "tensor_ipc/memory/streaming_copy.hpp"
#include "tensor_ipc/os/clock.hpp"

namespace tensor_ipc {

namespace {

void copy_by(CopyWay way, std::byte* into, std::span<const std::byte> from) noexcept
{
    if (way == CopyWay::PastCaches) {
        streaming_copy(into, from);
    } else if (!from.empty()) {
        std::memcpy(into, from.data(), from.size());
    }
}

}  // namespace

void FrameCopier::copy(std::byte* into, std::span<const std::byte> from) noexcept
{
    if (!kCanStream || from.size() < kTimedBytes) {
        copy_by(CopyWay::ThroughCaches, into, from);
        return;
    }
    const CopyWay way = choice_.way();
    const std::uint64_t began_ns = os::monotonic_ns();
    copy_by(way, into, from);
    choice_.note(way, from.size(), os::monotonic_ns() - began_ns);
}

}  // namespace tensor_ipc
