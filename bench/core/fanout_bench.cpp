/// What a frame costs its producer while consumers sleep, beside waking as many bare sleepers.
#include <benchmark/benchmark.h>
#include <deque>

#include "bench/core/ping.hpp"
#include "bench/core/pools.hpp"
#include "bench/core/quantiles.hpp"

namespace tensor_ipc::bench {

namespace {

constexpr std::uint32_t kRounds = 500;
constexpr useconds_t kPauseUs = 500;

struct Exchange {
    BareWord bare;
    alignas(64) std::atomic<std::uint32_t> turns{0};  ///< waits that all consumers began
};

void consume(const WarmPool& pool, Exchange& exchange)
{
    Consumer consumer = pool.consumer();
    for (std::uint32_t round = 0; round < kRounds; ++round) {
        const auto after = consumer.latest_index();
        exchange.turns.fetch_add(1, std::memory_order_release);
        while (require(consumer.wait(after)) != WaitOutcome::Ready) {
        }
        const std::uint32_t seen = exchange.bare.word.load(std::memory_order_acquire);
        exchange.turns.fetch_add(1, std::memory_order_release);
        exchange.bare.sleep(seen);
    }
}

template <typename Action>
double timed_ns(Action&& action)
{
    const std::uint64_t from = os::monotonic_ns();
    action();
    return static_cast<double>(os::monotonic_ns() - from);
}

/// Time of loan and publish with all consumers asleep, and of a bare wake-up of as many processes.
void publish_to_sleepers(benchmark::State& state)
{
    const auto consumers = static_cast<std::uint32_t>(state.range(0));
    std::vector<double> frames;
    std::vector<double> bares;
    std::vector<double> differences;
    for (auto _ : state) {
        WarmPool pool(kStateBytes);
        Exchange& exchange = shared<Exchange>();
        std::deque<Child> children;
        for (std::uint32_t i = 0; i < consumers; ++i) {
            children.emplace_back([&] { consume(pool, exchange); });
        }
        for (std::uint32_t round = 0; round < kRounds; ++round) {
            await(exchange.turns, (2 * round + 1) * consumers);
            ::usleep(kPauseUs);
            const double frame_ns = timed_ns([&] {
                auto loan = pool.producer().loan();
                loan->publish();
            });
            await(exchange.turns, (2 * round + 2) * consumers);
            ::usleep(kPauseUs);
            const double bare_ns = timed_ns([&] { exchange.bare.wake(); });
            frames.push_back(frame_ns);
            bares.push_back(bare_ns);
            differences.push_back(frame_ns - bare_ns);
        }
    }
    report(state, "publish_ns", frames);
    report(state, "bare_wake_ns", bares);
    report(state, "difference_ns", differences);
}

BENCHMARK(publish_to_sleepers)
    ->ArgName("consumers")
    ->DenseRange(0, 8)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace

}  // namespace tensor_ipc::bench
