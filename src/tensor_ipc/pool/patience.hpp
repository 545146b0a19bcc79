/// How long a consumer that finds no room to copy a frame waits for others.
#pragma once

#include <algorithm>
#include <cstdint>
#include <thread>

#include "tensor_ipc/os/clock.hpp"

namespace tensor_ipc {

/// Other consumers copy too, and hold what room there is meanwhile: they get 200 ms to finish.
class Patience {
public:
    /// Whether that time has passed since the first call. Lets others run when it has not.
    [[nodiscard]] bool is_over() noexcept
    {
        const std::uint64_t now = os::monotonic_ns();
        give_up_ns_ = std::min(give_up_ns_, now + kNs);
        if (now >= give_up_ns_) {
            return true;
        }
        std::this_thread::yield();
        return false;
    }

private:
    static constexpr std::uint64_t kNs = 200'000'000;

    std::uint64_t give_up_ns_ = os::kNever;
};

}  // namespace tensor_ipc
