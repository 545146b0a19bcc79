#include "tensor_ipc/ring/frame_times.hpp"

#include "ring_in_memory.hpp"

namespace tensor_ipc {
namespace {

using testing::AtTestPoint;

class FrameTimesTest : public testing::RingInMemory {
protected:
    void publish_at(std::uint64_t captured_ns)
    {
        const auto slot = writer_.claim();
        ASSERT_TRUE(slot);
        writer_.commit(*slot, 1, captured_ns);
    }

    [[nodiscard]] std::vector<std::uint64_t> captured() const
    {
        const auto times = times_.captured_ns();
        return {times.begin(), times.end()};
    }

    FrameWriter writer_{memory_, liveness_};
    FrameReader reader_ = reader(4);
    FrameTimes times_;
};

TEST_F(FrameTimesTest, AreNoneBeforeTheFirstFrame)
{
    times_.read(reader_);

    EXPECT_EQ(times_.count(), 0U);
    EXPECT_FALSE(times_.announced());
}

TEST_F(FrameTimesTest, AreThoseOfTheHistoryAndNotOfOlderFramesInSpareSlots)
{
    for (std::uint64_t i = 0; i < 20; ++i) {
        publish_at(100 + i);

        times_.read(reader_);

        EXPECT_EQ(times_.count(), std::min<std::uint64_t>(i + 1, kHistory));
        EXPECT_EQ(times_.announced(), i);
        for (std::uint32_t age = 0; age < times_.count(); ++age) {
            EXPECT_EQ(captured()[age], 100 + i - age);
            EXPECT_EQ(times_.place(age).frame, i - age);
            EXPECT_EQ(reader_.find(i - age)->slot, times_.place(age).slot);
        }
    }
}

TEST_F(FrameTimesTest, FollowTheFramesWhereTheProducerWentRoundAPinnedSlot)
{
    publish_at(100);  // slot 0
    ASSERT_EQ(reader(2).pin({0, 0}), PinOutcome::Pinned);
    for (std::uint64_t i = 1; i < kSlots + 1; ++i) {
        publish_at(100 + i);
    }

    times_.read(reader_);

    EXPECT_EQ(captured(), (std::vector<std::uint64_t>{106, 105, 104}));
    EXPECT_EQ(times_.place(0).slot, 1U);
    EXPECT_EQ(times_.place(1).slot, 5U);
}

TEST_F(FrameTimesTest, EndWhereAFrameIsMissing)
{
    for (std::uint64_t i = 0; i < kSlots; ++i) {
        publish_at(100 + i);
    }
    memory_.slot(4).state.store(kNeverWritten);

    times_.read(reader_);

    EXPECT_EQ(captured(), std::vector<std::uint64_t>{105});
}

TEST_F(FrameTimesTest, BeginWithTheNewestReadableFrameWhileTheAnnouncedOneIsWrittenOver)
{
    for (std::uint64_t i = 0; i < kSlots; ++i) {
        publish_at(100 + i);
    }
    memory_.slot(5).state.store(kBeingWritten);

    times_.read(reader_);

    EXPECT_EQ(captured(), (std::vector<std::uint64_t>{104, 103, 102}));
    EXPECT_EQ(times_.announced(), 5U);
}

TEST_F(FrameTimesTest, AreNoneWhileEveryFrameIsWrittenOver)
{
    publish_at(100);
    memory_.slot(0).state.store(kBeingWritten);

    times_.read(reader_);

    EXPECT_EQ(times_.count(), 0U);
    EXPECT_EQ(times_.announced(), 0U);
}

TEST_F(FrameTimesTest, NeverGiveAFrameTheTimeOfAnother)
{
    publish_at(100);
    AtTestPoint overtake("times:state-read", [&] {
        for (std::uint64_t i = 1; i <= kSlots; ++i) {
            publish_at(100 + i);  // the last of them to the slot that is being looked at
        }
    });

    const auto found = reader_.captured_ns({0, 0});

    EXPECT_TRUE(overtake.was_reached());
    EXPECT_FALSE(found);
}

TEST_F(FrameTimesTest, ArePinnedByNobody)
{
    publish_at(100);
    AtTestPoint look("times:state-read", [&] { EXPECT_FALSE(memory_.is_pinned(0)); });

    times_.read(reader_);

    EXPECT_TRUE(look.was_reached());
    EXPECT_FALSE(memory_.is_pinned(0));
}

}  // namespace
}  // namespace tensor_ipc
