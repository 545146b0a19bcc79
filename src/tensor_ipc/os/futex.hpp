/// Sleeping on a 32-bit word that processes share (futex(2)).
#pragma once

#include <atomic>
#include <cstdint>

namespace tensor_ipc::os {

enum class FutexOutcome : std::uint8_t {
    Woken,        ///< or the word had already changed; look again
    TimedOut,     ///< the deadline passed
    Interrupted,  ///< a signal handler ran
};

/// Sleeps while `word` is `expected`, until woken or `deadline_ns` (CLOCK_MONOTONIC) passes.
FutexOutcome futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                        std::uint64_t deadline_ns) noexcept;

/// Wakes everyone who sleeps on `word`. About 0.4 us when nobody does.
void futex_wake_all(const std::atomic<std::uint32_t>& word) noexcept;

}  // namespace tensor_ipc::os
