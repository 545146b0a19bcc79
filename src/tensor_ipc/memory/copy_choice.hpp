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
/// says it. So each copy is timed, and now and then some are done the other way. When those took
/// less, the first way is timed once more before it is given up: the machine may have become less
/// busy meanwhile.
///
/// Threads: any; of what two note at the same time some may be lost.
class CopyChoice {
public:
    /// Copies before the first trial of the other way. It is twice as many before each further one,
    /// up to kRarestTrial. When the chosen way has come to take more than twice what the other one
    /// took, a trial begins at once.
    static constexpr std::uint32_t kFirstTrial = 8;
    static constexpr std::uint32_t kRarestTrial = 4096;

    /// Copies of a trial, and of the look at the first way after it. The places of a small pool are
    /// then as this way leaves them.
    static constexpr std::uint32_t kTrial = 16;

    /// How to copy the next frame.
    [[nodiscard]] CopyWay way() const noexcept
    {
        const CopyWay chosen = chosen_.load(std::memory_order_relaxed);
        return stage_.load(std::memory_order_relaxed) == Stage::Trial ? other(chosen) : chosen;
    }

    /// Says how long a copy took.
    void note(CopyWay way, std::size_t bytes, std::uint64_t took_ns) noexcept
    {
        smooth(cost_of(way), (took_ns << 20U) / std::max<std::size_t>(bytes, 1));
        const std::uint32_t before = left_.load(std::memory_order_relaxed);
        const std::uint32_t left = before == 0 ? 0 : before - 1;
        left_.store(left, std::memory_order_relaxed);
        switch (stage_.load(std::memory_order_relaxed)) {
            case Stage::Settled:
                if (left == 0) {
                    lengthen_interval();
                    begin(Stage::Trial, kTrial);
                } else if (is_far_behind()) {
                    begin(Stage::Trial, kTrial);
                }
                break;
            case Stage::Trial:
                if (left == 0) {
                    if (is_other_better()) {
                        begin(Stage::Check, kTrial);
                    } else {
                        begin(Stage::Settled, interval_.load(std::memory_order_relaxed));
                    }
                }
                break;
            case Stage::Check:
                if (left == 0) {
                    if (is_other_better()) {
                        chosen_.store(other(chosen_.load(std::memory_order_relaxed)),
                                      std::memory_order_relaxed);
                    }
                    begin(Stage::Settled, interval_.load(std::memory_order_relaxed));
                }
                break;
        }
    }

private:
    enum class Stage : std::uint8_t {
        Settled,
        Trial,  ///< of the other way
        Check,  ///< of the chosen way, when the other one took less
    };

    using Cost = std::atomic<std::uint64_t>;  ///< ns for each MiB; 0 is not known

    [[nodiscard]] static constexpr CopyWay other(CopyWay way) noexcept
    {
        return way == CopyWay::ThroughCaches ? CopyWay::PastCaches : CopyWay::ThroughCaches;
    }

    [[nodiscard]] Cost& cost_of(CopyWay way) noexcept
    {
        return costs_[static_cast<std::size_t>(way)];
    }

    [[nodiscard]] std::uint64_t cost_of_chosen() noexcept
    {
        return cost_of(chosen_.load(std::memory_order_relaxed)).load(std::memory_order_relaxed);
    }

    [[nodiscard]] std::uint64_t cost_of_other() noexcept
    {
        return cost_of(other(chosen_.load(std::memory_order_relaxed)))
            .load(std::memory_order_relaxed);
    }

    /// Who was interrupted in a copy took any time for it: no one copy counts for much.
    static void smooth(Cost& cost, std::uint64_t taken) noexcept
    {
        const std::uint64_t before = cost.load(std::memory_order_relaxed);
        const std::uint64_t most = before == 0 ? taken : std::min(taken, 2 * before);
        const std::uint64_t now = before == 0 ? taken : (3 * before + most + 3) / 4;
        cost.store(std::max<std::uint64_t>(now, 1), std::memory_order_relaxed);
    }

    [[nodiscard]] bool is_far_behind() noexcept
    {
        const std::uint64_t others = cost_of_other();
        return others != 0 && cost_of_chosen() > 2 * others;
    }

    [[nodiscard]] bool is_other_better() noexcept
    {
        return cost_of_other() < cost_of_chosen() / 8 * 7;
    }

    void begin(Stage stage, std::uint32_t copies) noexcept
    {
        if (stage == Stage::Trial) {
            // What it took long ago says nothing, and its first copy is not to say all.
            cost_of(other(chosen_.load(std::memory_order_relaxed)))
                .store(cost_of_chosen(), std::memory_order_relaxed);
        }
        left_.store(copies, std::memory_order_relaxed);
        stage_.store(stage, std::memory_order_relaxed);
    }

    void lengthen_interval() noexcept
    {
        const std::uint32_t interval = interval_.load(std::memory_order_relaxed);
        interval_.store(std::min(2 * interval, kRarestTrial), std::memory_order_relaxed);
    }

    std::array<Cost, 2> costs_{};
    std::atomic<CopyWay> chosen_{CopyWay::ThroughCaches};
    std::atomic<Stage> stage_{Stage::Settled};
    std::atomic<std::uint32_t> left_{kFirstTrial};  ///< copies to the end of this stage
    std::atomic<std::uint32_t> interval_{kFirstTrial};
};

}  // namespace tensor_ipc
