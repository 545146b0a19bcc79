/// Waking a consumer from elsewhere than its pool's own words.
#pragma once

#include <atomic>
#include <cstdint>

#include "tensor_ipc/notify/wake_word.hpp"

namespace tensor_ipc {

/// Two words of this process that stand in for those of the segment: whoever learns by other ways
/// that the pool moved rings them. A ring is a hint to look, and nothing is lost when one is
/// missing, since a Waiter looks ten times a second by itself. Thread-safe.
class News {
public:
    /// Wakes those who wait.
    void ring() noexcept { words().wake(); }

    [[nodiscard]] WakeWord words() noexcept { return {word_, waiting_}; }

    [[nodiscard]] std::uint32_t rung() const noexcept
    {
        return word_.load(std::memory_order_seq_cst);
    }

private:
    std::atomic<std::uint32_t> word_{0};
    std::atomic<std::uint32_t> waiting_{0};
};

}  // namespace tensor_ipc
