/// A clock for fuzzers, linked in place of the real one (`ld --wrap=clock_gettime`).
///
/// Every look at it is 5 ms later than the one before. So a call that has patience for 200 ms has
/// it for 40 looks: thousands of inputs a second instead of five, and the same result each time.
#include <atomic>
#include <cstdint>
#include <ctime>

namespace {

constexpr std::uint64_t kStepNs = 5'000'000;

std::atomic<std::uint64_t> now_ns{1'000'000'000'000};

}  // namespace

extern "C" int __wrap_clock_gettime(clockid_t, timespec* time)  // NOLINT(*-reserved-identifier)
{
    const std::uint64_t now = now_ns.fetch_add(kStepNs, std::memory_order_relaxed);
    time->tv_sec = static_cast<time_t>(now / 1'000'000'000U);
    time->tv_nsec = static_cast<long>(now % 1'000'000'000U);
    return 0;
}
