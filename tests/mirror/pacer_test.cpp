#include "tensor_ipc/mirror/pacer.hpp"

#include <gtest/gtest.h>

namespace tensor_ipc::mirror {
namespace {

TEST(Pacer, LetsEverythingThroughWithoutLimits)
{
    Pacer pacer(0, 0);

    pacer.began_frame(1000);
    pacer.sent(1 << 30, 1000);

    EXPECT_LE(pacer.frame_due_ns(), 1000U);
    EXPECT_LE(pacer.piece_due_ns(), 1000U);
}

TEST(Pacer, KeepsTheRateOfASourceThatIsNowAndThenLate)
{
    Pacer pacer(100, 0);
    pacer.began_frame(1000);
    ASSERT_EQ(pacer.frame_due_ns(), 1100U);

    pacer.began_frame(1130);

    EXPECT_EQ(pacer.frame_due_ns(), 1200U) << "counted from when it was due";
}

TEST(Pacer, DoesNotMakeUpForASilence)
{
    Pacer pacer(100, 0);
    pacer.began_frame(1000);

    pacer.began_frame(5000);

    EXPECT_EQ(pacer.frame_due_ns(), 5100U);
}

TEST(Pacer, SpreadsBytesOverTime)
{
    Pacer pacer(0, 1000);  // a byte takes a millisecond

    pacer.sent(5, 1'000'000);
    EXPECT_EQ(pacer.piece_due_ns(), 6'000'000U);
    pacer.sent(5, 2'000'000);

    EXPECT_EQ(pacer.piece_due_ns(), 11'000'000U);
    EXPECT_EQ(pacer.frame_due_ns(), 11'000'000U) << "the next frame waits for the last one's bytes";
}

}  // namespace
}  // namespace tensor_ipc::mirror
