/// From publication in one process to the return of wait() in another, beside the bare ping.
///
/// One consumer process waits for a frame, for a bare ping, for a frame, and so on, so that both
/// meet the same machine. Times are CLOCK_MONOTONIC, which all processes share.
#include <array>
#include <benchmark/benchmark.h>

#include "bench/core/ping.hpp"
#include "bench/core/pools.hpp"
#include "bench/core/quantiles.hpp"

namespace tensor_ipc::bench {

namespace {

constexpr std::uint32_t kWarmUp = 100;
constexpr std::uint32_t kMostRounds = 20'000;

/// What the two processes share besides the pool.
struct Exchange {
    BareWord bare;
    alignas(64) std::atomic<std::uint32_t> turn{0};  ///< waits that the consumer began
    std::array<double, kMostRounds> frame_ns{};      ///< to the return of wait()
    std::array<double, kMostRounds> held_ns{};       ///< to the frame in hand
    std::array<double, kMostRounds> bare_ns{};
};

double since(std::uint64_t then_ns, std::uint64_t now_ns)
{
    return static_cast<double>(now_ns) - static_cast<double>(then_ns);
}

template <typename BareWait>
void consume(const WarmPool& pool, std::uint64_t spin_ns, Exchange& exchange, std::uint32_t rounds,
             BareWait bare_wait)
{
    stay_on_processor(1);
    Consumer consumer = pool.consumer({FrameSource::kAutomatic, spin_ns});
    for (std::uint32_t round = 0; round < rounds; ++round) {
        const auto after = consumer.latest_index();
        exchange.turn.fetch_add(1, std::memory_order_release);
        while (require(consumer.wait(after)) != WaitOutcome::Ready) {
        }
        const std::uint64_t woken = os::monotonic_ns();
        const auto frame = require(consumer.latest());
        benchmark::DoNotOptimize(frame->bytes()[0]);
        const std::uint64_t held = os::monotonic_ns();
        exchange.frame_ns[round] = since(frame->info().captured_ns, woken);
        exchange.held_ns[round] = since(frame->info().captured_ns, held);

        const std::uint32_t seen = exchange.bare.word.load(std::memory_order_acquire);
        exchange.turn.fetch_add(1, std::memory_order_release);
        bare_wait(exchange.bare, seen);
        const std::uint64_t pinged = os::monotonic_ns();
        exchange.bare_ns[round] =
            since(exchange.bare.sent_ns.load(std::memory_order_relaxed), pinged);
    }
}

void report_wakes(benchmark::State& state, const Exchange& exchange, std::uint32_t rounds)
{
    const auto measured = [&](const std::array<double, kMostRounds>& times) {
        return std::vector<double>(times.begin() + kWarmUp, times.begin() + rounds);
    };
    const auto frames = measured(exchange.frame_ns);
    const auto bares = measured(exchange.bare_ns);
    report(state, "wake_ns", frames);
    report(state, "frame_in_hand_ns", measured(exchange.held_ns));
    report(state, "bare_ns", bares);
    state.counters["ratio"] = quantile(frames, 0.5) / quantile(bares, 0.5);
    // Tenths of the run, each with its own ratio: how much the ratio depends on the moment.
    std::vector<double> ratios;
    const std::size_t tenth = frames.size() / 10;
    for (std::size_t from = 0; from + tenth <= frames.size(); from += tenth) {
        const auto part = [&](const std::vector<double>& times) {
            const auto first = times.begin() + static_cast<std::ptrdiff_t>(from);
            return std::vector<double>(first, first + static_cast<std::ptrdiff_t>(tenth));
        };
        ratios.push_back(quantile(part(frames), 0.5) / quantile(part(bares), 0.5));
    }
    state.counters["ratio_low"] = quantile(ratios, 0.0);
    state.counters["ratio_high"] = quantile(ratios, 1.0);
}

/// Both sleep in the kernel, for a millisecond at least before each wake-up.
void wake_sleeping(benchmark::State& state)
{
    constexpr std::uint32_t kRounds = 3'000;
    constexpr useconds_t kPauseUs = 1'000;
    for (auto _ : state) {
        const ProcessorsAsBefore unpinned;
        stay_on_processor(0);
        WarmPool pool(kStateBytes);
        Exchange& exchange = shared<Exchange>();
        {
            const Child child([&] {
                consume(pool, 0, exchange, kRounds,
                        [](BareWord& word, std::uint32_t seen) { word.sleep(seen); });
            });
            for (std::uint32_t round = 0; round < kRounds; ++round) {
                await(exchange.turn, 2 * round + 1);
                ::usleep(kPauseUs);
                Loan loan = require(pool.producer().loan());
                loan.publish(os::monotonic_ns());
                await(exchange.turn, 2 * round + 2);
                ::usleep(kPauseUs);
                exchange.bare.wake();
            }
        }
        report_wakes(state, exchange, kRounds);
    }
}

BENCHMARK(wake_sleeping)->Iterations(1)->Unit(benchmark::kMillisecond);

void pause_for(std::uint64_t ns)
{
    const std::uint64_t until = os::monotonic_ns() + ns;
    while (os::monotonic_ns() < until) {
        relax_processor();
    }
}

/// Both look at their word all the time. Needs two cores that nobody else uses much.
void wake_spinning(benchmark::State& state)
{
    constexpr std::uint64_t kSpinNs = 1'000'000'000;
    constexpr std::uint64_t kPauseNs = 3'000;
    for (auto _ : state) {
        const ProcessorsAsBefore unpinned;
        stay_on_processor(0);
        WarmPool pool(kStateBytes);
        Exchange& exchange = shared<Exchange>();
        const auto await_turn = [&](std::uint32_t turn) {
            while (exchange.turn.load(std::memory_order_acquire) < turn) {
                relax_processor();
            }
            pause_for(kPauseNs);
        };
        {
            const Child child([&] {
                consume(pool, kSpinNs, exchange, kMostRounds,
                        [](const BareWord& word, std::uint32_t seen) { word.spin(seen); });
            });
            for (std::uint32_t round = 0; round < kMostRounds; ++round) {
                await_turn(2 * round + 1);
                Loan loan = require(pool.producer().loan());
                loan.publish(os::monotonic_ns());
                await_turn(2 * round + 2);
                exchange.bare.change();
            }
        }
        report_wakes(state, exchange, kMostRounds);
    }
}

BENCHMARK(wake_spinning)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace

}  // namespace tensor_ipc::bench
