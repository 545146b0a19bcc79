/// Which frames are views, which are copies, and what holding them does to others.
#include "tensor_ipc/pool/frame_source.hpp"

#include <thread>

#include "support/pool_test.hpp"

namespace tensor_ipc {
namespace {

using testing::metadata_of;
using testing::must;
using testing::present;
using testing::put;
using testing::value_of;
using testing::values_of;

class FrameSourceTest : public testing::PoolTest {
protected:
    static Consumer attach(const std::string& name, std::uint32_t max_pins)
    {
        ConsumerOptions options;
        options.max_pins = max_pins;
        return must(Consumer::attach(name, options));
    }

    PoolMetadata metadata_ = metadata_of(name_);  // 3 + 3 slots
};

TEST_F(FrameSourceTest, GivesTheProducersOwnMemory)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    put(producer, 1);

    const Frame first = present(consumer.latest());
    const Frame again = present(consumer.latest());

    EXPECT_FALSE(first.copied());
    EXPECT_EQ(first.bytes().data(), again.bytes().data());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first.bytes().data()) % kPayloadAlignment, 0U);
}

TEST_F(FrameSourceTest, GivesEveryWindowAsOneRangeInBothMemoryOrders)
{
    for (const MemoryOrder order : {MemoryOrder::NewestFirst, MemoryOrder::Chronological}) {
        SegmentOptions options;
        options.memory_order = order;
        Producer producer = must(Producer::create(metadata_, options));
        Consumer consumer = must(Consumer::attach(name_));
        put(producer, 0);
        put(producer, 1);
        for (int newest = 2; newest < 20; ++newest) {  // three times round the ring
            put(producer, newest);

            const FrameWindow window = present(consumer.history(3));

            EXPECT_FALSE(window.copied());
            EXPECT_EQ(values_of(window), (std::vector{newest, newest - 1, newest - 2}));
            EXPECT_EQ(window.info().index, static_cast<std::uint64_t>(newest));
            EXPECT_EQ(window.newest_first(), order == MemoryOrder::NewestFirst);
            const auto step = static_cast<std::ptrdiff_t>(window.stride_bytes());
            EXPECT_EQ(window.bytes(1).data() - window.bytes(0).data(),
                      window.newest_first() ? step : -step);
            EXPECT_EQ(window.bytes(2).data() - window.bytes(1).data(),
                      window.newest_first() ? step : -step);
        }
        EXPECT_EQ(consumer.stats().copied_frames, 0U);
    }
}

TEST_F(FrameSourceTest, KeepsAViewUnchangedWhileTheProducerGoesOn)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    for (int i = 0; i < 3; ++i) {
        put(producer, i);
    }
    const FrameWindow held = present(consumer.history(3));

    for (int i = 3; i < 200; ++i) {
        put(producer, i);
        EXPECT_EQ(values_of(held), (std::vector{2, 1, 0}));
    }
}

TEST_F(FrameSourceTest, GathersAWindowByCopyWhenTheProducerWentRoundAPin)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    Consumer holder = must(Consumer::attach(name_));
    put(producer, 0);
    const Frame held = present(holder.latest());  // slot 0
    for (int i = 1; i <= 7; ++i) {
        put(producer, i);
    }

    const FrameWindow window = present(consumer.history(3));  // frame 6 went to slot 1

    EXPECT_EQ(values_of(window), (std::vector{7, 6, 5}));
    EXPECT_TRUE(window.copied());
    EXPECT_EQ(consumer.stats().copied_frames, 3U);
    EXPECT_EQ(consumer.stats().copied_bytes, 72U);
    EXPECT_EQ(value_of(held), 0);
}

TEST_F(FrameSourceTest, LetsViewsOutliveConsumerAndProducer)
{
    std::optional<FrameWindow> window;
    std::optional<Frame> frame;
    {
        Producer producer = must(Producer::create(metadata_));
        Consumer consumer = must(Consumer::attach(name_));
        for (int i = 0; i < 3; ++i) {
            put(producer, i);
        }
        window = present(consumer.history(3));
        frame = present(consumer.latest());
    }
    {
        Producer successor = must(Producer::create(metadata_));
        for (int i = 0; i < 20; ++i) {
            put(successor, 1000 + i);
        }
    }

    EXPECT_EQ(values_of(*window), (std::vector{2, 1, 0}));
    EXPECT_EQ(value_of(*frame), 2);
    EXPECT_EQ(frame->metadata().name, name_);
}

TEST_F(FrameSourceTest, KeepsAConsumersPlaceUntilItsLastFrameIsGone)
{
    Producer producer = must(Producer::create(metadata_));
    std::optional<Frame> frame;
    {
        Consumer consumer = must(Consumer::attach(name_));
        put(producer, 1);
        frame = present(consumer.latest());
    }
    ASSERT_EQ(must(inspect(name_)).consumers.size(), 1U);
    EXPECT_EQ(must(inspect(name_)).consumers.front().pinned_slots, 1U);

    frame.reset();

    EXPECT_TRUE(must(inspect(name_)).consumers.empty());
}

TEST_F(FrameSourceTest, UnpinsWhatIsAssignedOverAndMovesWhatIsMoved)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    put(producer, 1);
    FrameWindow window = present(consumer.history(1));
    put(producer, 2);

    window = present(consumer.history(1));
    FrameWindow moved = std::move(window);

    EXPECT_EQ(values_of(moved), std::vector{2});
    EXPECT_EQ(must(inspect(name_)).consumers.front().pinned_slots, 1U);
    moved = FrameWindow();
    EXPECT_EQ(must(inspect(name_)).consumers.front().pinned_slots, 0U);
}

TEST_F(FrameSourceTest, LeavesTwoSlotsFreeWhateverOneConsumerHolds)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer hog = attach(name_, 100);
    Consumer other = must(Consumer::attach(name_));
    std::vector<Frame> held;

    for (int i = 0; i < 50; ++i) {
        put(producer, i);
        held.push_back(present(hog.latest()));
        EXPECT_EQ(value_of(present(other.latest())), i);
    }

    const auto views = std::ranges::count_if(held, [](const Frame& f) { return !f.copied(); });
    EXPECT_EQ(views, 4);
    EXPECT_EQ(hog.stats().copied_frames, 46U);
    EXPECT_EQ(hog.stats().copied_bytes, 46U * 24U);
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(value_of(held[static_cast<std::size_t>(i)]), i);
    }
}

TEST_F(FrameSourceTest, LeavesTwoSlotsFreeWhateverAllConsumersHoldTogether)
{
    Producer producer = must(Producer::create(metadata_));
    std::vector<Consumer> hogs;
    for (int i = 0; i < 5; ++i) {
        hogs.push_back(attach(name_, 100));
    }
    std::vector<Frame> held;
    std::vector<int> expected;

    for (int i = 0; i < 60; ++i) {
        put(producer, i);
        held.push_back(present(hogs[static_cast<std::size_t>(i) % hogs.size()].latest()));
        expected.push_back(i);
    }

    EXPECT_EQ(std::ranges::count_if(held, [](const Frame& f) { return !f.copied(); }), 4);
    for (std::size_t i = 0; i < held.size(); ++i) {
        EXPECT_EQ(value_of(held[i]), expected[i]);
    }
}

TEST_F(FrameSourceTest, KeepsToTheBudgetThatWasGiven)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = attach(name_, 1);
    std::vector<Frame> held;

    for (int i = 0; i < 10; ++i) {
        put(producer, i);
        held.push_back(present(consumer.latest()));
    }

    EXPECT_FALSE(held.front().copied());
    EXPECT_EQ(consumer.stats().copied_frames, 9U);
    held.clear();
    EXPECT_FALSE(present(consumer.latest()).copied());
}

TEST_F(FrameSourceTest, GivesAFrameThatIsHeldAlreadyOnceMoreAtNoCost)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = attach(name_, 1);
    put(producer, 1);
    std::vector<Frame> held;

    for (int i = 0; i < 100; ++i) {
        held.push_back(present(consumer.latest()));
        EXPECT_FALSE(held.back().copied());
    }

    EXPECT_EQ(must(inspect(name_)).consumers.front().pinned_slots, 1U);
}

TEST_F(FrameSourceTest, CopiesAFrameThatIsHeldTooOften)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    put(producer, 7);
    std::vector<Frame> held;

    for (int i = 0; i < 1000; ++i) {
        held.push_back(present(consumer.latest()));
    }

    EXPECT_FALSE(held[126].copied());
    EXPECT_TRUE(held[127].copied());
    for (const Frame& frame : held) {
        ASSERT_EQ(value_of(frame), 7);
    }
    held.clear();
    EXPECT_EQ(must(inspect(name_)).consumers.front().pinned_slots, 0U);
    EXPECT_FALSE(present(consumer.latest()).copied());
}

TEST_F(FrameSourceTest, KeepsTheHistoryOfOthersWholeWhenAConsumerHoardsFrames)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer hog = must(Consumer::attach(name_));
    Consumer other = must(Consumer::attach(name_));
    std::vector<Frame> hoard;

    for (int i = 0; i < 100; ++i) {
        put(producer, i);
        hoard.push_back(present(hog.latest()));
        if (i >= 2) {
            EXPECT_EQ(values_of(present(other.history(3))), (std::vector{i, i - 1, i - 2}));
        }
    }

    EXPECT_EQ(std::ranges::count_if(hoard, [](const Frame& f) { return !f.copied(); }),
              kDefaultSpare - 1);
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(value_of(hoard[static_cast<std::size_t>(i)]), i);
    }
}

TEST_F(FrameSourceTest, CopiesWindowsPastTheBudgetAndKeepsThemRight)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    std::vector<FrameWindow> held;
    put(producer, 0);
    put(producer, 1);

    for (int i = 2; i < 60; ++i) {
        put(producer, i);
        held.push_back(present(consumer.history(3)));
    }

    EXPECT_FALSE(held.front().copied());
    EXPECT_TRUE(held.back().copied());
    // Four slots are views, so two are left: the history of everyone is as long then.
    for (int i = 2; i < 60; ++i) {
        const auto values = values_of(held[static_cast<std::size_t>(i - 2)]);
        std::vector expected{i, i - 1, i - 2};
        ASSERT_GE(values.size(), 2U);
        expected.resize(values.size());
        EXPECT_EQ(values, expected);
    }
}

TEST_F(FrameSourceTest, CopiesInChronologicalOrderToo)
{
    SegmentOptions options;
    options.memory_order = MemoryOrder::Chronological;
    Producer producer = must(Producer::create(metadata_, options));
    Consumer consumer = attach(name_, 1);
    put(producer, 0);
    put(producer, 1);
    put(producer, 2);

    const FrameWindow window = present(consumer.history(3));

    EXPECT_TRUE(window.copied());
    EXPECT_EQ(values_of(window), (std::vector{2, 1, 0}));
    EXPECT_LT(window.bytes(2).data(), window.bytes(0).data());
}

TEST_F(FrameSourceTest, ServesTheOlderFramesWhileTheNewestIsBeingOverwritten)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    put(producer, 1);
    put(producer, 2);
    const FrameWindow held = present(consumer.history(2));
    put(producer, 3);
    std::vector<Loan> loans;
    for (int i = 0; i < 4; ++i) {  // three free slots, then the newest frame's own
        loans.push_back(must(producer.loan()));
    }

    EXPECT_EQ(value_of(present(consumer.latest())), 2);
}

TEST_F(FrameSourceTest, FindsNothingWhenEveryFrameIsLostToLoans)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    put(producer, 1);
    std::vector<Loan> loans;
    for (int i = 0; i < 6; ++i) {
        loans.push_back(must(producer.loan()));
    }

    const auto frame = consumer.latest();

    ASSERT_TRUE(frame) << frame.error().message;
    EXPECT_FALSE(frame->has_value());
}

TEST_F(FrameSourceTest, MayDropFramesInOtherThreads)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));

    for (int round = 0; round < 200; ++round) {
        put(producer, round);
        Frame frame = present(consumer.latest());
        FrameWindow window = present(consumer.history(1));
        std::thread dropper([dropped = std::move(frame)] { static_cast<void>(value_of(dropped)); });
        put(producer, round);
        EXPECT_EQ(values_of(window), std::vector{round});
        dropper.join();
    }

    EXPECT_EQ(must(inspect(name_)).consumers.front().pinned_slots, 0U);
    EXPECT_EQ(consumer.stats().copied_frames, 0U);
}

TEST_F(FrameSourceTest, KeepsItsBooksWhenFramesAreDroppedWhileOthersArePinned)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = attach(name_, 3);
    std::atomic<bool> stop{false};
    std::atomic<Frame*> parcel{nullptr};
    std::thread dropper([&] {
        while (!stop) {
            delete parcel.exchange(nullptr);
        }
    });

    // Frames die in another thread while windows try slots that they hold and fail.
    for (int round = 0; round < 20'000; ++round) {
        put(producer, round);
        delete parcel.exchange(new Frame(present(consumer.latest())));
        static_cast<void>(present(consumer.history(3)));
    }
    stop = true;
    dropper.join();
    delete parcel.exchange(nullptr);

    EXPECT_EQ(must(inspect(name_)).consumers.front().pinned_slots, 0U);
    for (int i = 0; i < 6; ++i) {
        put(producer, i);
    }
    EXPECT_FALSE(present(consumer.history(3)).copied());
}

}  // namespace
}  // namespace tensor_ipc
