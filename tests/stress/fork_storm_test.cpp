/// Processes that fork all the time, from several threads, beside a producer and a consumer. Their
/// children use what they inherit, leave it in three ways, and change nothing of their parent's.
#include <thread>

#include "torn_frames.hpp"

namespace tensor_ipc {
namespace {

using testing::Channel;
using testing::ChildProcess;
using testing::must;
using testing::present;

constexpr int kThreads = 4;

class ForkStorm : public testing::PoolTest {
protected:
    enum class Leaves : std::uint8_t { InOrder, WithoutAWord, Killed };

    /// Reads a frame through the consumer that it inherited; the first use attaches it anew.
    static int use(Consumer& consumer, const Channel& parent, Leaves how)
    {
        auto frame = consumer.latest();
        CHILD_REQUIRE(frame && *frame);
        CHILD_REQUIRE(testing::is_frame((*frame)->bytes(), (*frame)->info().index));
        parent.say('f');
        if (how == Leaves::Killed) {
            return static_cast<int>(parent.hear());  // and never hears anything
        }
        if (how == Leaves::InOrder) {
            frame = std::optional<Frame>{};
            consumer.detach();
        }
        return 0;  // by _exit(2): no destructor of the parent's objects runs
    }

    /// Forks, over and over, children of every kind.
    static void storm(Consumer& consumer, int children, std::atomic<int>& failed)
    {
        for (int i = 0; i < children; ++i) {
            const auto how = static_cast<Leaves>(i % 3);
            ChildProcess child([&](const Channel& parent) { return use(consumer, parent, how); });
            const bool got_a_frame = child.channel().hear() == 'f';
            const int status = how == Leaves::Killed ? child.kill() : child.wait();
            const int expected = how == Leaves::Killed ? testing::kKilled : 0;
            failed += got_a_frame && status == expected ? 0 : 1;
        }
    }

    PoolMetadata metadata_ = testing::torn_frames_metadata(name_);
};

TEST_F(ForkStorm, LeavesTheParentsProducerConsumerAndViewsAlone)
{
    const auto children =
        static_cast<int>(testing::number_from_environment("TENSOR_IPC_STRESS_FORKS", 2000));
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::follow(metadata_));
    std::vector<std::uint64_t> words(*metadata_.shape.elements());
    const auto bytes = std::as_writable_bytes(std::span(words));
    std::uint64_t next = 0;
    const auto publish = [&] {
        testing::write_frame(bytes, next);
        EXPECT_EQ(must(producer.put(bytes)), next);
        ++next;
    };
    publish();
    const Frame held = present(consumer.latest());

    std::atomic<int> failed{0};
    std::atomic<int> storming{kThreads};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&] {
            storm(consumer, children / kThreads, failed);
            --storming;
        });
    }
    while (storming > 0) {
        publish();
        std::this_thread::yield();
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    publish();

    EXPECT_EQ(failed, 0);
    EXPECT_TRUE(testing::is_frame(held.bytes(), 0));
    EXPECT_EQ(present(consumer.latest()).info().index, next - 1);
    const PoolFacts facts = must(inspect(name_));
    ASSERT_EQ(facts.consumers.size(), 1U);
    EXPECT_EQ(facts.consumers.front().pid, static_cast<std::uint32_t>(::getpid()));
    EXPECT_EQ(facts.consumers.front().pinned_slots, 1U);
    std::vector<Loan> every_other_slot;  // no pin of a dead child is left
    for (std::uint32_t i = 0; i + 1 < producer.geometry().slot_count; ++i) {
        every_other_slot.push_back(must(producer.loan()));
    }
}

}  // namespace
}  // namespace tensor_ipc
