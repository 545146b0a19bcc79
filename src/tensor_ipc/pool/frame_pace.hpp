/// How fast frames come, for those who wait for the next one.
#pragma once

#include <cstdint>

#include "tensor_ipc/pool/frame.hpp"

namespace tensor_ipc {

/// Whether the next frame will come sooner than a thread falls asleep and is woken.
///
/// To look for as long as sleeping would cost, and to sleep then, takes at most twice of what who
/// knows the future would (Karlin, Li, Manasse, Owicki: Empirical studies of competitive spinning
/// for a shared-memory multiprocessor, SOSP 1991). We know the past, and do not look at all where
/// frames come at a camera's pace.
class FramePace {
public:
    /// About what the way into the kernel and out of it again takes, with a switch of threads.
    static constexpr std::uint64_t kSleepCostNs = 50'000;

    /// Takes notice of a frame of the pool that is newer than the last one.
    void note(const FrameInfo& frame) noexcept
    {
        const std::uint64_t frames = frame.index - last_index_;
        const std::uint64_t passed_ns = frame.published_ns - last_published_ns_;
        is_brisk_ = passed_ns / kSleepCostNs < frames;
        last_index_ = frame.index;
        last_published_ns_ = frame.published_ns;
    }

    /// Another pool begins.
    void forget() noexcept { *this = FramePace{}; }

    /// How long it is worth to look for the next frame before sleeping. Nothing once it is late.
    /// @param now_ns  CLOCK_MONOTONIC
    [[nodiscard]] std::uint64_t spin_ns(std::uint64_t now_ns) const noexcept
    {
        return is_brisk_ && now_ns < last_published_ns_ + kSleepCostNs ? kSleepCostNs : 0;
    }

private:
    std::uint64_t last_index_ = 0;
    std::uint64_t last_published_ns_ = 0;
    bool is_brisk_ = false;
};

}  // namespace tensor_ipc
