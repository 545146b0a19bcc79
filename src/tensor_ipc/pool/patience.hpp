/// How long a call goes on looking before it gives up.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tensor_ipc/os/clock.hpp"

namespace tensor_ipc {

/// Begins when it is first asked for, so that a call that succeeds at once looks at no clock.
class Patience {
public:
    /// @param fewest_turns  how often it is asked before it is over, however late it is: a caller
    ///                      that the scheduler kept away all the time has not looked at all
    Patience(std::uint64_t patience_ns, std::uint32_t fewest_turns) noexcept
        : patience_ns_(patience_ns), turns_left_(fewest_turns)
    {
    }

    [[nodiscard]] bool is_over() noexcept
    {
        const std::uint64_t now = os::monotonic_ns();
        end_ns_ = std::min(end_ns_, now + patience_ns_);
        if (turns_left_ > 0) {
            --turns_left_;
            return false;
        }
        return now >= end_ns_;
    }

private:
    std::uint64_t patience_ns_;
    std::uint64_t end_ns_ = os::kNever;
    std::uint32_t turns_left_;
};

}  // namespace tensor_ipc
