#include "tensor_ipc/pool/time_match.hpp"

#include <algorithm>
#include <functional>

namespace tensor_ipc {

namespace {

bool comes_into_question(std::uint64_t time, std::uint64_t timestamp_ns, TimeSide side)
{
    return side == TimeSide::Nearest ||
           (side == TimeSide::Before ? time <= timestamp_ns : time >= timestamp_ns);
}

/// Time of capture of a frame, and which frame.
struct Stamp {
    std::uint64_t captured_ns = 0;
    std::uint32_t age = 0;
};

/// Later captured first; of those captured at the same time, published earlier first.
bool comes_first(const Stamp& one, const Stamp& other)
{
    return one.captured_ns != other.captured_ns ? one.captured_ns > other.captured_ns
                                                : one.age > other.age;
}

/// One pool's frames by time, and how far the search has come down from the latest.
class Descent {
public:
    explicit Descent(std::span<const Stamp> stamps) noexcept : stamps_(stamps) {}

    [[nodiscard]] const Stamp& latest() const noexcept { return stamps_.front(); }

    /// The earliest frame captured at `time` or after. There is one, and `time` never rises.
    [[nodiscard]] const Stamp& earliest_from(std::uint64_t time) noexcept
    {
        while (next_ < stamps_.size() && stamps_[next_].captured_ns >= time) {
            ++next_;
        }
        return stamps_[next_ - 1];
    }

    /// When the frame before `earliest_from` was captured.
    [[nodiscard]] std::optional<std::uint64_t> before() const noexcept
    {
        return next_ < stamps_.size() ? std::optional(stamps_[next_].captured_ns) : std::nullopt;
    }

private:
    std::span<const Stamp> stamps_;
    std::size_t next_ = 0;
};

/// The pool whose newest frame is the oldest; one without frames before all others.
std::size_t pool_behind(std::span<const CaptureTimes> pools)
{
    const auto newest = [](CaptureTimes times) { return std::ranges::max(times); };
    std::size_t behind = 0;
    for (std::size_t i = 0; i < pools.size() && !pools[behind].empty(); ++i) {
        if (pools[i].empty() || newest(pools[i]) < newest(pools[behind])) {
            behind = i;
        }
    }
    return behind;
}

/// Looks for the set. `oldest` comes down through times of capture, and passes over none that could
/// be the oldest member's.
SetMatch descend(std::span<Descent> pools, std::uint64_t tolerance_ns,
                 std::optional<std::uint64_t> after_ns, std::span<std::uint32_t> ages)
{
    SetMatch match;
    std::uint64_t oldest = pools.front().latest().captured_ns;
    for (const Descent& pool : pools) {
        oldest = std::min(oldest, pool.latest().captured_ns);
    }
    while (!after_ns || oldest > *after_ns) {
        bool all_near = true;
        std::uint64_t next = oldest;
        match.newest_ns = oldest;
        for (std::size_t i = 0; i < pools.size(); ++i) {
            const Stamp stamp = pools[i].earliest_from(oldest);
            ages[i] = stamp.age;
            match.newest_ns = std::max(match.newest_ns, stamp.captured_ns);
            if (stamp.captured_ns - oldest > tolerance_ns) {
                // Too far from any oldest member between here and this pool's frame before.
                const std::optional<std::uint64_t> before = pools[i].before();
                if (!before) {
                    return match;
                }
                next = std::min(next, *before);
                all_near = false;
            }
        }
        if (all_near) {
            match.found = true;
            match.oldest_ns = oldest;
            return match;
        }
        oldest = next;
    }
    return match;
}

}  // namespace

std::optional<std::uint32_t> closest(CaptureTimes times, std::uint64_t timestamp_ns,
                                     TimeSide side) noexcept
{
    std::optional<std::uint32_t> best;
    std::uint64_t best_distance = 0;
    for (std::uint32_t age = 0; age < times.size(); ++age) {
        const std::uint64_t time = times[age];
        const std::uint64_t distance =
            time > timestamp_ns ? time - timestamp_ns : timestamp_ns - time;
        if (comes_into_question(time, timestamp_ns, side) && (!best || distance < best_distance)) {
            best = age;
            best_distance = distance;
        }
    }
    return best;
}

SetMatch match_set(std::span<const CaptureTimes> pools, std::uint64_t tolerance_ns,
                   std::optional<std::uint64_t> after_ns, std::span<std::uint32_t> ages)
{
    std::size_t frames = 0;
    for (const CaptureTimes times : pools) {
        frames += times.size();
    }
    std::vector<Stamp> stamps;
    stamps.reserve(frames);
    std::vector<Descent> descents;
    descents.reserve(pools.size());
    bool in_order = true;
    bool any_empty = false;
    for (const CaptureTimes times : pools) {
        const std::size_t first = stamps.size();
        for (std::uint32_t age = 0; age < times.size(); ++age) {
            stamps.push_back({times[age], age});
        }
        const std::span<Stamp> own = std::span(stamps).subspan(first);
        if (!std::ranges::is_sorted(own, comes_first)) {
            std::ranges::sort(own, comes_first);
            in_order = in_order && std::ranges::is_sorted(times, std::greater{});
        }
        any_empty = any_empty || own.empty();
        descents.emplace_back(own);
    }
    SetMatch match;
    if (!any_empty) {
        match = descend(descents, tolerance_ns, after_ns, ages);
    }
    match.in_order = in_order;
    if (!match.found) {
        match.behind = pool_behind(pools);
    }
    return match;
}

}  // namespace tensor_ipc
