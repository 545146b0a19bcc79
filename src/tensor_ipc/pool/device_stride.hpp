/// How far apart the frames of a pool lie in device memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "tensor_ipc/base/checked.hpp"
#include "tensor_ipc/cuda/memory_ticket.hpp"
#include "tensor_ipc/layout/geometry.hpp"

namespace tensor_ipc {

/// What a ring may grow to so that its end meets its beginning: twice its size, or this.
inline constexpr std::uint64_t kSmallDeviceRing = std::uint64_t{64} << 20;

/// The frame, rounded up to kDeviceAlignment.
///
/// Vmm memory is mapped twice, back to back, so that a window that runs over the end of the ring is
/// one strided range nevertheless. That takes a ring that fills the allocation, which has units of
/// 2 MiB: frames are moved apart for it where that costs little. Where it would cost much, such
/// windows are copies, as they always are in Ipc memory, which cannot be mapped twice.
[[nodiscard]] inline std::uint64_t device_stride_for(cuda::MemoryKind kind,
                                                     const GeometryInput& input) noexcept
{
    const std::uint64_t slots = std::uint64_t{input.history_len} + input.spare;
    // Too large a frame gives a stride that plan_geometry() refuses.
    const auto aligned = [&](std::uint64_t to) {
        return checked_align_up(input.frame_bytes, to).value_or(0 - std::uint64_t{to});
    };
    const std::uint64_t tight = aligned(kDeviceAlignment);
    if (kind != cuda::MemoryKind::Vmm || input.history_len == 1) {
        return tight;
    }
    const std::uint64_t divisor = std::gcd(slots, cuda::kAllocationBytes / kDeviceAlignment);
    const std::uint64_t seamless = aligned(cuda::kAllocationBytes / divisor);
    const bool costs_little =
        seamless / 2 <= tight || seamless <= kSmallDeviceRing / std::max<std::uint64_t>(slots, 1);
    return costs_little ? seamless : tight;
}

}  // namespace tensor_ipc
