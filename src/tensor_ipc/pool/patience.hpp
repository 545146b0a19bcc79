/// How long a call goes on looking before it gives up.
#pragma once

#include <algorithm>
#include <cstdint>
#include <thread>

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

    /// Lets others run when it is not.
    [[nodiscard]] bool is_over() noexcept
    {
        const std::uint64_t now = os::monotonic_ns();
        end_ns_ = std::min(end_ns_, now + patience_ns_);
        if (turns_left_ == 0 && now >= end_ns_) {
            return true;
        }
        turns_left_ -= turns_left_ > 0 ? 1 : 0;
        std::this_thread::yield();
        return false;
    }

private:
    std::uint64_t patience_ns_;
    std::uint64_t end_ns_ = os::kNever;
    std::uint32_t turns_left_;
};

/// That of consumers: for other consumers to finish their copies, which hold what room there is
/// meanwhile; and for running after a producer that overtakes, or words that change without end.
[[nodiscard]] inline Patience consumer_patience() noexcept
{
    return {200'000'000, 20};
}

}  // namespace tensor_ipc
