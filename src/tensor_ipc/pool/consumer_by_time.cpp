/// Reading by time: which frames of the history a consumer takes, and what it does when the
/// producer overwrites them meanwhile.
#include "tensor_ipc/pool/consumer.hpp"
#include "tensor_ipc/pool/patience.hpp"

namespace tensor_ipc {

namespace {

// How often a reader that was overtaken starts again before it does without the oldest frames.
constexpr int kTurnsForAllFrames = 16;

}  // namespace

/// Reads the times of the history into `times_`.
/// @return whether there is a pool
Result<bool> Consumer::read_times()
{
    auto attached = attach_or_look(times_.announced());
    if (!attached || !*attached) {
        times_.clear();
        return attached;
    }
    times_.read(pool_->reader());
    return true;
}

/// Takes the frames of `times_` with these ages, rising. One attempt.
/// @param request  how many frames the caller would take at most, for the budget of views
FrameSource::Outcome Consumer::take_ages(std::span<const std::uint32_t> ages, std::uint32_t request,
                                         bool accept_fewer, FrameWindow& into)
{
    const auto count = static_cast<std::uint32_t>(ages.size());
    const bool successive = ages.back() - ages.front() + 1 == count;
    FrameSource::Outcome outcome{};
    if (successive) {
        outcome = FrameSource::take_run(pool_, times_.place(ages.front()), count,
                                        max_slots(request), accept_fewer, into);
    } else {
        std::vector<std::uint64_t> frames;
        frames.reserve(count);
        for (const std::uint32_t age : ages) {
            frames.push_back(times_.place(age).frame);
        }
        outcome = FrameSource::copy_chosen(pool_, frames, accept_fewer, into);
    }
    if (outcome != FrameSource::Outcome::Taken) {
        return outcome;
    }
    // A number may come twice after a crash (docs/failure-modes.md, Limits). Then the frame that is
    // held now need not be the one that was chosen.
    for (std::uint32_t i = 0; i < into.count(); ++i) {
        if (into.info_at(i).captured_ns != times_.captured_ns()[ages[i]]) {
            into = FrameWindow();
            return FrameSource::Outcome::NoFrame;
        }
    }
    count_apart(into);
    return outcome;
}

/// @param choose  given `times_`, fills `ages_`
template <typename Choose>
Result<std::optional<FrameWindow>> Consumer::take_by_time(const Choose& choose)
{
    using Found = std::optional<FrameWindow>;
    Patience patience = consumer_patience();
    for (int turn = 0;;) {
        auto attached = read_times();
        if (!attached) {
            return attached.error();
        }
        ages_.clear();
        choose();
        if (ages_.empty()) {
            return Found{};
        }
        FrameWindow window;
        const auto request = static_cast<std::uint32_t>(ages_.size());
        switch (take_ages(ages_, request, turn >= kTurnsForAllFrames, window)) {
            case FrameSource::Outcome::Taken:
                return Found(std::move(window));
            case FrameSource::Outcome::NoFrame:
                if (patience.is_over()) {
                    return Found{};
                }
                ++turn;
                break;
            case FrameSource::Outcome::Exhausted:
                if (patience.is_over()) {
                    return exhausted();
                }
                break;
        }
    }
}

Result<std::optional<Frame>> Consumer::frame_at(std::uint64_t timestamp_ns, TimeSide side)
{
    auto window = take_by_time([&] {
        if (const auto age = closest(times_.captured_ns(), timestamp_ns, side)) {
            ages_.push_back(*age);
        }
    });
    if (!window) {
        return window.error();
    }
    if (!window->has_value()) {
        return std::optional<Frame>{};
    }
    return std::optional<Frame>(Frame(std::move(**window)));
}

Result<std::optional<FrameWindow>> Consumer::frames_between(std::uint64_t first_ns,
                                                            std::uint64_t last_ns)
{
    return take_by_time([&] {
        const std::span<const std::uint64_t> times = times_.captured_ns();
        for (std::uint32_t age = 0; age < times.size(); ++age) {
            if (first_ns <= times[age] && times[age] <= last_ns) {
                ages_.push_back(age);
            }
        }
    });
}

}  // namespace tensor_ipc
