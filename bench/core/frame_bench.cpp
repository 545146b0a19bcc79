/// What a frame costs apart from its bytes: publication, pins, windows.
#include <benchmark/benchmark.h>

#include "bench/core/pools.hpp"

namespace tensor_ipc::bench {

namespace {

constexpr std::uint32_t kWindow = 16;

void all_sizes(benchmark::internal::Benchmark* benchmark)
{
    benchmark->ArgName("bytes")
        ->Arg(64)
        ->Arg(kStateBytes)
        ->Arg(kVgaBytes)
        ->Arg(kFullHdBytes)
        ->Arg(kUltraHdBytes);
}

/// Claim a slot, publish it as it is; nobody waits. One consumer is attached, as there usually is.
void loan_and_publish(benchmark::State& state)
{
    WarmPool pool(state.range(0));
    const Consumer consumer = pool.consumer();
    for (auto _ : state) {
        auto loan = pool.producer().loan();
        benchmark::DoNotOptimize(loan->publish());
    }
}

BENCHMARK(loan_and_publish)->Apply(all_sizes);

/// The same beside many attached consumers, none of which waits or pins.
void loan_and_publish_beside(benchmark::State& state)
{
    WarmPool pool(kStateBytes);
    std::vector<Consumer> consumers;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        consumers.push_back(pool.consumer());
    }
    for (auto _ : state) {
        auto loan = pool.producer().loan();
        benchmark::DoNotOptimize(loan->publish());
    }
}

BENCHMARK(loan_and_publish_beside)->ArgName("consumers")->Arg(0)->Arg(1)->Arg(8)->Arg(64)->Arg(255);

/// Part of every publication.
void read_the_clock(benchmark::State& state)
{
    for (auto _ : state) {
        benchmark::DoNotOptimize(os::monotonic_ns());
    }
}

BENCHMARK(read_the_clock);

/// Pin the newest frame, look at its first byte, let go of it.
void pin_newest(benchmark::State& state)
{
    WarmPool pool(state.range(0));
    Consumer consumer = pool.consumer();
    for (auto _ : state) {
        auto frame = consumer.latest();
        benchmark::DoNotOptimize((*frame)->bytes()[0]);
    }
    state.counters["copied"] = static_cast<double>(consumer.stats().copied_frames);
}

BENCHMARK(pin_newest)->Apply(all_sizes);

/// The same when there is a new frame each time; includes its publication.
void publish_and_pin(benchmark::State& state)
{
    WarmPool pool(state.range(0));
    Consumer consumer = pool.consumer();
    for (auto _ : state) {
        auto loan = pool.producer().loan();
        benchmark::DoNotOptimize(loan->publish());
        auto frame = consumer.latest();
        benchmark::DoNotOptimize((*frame)->bytes()[0]);
    }
    state.counters["copied"] = static_cast<double>(consumer.stats().copied_frames);
}

BENCHMARK(publish_and_pin)->Apply(all_sizes);

/// A window of the 16 newest frames, pinned and let go.
void window_of_16(benchmark::State& state)
{
    WarmPool pool(state.range(0), kWindow);
    Consumer consumer = pool.consumer();
    for (auto _ : state) {
        auto window = consumer.history(kWindow);
        benchmark::DoNotOptimize((*window)->bytes(kWindow - 1)[0]);
    }
    state.counters["copied"] = static_cast<double>(consumer.stats().copied_frames);
}

BENCHMARK(window_of_16)->Apply(all_sizes);

}  // namespace

}  // namespace tensor_ipc::bench
