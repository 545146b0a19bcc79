/// What one consumer saw, and one producer. Lies in memory that the processes of a job share.
/// ../tally.py is its twin.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <string>

#include "bench/compare/native/seal.hpp"
#include "tensor_ipc/os/clock.hpp"

namespace compare {

using tensor_ipc::os::monotonic_ns;

inline std::uint64_t processor_ns()
{
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(now.tv_nsec);
}

/// A process's own pages and its share of those it shares, as the kernel counts them.
inline std::int64_t proportional_bytes()
{
    std::ifstream rollup("/proc/self/smaps_rollup");
    std::string field;
    while (rollup >> field) {
        if (field == "Pss:") {
            std::int64_t kilobytes = 0;
            rollup >> kilobytes;
            return kilobytes * 1024;
        }
    }
    return 0;
}

/// The first of many times. Those of a throughput job beyond them say nothing more.
struct Times {
    static constexpr std::size_t kMost = 1 << 16;
    std::size_t count = 0;
    std::array<std::uint64_t, kMost> ns{};

    void add(std::uint64_t time_ns)
    {
        if (count < kMost) {
            ns[count++] = time_ns;
        }
    }
};

/// How frames came.
struct Counts {
    std::uint64_t whole = 0;
    std::uint64_t torn = 0;
    std::uint64_t lost = 0;
    std::uint64_t repeated = 0;
    std::uint64_t expected = 0;  ///< number of the frame after the newest whole one
    std::size_t latencies = 0;
};

struct ConsumerTally : Counts {
    std::uint64_t history_wrong = 0;
    std::int64_t memory_bytes = 0;
    std::uint64_t attach_ns = 0;
    std::uint64_t began_ns = 0;
    std::uint64_t ended_ns = 0;
    std::uint64_t began_cpu_ns = 0;
    std::uint64_t ended_cpu_ns = 0;
    std::int64_t newest = -1;  ///< number of the newest frame, of warm-up or not
    bool measuring = false;
    std::uint64_t first = 0;
    Times latency;
    Times history;

    /// Counts frames from number `from` on.
    void begin(std::uint64_t from)
    {
        measuring = true;
        first = expected = from;
        began_ns = ended_ns = monotonic_ns();
        began_cpu_ns = ended_cpu_ns = processor_ns();
    }

    void take(const Seal& seal, Frame frame, std::uint64_t received_ns, bool every_byte)
    {
        auto number = seal.number(frame);
        const std::uint64_t sent_ns = Seal::sent_ns(frame);
        if (number && every_byte && !seal.sum_is_right(frame, *number)) {
            number.reset();
        }
        // Once more: a frame that changed meanwhile was torn under the eyes of its reader.
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (number && seal.number(frame) != number) {
            number.reset();
        }
        if (number) {
            newest = std::max(newest, static_cast<std::int64_t>(*number));
        }
        if (!measuring || (number && *number < first)) {
            return;
        }
        ended_ns = monotonic_ns();
        ended_cpu_ns = processor_ns();
        if (!number) {
            ++torn;
        } else if (*number < expected) {
            ++repeated;
        } else {
            lost += *number - expected;
            expected = *number + 1;
            ++whole;
            latency.add(received_ns - sent_ns);
        }
    }

    [[nodiscard]] Counts counts() const
    {
        Counts now = *this;
        now.latencies = latency.count;
        return now;
    }

    /// Forgets a frame that its contender says was overwritten meanwhile.
    void go_back_to(const Counts& before)
    {
        static_cast<Counts&>(*this) = before;
        latency.count = before.latencies;
    }

    void end(std::int64_t last)
    {
        if (measuring) {
            // What was read torn has no number, and is among those that did not come whole.
            const auto missing = static_cast<std::int64_t>(lost) + last + 1 -
                                 static_cast<std::int64_t>(expected) -
                                 static_cast<std::int64_t>(torn);
            lost = static_cast<std::uint64_t>(std::max<std::int64_t>(0, missing));
        }
    }
};

struct ProducerTally {
    std::uint64_t published = 0;
    std::uint64_t cpu_ns = 0;
    std::uint64_t took_ns = 0;
    std::int64_t memory_bytes = 0;
    Times puts;
};

}  // namespace compare
