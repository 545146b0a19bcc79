#include "tensor_ipc/pool/consumer.hpp"

#include "support/pool_test.hpp"

namespace tensor_ipc {
namespace {

using testing::metadata_of;
using testing::must;
using testing::present;
using testing::publish_and_die;
using testing::put;
using testing::value_of;
using testing::values_of;

class ConsumerTest : public testing::PoolTest {
protected:
    PoolMetadata metadata_ = metadata_of(name_);
};

TEST_F(ConsumerTest, MayComeBeforeItsProducer)
{
    Consumer consumer = must(Consumer::follow(metadata_));
    EXPECT_FALSE(must(consumer.latest()));
    EXPECT_FALSE(must(consumer.history(3)));
    EXPECT_FALSE(must(consumer.frame(0)));
    EXPECT_FALSE(consumer.connected());

    Producer producer = must(Producer::create(metadata_));
    EXPECT_FALSE(must(consumer.latest()));
    EXPECT_TRUE(consumer.connected());
    put(producer, 4);

    EXPECT_EQ(value_of(present(consumer.latest())), 4);
    EXPECT_EQ(consumer.attachments(), 1U);
}

TEST_F(ConsumerTest, AttachesByNameToWhateverIsThere)
{
    EXPECT_EQ(Consumer::attach(name_).error().code, ErrorCode::PoolNotFound);
    EXPECT_EQ(Consumer::attach("a b").error().code, ErrorCode::InvalidName);

    Producer producer = must(Producer::create(metadata_));
    const Consumer consumer = must(Consumer::attach(name_));

    ASSERT_NE(consumer.metadata(), nullptr);
    EXPECT_EQ(*consumer.metadata(), metadata_);
    EXPECT_EQ(consumer.pool_name(), name_);
}

TEST_F(ConsumerTest, RefusesAPoolThatIsNotWhatItExpects)
{
    Producer producer = must(Producer::create(metadata_));
    PoolMetadata expected = metadata_;
    expected.shape = {3, 2};
    expected.dtype = *dtype_from_name("float32");

    const auto refused = Consumer::follow(expected);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::MetadataMismatch);
    EXPECT_NE(refused.error().message.find("shape: expected (3, 2), found (2, 3)"),
              std::string::npos);
    EXPECT_NE(refused.error().message.find("dtype: expected float32, found int32"),
              std::string::npos);
    EXPECT_TRUE(must(inspect(name_)).consumers.empty());
}

TEST_F(ConsumerTest, RefusesAPoolThatAppearsAndIsNotWhatItExpects)
{
    Consumer consumer = must(Consumer::follow(metadata_));
    {
        Producer wrong = must(Producer::create(metadata_of(name_, 4)));

        EXPECT_EQ(consumer.latest().error().code, ErrorCode::MetadataMismatch);
        EXPECT_EQ(consumer.wait(std::nullopt).error().code, ErrorCode::MetadataMismatch);
        EXPECT_FALSE(consumer.connected());
    }
    Producer right = must(Producer::create(metadata_));
    put(right, 1);

    EXPECT_EQ(value_of(present(consumer.latest())), 1);
}

TEST_F(ConsumerTest, RefusesToExpectWhatCannotBe)
{
    PoolMetadata impossible = metadata_;
    impossible.history_len = 0;

    EXPECT_EQ(Consumer::follow(impossible).error().code, ErrorCode::InvalidArgument);
}

TEST_F(ConsumerTest, FindsNothingAfterAnOrderlyEnd)
{
    Consumer consumer = must(Consumer::follow(metadata_));
    {
        Producer producer = must(Producer::create(metadata_));
        put(producer, 1);
        ASSERT_TRUE(must(consumer.latest()));
        EXPECT_TRUE(consumer.connected());
    }

    EXPECT_FALSE(must(consumer.latest()));
    EXPECT_FALSE(must(consumer.history(2)));
    EXPECT_FALSE(must(consumer.frame(0)));
    EXPECT_FALSE(consumer.connected());
}

TEST_F(ConsumerTest, FollowsALaterProducer)
{
    Consumer consumer = must(Consumer::follow(metadata_));
    for (int round = 0; round < 5; ++round) {
        Producer producer = must(Producer::create(metadata_));
        put(producer, round);

        EXPECT_EQ(value_of(present(consumer.latest())), round);
        EXPECT_EQ(consumer.last_index(), 0U);
        EXPECT_TRUE(consumer.connected());
    }
    EXPECT_EQ(consumer.attachments(), 5U);
}

TEST_F(ConsumerTest, ByNameFollowsALaterProducerOfAnotherShape)
{
    std::optional<Producer> producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    put(*producer, 1);
    const Frame old = present(consumer.latest());

    producer.reset();
    producer = must(Producer::create(metadata_of(name_, 5, {7})));
    put(*producer, 2);
    const Frame fresh = present(consumer.latest());

    EXPECT_EQ(fresh.metadata().shape, Shape({7}));
    EXPECT_EQ(old.metadata().shape, Shape({2, 3}));
    EXPECT_EQ(value_of(old), 1);
    EXPECT_EQ(value_of(fresh), 2);
    EXPECT_EQ(fresh.bytes().size(), 28U);
}

TEST_F(ConsumerTest, KeepsTheFramesOfAKilledProducerAndKnowsThatItIsDead)
{
    Consumer consumer = must(Consumer::follow(metadata_));

    publish_and_die(metadata_, {1, 2, 3, 4});

    EXPECT_EQ(values_of(present(consumer.history(3))), (std::vector{4, 3, 2}));
    EXPECT_FALSE(consumer.connected());

    Producer producer = must(Producer::create(metadata_));
    EXPECT_TRUE(consumer.connected());
    EXPECT_EQ(put(producer, 5), 4U);
    EXPECT_EQ(values_of(present(consumer.history(3))), (std::vector{5, 4, 3}));
    EXPECT_EQ(consumer.attachments(), 1U);
}

TEST_F(ConsumerTest, FollowsAPoolThatWasRemovedByHand)
{
    publish_and_die(metadata_, {1});
    Consumer consumer = must(Consumer::attach(name_));
    ASSERT_EQ(value_of(present(consumer.latest())), 1);
    ASSERT_EQ(::unlink(testing::segment_path(name_).c_str()), 0);

    Producer producer = must(Producer::create(metadata_));
    put(producer, 2);

    EXPECT_TRUE(consumer.connected());
    EXPECT_EQ(value_of(present(consumer.latest())), 2);
    EXPECT_EQ(consumer.attachments(), 2U);
}

TEST_F(ConsumerTest, GivesUpOnAHighWaterThatChangesWithoutEnd)
{
    SegmentFile segment = must(open_for_producer(metadata_, {}));
    const Consumer first = must(Consumer::attach(name_));
    static std::atomic<std::uint32_t>* high_water = nullptr;
    static int turns = 0;
    high_water = &segment.header().consumer_high_water;
    turns = 0;
    testing::test_point_hook.store([](const char* name) {
        if (std::string_view(name) == "attach:raising") {
            // Always another one than was seen, always too low; in the end high enough.
            high_water->store(++turns == 100'000 ? 100 : high_water->load() ^ 1U);
        }
    });

    const auto second = Consumer::attach(name_);

    testing::test_point_hook.store(nullptr);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::BadSegment);
    EXPECT_NE(second.error().message.find("consumer_high_water"), std::string::npos);
    EXPECT_EQ(turns, 1000);
    end_segment(segment);
}

TEST_F(ConsumerTest, AttachesAgainAfterItLetGo)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    put(producer, 1);

    consumer.detach();
    EXPECT_TRUE(must(inspect(name_)).consumers.empty());
    EXPECT_EQ(consumer.metadata(), nullptr);

    EXPECT_EQ(value_of(present(consumer.latest())), 1);
    EXPECT_EQ(must(inspect(name_)).consumers.size(), 1U);
}

TEST_F(ConsumerTest, GivesFewerFramesWhenThereAreNotAsMany)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    EXPECT_FALSE(must(consumer.history(3)));

    put(producer, 10);
    EXPECT_EQ(values_of(present(consumer.history(3))), (std::vector{10}));
    put(producer, 11);
    EXPECT_EQ(values_of(present(consumer.history(3))), (std::vector{11, 10}));
    put(producer, 12);
    EXPECT_EQ(values_of(present(consumer.history(3))), (std::vector{12, 11, 10}));
    EXPECT_EQ(values_of(present(consumer.history(1))), (std::vector{12}));
}

TEST_F(ConsumerTest, RefusesAHistoryOutsideItsRange)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));

    for (const std::uint32_t count : {0U, 4U, UINT32_MAX}) {
        const auto refused = consumer.history(count);

        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
        EXPECT_NE(refused.error().message.find("1 to 3"), std::string::npos);
        EXPECT_NE(refused.error().message.find("got " + std::to_string(count)), std::string::npos);
    }
}

TEST_F(ConsumerTest, FindsFramesByTheirNumber)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    for (int i = 0; i < 10; ++i) {
        put(producer, 100 + i);
    }

    EXPECT_EQ(value_of(present(consumer.frame(9))), 109);
    EXPECT_EQ(value_of(present(consumer.frame(7))), 107);
    EXPECT_EQ(present(consumer.frame(7)).info().index, 7U);
    EXPECT_FALSE(must(consumer.frame(10)));
    EXPECT_FALSE(must(consumer.frame(0)));
    EXPECT_FALSE(must(consumer.frame(UINT64_MAX)));
    EXPECT_FALSE(must(consumer.frame(UINT64_MAX - 1)));
}

TEST_F(ConsumerTest, CountsWhatItReceivedAndMissed)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    put(producer, 0);
    must(consumer.latest());
    must(consumer.latest());
    for (int i = 0; i < 4; ++i) {
        put(producer, i);
    }
    must(consumer.latest());

    EXPECT_EQ(consumer.stats().received, 3U);
    EXPECT_EQ(consumer.stats().missed, 3U);
    EXPECT_EQ(consumer.stats().copied_frames, 0U);
    EXPECT_EQ(consumer.last_index(), 4U);
}

TEST_F(ConsumerTest, DoesNotInheritThePinsOfADeadOneWhosePlaceItTakes)
{
    Producer producer = must(Producer::create(metadata_));
    put(producer, 1);
    put(producer, 2);
    testing::ChildProcess hog([&](const testing::Channel& parent) {
        Consumer consumer = must(Consumer::attach(name_));
        const FrameWindow held = present(consumer.history(2));
        parent.say('h');
        return static_cast<int>(parent.hear());
    });
    ASSERT_EQ(hog.channel().hear(), 'h');
    ASSERT_EQ(must(inspect(name_)).consumers.front().pinned_slots, 2U);
    hog.kill();

    const Consumer heir = must(Consumer::attach(name_));

    ASSERT_EQ(must(inspect(name_)).consumers.size(), 1U);
    EXPECT_EQ(must(inspect(name_)).consumers.front().id, 0U);
    EXPECT_EQ(must(inspect(name_)).consumers.front().pinned_slots, 0U);
}

TEST_F(ConsumerTest, HasItsOwnPlaceAmongManyAndTheLastOneIsRefused)
{
    Producer producer = must(Producer::create(metadata_));
    put(producer, 1);
    std::vector<Consumer> consumers;
    for (std::uint32_t i = 0; i < kConsumerCapacity; ++i) {
        consumers.push_back(must(Consumer::attach(name_)));
    }

    const auto refused = Consumer::attach(name_);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::PoolExhausted);
    EXPECT_NE(refused.error().message.find("256 consumers"), std::string::npos);
    EXPECT_EQ(must(inspect(name_)).consumers.size(), kConsumerCapacity);
    EXPECT_EQ(value_of(present(consumers.back().latest())), 1);
    consumers.pop_back();
    EXPECT_TRUE(Consumer::attach(name_));
}

}  // namespace
}  // namespace tensor_ipc
