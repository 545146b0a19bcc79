#include "tensor_ipc/pool/frame_pace.hpp"

#include <gtest/gtest.h>

namespace tensor_ipc {
namespace {

constexpr std::uint64_t kStartNs = 1'000'000'000'000;
constexpr std::uint64_t kBrieflyNs = FramePace::kSleepCostNs - 1;

FrameInfo frame(std::uint64_t index, std::uint64_t published_ns)
{
    FrameInfo info;
    info.index = index;
    info.published_ns = published_ns;
    return info;
}

TEST(FramePaceTest, LooksForTheNextFrameWhileFramesComeFast)
{
    FramePace pace;
    pace.note(frame(0, kStartNs));
    EXPECT_EQ(pace.spin_ns(kStartNs), 0U);  // one frame says nothing

    pace.note(frame(1, kStartNs + kBrieflyNs));

    EXPECT_EQ(pace.spin_ns(kStartNs + kBrieflyNs), FramePace::kSleepCostNs);
}

TEST(FramePaceTest, LooksNoMoreOnceTheFrameIsLate)
{
    FramePace pace;
    pace.note(frame(0, kStartNs));
    pace.note(frame(1, kStartNs + 1000));

    EXPECT_GT(pace.spin_ns(kStartNs + 1000 + kBrieflyNs), 0U);
    EXPECT_EQ(pace.spin_ns(kStartNs + 1000 + FramePace::kSleepCostNs), 0U);
}

TEST(FramePaceTest, SleepsAtOnceWhileFramesComeSlowly)
{
    FramePace pace;
    pace.note(frame(0, kStartNs));
    pace.note(frame(1, kStartNs + 1000));

    pace.note(frame(2, kStartNs + 1000 + FramePace::kSleepCostNs));

    EXPECT_EQ(pace.spin_ns(kStartNs + 1000 + FramePace::kSleepCostNs), 0U);
}

TEST(FramePaceTest, CountsFramesThatWereMissed)
{
    FramePace pace;
    pace.note(frame(7, kStartNs));

    pace.note(frame(17, kStartNs + 10 * kBrieflyNs));

    EXPECT_GT(pace.spin_ns(kStartNs + 10 * kBrieflyNs), 0U);
}

TEST(FramePaceTest, KnowsNothingOfTheNextPool)
{
    FramePace pace;
    pace.note(frame(0, kStartNs));
    pace.note(frame(1, kStartNs + 1000));

    pace.forget();
    EXPECT_EQ(pace.spin_ns(kStartNs + 1000), 0U);
    pace.note(frame(0, kStartNs + 2000));
    EXPECT_EQ(pace.spin_ns(kStartNs + 2000), 0U);
}

}  // namespace
}  // namespace tensor_ipc
