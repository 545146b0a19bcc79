#include "tensor_ipc/memory/copy_choice.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace tensor_ipc {
namespace {

constexpr std::size_t kBytes = 1U << 20U;

class CopyChoiceTest : public ::testing::Test {
protected:
    /// Notes `copies` of them, each taking what its way costs.
    /// @return how many went past the caches
    std::uint32_t copy(std::uint32_t copies)
    {
        std::uint32_t past = 0;
        for (std::uint32_t i = 0; i < copies; ++i) {
            const CopyWay way = choice_.way();
            past += way == CopyWay::PastCaches ? 1U : 0U;
            choice_.note(way, kBytes, way == CopyWay::PastCaches ? past_ns_ : through_ns_);
        }
        return past;
    }

    CopyChoice choice_;
    std::uint64_t through_ns_ = 100'000;
    std::uint64_t past_ns_ = 100'000;
};

constexpr std::uint32_t kFirst = CopyChoice::kFirstTrial;
constexpr std::uint32_t kTrial = CopyChoice::kTrial;

TEST_F(CopyChoiceTest, BeginsThroughTheCachesAndTriesTheOtherWay)
{
    EXPECT_EQ(copy(kFirst), 0U);
    EXPECT_EQ(copy(kTrial), kTrial);
    EXPECT_EQ(choice_.way(), CopyWay::ThroughCaches);
}

TEST_F(CopyChoiceTest, StaysWithTheOtherWayWhereItIsFaster)
{
    past_ns_ = 60'000;

    EXPECT_EQ(copy(kFirst + kTrial), kTrial);
    EXPECT_EQ(copy(kTrial), 0U) << "a last look at the way that it is going to leave";
    EXPECT_EQ(copy(2 * kFirst), 2 * kFirst);
    EXPECT_EQ(copy(kTrial), 0U) << "a trial of the way that was left";
    EXPECT_EQ(copy(kFirst), kFirst);
}

TEST_F(CopyChoiceTest, IsNotMisledByAMachineThatIsLessBusyDuringTheTrial)
{
    through_ns_ = 100'000;  // as busy
    copy(kFirst);
    past_ns_ = 60'000;  // in a quiet moment
    copy(kTrial);
    through_ns_ = 40'000;  // in the same
    copy(kTrial);

    EXPECT_EQ(choice_.way(), CopyWay::ThroughCaches);
}

TEST_F(CopyChoiceTest, DoesNotChangeForLessThanAnEighth)
{
    past_ns_ = 90'000;

    EXPECT_EQ(copy(kFirst + kTrial), kTrial);
    EXPECT_EQ(copy(2 * kFirst), 0U);
}

TEST_F(CopyChoiceTest, TriesHalfAsOftenEachTimeUpToALimit)
{
    for (std::uint32_t until_trial = kFirst; until_trial <= 2 * CopyChoice::kRarestTrial;
         until_trial *= 2) {
        EXPECT_EQ(copy(std::min(until_trial, CopyChoice::kRarestTrial)), 0U) << until_trial;
        EXPECT_EQ(copy(kTrial), kTrial) << until_trial;
    }
}

TEST_F(CopyChoiceTest, TriesAtOnceWhenTheChosenWayHasBecomeFarSlowerThanTheOther)
{
    copy(kFirst + kTrial);
    through_ns_ = 1'000'000;

    EXPECT_EQ(copy(4 + kTrial), kTrial);
    EXPECT_EQ(copy(kTrial), 0U);
    EXPECT_EQ(copy(2 * kFirst), 2 * kFirst);
}

TEST_F(CopyChoiceTest, ComesBackWhenAWrongWayWasChosen)
{
    past_ns_ = 60'000;
    copy(kFirst + 2 * kTrial);
    ASSERT_EQ(choice_.way(), CopyWay::PastCaches);
    past_ns_ = 150'000;

    copy(2 * kFirst + 2 * kTrial);

    EXPECT_EQ(choice_.way(), CopyWay::ThroughCaches);
}

TEST_F(CopyChoiceTest, TakesOneInterruptedCopyForNoSign)
{
    copy(kFirst + kTrial);

    choice_.note(choice_.way(), kBytes, 10'000'000);

    EXPECT_EQ(copy(2), 0U);
}

TEST_F(CopyChoiceTest, JudgesATrialByItsEndNotByItsBeginning)
{
    copy(kFirst);
    for (std::uint32_t i = 0; i < kTrial; ++i) {  // the first ones find places as others left them
        choice_.note(choice_.way(), kBytes, i == 0 ? 10'000'000 : (i < 4 ? 150'000 : 40'000));
    }
    copy(kTrial);

    EXPECT_EQ(choice_.way(), CopyWay::PastCaches);
}

TEST_F(CopyChoiceTest, ComparesFramesOfDifferentSizes)
{
    copy(kFirst);
    for (std::uint32_t i = 0; i < kTrial; ++i) {
        choice_.note(choice_.way(), 4 * kBytes, 200'000);
    }
    copy(kTrial);

    EXPECT_EQ(choice_.way(), CopyWay::PastCaches);
}

TEST_F(CopyChoiceTest, RecoversFromCopiesThatTookNoTimeOrHadNoBytes)
{
    for (std::uint32_t i = 0; i < 100; ++i) {
        choice_.note(choice_.way(), i % 2, 0);
    }
    past_ns_ = 1'000'000;

    copy(4 * CopyChoice::kRarestTrial);

    EXPECT_LE(copy(CopyChoice::kRarestTrial / 2), kTrial);
}

}  // namespace
}  // namespace tensor_ipc
