/// Deaths that have to do with sleeping: of a sleeper, and of a producer that should have woken it.
#include "named_points.hpp"
#include "sleeper.hpp"

namespace tensor_ipc {
namespace {

using testing::Channel;
using testing::ChildProcess;
using testing::crash_metadata;
using testing::must;
using testing::present;
using testing::Sleeper;

class Asleep : public testing::PoolTest {
protected:
    PoolMetadata metadata_ = crash_metadata(name_);
};

TEST_F(Asleep, AKilledConsumerCostsOneNeedlessWakeUp)
{
    Producer producer = must(Producer::create(metadata_));
    const SegmentFile segment = present(open_for_consumer(name_));
    const PoolHeader& header = segment.header();
    ChildProcess victim([&](const Channel&) {
        Consumer consumer = must(Consumer::attach(name_));
        return consumer.wait(std::nullopt) ? 0 : 1;
    });
    const std::uint64_t deadline = testing::hang_deadline_ns();
    while (header.waiting.load() == 0 && os::monotonic_ns() < deadline) {
        std::this_thread::yield();
    }
    ASSERT_EQ(victim.kill(), testing::kKilled);

    const std::uint32_t before = header.wake_word.load();
    ASSERT_TRUE(testing::publish(producer, testing::new_token()));
    const std::uint32_t after_one = header.wake_word.load();
    ASSERT_TRUE(testing::publish(producer, testing::new_token()));

    EXPECT_EQ(after_one, before + 1);
    EXPECT_EQ(header.wake_word.load(), after_one);
    EXPECT_EQ(header.waiting.load(), 0U);
}

/// Nobody takes the pool over, and still the sleeper gets the frame that was published last.
TEST_F(Asleep, AFrameReachesSleepersAlthoughItsProducerDiedBeforeWakingThem)
{
    const testing::SharedWithChildren<std::atomic<std::uint64_t>> last_token;
    for (const char* point : {"wake:flag-fallen", "wake:word-changed"}) {
        const Sleeper sleeper(metadata_);
        ChildProcess victim([&](const Channel&) {
            testing::die_at(point, 1);
            Producer producer = must(Producer::create(metadata_));
            const std::uint64_t deadline = testing::hang_deadline_ns();
            while (os::monotonic_ns() < deadline) {
                *last_token = testing::new_token();
                CHILD_REQUIRE(testing::publish(producer, *last_token));
            }
            return 0;
        });
        ASSERT_EQ(victim.wait(), testing::kKilled) << point << " was not reached";

        EXPECT_TRUE(sleeper.saw(*last_token)) << point;
    }
    EXPECT_EQ(must(clean(false)).size(), 1U);
}

}  // namespace
}  // namespace tensor_ipc
