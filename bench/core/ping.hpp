/// The least that waking another process can cost: one shared word, and nothing around it.
#pragma once

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>

#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tensor_ipc/notify/wake_word.hpp"
#include "tensor_ipc/os/clock.hpp"

namespace tensor_ipc::bench {

/// A word to sleep or spin on. Lies in memory that processes share.
struct alignas(64) BareWord {
    std::atomic<std::uint32_t> word{0};
    alignas(64) std::atomic<std::uint64_t> sent_ns{0};

    /// Sleeps until the word is no longer `seen`.
    void sleep(std::uint32_t seen) noexcept
    {
        while (word.load(std::memory_order_acquire) == seen) {
            ::syscall(SYS_futex, &word, FUTEX_WAIT, seen, nullptr, nullptr, 0);
        }
    }

    /// Spins until the word is no longer `seen`.
    void spin(std::uint32_t seen) const noexcept
    {
        while (word.load(std::memory_order_acquire) == seen) {
            relax_processor();
        }
    }

    /// Changes the word for those who spin.
    void change() noexcept
    {
        sent_ns.store(os::monotonic_ns(), std::memory_order_relaxed);
        word.fetch_add(1, std::memory_order_seq_cst);
    }

    /// Changes the word and wakes all who sleep on it.
    void wake() noexcept
    {
        change();
        ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX);
    }
};

/// A zeroed `T` that this process and its later children share. Never unmapped.
template <typename T>
T& shared()
{
    void* bytes =
        ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) {
        std::perror("benchmark: mmap");
        std::exit(1);
    }
    return *new (bytes) T();
}

/// A forked process that runs `body` and ends. Reaped when this dies.
class Child {
public:
    template <typename Body>
    explicit Child(Body&& body) : pid_(::fork())
    {
        if (pid_ < 0) {
            std::perror("benchmark: fork");
            std::exit(1);
        }
        if (pid_ == 0) {
            body();
            ::_exit(0);
        }
    }

    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    ~Child()
    {
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }

private:
    pid_t pid_;
};

/// Keeps this process on one processor, if there is that one: where the scheduler puts a woken
/// process makes more of a difference than what is measured here.
inline void stay_on_processor(int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    ::sched_setaffinity(0, sizeof(set), &set);
}

/// Undoes stay_on_processor() at the end of a benchmark.
class ProcessorsAsBefore {
public:
    ProcessorsAsBefore() { ::sched_getaffinity(0, sizeof(before_), &before_); }

    ProcessorsAsBefore(const ProcessorsAsBefore&) = delete;
    ProcessorsAsBefore& operator=(const ProcessorsAsBefore&) = delete;

    ~ProcessorsAsBefore() { ::sched_setaffinity(0, sizeof(before_), &before_); }

private:
    cpu_set_t before_{};
};

/// Waits for `counter` to reach `wanted` without keeping the core busy.
template <typename T>
void await(const std::atomic<T>& counter, T wanted)
{
    while (counter.load(std::memory_order_acquire) < wanted) {
        ::usleep(20);
    }
}

}  // namespace tensor_ipc::bench
