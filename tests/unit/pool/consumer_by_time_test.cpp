/// Reading by time: which frames come, as views or copies, and what does not change.
#include <thread>

#include "support/pool_test.hpp"

namespace tensor_ipc {
namespace {

using testing::metadata_of;
using testing::must;
using testing::present;
using testing::put_at;
using testing::value_of;
using testing::values_of;

class ConsumerByTime : public testing::PoolTest {
protected:
    void TearDown() override
    {
        producer_.close();
        PoolTest::TearDown();
    }

    /// Publishes frames whose values are their times.
    void put_all(std::initializer_list<std::uint64_t> times)
    {
        for (const std::uint64_t time : times) {
            put_at(producer_, time);
        }
    }

    Producer producer_ = must(Producer::create(metadata_of(name_, /*history_len=*/4)));
    Consumer consumer_ = must(Consumer::attach(name_));
};

TEST_F(ConsumerByTime, FindsNothingBeforeTheFirstFrame)
{
    EXPECT_FALSE(must(consumer_.frame_at(100)));
    EXPECT_FALSE(must(consumer_.frames_between(0, UINT64_MAX)));
}

TEST_F(ConsumerByTime, GivesTheFrameOfATimeAsAView)
{
    put_all({100, 200, 300});

    const Frame frame = present(consumer_.frame_at(250));

    EXPECT_EQ(value_of(frame), 200);
    EXPECT_EQ(frame.info().index, 1U);
    EXPECT_EQ(frame.info().captured_ns, 200U);
    EXPECT_FALSE(frame.copied());
    EXPECT_EQ(value_of(present(consumer_.frame_at(250, TimeSide::After))), 300);
    EXPECT_EQ(value_of(present(consumer_.frame_at(140, TimeSide::Nearest))), 100);
    EXPECT_FALSE(must(consumer_.frame_at(99)));
}

TEST_F(ConsumerByTime, ServesNoFrameThatOnlyASpareSlotStillHas)
{
    put_all({100, 200, 300, 400, 500});

    EXPECT_FALSE(must(consumer_.frame_at(150)));
    EXPECT_EQ(value_of(present(consumer_.frame_at(0, TimeSide::After))), 200);
    EXPECT_EQ(present(consumer_.frames_between(0, UINT64_MAX)).count(), 4U);
    EXPECT_TRUE(must(consumer_.frame(0)));  // it is there all right
}

TEST_F(ConsumerByTime, GivesSuccessiveFramesOfAnIntervalAsOneView)
{
    put_all({100, 200, 300, 400, 500, 600, 700, 800, 900});  // once round the ring

    const FrameWindow window = present(consumer_.frames_between(700, 800));

    EXPECT_EQ(values_of(window), (std::vector{800, 700}));
    EXPECT_FALSE(window.copied());
    EXPECT_EQ(window.info_at(0).captured_ns, 800U);
    EXPECT_EQ(window.info_at(1).captured_ns, 700U);
    EXPECT_EQ(window.info_at(1).index, 6U);
    EXPECT_FALSE(must(consumer_.frames_between(701, 799)));
}

TEST_F(ConsumerByTime, GathersFramesThatAreNotSuccessiveByCopy)
{
    put_all({300, 900, 200, 250});

    const FrameWindow window = present(consumer_.frames_between(200, 300));

    EXPECT_EQ(values_of(window), (std::vector{250, 200, 300}));
    EXPECT_TRUE(window.copied());
    EXPECT_EQ(window.info_at(0).index, 3U);
    EXPECT_EQ(window.info_at(2).index, 0U);
    EXPECT_EQ(window.info_at(2).captured_ns, 300U);
    EXPECT_EQ(consumer_.stats().copied_frames, 3U);
}

TEST_F(ConsumerByTime, SaysTheTimesOfEveryFrameOfAHistory)
{
    for (std::uint64_t newest = 1; newest <= 20; ++newest) {
        put_at(producer_, 100 * newest);

        const FrameWindow window = present(consumer_.history(4));

        for (std::uint32_t age = 0; age < window.count(); ++age) {
            EXPECT_EQ(window.info_at(age).captured_ns, 100 * (newest - age));
            EXPECT_EQ(window.info_at(age).index, newest - 1 - age);
        }
    }
}

TEST_F(ConsumerByTime, CopiesWhatItMayNotHold)
{
    ConsumerOptions options;
    options.max_pins = 1;
    Consumer consumer = must(Consumer::attach(name_, options));
    put_all({100, 200, 300});
    const Frame held = present(consumer.latest());

    const Frame frame = present(consumer.frame_at(100));
    const FrameWindow window = present(consumer.frames_between(100, 200));

    EXPECT_TRUE(frame.copied());
    EXPECT_EQ(value_of(frame), 100);
    EXPECT_TRUE(window.copied());
    EXPECT_EQ(values_of(window), (std::vector{200, 100}));
    EXPECT_EQ(window.info_at(1).captured_ns, 100U);
    EXPECT_EQ(consumer.stats().copied_frames, 3U);
}

TEST_F(ConsumerByTime, LeavesItsPlaceInTheStreamAlone)
{
    put_all({100, 200, 300});

    static_cast<void>(present(consumer_.frame_at(300)));
    static_cast<void>(present(consumer_.frames_between(0, 300)));

    EXPECT_FALSE(consumer_.last_index());
    EXPECT_EQ(consumer_.stats().received, 2U);
    EXPECT_EQ(consumer_.stats().missed, 0U);
}

TEST_F(ConsumerByTime, FollowsAProducerThatTakesOverAndOneThatBeginsAnew)
{
    put_all({100, 200});
    static_cast<void>(present(consumer_.frame_at(200)));

    producer_.close();
    EXPECT_FALSE(must(consumer_.frame_at(200)));

    producer_ = must(Producer::create(metadata_of(name_, 4)));
    EXPECT_FALSE(must(consumer_.frame_at(200)));
    put_all({150});
    EXPECT_EQ(value_of(present(consumer_.frame_at(200))), 150);
}

TEST_F(ConsumerByTime, UsesTheTimeOfPublicationWhereNoOtherWasGiven)
{
    const std::uint64_t before = os::monotonic_ns();
    testing::put(producer_, 1);
    const std::uint64_t after = os::monotonic_ns();

    const FrameWindow window = present(consumer_.frames_between(before, after));

    EXPECT_EQ(window.info().captured_ns, window.info().published_ns);
}

TEST_F(ConsumerByTime, GivesEveryFrameWithItsOwnTimeWhileTheProducerGoesOnAtFullSpeed)
{
    std::atomic<bool> stop{false};
    std::thread publisher([&] {
        for (std::uint64_t time = 1; !stop; ++time) {
            put_at(producer_, time);
        }
    });
    std::uint64_t taken = 0;
    std::uint64_t windows = 0;
    while (taken < 20'000) {
        const std::uint64_t newest = consumer_.latest_index().value_or(0);
        if (const auto frame = must(consumer_.frame_at(newest))) {
            ++taken;
            ASSERT_EQ(static_cast<std::uint64_t>(value_of(*frame)), frame->info().captured_ns);
            ASSERT_LE(frame->info().captured_ns, newest);
        }
        if (const auto window = must(consumer_.frames_between(newest, newest + 2))) {
            ++windows;
            for (std::uint32_t age = 0; age < window->count(); ++age) {
                const std::uint64_t time = window->info_at(age).captured_ns;
                ASSERT_EQ(static_cast<std::uint64_t>(value_of(window->bytes(age))), time);
                ASSERT_EQ(time, window->info().captured_ns - age);
                ASSERT_LE(newest, time);
                ASSERT_LE(time, newest + 2);
            }
        }
    }
    stop = true;
    publisher.join();

    EXPECT_GT(windows, 0U);
}

}  // namespace
}  // namespace tensor_ipc
