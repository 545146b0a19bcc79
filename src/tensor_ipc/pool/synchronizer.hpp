/// Frames of several pools that belong together in time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tensor_ipc/pool/consumer.hpp"

namespace tensor_ipc {

/// A pool to read together with others.
struct SynchronizedPool {
    Consumer* consumer = nullptr;   ///< outlives the Synchronizer
    std::uint32_t history_len = 1;  ///< frames to take of it: the matched one and those before it
};

/// Frames of several pools captured within a tolerance of each other.
struct SynchronizedFrames {
    /// For each pool the matched frame and those published before it, as far as the history goes.
    std::vector<FrameWindow> windows;
    std::uint64_t oldest_ns = 0;  ///< time of capture of the matched frame that is oldest
    std::uint64_t newest_ns = 0;  ///< and of the one that is newest
};

/// Reads several pools at one time of capture. The rule is that of match_set().
///
/// Not thread-safe, and uses its consumers, which are not either.
class Synchronizer {
public:
    /// @param pools  at least one
    Synchronizer(std::vector<SynchronizedPool> pools, std::uint64_t tolerance_ns);

    /// The newest set there is, as views. Never blocks.
    /// @param after_ns  only frames captured later count
    /// @return InvalidArgument when a pool is asked for more frames than its history has
    [[nodiscard]] Result<std::optional<SynchronizedFrames>> take(
        std::optional<std::uint64_t> after_ns = std::nullopt);

    /// As take(), but waits for a set until `deadline_ns` (CLOCK_MONOTONIC).
    /// @return Ready, TimedOut or Interrupted
    [[nodiscard]] Result<WaitOutcome> take_within(SynchronizedFrames& into,
                                                  std::uint64_t deadline_ns,
                                                  std::optional<std::uint64_t> after_ns = {});

    /// The pieces of take_within() for those who block elsewhere. After a take() that found
    /// nothing: waits until another may find something, for 100 ms at most. Uses no consumer, so
    /// that those may be used in other threads meanwhile.
    [[nodiscard]] WaitOutcome wait(std::uint64_t deadline_ns) const noexcept;

    /// After `Changed`: see Consumer::refresh().
    Result<bool> refresh();

private:
    enum class Attempt : std::uint8_t { Taken, Overtaken, Exhausted };

    [[nodiscard]] std::optional<Error> read_times();
    Attempt try_take(const SetMatch& match, bool accept_fewer, SynchronizedFrames& into);
    void await(std::size_t pool, bool certainly);

    std::vector<SynchronizedPool> pools_;
    std::uint64_t tolerance_ns_;
    std::vector<CaptureTimes> times_;
    std::vector<std::uint32_t> matched_;  ///< age of each pool's matched frame
    std::vector<std::uint32_t> ages_;     ///< of the frames to take of one pool
    std::size_t awaited_ = 0;             ///< pool whose next frame wait() waits for
    bool is_certain_ = true;              ///< that there is no set before it
    Waiter waiter_;
};

}  // namespace tensor_ipc
