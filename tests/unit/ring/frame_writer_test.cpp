#include "tensor_ipc/ring/frame_writer.hpp"

#include "ring_in_memory.hpp"

namespace tensor_ipc {
namespace {

class FrameWriterTest : public testing::RingInMemory {
protected:
    /// Pins the frame that `slot` holds.
    void pin_slot(std::uint32_t slot, std::uint32_t consumer)
    {
        const FramePlace place{state(slot) - 1, slot};
        ASSERT_EQ(reader(consumer).pin(place), PinOutcome::Pinned);
    }
};

TEST_F(FrameWriterTest, NumbersFramesFromZeroAndTakesSlotsInRingOrder)
{
    FrameWriter writer(memory_, liveness_);

    for (std::uint64_t frame = 0; frame < 20; ++frame) {
        const auto slot = writer.claim();

        ASSERT_EQ(slot, frame % kSlots);
        EXPECT_EQ(writer.commit(*slot, 5, 6), frame);
        EXPECT_EQ(state(*slot), state_of_frame(frame));
        EXPECT_EQ(memory_.latest()->frame, frame);
        EXPECT_EQ(memory_.latest()->slot, *slot);
    }
    EXPECT_EQ(memory_.header().skipped_slots.load(), 0U);
}

/// A pool that keeps one frame, and when its frames are published.
class OneFrameWriterTest : public FrameWriterTest {
protected:
    RingMemory one_frame_memory()
    {
        Geometry geometry = geometry_;
        geometry.history_len = 1;
        return {bytes_.front().bytes, geometry};
    }

    /// Publishes a frame `after_ns` after the one before.
    /// @return its slot
    static std::uint32_t put(FrameWriter& writer, std::uint64_t& now_ns, std::uint64_t after_ns)
    {
        const auto slot = writer.claim();
        EXPECT_TRUE(slot);
        now_ns += after_ns;
        writer.commit(*slot, now_ns, now_ns);
        return *slot;
    }

    static constexpr std::uint64_t kBriskNs = FrameWriter::kBriskNs;
    static constexpr std::uint32_t kRound = FrameWriter::kRound;
    std::uint64_t now_ns_ = 10 * kBriskNs;
};

TEST_F(OneFrameWriterTest, TakesTheSlotWrittenLastButOne)
{
    FrameWriter writer(one_frame_memory(), liveness_);

    for (std::uint32_t frame = 0; frame < 6; ++frame) {
        EXPECT_EQ(put(writer, now_ns_, kBriskNs), frame % 2);
    }
    pin_slot(0, 3);

    for (const std::uint32_t expected : {2U, 1U, 2U, 1U}) {  // 1 was the newest
        EXPECT_EQ(put(writer, now_ns_, kBriskNs), expected);
    }
}

TEST_F(OneFrameWriterTest, StaysWithThreeSlotsBesideAConsumerThatLetsGoOneFrameLate)
{
    FrameWriter writer(one_frame_memory(), liveness_);
    std::uint32_t held = put(writer, now_ns_, kBriskNs);
    pin_slot(held, 3);

    for (int frame = 0; frame < 20; ++frame) {
        const std::uint32_t slot = put(writer, now_ns_, kBriskNs);
        ASSERT_LT(slot, 3U);
        pin_slot(slot, 3);
        reader(3).unpin(held);
        held = slot;
    }
}

TEST_F(OneFrameWriterTest, GoesRoundFourSlotsWhileFramesComeFast)
{
    FrameWriter writer(one_frame_memory(), liveness_);
    put(writer, now_ns_, kBriskNs);

    for (std::uint32_t frame = 1; frame < 20; ++frame) {
        EXPECT_EQ(put(writer, now_ns_, kBriskNs - 1), frame % kRound);
    }
    const std::uint32_t last = put(writer, now_ns_, kBriskNs);  // which is known from the next on

    const std::uint32_t before = (last + kRound - 1) % kRound;
    for (const std::uint32_t expected : {before, last, before, last}) {
        EXPECT_EQ(put(writer, now_ns_, kBriskNs), expected);
    }
}

TEST_F(OneFrameWriterTest, FindsAnotherSlotForTheRoundInPlaceOfOneThatIsHeld)
{
    FrameWriter writer(one_frame_memory(), liveness_);
    for (std::uint32_t frame = 0; frame < 2 * kRound; ++frame) {
        put(writer, now_ns_, kBriskNs - 1);
    }
    pin_slot(1, 3);

    for (const std::uint32_t expected : {0U, 4U, 2U, 3U, 0U, 4U, 2U, 3U}) {
        EXPECT_EQ(put(writer, now_ns_, kBriskNs - 1), expected);
    }
    reader(3).unpin(1);
    EXPECT_EQ(put(writer, now_ns_, kBriskNs - 1), 0U);  // what is not in the round stays away
}

TEST_F(OneFrameWriterTest, GoesRoundAllSlotsThatAreFreeWhereThoseAreFewer)
{
    FrameWriter writer(one_frame_memory(), liveness_);
    for (std::uint32_t frame = 0; frame < 2 * kRound; ++frame) {
        put(writer, now_ns_, kBriskNs - 1);
    }
    for (const std::uint32_t held : {0U, 1U, 2U}) {
        pin_slot(held, held);
    }

    for (const std::uint32_t expected : {4U, 5U, 3U, 4U, 5U, 3U}) {
        EXPECT_EQ(put(writer, now_ns_, kBriskNs - 1), expected);
    }
}

TEST_F(OneFrameWriterTest, ClaimsSeveralSlotsAtOnce)
{
    FrameWriter writer(one_frame_memory(), liveness_);
    put(writer, now_ns_, kBriskNs);
    put(writer, now_ns_, kBriskNs);

    for (const std::uint32_t expected : {0U, 2U, 3U, 4U, 5U, 1U}) {  // the newest one last
        EXPECT_EQ(writer.claim(), expected);
    }
    EXPECT_FALSE(writer.claim());
}

TEST_F(OneFrameWriterTest, ClaimsEverySlotAtOnceWhileFramesComeFastToo)
{
    FrameWriter writer(one_frame_memory(), liveness_);
    for (std::uint32_t frame = 0; frame < 2 * kRound; ++frame) {
        put(writer, now_ns_, kBriskNs - 1);
    }

    for (const std::uint32_t expected : {0U, 1U, 2U, 4U, 5U, 3U}) {  // the newest one last
        EXPECT_EQ(writer.claim(), expected);
    }
    EXPECT_FALSE(writer.claim());
}

TEST_F(FrameWriterTest, StoresTheTimesOfAFrame)
{
    FrameWriter writer(memory_, liveness_);

    writer.commit(*writer.claim(), 11, 22);

    EXPECT_EQ(memory_.slot(0).published_ns.load(), 11U);
    EXPECT_EQ(memory_.slot(0).captured_ns.load(), 22U);
}

TEST_F(FrameWriterTest, MarksAClaimedSlotAsBeingWritten)
{
    FrameWriter writer(memory_, liveness_);

    const auto slot = writer.claim();

    EXPECT_EQ(state(*slot), kBeingWritten);
    EXPECT_FALSE(memory_.latest());
}

TEST_F(FrameWriterTest, GoesRoundAPinnedSlotAndCountsIt)
{
    FrameWriter writer(memory_, liveness_);
    publish(writer, kSlots);
    pin_slot(0, 3);

    EXPECT_EQ(writer.claim(), 1U);

    EXPECT_EQ(state(0), state_of_frame(0));
    EXPECT_EQ(memory_.header().skipped_slots.load(), 1U);
}

TEST_F(FrameWriterTest, GivesASlotBackThatWasPinnedDuringTheClaim)
{
    FrameWriter writer(memory_, liveness_);
    publish(writer, kSlots);
    const testing::AtTestPoint meeting("claim:marked", [&] { memory_.pin(0, 3).fetch_add(1); });

    const auto slot = writer.claim();

    EXPECT_TRUE(meeting.was_reached());
    EXPECT_EQ(slot, 1U);
    EXPECT_EQ(state(0), state_of_frame(0));
}

TEST_F(FrameWriterTest, TakesAPinnedSlotOnceItIsUnpinned)
{
    FrameWriter writer(memory_, liveness_);
    publish(writer, kSlots);
    pin_slot(0, 3);
    publish(writer, kSlots - 1);

    reader(3).unpin(0);

    EXPECT_EQ(writer.claim(), 0U);
}

TEST_F(FrameWriterTest, TakesBackAllPinsOfADeadConsumer)
{
    FrameWriter writer(memory_, liveness_);
    publish(writer, kSlots);
    pin_slot(0, 3);
    pin_slot(4, 3);
    pin_slot(1, 5);
    liveness_.die(3);

    EXPECT_EQ(writer.claim(), 0U);

    EXPECT_EQ(pin(0, 3), 0);
    EXPECT_EQ(pin(4, 3), 0);
    EXPECT_EQ(pin(1, 5), 1);
    EXPECT_EQ(liveness_.locked(), 0);
}

TEST_F(FrameWriterTest, AsksOnlyOnceAboutAConsumerThatHoldsManySlots)
{
    FrameWriter writer(memory_, liveness_);
    publish(writer, kSlots);
    for (std::uint32_t slot = 0; slot < kSlots - 2; ++slot) {
        pin_slot(slot, 3);
    }

    EXPECT_EQ(writer.claim(), kSlots - 2);

    EXPECT_EQ(liveness_.asked(), 1);
    EXPECT_EQ(memory_.header().skipped_slots.load(), kSlots - 2);
}

TEST_F(FrameWriterTest, AsksAboutALivingConsumerOnceInSoManyClaims)
{
    FrameWriter writer(memory_, liveness_);
    publish(writer, kSlots);
    pin_slot(0, 3);
    constexpr int kPeriods = 10;

    publish(writer, kPeriods * FrameWriter::kTrustedClaims);

    EXPECT_GE(liveness_.asked(), kPeriods - 1);
    EXPECT_LE(liveness_.asked(), kPeriods + 1);
}

TEST_F(FrameWriterTest, TakesBackThePinsOfOneThatDiesAfterItWasAsked)
{
    FrameWriter writer(memory_, liveness_);
    publish(writer, kSlots);
    pin_slot(0, 3);
    publish(writer, kSlots);
    ASSERT_EQ(liveness_.asked(), 1);
    liveness_.die(3);

    publish(writer, FrameWriter::kTrustedClaims + kSlots);

    EXPECT_EQ(pin(0, 3), 0);
    EXPECT_NE(state(0), state_of_frame(0));
}

TEST_F(FrameWriterTest, AsksAgainBeforeItTakesTheNewestFrame)
{
    FrameWriter writer(memory_, liveness_);
    publish(writer, kSlots);
    for (std::uint32_t slot = 0; slot < kSlots - 1; ++slot) {
        pin_slot(slot, slot);
    }
    ASSERT_EQ(writer.claim(), kSlots - 1);
    writer.commit(kSlots - 1, 1, 1);
    liveness_.die(2);

    EXPECT_EQ(writer.claim(), 2U);

    EXPECT_EQ(state(kSlots - 1), state_of_frame(kSlots));
    EXPECT_EQ(pin(2, 2), 0);
}

TEST_F(FrameWriterTest, TakesASlotBackOnceAllWhoPinItAreDead)
{
    FrameWriter writer(memory_, liveness_);
    publish(writer, kSlots);
    pin_slot(0, 2);
    pin_slot(0, 5);
    liveness_.die(5);
    EXPECT_EQ(writer.claim(), 1U);

    liveness_.die(2);
    publish(writer, FrameWriter::kTrustedClaims + kSlots);

    EXPECT_EQ(pin(0, 2), 0);
    EXPECT_EQ(pin(0, 5), 0);
}

TEST_F(FrameWriterTest, ReturnsNothingWhenTheLivingPinEverySlot)
{
    FrameWriter writer(memory_, liveness_);
    publish(writer, kSlots);
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        pin_slot(slot, slot);
    }

    EXPECT_EQ(writer.claim(), std::nullopt);

    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        EXPECT_EQ(state(slot), state_of_frame(slot));
    }
}

TEST_F(FrameWriterTest, TakesEverySlotBackWhenAllWhoPinAreDead)
{
    FrameWriter writer(memory_, liveness_);
    publish(writer, kSlots);
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        pin_slot(slot, slot);
        liveness_.die(slot);
    }

    for (std::uint32_t i = 0; i < kSlots; ++i) {
        EXPECT_TRUE(writer.claim());
    }
    EXPECT_EQ(writer.claim(), std::nullopt);
}

TEST_F(FrameWriterTest, TakesTheSlotOfTheNewestFrameOnlyWhenThereIsNoOther)
{
    FrameWriter writer(memory_, liveness_);
    publish(writer, kSlots);
    for (std::uint32_t slot = 0; slot < kSlots - 1; ++slot) {
        pin_slot(slot, 0);
    }

    EXPECT_EQ(writer.claim(), kSlots - 1);
    EXPECT_EQ(writer.commit(kSlots - 1, 1, 1), kSlots);
}

TEST_F(FrameWriterTest, ClaimsSeveralSlotsAtOnce)
{
    FrameWriter writer(memory_, liveness_);
    const auto first = writer.claim();
    const auto second = writer.claim();

    EXPECT_NE(first, second);
    EXPECT_EQ(writer.commit(*second, 1, 1), 0U);
    EXPECT_EQ(writer.commit(*first, 1, 1), 1U);
    EXPECT_EQ(memory_.latest()->slot, *first);
}

TEST_F(FrameWriterTest, ForgetsTheOldFrameOfAnAbandonedSlot)
{
    FrameWriter writer(memory_, liveness_);
    publish(writer, kSlots);
    const auto slot = writer.claim();

    writer.abandon(*slot);

    EXPECT_EQ(state(*slot), kNeverWritten);
    EXPECT_EQ(writer.next_frame(), kSlots);
}

TEST_F(FrameWriterTest, GoesOnWhereADeadProducerStopped)
{
    FrameWriter dead(memory_, liveness_);
    publish(dead, 8);

    FrameWriter writer(memory_, liveness_);

    EXPECT_EQ(writer.next_frame(), 8U);
    EXPECT_EQ(writer.claim(), 8 % kSlots);
    EXPECT_EQ(memory_.latest()->frame, 7U);
}

TEST_F(FrameWriterTest, FreesSlotsThatADeadProducerWasWriting)
{
    FrameWriter dead(memory_, liveness_);
    publish(dead, 2);
    const auto half_written = dead.claim();

    FrameWriter writer(memory_, liveness_);

    EXPECT_EQ(state(*half_written), kNeverWritten);
    EXPECT_EQ(writer.claim(), *half_written);
    EXPECT_EQ(writer.next_frame(), 2U);
}

TEST_F(FrameWriterTest, AnnouncesAFrameThatADeadProducerFinishedButDidNotAnnounce)
{
    FrameWriter dead(memory_, liveness_);
    publish(dead, 2);
    const std::uint64_t announced = memory_.header().latest.load();
    publish(dead, 1);
    memory_.header().latest.store(announced);

    const FrameWriter writer(memory_, liveness_);

    EXPECT_EQ(memory_.latest()->frame, 2U);
    EXPECT_EQ(memory_.latest()->slot, 2U);
    EXPECT_EQ(writer.next_frame(), 3U);
}

TEST_F(FrameWriterTest, ForgetsNumbersThatNoProducerCanHaveReached)
{
    FrameWriter dead(memory_, liveness_);
    publish(dead, 2);
    for (const std::uint64_t state : {UINT64_MAX - 1, kFrameLimit, kFrameLimit / 2 + 1}) {
        memory_.slot(4).state.store(state);
        memory_.header().latest.store(pack_latest(kFrameLimit - 1, 3));

        FrameWriter writer(memory_, liveness_);

        EXPECT_EQ(writer.next_frame(), 2U) << state;
        EXPECT_EQ(this->state(4), kNeverWritten);
        EXPECT_EQ(memory_.header().latest.load(), pack_latest(1, 1));
    }
}

TEST_F(FrameWriterTest, AnnouncesNothingWhenAllThatADeadProducerLeftIsDamaged)
{
    memory_.header().latest.store(pack_latest(kFrameLimit - 1, 3));

    FrameWriter writer(memory_, liveness_);

    EXPECT_EQ(writer.next_frame(), 0U);
    EXPECT_FALSE(memory_.latest());
}

TEST_F(FrameWriterTest, GivesNoNumberTwiceWhenTheNewestFrameWasBeingOverwritten)
{
    FrameWriter dead(memory_, liveness_);
    publish(dead, kSlots);
    for (std::uint32_t slot = 0; slot < kSlots - 1; ++slot) {
        pin_slot(slot, 0);
    }
    ASSERT_EQ(dead.claim(), kSlots - 1);  // the last resort: frame 5 is lost

    FrameWriter writer(memory_, liveness_);

    EXPECT_EQ(writer.next_frame(), kSlots);
}

TEST_F(FrameWriterTest, LeavesOutNumbersAndGoesOnFromThere)
{
    FrameWriter writer(memory_, liveness_);
    publish(writer, 1);

    ASSERT_TRUE(writer.skip_to(7));
    publish(writer, 2);

    EXPECT_EQ(memory_.latest()->frame, 8U);
    EXPECT_EQ(state(1), state_of_frame(7));
    EXPECT_FALSE(reader(0).find(3));
    EXPECT_EQ(FrameWriter(memory_, liveness_).next_frame(), 9U) << "also for a successor";
}

TEST_F(FrameWriterTest, SkipsNeitherBackNorToNumbersThatASuccessorWouldTakeForDamage)
{
    FrameWriter writer(memory_, liveness_);
    publish(writer, 3);

    EXPECT_TRUE(writer.skip_to(3));
    EXPECT_FALSE(writer.skip_to(2));
    EXPECT_FALSE(writer.skip_to(kFrameLimit / 2));
    EXPECT_EQ(writer.next_frame(), 3U);
    ASSERT_TRUE(writer.skip_to(kFrameLimit / 2 - 1));
    publish(writer, 1);

    EXPECT_EQ(FrameWriter(memory_, liveness_).next_frame(), kFrameLimit / 2);
}

}  // namespace
}  // namespace tensor_ipc
