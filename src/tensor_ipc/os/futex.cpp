#include "tensor_ipc/os/futex.hpp"

#include <cerrno>
#include <climits>
#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tensor_ipc/os/clock.hpp"

namespace tensor_ipc::os {

static_assert(sizeof(std::atomic<std::uint32_t>) == 4, "the kernel reads the word itself");

FutexOutcome futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                        std::uint64_t deadline_ns) noexcept
{
    timespec deadline{};
    deadline.tv_sec = static_cast<std::time_t>(deadline_ns / 1'000'000'000U);
    deadline.tv_nsec = static_cast<long>(deadline_ns % 1'000'000'000U);
    // FUTEX_WAIT_BITSET takes an absolute time; FUTEX_WAIT a relative one, which would drift.
    const long result =
        ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, expected,
                  deadline_ns == kNever ? nullptr : &deadline, nullptr, FUTEX_BITSET_MATCH_ANY);
    if (result == 0 || errno == EAGAIN) {
        return FutexOutcome::Woken;
    }
    return errno == EINTR ? FutexOutcome::Interrupted : FutexOutcome::TimedOut;
}

void futex_wake_all(const std::atomic<std::uint32_t>& word) noexcept
{
    ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX);
}

}  // namespace tensor_ipc::os
