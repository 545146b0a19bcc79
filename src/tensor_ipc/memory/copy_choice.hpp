/// Which of two ways to copy is faster here, found out on the way.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tensor_ipc {

enum class CopyWay : std::uint8_t { ThroughCaches, PastCaches };

/// Chooses a way for frames that are copied one after the other into the same few places. Which one
/// is faster depends on who has read those places since, on which core, and how long ago: no size
/// says it. So each copy is timed, and now and then some are done the other way.
///
/// Threads: any; of what two note at the same time some may be lost.
class CopyChoice {
public:
    /// Copies before the first trial of the other way. It is twice as many before each further one,
    /// up to kRarestTrial.
    static constexpr std::uint32_t kFirstTrial = 8;
    static constexpr std::uint32_t kRarestTrial = 4096;

    /// Copies of a trial: enough for the places to be as this way leaves them.
    static constexpr std::uint32_t kTrial = 16;

    /// How to copy the next frame.
    [[nodiscard]] CopyWay way() const noexcept
    {
        const CopyWay chosen = chosen_.load(std::memory_order_relaxed);
        return on_trial_.load(std::memory_order_relaxed) ? other(chosen) : chosen;
    }

    /// Says how long a copy took.
    void note(CopyWay way, std::size_t bytes, std::uint64_t took_ns) noexcept
    {
        smooth(cost_of(way),
               std::max<std::uint64_t>(1, (took_ns << 20U) / std::max<std::size_t>(bytes, 1)));
        const std::uint32_t before = left_.load(std::memory_order_relaxed);
        const std::uint32_t left = before == 0 ? 0 : before - 1;
        left_.store(left, std::memory_order_relaxed);
        const CopyWay chosen = chosen_.load(std::memory_order_relaxed);
        if (on_trial_.load(std::memory_order_relaxed)) {
            if (left == 0) {
                end_trial(chosen);
            }
        } else if (left == 0 || is_far_behind(chosen)) {
            cost_of(other(chosen)).store(kUnknown, std::memory_order_relaxed);
            left_.store(kTrial, std::memory_order_relaxed);
            on_trial_.store(true, std::memory_order_relaxed);
        }
    }

private:
    using Cost = std::atomic<std::uint64_t>;  ///< ns for each MiB
    static constexpr std::uint64_t kUnknown = 0;

    [[nodiscard]] static constexpr CopyWay other(CopyWay way) noexcept
    {
        return way == CopyWay::ThroughCaches ? CopyWay::PastCaches : CopyWay::ThroughCaches;
    }

    [[nodiscard]] Cost& cost_of(CopyWay way) noexcept
    {
        return costs_[static_cast<std::size_t>(way)];
    }

    /// Who was interrupted in a copy took any time for it: no one copy counts for much.
    static void smooth(Cost& cost, std::uint64_t taken) noexcept
    {
        const std::uint64_t before = cost.load(std::memory_order_relaxed);
        cost.store(before == kUnknown ? taken : (3 * before + std::min(taken, 2 * before)) / 4,
                   std::memory_order_relaxed);
    }

    /// Whether the chosen way takes twice as long as the other did when it was last tried.
    [[nodiscard]] bool is_far_behind(CopyWay chosen) noexcept
    {
        const std::uint64_t others = cost_of(other(chosen)).load(std::memory_order_relaxed);
        return others != kUnknown && cost_of(chosen).load(std::memory_order_relaxed) > 2 * others;
    }

    void end_trial(CopyWay chosen) noexcept
    {
        const std::uint64_t tried = cost_of(other(chosen)).load(std::memory_order_relaxed);
        if (tried < cost_of(chosen).load(std::memory_order_relaxed) / 8 * 7) {
            chosen_.store(other(chosen), std::memory_order_relaxed);
        }
        const std::uint32_t interval =
            std::min(2 * interval_.load(std::memory_order_relaxed), kRarestTrial);
        interval_.store(interval, std::memory_order_relaxed);
        left_.store(interval, std::memory_order_relaxed);
        on_trial_.store(false, std::memory_order_relaxed);
    }

    std::array<Cost, 2> costs_{};
    std::atomic<CopyWay> chosen_{CopyWay::ThroughCaches};
    std::atomic<bool> on_trial_{false};
    std::atomic<std::uint32_t> left_{kFirstTrial};  ///< copies to the next trial, or of this one
    std::atomic<std::uint32_t> interval_{kFirstTrial};
};

}  // namespace tensor_ipc
