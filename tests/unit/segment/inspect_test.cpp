#include <fcntl.h>

#include "support/pool_test.hpp"

namespace tensor_ipc {
namespace {

using testing::metadata_of;
using testing::must;
using testing::present;
using testing::publish_and_die;
using testing::put;

class Inspect : public testing::PoolTest {};

TEST_F(Inspect, SaysThatThereIsNoPool)
{
    const auto refused = inspect(name_);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::PoolNotFound);
    EXPECT_NE(refused.error().message.find(name_), std::string::npos);
    EXPECT_EQ(inspect("a b").error().code, ErrorCode::InvalidName);
}

TEST_F(Inspect, ShowsAPoolBeforeItsFirstFrame)
{
    const Producer producer = must(Producer::create(metadata_of(name_)));

    const PoolFacts facts = must(inspect(name_));

    EXPECT_EQ(facts.metadata, metadata_of(name_));
    EXPECT_EQ(facts.segment_bytes, producer.geometry().segment_bytes);
    EXPECT_EQ(facts.latest_frame, -1);
    EXPECT_EQ(facts.rate_hz, 0.0);
    EXPECT_TRUE(facts.producer_alive);
    EXPECT_FALSE(facts.ended);
    EXPECT_TRUE(facts.consumers.empty());
    EXPECT_EQ(facts.problem, "");
}

TEST_F(Inspect, ShowsFramesConsumersAndPins)
{
    Producer producer = must(Producer::create(metadata_of(name_)));
    Consumer first = must(Consumer::attach(name_));
    Consumer second = must(Consumer::attach(name_));
    put(producer, 1);
    put(producer, 2);
    const FrameWindow window = present(second.history(2));

    const PoolFacts facts = must(inspect(name_));

    EXPECT_EQ(facts.latest_frame, 1);
    EXPECT_EQ(facts.last_published_ns, window.info().published_ns);
    EXPECT_GE(facts.rate_hz, 0.0);
    ASSERT_EQ(facts.consumers.size(), 2U);
    EXPECT_EQ(facts.consumers[0].pid, static_cast<std::uint32_t>(::getpid()));
    EXPECT_EQ(facts.consumers[0].pinned_slots, 0U);
    EXPECT_EQ(facts.consumers[1].pinned_slots, 2U);
}

TEST_F(Inspect, DoesNotJoinThePool)
{
    const Producer producer = must(Producer::create(metadata_of(name_)));

    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(must(inspect(name_)).consumers.empty());
    }
}

TEST_F(Inspect, ShowsThatTheProducerIsDead)
{
    publish_and_die(metadata_of(name_), {1, 2, 3});

    const PoolFacts facts = must(inspect(name_));

    EXPECT_FALSE(facts.producer_alive);
    EXPECT_EQ(facts.latest_frame, 2);
    must(clean(false));
}

TEST_F(Inspect, ListsSoundAndUnsoundPoolsByName)
{
    const Producer producer = must(Producer::create(metadata_of(name_)));
    const std::string broken = "a-broken-one";
    {
        const os::FileDescriptor fd(
            ::open(testing::segment_path(broken).c_str(), O_CREAT | O_EXCL | O_RDWR, 0600));
        ASSERT_EQ(::write(fd.get(), "x", 1), 1);
    }

    const auto pools = must(inspect_all());

    ASSERT_EQ(pools.size(), 2U);
    EXPECT_EQ(pools[0].metadata.name, broken);
    EXPECT_NE(pools[0].problem, "");
    EXPECT_EQ(pools[0].segment_bytes, 1U);
    EXPECT_EQ(pools[1].metadata.name, name_);
    EXPECT_EQ(pools[1].problem, "");
    must(clean(false));
}

}  // namespace
}  // namespace tensor_ipc
