#include "tensor_ipc/mirror/local_pool.hpp"

#include "mirror/sample.hpp"
#include "support/pool_test.hpp"

namespace tensor_ipc::mirror {
namespace {

using testing::must;
using testing::present;

class LocalPoolTest : public testing::PoolTest {
protected:
    void TearDown() override
    {
        pool_.close();
        PoolTest::TearDown();
    }

    void give(const tensor_ipc_mirror_v1_Piece& wire)
    {
        pool_.accept(must(read_piece(wire, name_, 1 << 20)));
    }

    void give_whole(std::uint64_t turn, std::uint64_t frame) { give(sample_.piece(turn, frame)); }

    Consumer consumer() { return must(Consumer::attach(name_)); }

    Sample sample_;
    LocalPool pool_;
};

/// What every element of a frame of these bytes is.
std::int32_t filled_with(std::uint8_t byte)
{
    return 0x01010101 * byte;
}

TEST_F(LocalPoolTest, PublishesAFrameUnderItsNumberWhenTheLastPieceHasCome)
{
    give(sample_.piece(1, 5, 0, 8));
    Consumer consumer = this->consumer();
    give(sample_.piece(1, 5, 8, 8));
    EXPECT_FALSE(must(consumer.latest()));

    give(sample_.piece(1, 5, 16, 8));

    const Frame frame = present(consumer.latest());
    EXPECT_EQ(frame.info().index, 5U);
    EXPECT_EQ(frame.info().captured_ns, 500U);
    EXPECT_EQ(testing::value_of(frame), filled_with(5));
    EXPECT_EQ(pool_.counts().received, 1U);
    EXPECT_EQ(pool_.counts().bytes, 24U);
}

TEST_F(LocalPoolTest, CountsNumbersThatNeverCameAsMissedAndFramesThatWereSentAsLost)
{
    give_whole(1, 10);
    give_whole(2, 14);  // the source was faster than the link
    give_whole(5, 17);  // two were lost on the way

    EXPECT_EQ(pool_.counts().received, 3U);
    EXPECT_EQ(pool_.counts().missed, 3U + 2U);
    EXPECT_EQ(pool_.counts().lost, 2U);
    Consumer consumer = this->consumer();
    EXPECT_TRUE(must(consumer.frame(14)));
    EXPECT_FALSE(must(consumer.frame(15)));
    EXPECT_EQ(present(consumer.latest()).info().index, 17U);
}

TEST_F(LocalPoolTest, GivesAFrameUpWhenAPieceIsMissing)
{
    give_whole(1, 1);
    give(sample_.piece(2, 2, 0, 8));
    give(sample_.piece(2, 2, 16, 8));
    give(sample_.piece(3, 3, 8, 8));
    give(sample_.piece(3, 3, 16, 8));

    give_whole(4, 4);

    EXPECT_EQ(pool_.counts().received, 2U);
    EXPECT_EQ(pool_.counts().lost, 2U);
    Consumer consumer = this->consumer();
    EXPECT_FALSE(must(consumer.frame(2)));
    EXPECT_FALSE(must(consumer.frame(3)));
}

TEST_F(LocalPoolTest, NeitherRepeatsNorGoesBack)
{
    give_whole(1, 5);
    give_whole(2, 6);
    give_whole(2, 6);
    give_whole(1, 5);
    give_whole(3, 4);  // a new turn, an old number

    EXPECT_EQ(pool_.counts().received, 2U);
    EXPECT_EQ(pool_.counts().dropped, 1U);
    Consumer consumer = this->consumer();
    EXPECT_EQ(present(consumer.latest()).info().index, 6U);
}

TEST_F(LocalPoolTest, GoesOnInAnotherSessionOfTheSamePool)
{
    give_whole(8, 5);
    Consumer consumer = this->consumer();
    sample_.piece(1, 9);
    sample_.wire.session = 8;
    give(sample_.wire);

    EXPECT_EQ(pool_.counts().pools, 1U);
    EXPECT_EQ(pool_.counts().lost, 0U);
    EXPECT_EQ(present(consumer.latest()).info().index, 9U);
    EXPECT_EQ(consumer.attachments(), 1U);
}

TEST_F(LocalPoolTest, IsMadeAnewForAnotherPoolOfTheName)
{
    give_whole(1, 5);
    Consumer consumer = this->consumer();
    sample_.piece(2, 0);
    sample_.wire.created_ns = 2;
    give(sample_.wire);

    EXPECT_EQ(pool_.counts().pools, 2U);
    EXPECT_EQ(present(consumer.latest()).info().index, 0U);
    EXPECT_EQ(consumer.attachments(), 2U);
}

TEST_F(LocalPoolTest, KnowsWhenTheNewestFrameThereIsNotHere)
{
    give_whole(1, 5);
    give(sample_.piece(2, 6, 0, 8));

    sample_.state(PieceKind::Pool, 2).frame = 7;
    give(sample_.wire);
    EXPECT_EQ(pool_.missing(), 7U);
    EXPECT_EQ(pool_.counts().lost, 1U);

    give_whole(3, 6);
    EXPECT_EQ(pool_.missing(), 0U);
    give_whole(4, 6);  // sent once more than needed
    EXPECT_EQ(pool_.counts().received, 2U);
    EXPECT_EQ(pool_.counts().dropped, 0U);
}

TEST_F(LocalPoolTest, EndsWhenThePoolThereHasEnded)
{
    give(sample_.state(PieceKind::Pool));
    ASSERT_TRUE(pool_.is_open());
    Consumer consumer = this->consumer();

    give(sample_.state(PieceKind::NoPool));

    EXPECT_FALSE(pool_.is_open());
    EXPECT_FALSE(must(consumer.latest()));
}

TEST_F(LocalPoolTest, LeavesALivingProducerItsName)
{
    const PoolMetadata metadata = testing::metadata_of(name_);
    Producer owner = must(Producer::create(metadata));
    testing::put(owner, 1);

    give_whole(1, 5);

    EXPECT_FALSE(pool_.is_open());
    EXPECT_NE(pool_.problem().find("living producer"), std::string::npos) << pool_.problem();
    EXPECT_EQ(pool_.counts().dropped, 1U);
    Consumer consumer = this->consumer();
    EXPECT_EQ(testing::value_of(present(consumer.latest())), 1);
}

TEST_F(LocalPoolTest, NeverGoesOnWithALeftoverWhoseNumbersMeanOtherFrames)
{
    testing::publish_and_die(testing::metadata_of(name_), {1, 2, 3});

    give_whole(1, 1);

    Consumer consumer = this->consumer();
    EXPECT_EQ(present(consumer.latest()).info().index, 1U);
    EXPECT_FALSE(must(consumer.frame(0)));
}

TEST_F(LocalPoolTest, TakesEveryFrameHoweverManyAConsumerHolds)
{
    give_whole(1, 1);
    Consumer consumer = this->consumer();
    std::vector<Frame> held;
    for (std::uint64_t turn = 2; turn < 40; ++turn) {
        give_whole(turn, turn);
        held.push_back(present(consumer.latest()));
    }

    EXPECT_EQ(pool_.counts().received, 39U) << "a consumer that holds all it may gets copies";
    EXPECT_EQ(testing::value_of(held.front()), filled_with(2));
}

}  // namespace
}  // namespace tensor_ipc::mirror
