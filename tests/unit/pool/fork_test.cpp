/// What a forked child may do with the producers, consumers and frames that it inherits.
#include <set>

#include <fcntl.h>

#include "support/pool_test.hpp"

namespace tensor_ipc {
namespace {

using testing::Channel;
using testing::ChildProcess;
using testing::metadata_of;
using testing::must;
using testing::present;
using testing::put;
using testing::value_of;

class ForkTest : public testing::PoolTest {
protected:
    PoolMetadata metadata_ = metadata_of(name_);
};

TEST_F(ForkTest, GivesTheChildsConsumerAPlaceOfItsOwn)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    put(producer, 1);
    const Frame mine = present(consumer.latest());

    ChildProcess child([&](const Channel& parent) {
        const Frame frame = present(consumer.latest());
        CHILD_REQUIRE(value_of(frame) == 1);
        CHILD_REQUIRE(consumer.attachments() == 2);
        parent.say('a');
        CHILD_REQUIRE(parent.hear() == 'e');
        return 0;
    });
    ASSERT_EQ(child.channel().hear(), 'a');

    const PoolFacts facts = must(inspect(name_));
    child.channel().say('e');
    EXPECT_EQ(child.wait(), 0);

    ASSERT_EQ(facts.consumers.size(), 2U);
    EXPECT_EQ(facts.consumers[0].pid, static_cast<std::uint32_t>(::getpid()));
    EXPECT_EQ(facts.consumers[1].pid, static_cast<std::uint32_t>(child.pid()));
    EXPECT_EQ(facts.consumers[0].pinned_slots, 1U);
    EXPECT_EQ(facts.consumers[1].pinned_slots, 1U);
    EXPECT_EQ(must(inspect(name_)).consumers.size(), 1U);
}

TEST_F(ForkTest, KeepsTheParentsPinsWhenTheChildDropsItsFrames)
{
    Producer producer = must(Producer::create(metadata_));
    std::optional<Consumer> consumer = must(Consumer::attach(name_));
    for (int i = 0; i < 3; ++i) {
        put(producer, i);
    }
    std::optional<Frame> frame = present(consumer->latest());
    std::optional<FrameWindow> window = present(consumer->history(2));

    ChildProcess child([&](const Channel&) {
        CHILD_REQUIRE(value_of(*frame) == 2);
        frame.reset();
        window.reset();
        consumer.reset();
        return 0;
    });
    ASSERT_EQ(child.wait(), 0);

    ASSERT_EQ(must(inspect(name_)).consumers.size(), 1U);
    EXPECT_EQ(must(inspect(name_)).consumers.front().pinned_slots, 2U);
    EXPECT_EQ(must(inspect(name_)).consumers.front().pid, static_cast<std::uint32_t>(::getpid()));
    for (int i = 3; i < 30; ++i) {
        put(producer, i);
    }
    EXPECT_EQ(testing::values_of(*window), (std::vector{2, 1}));
}

TEST_F(ForkTest, KeepsThePoolWhenTheChildEnds)
{
    std::optional<Producer> producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));

    ChildProcess child([&](const Channel&) {
        CHILD_REQUIRE(!producer->is_open());
        CHILD_REQUIRE(!producer->loan());
        producer->close();
        producer.reset();
        return 0;
    });
    ASSERT_EQ(child.wait(), 0);

    EXPECT_EQ(put(*producer, 1), 0U);
    EXPECT_TRUE(consumer.connected());
    EXPECT_EQ(value_of(present(consumer.latest())), 1);
    EXPECT_EQ(testing::leftovers().size(), 1U);
}

TEST_F(ForkTest, LeavesTheParentsLoansAlone)
{
    Producer producer = must(Producer::create(metadata_));
    std::optional<Loan> loan = must(producer.loan());

    ChildProcess child([&](const Channel&) {
        const UserMetadataEntry entry{"from", "the child"};
        loan->set_user_metadata(must(PackedUserMetadata::pack({&entry, 1})));
        CHILD_REQUIRE(loan->publish() == std::nullopt);
        loan.reset();
        return 0;
    });
    ASSERT_EQ(child.wait(), 0);

    EXPECT_EQ(loan->publish(), 0U);
    Consumer consumer = must(Consumer::attach(name_));
    EXPECT_TRUE(present(consumer.latest()).user_metadata().empty());
}

TEST_F(ForkTest, LetsAChildProduceItsOwnPool)
{
    Producer producer = must(Producer::create(metadata_));
    put(producer, 1);
    PoolMetadata other = metadata_;
    other.name = testing::unique_pool_name();

    ChildProcess child([&](const Channel&) {
        CHILD_REQUIRE(Producer::create(metadata_).error().code == ErrorCode::PoolInUse);
        Producer mine = must(Producer::create(other));
        CHILD_REQUIRE(put(mine, 5) == 0);
        return 0;
    });

    EXPECT_EQ(child.wait(), 0);
    EXPECT_EQ(put(producer, 2), 1U);
}

TEST_F(ForkTest, NoticesTheDeathOfAProducerAlthoughItsChildLives)
{
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe(ends), 0);
    ChildProcess producer_process([&](const Channel& parent) {
        Producer producer = must(Producer::create(metadata_));
        put(producer, 1);
        Consumer consumer = must(Consumer::attach(name_));
        const Frame frame = present(consumer.latest());
        if (::fork() == 0) {  // outlives its parent, until the test closes the pipe
            char letter = 0;
            ::close(ends[1]);
            parent.say('c');
            [[maybe_unused]] const auto end = ::read(ends[0], &letter, 1);
            ::_exit(0);
        }
        return static_cast<int>(parent.hear());
    });
    ASSERT_EQ(producer_process.channel().hear(), 'c');
    Consumer consumer = must(Consumer::attach(name_));
    EXPECT_TRUE(consumer.connected());
    EXPECT_EQ(must(inspect(name_)).consumers.size(), 2U);

    producer_process.kill();

    EXPECT_FALSE(consumer.connected());
    EXPECT_EQ(must(inspect(name_)).consumers.size(), 1U);
    {
        Producer successor = must(Producer::create(metadata_));
        EXPECT_EQ(put(successor, 2), 1U);
        EXPECT_EQ(value_of(present(consumer.latest())), 2);
    }
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_F(ForkTest, WorksThroughSeveralGenerations)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    put(producer, 4);

    ChildProcess child([&](const Channel&) {
        const Frame frame = present(consumer.latest());
        ChildProcess grandchild([&](const Channel&) {
            CHILD_REQUIRE(value_of(present(consumer.latest())) == 4);
            CHILD_REQUIRE(consumer.attachments() == 3);
            return 0;
        });
        CHILD_REQUIRE(grandchild.wait() == 0);
        CHILD_REQUIRE(must(inspect(name_)).consumers.size() == 2);
        return 0;
    });

    EXPECT_EQ(child.wait(), 0);
    EXPECT_EQ(must(inspect(name_)).consumers.size(), 1U);
}

}  // namespace
}  // namespace tensor_ipc
