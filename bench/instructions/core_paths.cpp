/// The paths of a frame through the C++ core, each run a number of times for Callgrind to count.
///
///   valgrind --tool=callgrind --collect-atstart=no --instr-atstart=no tensor_ipc_core_paths CALLS
///
/// Frames have 64 bytes, so that the copy, of which there are as many kinds as processors, hardly
/// counts. One thread and one process: nothing depends on the scheduler.
#include <cstdio>
#include <cstdlib>
#include <valgrind/callgrind.h>

#include "bench/core/pools.hpp"

namespace {

using namespace tensor_ipc;

constexpr std::int64_t kFrameBytes = 64;
constexpr std::uint32_t kHistoryLen = 5;
constexpr int kWarmUp = 20;

/// Counts `action` alone; `before` runs before each call and is not counted.
template <typename Before, typename Action>
void count(const char* name, int calls, Before&& before, Action&& action)
{
    for (int i = 0; i < kWarmUp; ++i) {
        before();
        action();
    }
    CALLGRIND_ZERO_STATS;
    for (int i = 0; i < calls; ++i) {
        before();
        CALLGRIND_TOGGLE_COLLECT;
        action();
        CALLGRIND_TOGGLE_COLLECT;
    }
    CALLGRIND_DUMP_STATS_AT(name);
}

}  // namespace

int main(int argc, char** argv)
{
    const int calls = argc == 2 ? std::atoi(argv[1]) : 0;
    if (calls <= 0) {
        std::fprintf(stderr, "usage: %s CALLS\n", argv[0]);
        return 2;
    }
    bench::WarmPool pool(kFrameBytes, kHistoryLen);
    Consumer consumer = pool.consumer();
    const std::vector<std::byte> frame(static_cast<std::size_t>(kFrameBytes), std::byte{2});

    const auto nothing = [] {};
    const auto put = [&] { (void)*pool.producer().put(frame); };
    const auto get = [&] { (void)(**consumer.latest()).bytes()[0]; };
    // A wait that is over at once leaves the flag up that says that someone may sleep, as a sleeper
    // does. What follows in the producer is the same, and nothing depends on when somebody sleeps.
    const auto fall_asleep = [&] { (void)*consumer.wait(consumer.latest_index(), 1); };

    CALLGRIND_START_INSTRUMENTATION;
    count("put", calls, nothing, put);
    count("loan and publish", calls, nothing,
          [&] { bench::require(pool.producer().loan()).publish(); });
    count("put with a sleeper to wake", calls, fall_asleep, put);
    count("get of a new frame", calls, put, get);
    count("get of the same frame", calls, nothing, get);
    count("get(5) with a new frame", calls, put,
          [&] { (void)(**consumer.history(kHistoryLen)).bytes(kHistoryLen - 1)[0]; });
    count("wait with a frame there", calls, put,
          [&] { (void)*consumer.wait(consumer.last_index()); });
    return 0;
}
