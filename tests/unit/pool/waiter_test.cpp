#include <thread>

#include "support/pool_test.hpp"
#include "tensor_ipc/base/test_point.hpp"

namespace tensor_ipc {
namespace {

using testing::Channel;
using testing::ChildProcess;
using testing::hang_deadline_ns;
using testing::metadata_of;
using testing::must;
using testing::present;
using testing::put;
using testing::value_of;

class WaiterTest : public testing::PoolTest {
protected:
    PoolMetadata metadata_ = metadata_of(name_);
};

TEST_F(WaiterTest, ReturnsAtOnceWhenThereIsANewerFrame)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    put(producer, 1);
    put(producer, 2);

    EXPECT_EQ(must(consumer.wait(std::nullopt, 1)), WaitOutcome::Ready);
    EXPECT_EQ(must(consumer.wait(0, 1)), WaitOutcome::Ready);
    EXPECT_TRUE(consumer.has_newer(0));
    EXPECT_FALSE(consumer.has_newer(1));
}

TEST_F(WaiterTest, TimesOutAtItsDeadline)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer attached = must(Consumer::attach(name_));
    put(producer, 1);
    PoolMetadata absent = metadata_;
    absent.name = testing::unique_pool_name();
    Consumer waiting = must(Consumer::follow(absent));

    for (Consumer* consumer : {&attached, &waiting}) {
        const std::uint64_t deadline = os::monotonic_ns() + 130'000'000;  // more than one slice

        EXPECT_EQ(must(consumer->wait(0, deadline)), WaitOutcome::TimedOut);
        EXPECT_GE(os::monotonic_ns(), deadline);
        EXPECT_EQ(must(consumer->wait(0, 1)), WaitOutcome::TimedOut);
    }
}

TEST_F(WaiterTest, TimesOutAlsoWhenThePoolEndsAndBeginsAgainAndAgain)
{
    SegmentFile segment = must(open_for_producer(metadata_, {}));
    Consumer consumer = must(Consumer::attach(name_));
    static std::atomic<PoolEnd>* ended = nullptr;
    static std::atomic<std::uint64_t>* latest = nullptr;
    static int turns = 0;
    ended = &segment.header().ended;
    latest = &segment.header().latest;
    turns = 0;
    testing::test_point_hook.store([](const char* name) {
        if (std::string_view(name) == "wait:flag-raised") {
            ended->store(PoolEnd::Ended);
        } else if (std::string_view(name) == "wait:done") {
            ended->store(PoolEnd::Running);
            if (++turns == 1000) {
                latest->store(pack_latest(0, 0));  // ends a wait that does not look at the time
            }
        }
    });

    const auto outcome = consumer.wait(std::nullopt, 1);

    testing::test_point_hook.store(nullptr);
    EXPECT_EQ(must(outcome), WaitOutcome::TimedOut);
    EXPECT_EQ(turns, 1);
    end_segment(segment);
}

TEST_F(WaiterTest, WakesForEachFrame)
{
    constexpr int kFrames = 300;
    Producer producer = must(Producer::create(metadata_));
    std::atomic<int> seen{0};
    std::thread other([&] {
        Consumer consumer = must(Consumer::attach(name_));
        for (int i = 1; i <= kFrames; ++i) {
            if (must(consumer.wait(consumer.last_index(), hang_deadline_ns())) !=
                WaitOutcome::Ready) {
                return;
            }
            seen = value_of(present(consumer.latest()));
        }
    });

    for (int i = 1; i <= kFrames; ++i) {
        put(producer, i);
        while (seen != i) {
            std::this_thread::yield();
        }
    }
    other.join();

    EXPECT_EQ(seen, kFrames);
}

TEST_F(WaiterTest, MaySpinBeforeItSleeps)
{
    Producer producer = must(Producer::create(metadata_));
    std::atomic<bool> ready{false};
    std::atomic<bool> woken{false};
    std::thread other([&] {
        ConsumerOptions options;
        options.spin_ns = 1'000'000'000;
        Consumer consumer = must(Consumer::attach(name_, options));
        ready = true;
        woken = must(consumer.wait(std::nullopt, hang_deadline_ns())) == WaitOutcome::Ready;
    });
    while (!ready) {
        std::this_thread::yield();
    }

    put(producer, 1);
    other.join();

    EXPECT_TRUE(woken);
}

TEST_F(WaiterTest, WakesWhenThePoolAppears)
{
    ChildProcess child([&](const Channel& parent) {
        Consumer consumer = must(Consumer::follow(metadata_));
        parent.say('w');
        CHILD_REQUIRE(must(consumer.wait(std::nullopt, hang_deadline_ns())) == WaitOutcome::Ready);
        CHILD_REQUIRE(value_of(present(consumer.latest())) == 3);
        parent.say('d');
        return 0;
    });
    ASSERT_EQ(child.channel().hear(), 'w');

    Producer producer = must(Producer::create(metadata_));
    put(producer, 3);

    EXPECT_EQ(child.channel().hear(), 'd');
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(WaiterTest, WaitsThroughTheEndOfAPoolForItsSuccessor)
{
    std::optional<Producer> producer = must(Producer::create(metadata_));
    put(*producer, 1);
    ChildProcess child([&](const Channel& parent) {
        Consumer consumer = must(Consumer::attach(name_));
        CHILD_REQUIRE(value_of(present(consumer.latest())) == 1);
        parent.say('w');
        CHILD_REQUIRE(must(consumer.wait(0, hang_deadline_ns())) == WaitOutcome::Ready);
        CHILD_REQUIRE(value_of(present(consumer.latest())) == 2);
        CHILD_REQUIRE(consumer.last_index() == 0U);
        return 0;
    });
    ASSERT_EQ(child.channel().hear(), 'w');

    producer.reset();
    producer = must(Producer::create(metadata_));
    put(*producer, 2);

    EXPECT_EQ(child.wait(), 0);
}

TEST_F(WaiterTest, WaitsThroughTheDeathOfAProducerForItsSuccessor)
{
    testing::publish_and_die(metadata_, {1});
    ChildProcess child([&](const Channel& parent) {
        Consumer consumer = must(Consumer::attach(name_));
        CHILD_REQUIRE(value_of(present(consumer.latest())) == 1);
        parent.say('w');
        CHILD_REQUIRE(must(consumer.wait(0, hang_deadline_ns())) == WaitOutcome::Ready);
        CHILD_REQUIRE(value_of(present(consumer.latest())) == 2);
        return 0;
    });
    ASSERT_EQ(child.channel().hear(), 'w');

    Producer producer = must(Producer::create(metadata_));
    put(producer, 2);

    EXPECT_EQ(child.wait(), 0);
}

TEST_F(WaiterTest, IsWokenByANewProducerOnceItHasAnnouncedWhatTheDeadOneDidNot)
{
    testing::publish_and_die(metadata_, {1, 2});
    auto segment = must(open_for_consumer(name_));
    std::atomic<std::uint64_t>& latest = segment->header().latest;
    const std::uint64_t announced = latest.load();
    latest.store(pack_latest(0, 0));  // as if it had been killed between state and latest
    static std::atomic<std::uint64_t>* news = nullptr;
    static std::uint64_t seen = 0;
    news = &latest;
    testing::test_point_hook.store([](const char* point) {
        if (std::string_view(point) == "wake:flag-fallen") {
            seen = news->load();
        }
    });

    const auto producer = Producer::create(metadata_);

    testing::test_point_hook.store(nullptr);
    EXPECT_TRUE(producer);
    EXPECT_EQ(seen, announced);
}

TEST_F(WaiterTest, IsInterruptedBySignalsWithAndWithoutAPool)
{
    std::optional<Producer> producer;
    for (int round = 0; round < 2; ++round) {
        ChildProcess child([&](const Channel& parent) {
            struct sigaction action {};
            action.sa_handler = [](int) {};
            ::sigaction(SIGUSR1, &action, nullptr);
            Consumer consumer = must(Consumer::follow(metadata_));
            parent.say('w');
            CHILD_REQUIRE(must(consumer.wait(std::nullopt, hang_deadline_ns())) ==
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
        producer.reset();
        producer = must(Producer::create(metadata_));
    }
}

TEST_F(WaiterTest, MayWaitInAnotherThreadThanItsConsumer)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    put(producer, 1);
    const Frame first = present(consumer.latest());
    const Waiter waiter = consumer.waiter(consumer.last_index());
    std::atomic<bool> done{false};
    std::thread other([&] {
        while (waiter.wait(hang_deadline_ns()) != WaitOutcome::Ready) {
        }
        done = true;
    });

    while (!done) {
        put(producer, 2);
        must(consumer.latest());
    }
    other.join();

    EXPECT_EQ(value_of(first), 1);
}

TEST_F(WaiterTest, SaysThatThePoolEnded)
{
    std::optional<Producer> producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    const Waiter waiter = consumer.waiter(std::nullopt);

    producer.reset();

    EXPECT_EQ(waiter.wait(hang_deadline_ns()), WaitOutcome::Changed);
}

TEST_F(WaiterTest, LooksAgainAfterWakeWaitersAlthoughThereIsNoNews)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    const Waiter waiter = consumer.waiter(std::nullopt);

    consumer.wake_waiters();

    EXPECT_EQ(waiter.wait(/*deadline_ns=*/1), WaitOutcome::Changed);
    EXPECT_EQ(consumer.waiter(std::nullopt).wait(/*deadline_ns=*/1), WaitOutcome::TimedOut);
}

}  // namespace
}  // namespace tensor_ipc
