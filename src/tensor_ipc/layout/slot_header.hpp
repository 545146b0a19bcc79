/// What is said of one slot, beside its payload.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tensor_ipc {

/// Values of `SlotHeader::state` besides `frame number + 1`.
inline constexpr std::uint64_t kNeverWritten = 0;
inline constexpr std::uint64_t kBeingWritten = UINT64_MAX;

/// Frame numbers are below this: `latest` has 48 bits for number + 1 (pack_latest). At a million
/// frames a second that is enough for nine years.
inline constexpr std::uint64_t kFrameLimit = (std::uint64_t{1} << 48U) - 1;

/// Whether a slot in this state holds a frame. No producer writes other numbers; one that is there
/// anyway is damage, and no frame.
[[nodiscard]] constexpr bool holds_frame(std::uint64_t state) noexcept
{
    return state != kNeverWritten && state <= kFrameLimit;
}

static_assert(!holds_frame(kBeingWritten));

/// State of the slot that holds `frame`.
[[nodiscard]] constexpr std::uint64_t state_of_frame(std::uint64_t frame) noexcept
{
    return frame + 1;
}

/// The header of one slot.
///
///   0               8               16              24              32
///   +---------------+---------------+---------------+---------------+ ... + 64
///   |     state     | published_ns  |  captured_ns  |    extent     | reserved
///   +---------------+---------------+---------------+---------------+ ... +
///
/// Every process maps these bytes. A change of order, width or meaning is a new `kLayoutVersion`,
/// and docs/protocol.md changes with it.
struct alignas(64) SlotHeader {
    std::atomic<std::uint64_t> state;         ///< frame number + 1, or one of the values above
    std::atomic<std::uint64_t> published_ns;  ///< CLOCK_MONOTONIC at publication
    std::atomic<std::uint64_t> captured_ns;   ///< what the producer gave, else published_ns
    std::atomic<std::uint64_t> extent;  ///< rows, where the extent varies; 0 in all other pools
    std::uint64_t reserved[4];
};

static_assert(offsetof(SlotHeader, published_ns) == 8);
static_assert(offsetof(SlotHeader, captured_ns) == 16);
static_assert(offsetof(SlotHeader, extent) == 24);
static_assert(sizeof(SlotHeader) == 64);

}  // namespace tensor_ipc
