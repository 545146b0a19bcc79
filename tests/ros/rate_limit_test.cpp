#include "tensor_ipc/ros/rate_limit.hpp"

#include <gtest/gtest.h>

namespace tensor_ipc::ros {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

int admitted(double limit_hz, std::uint64_t period_ns, int messages, std::uint64_t jitter_ns = 0)
{
    RateLimit limit(limit_hz);
    int count = 0;
    for (int i = 0; i < messages; ++i) {
        const std::uint64_t jitter = i % 2 == 0 ? 0 : jitter_ns;
        count += limit.admits(static_cast<std::uint64_t>(i) * period_ns + jitter) ? 1 : 0;
    }
    return count;
}

TEST(RateLimit, OfZeroAdmitsAll)
{
    EXPECT_EQ(admitted(0, kMs, 1000), 1000);
}

TEST(RateLimit, AdmitsItsRateOfAFasterSourceAndOneMore)
{
    EXPECT_EQ(admitted(10, 1 * kMs, 1000), 11);
    EXPECT_EQ(admitted(10, 33 * kMs, 303), 101);
}

TEST(RateLimit, LosesNothingOfASourceOfItsRate)
{
    EXPECT_EQ(admitted(10, 100 * kMs, 50), 50);
    EXPECT_EQ(admitted(10, 100 * kMs, 50, 40 * kMs), 50);
}

TEST(RateLimit, DoesNotMakeUpForAPause)
{
    RateLimit limit(10);
    EXPECT_TRUE(limit.admits(0));

    EXPECT_TRUE(limit.admits(5000 * kMs));
    EXPECT_FALSE(limit.admits(5001 * kMs));
    EXPECT_TRUE(limit.admits(5100 * kMs));
}

}  // namespace
}  // namespace tensor_ipc::ros
