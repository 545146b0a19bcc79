/// Frames for those who write: what they see, and what nobody else does.
#include "tensor_ipc/pool/private_window.hpp"

#include <thread>

#include "support/pool_test.hpp"

namespace tensor_ipc {
namespace {

using testing::metadata_of;
using testing::must;
using testing::present;
using testing::put;
using testing::value_of;

class PrivateWindowTest : public testing::PoolTest {
protected:
    void TearDown() override
    {
        producer_.close();
        PoolTest::TearDown();
    }

    static PrivateWindow over(Consumer& consumer, std::uint32_t count)
    {
        return must(PrivateWindow::over(
            std::make_shared<const FrameWindow>(present(consumer.history(count)))));
    }

    static void fill(std::span<std::byte> bytes) { std::memset(bytes.data(), 0x7F, bytes.size()); }

    [[nodiscard]] std::uint32_t pinned() const
    {
        const PoolFacts facts = must(inspect(name_));
        std::uint32_t slots = 0;
        for (const ConsumerFacts& consumer : facts.consumers) {
            slots += consumer.pinned_slots;
        }
        return slots;
    }

    PoolMetadata metadata_ = metadata_of(name_, 3, {50, 60});
    Producer producer_ = must(Producer::create(metadata_));
    Consumer consumer_ = must(Consumer::attach(name_));
};

TEST_F(PrivateWindowTest, ShowsTheFramesOfItsWindow)
{
    for (int value = 1; value < 30; ++value) {
        put(producer_, value);
        const PrivateWindow window = over(consumer_, 3);
        for (std::uint32_t age = 0; age < window.window().count(); ++age) {
            ASSERT_EQ(value_of(window.bytes(age)), value - static_cast<int>(age));
        }
    }
}

TEST_F(PrivateWindowTest, KeepsWritesFromEverybodyAndFromLaterFrames)
{
    Consumer other = must(Consumer::attach(name_));
    for (int value = 1; value < 30; ++value) {
        put(producer_, value);
        const PrivateWindow window = over(consumer_, 2);
        ASSERT_EQ(value_of(window.bytes()), value);
        fill(window.bytes());
        fill(window.bytes(window.window().count() - 1));
        ASSERT_EQ(value_of(present(other.latest())), value);
        ASSERT_EQ(value_of(present(consumer_.latest())), value);
    }
}

TEST_F(PrivateWindowTest, KeepsThePinUntilItDies)
{
    put(producer_, 1);
    {
        PrivateWindow window = over(consumer_, 1);
        EXPECT_EQ(pinned(), 1U);
        const PrivateWindow moved = std::move(window);
        EXPECT_EQ(pinned(), 1U);
        fill(moved.bytes());
    }
    EXPECT_EQ(pinned(), 0U);
}

TEST_F(PrivateWindowTest, GivesUpWhatItHadWhenItIsAssignedTo)
{
    put(producer_, 1);
    PrivateWindow window = over(consumer_, 1);
    put(producer_, 2);

    window = over(consumer_, 1);

    EXPECT_EQ(pinned(), 1U);
    EXPECT_EQ(value_of(window.bytes()), 2);
}

TEST_F(PrivateWindowTest, IsTheCopyItselfWhereTheWindowIsOne)
{
    ConsumerOptions options;
    options.max_pins = 1;
    Consumer hoarder = must(Consumer::attach(name_, options));
    put(producer_, 1);
    const Frame held = present(hoarder.latest());
    put(producer_, 2);

    const PrivateWindow window = over(hoarder, 1);

    ASSERT_TRUE(window.window().copied());
    EXPECT_EQ(window.bytes().data(), window.window().bytes().data());
    fill(window.bytes());
    EXPECT_EQ(value_of(present(consumer_.latest())), 2);
}

TEST_F(PrivateWindowTest, OutlivesConsumerAndPool)
{
    put(producer_, 1);
    const PrivateWindow window = over(consumer_, 1);
    consumer_.detach();
    producer_.close();

    fill(window.bytes());

    EXPECT_EQ(value_of(window.bytes()), 0x7F7F7F7F);
}

TEST_F(PrivateWindowTest, MayBeDroppedInAForkedChild)
{
    put(producer_, 1);
    PrivateWindow window = over(consumer_, 1);
    fill(window.bytes());

    testing::ChildProcess child([&](const testing::Channel&) {
        PrivateWindow dropped = std::move(window);
        dropped = over(consumer_, 1);  // attaches for itself
        return value_of(dropped.bytes()) == 1 ? 0 : 1;
    });

    EXPECT_EQ(child.wait(), 0);
    EXPECT_EQ(value_of(window.bytes()), 0x7F7F7F7F);
}

TEST_F(PrivateWindowTest, MayBeWrittenToAndDroppedInManyThreads)
{
    put(producer_, 0);
    std::vector<std::thread> threads;
    std::mutex taking;
    std::atomic<bool> done{false};
    std::atomic<int> mixed{0};
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&, mark = std::byte(0x70 + i)] {
            while (!done) {
                std::unique_lock lock(taking);  // a Consumer is for one thread at a time
                const PrivateWindow window = over(consumer_, 1);
                lock.unlock();
                // Mine alone, as long as every thread writes to the byte that is its own.
                std::byte& own = window.bytes()[std::to_integer<std::size_t>(mark)];
                own = mark;
                mixed += own == mark ? 0 : 1;
            }
        });
    }
    for (int value = 1; value < 2000; ++value) {
        put(producer_, value);
    }
    done = true;
    for (std::thread& thread : threads) {
        thread.join();
    }

    EXPECT_EQ(mixed, 0);
    put(producer_, 5);
    EXPECT_EQ(value_of(over(consumer_, 1).bytes()), 5);
}

}  // namespace
}  // namespace tensor_ipc
