/// Sets of frames from several pools: which, as views, and waiting for them.
#include "tensor_ipc/pool/synchronizer.hpp"

#include <thread>

#include "support/pool_test.hpp"

namespace tensor_ipc {
namespace {

using testing::Channel;
using testing::ChildProcess;
using testing::hang_deadline_ns;
using testing::metadata_of;
using testing::must;
using testing::present;
using testing::put_at;
using testing::value_of;
using testing::values_of;

class SynchronizerTest : public testing::PoolTest {
protected:
    void TearDown() override
    {
        lefts_.close();
        rights_.close();
        PoolTest::TearDown();
    }

    static constexpr std::uint64_t kTolerance = 10;

    [[nodiscard]] Synchronizer reader(std::uint32_t history_len = 1)
    {
        return {{{&left_, history_len}, {&right_, 1}}, kTolerance};
    }

    std::string other_name_ = testing::unique_pool_name();
    Producer lefts_ = must(Producer::create(metadata_of(name_, /*history_len=*/4)));
    Producer rights_ = must(Producer::create(metadata_of(other_name_, 4)));
    Consumer left_ = must(Consumer::attach(name_));
    Consumer right_ = must(Consumer::attach(other_name_));
};

TEST_F(SynchronizerTest, FindsNoSetBeforeEveryPoolHasAFrame)
{
    put_at(lefts_, 100);

    EXPECT_FALSE(must(reader().take()));
}

TEST_F(SynchronizerTest, GivesTheFramesThatBelongTogetherAsViews)
{
    put_at(lefts_, 100);
    put_at(lefts_, 200);
    put_at(rights_, 104);
    put_at(rights_, 150);

    const SynchronizedFrames set = present(reader().take());

    ASSERT_EQ(set.windows.size(), 2U);
    EXPECT_EQ(values_of(set.windows[0]), std::vector{100});
    EXPECT_EQ(values_of(set.windows[1]), std::vector{104});
    EXPECT_FALSE(set.windows[0].copied());
    EXPECT_EQ(set.oldest_ns, 100U);
    EXPECT_EQ(set.newest_ns, 104U);
}

TEST_F(SynchronizerTest, GivesHistoriesThatEndInTheMatchedFrame)
{
    for (std::uint64_t time = 100; time <= 700; time += 100) {
        put_at(lefts_, time);
    }
    put_at(rights_, 603);

    EXPECT_EQ(values_of(present(reader(2).take()).windows[0]), (std::vector{600, 500}));
    // The history ends with 400: what spare slots may still hold is no part of it.
    EXPECT_EQ(values_of(present(reader(4).take()).windows[0]), (std::vector{600, 500, 400}));
}

TEST_F(SynchronizerTest, RefusesAHistoryThatThePoolDoesNotHave)
{
    EXPECT_EQ(reader(5).take().error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(reader(0).take().error().code, ErrorCode::InvalidArgument);
}

TEST_F(SynchronizerTest, LeavesOutWhatIsNotNewEnough)
{
    put_at(lefts_, 100);
    put_at(rights_, 104);
    Synchronizer synchronizer = reader();
    const SynchronizedFrames set = present(synchronizer.take(99));

    EXPECT_FALSE(must(synchronizer.take(set.oldest_ns)));

    put_at(lefts_, 200);
    EXPECT_FALSE(must(synchronizer.take(set.oldest_ns)));
    put_at(rights_, 196);
    EXPECT_EQ(present(synchronizer.take(set.oldest_ns)).oldest_ns, 196U);
}

TEST_F(SynchronizerTest, MayReadOnePoolTwice)
{
    put_at(lefts_, 100);
    put_at(lefts_, 200);
    Synchronizer synchronizer({{&left_, 2}, {&left_, 1}}, 0);

    const SynchronizedFrames set = present(synchronizer.take());

    EXPECT_EQ(values_of(set.windows[0]), (std::vector{200, 100}));
    EXPECT_EQ(values_of(set.windows[1]), std::vector{200});
}

TEST_F(SynchronizerTest, HoldsNothingWhenThereIsNoSet)
{
    put_at(lefts_, 100);
    put_at(rights_, 200);

    ASSERT_FALSE(must(reader().take()));

    EXPECT_EQ(must(inspect(name_)).consumers.front().pinned_slots, 0U);
    EXPECT_EQ(must(inspect(other_name_)).consumers.front().pinned_slots, 0U);
}

TEST_F(SynchronizerTest, TimesOutAtItsDeadline)
{
    put_at(lefts_, 100);
    put_at(rights_, 200);
    SynchronizedFrames set;
    const std::uint64_t deadline = os::monotonic_ns() + 130'000'000;  // more than one slice

    EXPECT_EQ(must(reader().take_within(set, deadline)), WaitOutcome::TimedOut);
    EXPECT_GE(os::monotonic_ns(), deadline);
}

TEST_F(SynchronizerTest, SleepsOnThePoolThatIsBehindAndOnNoOther)
{
    put_at(lefts_, 100);
    put_at(rights_, 200);
    Synchronizer synchronizer = reader();
    ASSERT_FALSE(must(synchronizer.take()));

    put_at(rights_, 300);
    EXPECT_EQ(synchronizer.wait(os::monotonic_ns() + 1'000'000), WaitOutcome::TimedOut);

    put_at(lefts_, 150);
    EXPECT_EQ(synchronizer.wait(hang_deadline_ns()), WaitOutcome::Ready);
    EXPECT_FALSE(must(synchronizer.take()));

    put_at(lefts_, 301);
    EXPECT_EQ(present(synchronizer.take()).oldest_ns, 300U);
}

/// One set after the other, each completed by the pool that the reader sleeps on, with news from
/// the other one in between.
TEST_F(SynchronizerTest, WakesForEachSet)
{
    constexpr std::uint64_t kSets = 200;
    std::atomic<std::uint64_t> seen{0};
    std::thread other([&] {
        Consumer left = must(Consumer::attach(name_));
        Consumer right = must(Consumer::attach(other_name_));
        Synchronizer synchronizer({{&left, 1}, {&right, 1}}, kTolerance);
        std::optional<std::uint64_t> after;
        while (seen < 1000 * kSets) {
            SynchronizedFrames set;
            if (must(synchronizer.take_within(set, hang_deadline_ns(), after)) !=
                WaitOutcome::Ready) {
                return;
            }
            after = set.oldest_ns;
            seen = set.oldest_ns;
        }
    });

    for (std::uint64_t i = 1; i <= kSets; ++i) {
        Producer& first = i % 2 == 0 ? lefts_ : rights_;
        Producer& last = i % 2 == 0 ? rights_ : lefts_;
        put_at(first, 1000 * i);
        put_at(first, 1000 * i + 500);
        put_at(last, 1000 * i);
        while (seen != 1000 * i) {
            std::this_thread::yield();
        }
    }
    other.join();

    EXPECT_EQ(seen, 1000 * kSets);
}

TEST_F(SynchronizerTest, FindsASetThatAPoolCompletesOutOfOrder)
{
    put_at(lefts_, 100);
    put_at(rights_, 300);
    put_at(rights_, 200);  // the reader sleeps on the left pool, which has nothing newer to come
    std::atomic<bool> found{false};
    std::thread other([&] {
        SynchronizedFrames set;
        found = must(reader().take_within(set, hang_deadline_ns())) == WaitOutcome::Ready;
    });

    put_at(rights_, 100);
    other.join();

    EXPECT_TRUE(found);
}

TEST_F(SynchronizerTest, WaitsForAPoolThatIsNotThereYet)
{
    PoolMetadata absent = metadata_of(testing::unique_pool_name());
    ChildProcess child([&](const Channel& parent) {
        Consumer left = must(Consumer::attach(name_));
        Consumer late = must(Consumer::follow(absent));
        Synchronizer synchronizer({{&left, 1}, {&late, 1}}, kTolerance);
        parent.say('w');
        SynchronizedFrames set;
        CHILD_REQUIRE(must(synchronizer.take_within(set, hang_deadline_ns())) ==
                      WaitOutcome::Ready);
        CHILD_REQUIRE(value_of(set.windows[1].bytes()) == 95);
        return 0;
    });
    ASSERT_EQ(child.channel().hear(), 'w');

    put_at(lefts_, 100);
    Producer producer = must(Producer::create(absent));
    put_at(producer, 95);

    EXPECT_EQ(child.wait(), 0);
}

TEST_F(SynchronizerTest, GoesOnWhenAProducerIsKilledAndAnotherTakesOver)
{
    PoolMetadata metadata = metadata_of(testing::unique_pool_name());
    testing::publish_and_die(metadata, {1});  // captured when it was published
    Consumer consumer = must(Consumer::attach(metadata.name));
    Synchronizer synchronizer({{&left_, 1}, {&consumer, 1}}, kTolerance);
    put_at(lefts_, 100);
    SynchronizedFrames set;
    EXPECT_EQ(must(synchronizer.take_within(set, os::monotonic_ns() + 1'000'000)),
              WaitOutcome::TimedOut);

    Producer successor = must(Producer::create(metadata));
    put_at(successor, 101);

    EXPECT_EQ(must(synchronizer.take_within(set, hang_deadline_ns())), WaitOutcome::Ready);
    EXPECT_EQ(set.newest_ns, 101U);
}

TEST_F(SynchronizerTest, IsInterruptedBySignals)
{
    ChildProcess child([&](const Channel& parent) {
        struct sigaction action {};
        action.sa_handler = [](int) {};
        ::sigaction(SIGUSR1, &action, nullptr);
        Consumer left = must(Consumer::attach(name_));
        Consumer right = must(Consumer::attach(other_name_));
        Synchronizer synchronizer({{&left, 1}, {&right, 1}}, kTolerance);
        parent.say('w');
        SynchronizedFrames set;
        CHILD_REQUIRE(must(synchronizer.take_within(set, hang_deadline_ns())) ==
                      WaitOutcome::Interrupted);
        return 0;
    });
    ASSERT_EQ(child.channel().hear(), 'w');

    // A signal between two slices interrupts nothing, so it comes until one did.
    while (!child.has_ended()) {
        ::kill(child.pid(), SIGUSR1);
        std::this_thread::yield();
    }

    EXPECT_EQ(child.wait(), 0);
}

TEST_F(SynchronizerTest, GivesEveryFrameWithItsOwnTimeWhileProducersGoOnAtFullSpeed)
{
    std::atomic<bool> stop{false};
    const auto publish = [&](Producer& producer, std::uint64_t step) {
        for (std::uint64_t time = step; !stop; time += step) {
            put_at(producer, time);
        }
    };
    std::thread one([&] { publish(lefts_, 2); });
    std::thread other([&] { publish(rights_, 3); });
    // As wide as it takes for two threads that nothing keeps together.
    Synchronizer synchronizer({{&left_, 2}, {&right_, 1}}, 1'000'000'000);
    for (int taken = 0; taken < 20'000;) {
        const auto set = must(synchronizer.take());
        if (!set) {
            continue;
        }
        ++taken;
        ASSERT_EQ(set->newest_ns,
                  std::max(set->windows[0].info().captured_ns, set->windows[1].info().captured_ns));
        ASSERT_EQ(set->oldest_ns,
                  std::min(set->windows[0].info().captured_ns, set->windows[1].info().captured_ns));
        for (const FrameWindow& window : set->windows) {
            for (std::uint32_t age = 0; age < window.count(); ++age) {
                ASSERT_EQ(static_cast<std::uint64_t>(value_of(window.bytes(age))),
                          window.info_at(age).captured_ns);
            }
        }
    }
    stop = true;
    one.join();
    other.join();
}

}  // namespace
}  // namespace tensor_ipc
