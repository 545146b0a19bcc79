/// Waking sleepers without losing a wake-up and without a system call when nobody sleeps.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "tensor_ipc/base/test_point.hpp"
#include "tensor_ipc/os/clock.hpp"
#include "tensor_ipc/os/futex.hpp"
#include "tensor_ipc/os/processors.hpp"

namespace tensor_ipc {

enum class WakeOutcome : std::uint8_t { Ready, TimedOut, Interrupted };

/// Tells the processor that this is a spin loop.
inline void relax_processor() noexcept
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

/// Two shared words: the futex that sleepers sleep on, and a flag that says that someone may.
/// The flag is no count, so a sleeper that dies costs one needless wake-up and nothing more.
class WakeWord {
public:
    WakeWord(std::atomic<std::uint32_t>& word, std::atomic<std::uint32_t>& waiting) noexcept
        : word_(&word), waiting_(&waiting)
    {
    }

    /// Wakes the sleepers, if any. Called after the news (`latest`) was stored seq_cst.
    void notify() const noexcept
    {
        // sync sleep-vs-publish (seq_cst), other end: wait(). The producer stores the news and then
        // reads the flag; a consumer stores the flag and then reads the news. At least one sees the
        // other.
        if (waiting_->load(std::memory_order_seq_cst) != 0) {
            wake();
        }
    }

    /// Wakes the sleepers whether or not the flag says that there are any.
    void wake() const noexcept
    {
        // sync flag-vs-word: the flag falls before the word changes. A consumer that raised it in
        // between read the old word before, so its sleep ends at once or with this wake-up.
        waiting_->store(0, std::memory_order_seq_cst);
        TENSOR_IPC_TEST_POINT("wake:flag-fallen");
        word_->fetch_add(1, std::memory_order_seq_cst);
        TENSOR_IPC_TEST_POINT("wake:word-changed");
        os::futex_wake_all(*word_);
    }

    /// Blocks until `ready()` is true, the deadline passes, or a signal handler ran.
    ///
    /// @param ready        reads the news seq_cst; called often, must be cheap
    /// @param deadline_ns  CLOCK_MONOTONIC
    /// @param spin_ns      how long to look without sleeping first, until the deadline at most
    template <typename Ready>
    WakeOutcome wait(Ready&& ready, std::uint64_t deadline_ns, std::uint64_t spin_ns) const noexcept
    {
        if (ready()) {
            return WakeOutcome::Ready;
        }
        if (spin_ns > 0 && spin(ready, spin_ns, deadline_ns)) {
            return WakeOutcome::Ready;
        }
        for (;;) {
            // sync flag-vs-word, other end: wake(). The word is read before the flag is raised.
            const std::uint32_t seen = word_->load(std::memory_order_seq_cst);
            waiting_->store(1, std::memory_order_seq_cst);
            TENSOR_IPC_TEST_POINT("wait:flag-raised");
            if (ready()) {
                return WakeOutcome::Ready;
            }
            const os::FutexOutcome outcome = os::futex_wait(*word_, seen, deadline_ns);
            if (ready()) {
                return WakeOutcome::Ready;
            }
            if (outcome == os::FutexOutcome::TimedOut) {
                return WakeOutcome::TimedOut;
            }
            if (outcome == os::FutexOutcome::Interrupted) {
                return WakeOutcome::Interrupted;
            }
            // The kernel looks at the word first and at the time after that. A word that changes
            // without end would keep us here for ever.
            if (os::monotonic_ns() >= deadline_ns) {
                return WakeOutcome::TimedOut;
            }
        }
    }

private:
    /// How long to look before whoever has no processor, perhaps the producer, may have this one. A
    /// yield to nobody takes less than a twentieth of it.
    static constexpr std::uint64_t kTurnNs = 10'000;

    template <typename Ready>
    static bool spin(Ready& ready, std::uint64_t spin_ns, std::uint64_t deadline_ns) noexcept
    {
        std::uint64_t now = os::monotonic_ns();
        const std::uint64_t until = std::min(deadline_ns, now + spin_ns);
        std::uint64_t turn_ends = now + kTurnNs;
        while (now < until) {
            for (int i = 0; i < 32; ++i) {
                if (ready()) {
                    return true;
                }
                relax_processor();
            }
            now = os::monotonic_ns();
            if (now >= turn_ends) {
                os::yield_processor();
                turn_ends = now + kTurnNs;
            }
        }
        return false;
    }

    std::atomic<std::uint32_t>* word_;
    std::atomic<std::uint32_t>* waiting_;
};

}  // namespace tensor_ipc
