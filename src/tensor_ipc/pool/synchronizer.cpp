#include "tensor_ipc/pool/synchronizer.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "tensor_ipc/pool/patience.hpp"

namespace tensor_ipc {

namespace {

// How often a reader that was overtaken starts again before it does without the oldest frames.
constexpr int kTurnsForAllFrames = 16;

// How long to wait for the pool that is behind while another one's frame might complete a set too.
constexpr std::uint64_t kUncertainNs = 5'000'000;

}  // namespace

Synchronizer::Synchronizer(std::vector<SynchronizedPool> pools, std::uint64_t tolerance_ns)
    : pools_(std::move(pools)), tolerance_ns_(tolerance_ns), matched_(pools_.size())
{
    times_.reserve(pools_.size());
}

std::optional<Error> Synchronizer::read_times()
{
    for (const SynchronizedPool& pool : pools_) {
        if (auto attached = pool.consumer->read_times(); !attached) {
            return attached.error();
        }
        if (auto wrong = pool.consumer->check_count(pool.history_len)) {
            return wrong;
        }
    }
    times_.clear();
    for (const SynchronizedPool& pool : pools_) {
        times_.push_back(pool.consumer->times_.captured_ns());
    }
    return std::nullopt;
}

Synchronizer::Attempt Synchronizer::try_take(const SetMatch& match, bool accept_fewer,
                                             SynchronizedFrames& into)
{
    into.windows.clear();
    into.windows.reserve(pools_.size());
    into.oldest_ns = match.oldest_ns;
    into.newest_ns = match.newest_ns;
    for (std::size_t i = 0; i < pools_.size(); ++i) {
        const auto in_history = static_cast<std::uint32_t>(times_[i].size()) - matched_[i];
        ages_.resize(std::min(pools_[i].history_len, in_history));
        std::iota(ages_.begin(), ages_.end(), matched_[i]);
        switch (pools_[i].consumer->take_ages(ages_, pools_[i].history_len, accept_fewer,
                                              into.windows.emplace_back())) {
            case FrameSource::Outcome::Taken:
                break;
            case FrameSource::Outcome::NoFrame:
                return Attempt::Overtaken;
            case FrameSource::Outcome::Exhausted:
                awaited_ = i;
                return Attempt::Exhausted;
        }
    }
    return Attempt::Taken;
}

Result<std::optional<SynchronizedFrames>> Synchronizer::take(std::optional<std::uint64_t> after_ns)
{
    using Found = std::optional<SynchronizedFrames>;
    SynchronizedFrames frames;
    Patience patience = consumer_patience();
    for (int turn = 0;;) {
        if (auto error = read_times()) {
            return *std::move(error);
        }
        const SetMatch match = match_set(times_, tolerance_ns_, after_ns, matched_);
        if (!match.found) {
            await(match.behind, match.in_order);
            return Found{};
        }
        switch (try_take(match, turn >= kTurnsForAllFrames, frames)) {
            case Attempt::Taken:
                return Found(std::move(frames));
            case Attempt::Overtaken:
                if (patience.is_over()) {
                    await(0, false);
                    return Found{};
                }
                ++turn;
                break;
            case Attempt::Exhausted:
                frames.windows.clear();  // what we hold may be the room that others wait for
                if (patience.is_over()) {
                    return pools_[awaited_].consumer->exhausted();
                }
                break;
        }
    }
}

void Synchronizer::await(std::size_t pool, bool certainly)
{
    const Consumer& consumer = *pools_[pool].consumer;
    waiter_ = consumer.waiter(consumer.times_.announced());
    awaited_ = pool;
    is_certain_ = certainly;
}

WaitOutcome Synchronizer::wait(std::uint64_t deadline_ns) const noexcept
{
    const std::uint64_t until =
        is_certain_ ? deadline_ns : std::min(deadline_ns, os::monotonic_ns() + kUncertainNs);
    const WaitOutcome outcome = waiter_.wait(until);
    const bool is_early = outcome == WaitOutcome::TimedOut && until != deadline_ns;
    return is_early ? WaitOutcome::Changed : outcome;
}

Result<bool> Synchronizer::refresh()
{
    return pools_[awaited_].consumer->refresh();
}

Result<WaitOutcome> Synchronizer::take_within(SynchronizedFrames& into, std::uint64_t deadline_ns,
                                              std::optional<std::uint64_t> after_ns)
{
    for (;;) {
        auto found = take(after_ns);
        if (!found) {
            return found.error();
        }
        if (found->has_value()) {
            into = std::move(**found);
            return WaitOutcome::Ready;
        }
        const WaitOutcome outcome = wait(deadline_ns);
        if (outcome == WaitOutcome::TimedOut || outcome == WaitOutcome::Interrupted) {
            return outcome;
        }
        if (outcome == WaitOutcome::Changed) {
            if (auto refreshed = refresh(); !refreshed) {
                return refreshed.error();
            }
        }
    }
}

}  // namespace tensor_ipc
