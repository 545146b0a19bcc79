/// put() beside memcpy() from the same source into the same memory.
#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstring>
#include <ctime>

#include "bench/core/pools.hpp"
#include "bench/core/quantiles.hpp"

namespace tensor_ipc::bench {

namespace {

constexpr int kRounds = 300;

/// Time that this thread had the processor, in ns. Copying never waits, so what is missing from it
/// is other processes' time.
std::uint64_t processor_ns() noexcept
{
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(now.tv_nsec);
}

/// Each round times some puts and as many memcpys, in turns first and second. What disturbs the
/// machine for longer than a round disturbs both, so the ratio is taken round by round.
void put_beside_memcpy(benchmark::State& state)
{
    const auto frame_bytes = static_cast<std::size_t>(state.range(0));
    WarmPool pool(state.range(0));
    const std::vector<std::byte> source(frame_bytes, std::byte{2});
    const std::size_t slots = pool.places().size();
    // Whole turns of the ring, some 0.2 ms or one turn.
    const std::size_t copies = slots * std::max<std::size_t>(1, 2'000'000 / frame_bytes / slots);

    const auto time_puts = [&] {
        const std::uint64_t from = processor_ns();
        for (std::size_t i = 0; i < copies; ++i) {
            auto frame = pool.producer().put(source);
            benchmark::DoNotOptimize(*frame);
        }
        return static_cast<double>(processor_ns() - from) / static_cast<double>(copies);
    };
    const auto time_copies = [&] {
        const std::uint64_t from = processor_ns();
        for (std::size_t i = 0, slot = 0; i < copies; ++i) {
            std::memcpy(pool.places()[slot], source.data(), frame_bytes);
            benchmark::ClobberMemory();
            slot = slot + 1 == slots ? 0 : slot + 1;
        }
        return static_cast<double>(processor_ns() - from) / static_cast<double>(copies);
    };

    std::vector<double> puts;
    std::vector<double> memcpys;
    std::vector<double> ratios;
    std::vector<double> differences;
    for (auto _ : state) {
        for (int round = 0; round < kRounds; ++round) {
            double put_ns = 0.0;
            double memcpy_ns = 0.0;
            if (round % 2 == 0) {
                put_ns = time_puts();
                memcpy_ns = time_copies();
            } else {
                memcpy_ns = time_copies();
                put_ns = time_puts();
            }
            puts.push_back(put_ns);
            memcpys.push_back(memcpy_ns);
            ratios.push_back(memcpy_ns / put_ns);
            differences.push_back(put_ns - memcpy_ns);
        }
    }
    report(state, "put_ns", puts);
    report(state, "memcpy_ns", memcpys);
    report(state, "throughput_ratio", ratios);
    report(state, "difference_ns", differences);
}

BENCHMARK(put_beside_memcpy)
    ->ArgName("bytes")
    ->Arg(64)
    ->Arg(kStateBytes)
    ->Arg(kVgaBytes)
    ->Arg(kFullHdBytes)
    ->Arg(kUltraHdBytes)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace

}  // namespace tensor_ipc::bench
