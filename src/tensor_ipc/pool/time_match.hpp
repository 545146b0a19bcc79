/// Which frames belong to a time: pure functions over times of capture. The rules, and why they are
/// so, are in docs/reading-by-time.md.
///
/// Times are those of one history, newest published first (FrameTimes::captured_ns). They need not
/// be in order: a producer may put any clock's time on a frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tensor_ipc {

using CaptureTimes = std::span<const std::uint64_t>;

/// Which frames come into question for a time.
enum class TimeSide : std::uint8_t {
    Before,   ///< those captured then or before
    Nearest,  ///< all
    After,    ///< those captured then or after
};

/// Of the frames that come into question the one captured closest to `timestamp_ns`; of several as
/// close, the one published last.
/// @return its age; nothing when no frame comes into question
[[nodiscard]] std::optional<std::uint32_t> closest(CaptureTimes times, std::uint64_t timestamp_ns,
                                                   TimeSide side) noexcept;

/// What `match_set` found.
struct SetMatch {
    bool found = false;
    std::uint64_t oldest_ns = 0;  ///< of the set
    std::uint64_t newest_ns = 0;
    std::size_t behind =
        0;                 ///< without a set: the pool that has to publish before there can be one
    bool in_order = true;  ///< whether each pool's times rise; `behind` is certain only then
};

/// The newest set of one frame of each pool captured within `tolerance_ns` of each other.
///
/// Of all such sets the one whose oldest frame is newest; then from each pool the frame captured
/// closest to that oldest one, which makes the spread the least there is; of several captured at
/// the same time, the one published last. Takes time linear in the frames, when they are in order.
///
/// `behind` is the pool whose newest frame is the oldest of all. Why it must publish first, as long
/// as no pool's times fall: suppose a set came to be with an old frame of that pool. Its oldest
/// member is then no newer than that frame. Any other pool's newest frame of before lies between
/// the oldest member and whatever that pool published since, so it could stand in the set in its
/// place, and the set was there before.
///
/// @param pools     at least one
/// @param after_ns  only frames captured later count
/// @param ages      filled with the age of each pool's frame when a set is found; as long as
/// `pools`
[[nodiscard]] SetMatch match_set(std::span<const CaptureTimes> pools, std::uint64_t tolerance_ns,
                                 std::optional<std::uint64_t> after_ns,
                                 std::span<std::uint32_t> ages);

}  // namespace tensor_ipc
