/// How long a call goes on looking before it gives up.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tensor_ipc/os/clock.hpp"

namespace tensor_ipc {

/// Begins when it is first asked for, so that a call that succeeds at once looks at no clock.
class Patience {
public:
    explicit Patience(std::uint64_t patience_ns) noexcept : patience_ns_(patience_ns) {}

    [[nodiscard]] bool is_over() noexcept
    {
        const std::uint64_t now = os::monotonic_ns();
        end_ns_ = std::min(end_ns_, now + patience_ns_);
        return now >= end_ns_;
    }

private:
    std::uint64_t patience_ns_;
    std::uint64_t end_ns_ = os::kNever;
};

}  // namespace tensor_ipc
