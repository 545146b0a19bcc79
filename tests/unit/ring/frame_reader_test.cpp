#include "tensor_ipc/ring/frame_reader.hpp"

#include "ring_in_memory.hpp"

namespace tensor_ipc {
namespace {

class FrameReaderTest : public testing::RingInMemory {
protected:
    FrameWriter writer_{memory_, liveness_};
    FrameReader reader_ = reader(4);
};

TEST_F(FrameReaderTest, FindsNothingBeforeTheFirstFrame)
{
    EXPECT_FALSE(reader_.latest());
    EXPECT_FALSE(reader_.newest_readable());
    EXPECT_FALSE(reader_.find(0));
}

TEST_F(FrameReaderTest, PinsTheNewestFrame)
{
    publish(writer_, 8);

    const PinOutcome outcome = reader_.pin(*reader_.latest());

    EXPECT_EQ(outcome, PinOutcome::Pinned);
    EXPECT_EQ(pin(7 % kSlots, 4), 1);
}

TEST_F(FrameReaderTest, CountsThePinsOfOneSlot)
{
    publish(writer_, 1);

    EXPECT_EQ(reader_.pin({0, 0}), PinOutcome::Pinned);
    EXPECT_EQ(reader_.pin({0, 0}), PinOutcome::PinnedAgain);
    EXPECT_EQ(pin(0, 4), 2);
    EXPECT_EQ(reader_.slots_held(), 1U);
    reader_.unpin(0);
    reader_.unpin(0);
    EXPECT_EQ(reader_.slots_held(), 0U);
    EXPECT_EQ(reader_.pin({0, 0}), PinOutcome::Pinned);
}

TEST_F(FrameReaderTest, LeavesNothingPinnedWhenTheFrameWasOverwritten)
{
    publish(writer_, kSlots + 2);

    const PinOutcome outcome = reader_.pin({1, 1});

    EXPECT_EQ(outcome, PinOutcome::Overwritten);
    EXPECT_EQ(pin(1, 4), 0);
    EXPECT_EQ(reader_.slots_held(), 0U);
}

TEST_F(FrameReaderTest, LeavesNothingPinnedWhenTheSlotIsBeingWritten)
{
    publish(writer_, 1);
    const auto slot = writer_.claim();

    EXPECT_EQ(reader_.pin({1, *slot}), PinOutcome::Overwritten);
    EXPECT_EQ(pin(*slot, 4), 0);
}

TEST_F(FrameReaderTest, BacksOffWhenTheProducerClaimedTheSlotJustBefore)
{
    publish(writer_, kSlots);
    std::optional<std::uint32_t> claimed;
    const testing::AtTestPoint meeting("pin:before-mark", [&] { claimed = writer_.claim(); });

    const PinOutcome outcome = reader_.pin({0, 0});

    EXPECT_TRUE(meeting.was_reached());
    EXPECT_EQ(claimed, 0U);
    EXPECT_EQ(outcome, PinOutcome::Overwritten);
}

TEST_F(FrameReaderTest, KeepsTheSlotWhenTheProducerComesJustAfter)
{
    publish(writer_, kSlots);
    std::optional<std::uint32_t> claimed;
    const testing::AtTestPoint meeting("pin:marked", [&] { claimed = writer_.claim(); });

    const PinOutcome outcome = reader_.pin({0, 0});

    EXPECT_TRUE(meeting.was_reached());
    EXPECT_EQ(claimed, 1U);
    EXPECT_EQ(outcome, PinOutcome::Pinned);
    EXPECT_EQ(state(0), state_of_frame(0));
}

TEST_F(FrameReaderTest, IsSaturatedAtItsLimit)
{
    publish(writer_, 1);
    for (int i = 0; i < FrameReader::kMaxPinsOfSlot; ++i) {
        ASSERT_NE(reader_.pin({0, 0}), PinOutcome::Saturated);
    }

    EXPECT_EQ(reader_.pin({0, 0}), PinOutcome::Saturated);
    EXPECT_EQ(pin(0, 4), FrameReader::kMaxPinsOfSlot);
    EXPECT_EQ(reader_.pin({0, 0}, FrameReader::kMaxPinsOfSlotForCopies), PinOutcome::PinnedAgain);
}

TEST_F(FrameReaderTest, KeepsConsumersApart)
{
    publish(writer_, 1);

    EXPECT_EQ(reader(4).pin({0, 0}), PinOutcome::Pinned);
    EXPECT_EQ(reader(5).pin({0, 0}), PinOutcome::Pinned);
    reader(4).unpin(0);
    EXPECT_TRUE(memory_.is_pinned(0));
    reader(5).unpin(0);
    EXPECT_FALSE(memory_.is_pinned(0));
}

TEST_F(FrameReaderTest, FindsFramesWhereverTheyAre)
{
    publish(writer_, kSlots);
    ASSERT_EQ(reader_.pin({0, 0}), PinOutcome::Pinned);
    publish(writer_, 2);  // frames 6 and 7 go round slot 0

    EXPECT_EQ(reader_.find(0)->slot, 0U);
    EXPECT_EQ(reader_.find(6)->slot, 1U);
    EXPECT_EQ(reader_.find(7)->slot, 2U);
    EXPECT_FALSE(reader_.find(1));
    EXPECT_FALSE(reader_.find(8));
}

TEST_F(FrameReaderTest, FindsTheNewestReadableFrameWhileTheLatestIsOverwritten)
{
    publish(writer_, kSlots);
    for (std::uint32_t slot = 0; slot < kSlots - 1; ++slot) {
        ASSERT_EQ(reader_.pin({slot, slot}), PinOutcome::Pinned);
    }
    ASSERT_EQ(writer_.claim(), kSlots - 1);

    EXPECT_EQ(reader_.latest()->frame, kSlots - 1);
    EXPECT_EQ(reader_.newest_readable()->frame, kSlots - 2);
}

TEST_F(FrameReaderTest, KnowsHowMuchRoomTheProducerHas)
{
    publish(writer_, kSlots);
    for (std::uint32_t slot = 0; slot < 4; ++slot) {
        ASSERT_EQ(reader_.pin({slot, slot}), PinOutcome::Pinned);
    }

    EXPECT_TRUE(reader_.leaves_room(3, 2));
    EXPECT_FALSE(reader_.leaves_room(3, 3));
    reader_.unpin(1);
    EXPECT_TRUE(reader_.leaves_room(3, 3));
}

TEST_F(FrameReaderTest, IgnoresALatestWordThatLeadsOutside)
{
    for (const std::uint64_t word :
         {pack_latest(3, kSlots), pack_latest(0, UINT16_MAX), UINT64_MAX, std::uint64_t{5}}) {
        memory_.header().latest.store(word);

        EXPECT_FALSE(reader_.latest()) << word;
    }
}

TEST_F(FrameReaderTest, FindsNoFrameInASlotThatWasNeverWrittenOrIsBeingWritten)
{
    const auto slot = writer_.claim();
    ASSERT_EQ(state(*slot), kBeingWritten);

    EXPECT_FALSE(reader_.find(UINT64_MAX));      // + 1 is "never written"
    EXPECT_FALSE(reader_.find(UINT64_MAX - 1));  // + 1 is "being written"
}

TEST_F(FrameReaderTest, TakesANumberThatNoProducerGivesForNoFrame)
{
    memory_.slot(2).state.store(kFrameLimit + 1);
    EXPECT_FALSE(reader_.newest_readable());
    EXPECT_FALSE(reader_.find(kFrameLimit));

    memory_.slot(2).state.store(kFrameLimit);
    EXPECT_EQ(reader_.newest_readable()->frame, kFrameLimit - 1);
    EXPECT_EQ(reader_.find(kFrameLimit - 1)->slot, 2U);
}

TEST_F(FrameReaderTest, NeverLooksBeyondTheConsumerTable)
{
    memory_.header().consumer_high_water.store(UINT32_MAX);

    EXPECT_EQ(memory_.consumer_limit(), kConsumerCapacity);
    EXPECT_FALSE(memory_.is_pinned(kSlots - 1));
}

}  // namespace
}  // namespace tensor_ipc
