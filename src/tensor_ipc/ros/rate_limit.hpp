/// Which messages pass when there are more than wanted.
#pragma once

#include <cstdint>
#include <optional>

namespace tensor_ipc::ros {

/// Lets so many messages a second through, over any length of time at most one more. One may come
/// half a period early, so that a source of the limit's rate, and some jitter, loses nothing.
class RateLimit {
public:
    /// @param hertz  0 for no limit
    explicit RateLimit(double hertz) noexcept
        : period_ns_(hertz > 0 ? static_cast<std::uint64_t>(1e9 / hertz) : 0)
    {
    }

    /// Whether a message that comes at `now_ns` may pass; counts it if so.
    bool admits(std::uint64_t now_ns) noexcept
    {
        const std::uint64_t due_ns = due_ns_.value_or(now_ns);
        if (now_ns + period_ns_ / 2 < due_ns) {
            return false;
        }
        // On the grid of the rate, so that jitter does not add up; a pause begins a new grid.
        due_ns_ = (now_ns > due_ns + period_ns_ ? now_ns : due_ns) + period_ns_;
        return true;
    }

private:
    std::uint64_t period_ns_;
    std::optional<std::uint64_t> due_ns_;
};

}  // namespace tensor_ipc::ros
