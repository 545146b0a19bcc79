#include "tensor_ipc/pool/producer.hpp"

#include "support/pool_test.hpp"
#include "tensor_ipc/memory/frame_copier.hpp"

namespace tensor_ipc {
namespace {

using testing::frame_of;
using testing::metadata_of;
using testing::must;
using testing::present;
using testing::put;

class ProducerTest : public testing::PoolTest {
protected:
    PoolMetadata metadata_ = metadata_of(name_);
};

Result<std::uint64_t> try_put(Producer& producer, std::int32_t value,
                              std::optional<std::uint64_t> captured_ns = {})
{
    const auto frame = frame_of(producer.metadata(), value);
    return producer.put(std::as_bytes(std::span(frame)), {captured_ns});
}

void fill(const Loan& loan, std::int32_t value)
{
    for (std::size_t at = 0; at < loan.bytes().size(); at += sizeof value) {
        std::memcpy(loan.bytes().data() + at, &value, sizeof value);
    }
}

TEST_F(ProducerTest, RefusesWhatCannotBeAPool)
{
    PoolMetadata empty = metadata_;
    empty.shape = {0};
    SegmentOptions no_spare;
    no_spare.spare = kMinSpare - 1;
    PoolMetadata unnamed = metadata_;
    unnamed.name = "";

    EXPECT_EQ(Producer::create(empty).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(Producer::create(metadata_, no_spare).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(Producer::create(unnamed).error().code, ErrorCode::InvalidName);
}

TEST_F(ProducerTest, NumbersItsFramesAndCountsThem)
{
    Producer producer = must(Producer::create(metadata_));

    for (std::uint64_t i = 0; i < 20; ++i) {
        EXPECT_EQ(put(producer, 1), i);
    }

    EXPECT_EQ(producer.stats().frames, 20U);
    EXPECT_EQ(producer.stats().skipped_slots, 0U);
}

TEST_F(ProducerTest, LeavesThePoolUntouchedWhenTheSizeIsWrong)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    for (int i = 0; i < 6; ++i) {
        put(producer, i);
    }

    for (const std::size_t bytes : {0U, 23U, 25U, 4096U}) {
        const std::vector<std::byte> frame(bytes);
        const auto refused = producer.put(frame);

        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
        EXPECT_EQ(refused.error().message,
                  "a frame of pool '" + name_ + "' has 24 bytes, got " + std::to_string(bytes));
    }

    EXPECT_EQ(testing::values_of(present(consumer.history(3))), (std::vector{5, 4, 3}));
    for (std::uint64_t old = 0; old < 6; ++old) {
        EXPECT_TRUE(must(consumer.frame(old))) << "no slot was used for the refused frames";
    }
    EXPECT_EQ(put(producer, 6), 6U);
}

TEST_F(ProducerTest, KeepsTheTimeOfCapture)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    const std::uint64_t before = os::monotonic_ns();

    must(try_put(producer, 1, 12345));
    const FrameInfo given = present(consumer.latest()).info();
    put(producer, 2);
    const FrameInfo by_default = present(consumer.latest()).info();

    EXPECT_EQ(given.captured_ns, 12345U);
    EXPECT_GE(given.published_ns, before);
    EXPECT_EQ(by_default.captured_ns, by_default.published_ns);
    EXPECT_GE(by_default.published_ns, given.published_ns);
}

TEST_F(ProducerTest, LendsASlotToWriteInPlace)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    Loan loan = must(producer.loan());
    ASSERT_EQ(loan.bytes().size(), 24U);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(loan.bytes().data()) % kPayloadAlignment, 0U);
    fill(loan, 9);
    EXPECT_FALSE(must(consumer.latest()));

    EXPECT_EQ(loan.publish(77), 0U);

    EXPECT_EQ(testing::value_of(present(consumer.latest())), 9);
    EXPECT_EQ(present(consumer.latest()).info().captured_ns, 77U);
    EXPECT_EQ(loan.publish(), std::nullopt);
}

TEST_F(ProducerTest, TakesADroppedLoanBack)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    put(producer, 1);

    for (int i = 0; i < 100; ++i) {
        const Loan dropped = must(producer.loan());
        fill(dropped, 666);
    }

    EXPECT_EQ(testing::value_of(present(consumer.latest())), 1);
    EXPECT_EQ(put(producer, 2), 1U);
    EXPECT_EQ(testing::value_of(present(consumer.latest())), 2);
}

TEST_F(ProducerTest, LendsSeveralSlotsAtOnceAndNumbersThemAsTheyArePublished)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    Loan first = must(producer.loan());
    Loan second = must(producer.loan());
    Loan third = must(producer.loan());
    fill(first, 1);
    fill(second, 2);
    fill(third, 3);

    EXPECT_EQ(third.publish(), 0U);
    EXPECT_EQ(put(producer, 4), 1U);
    EXPECT_EQ(first.publish(), 2U);
    second = must(producer.loan());  // drops what it was

    EXPECT_EQ(testing::values_of(present(consumer.history(3))), (std::vector{1, 4, 3}));
}

TEST_F(ProducerTest, MovesALoan)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    Loan loan = must(producer.loan());
    fill(loan, 3);

    Loan moved = std::move(loan);

    EXPECT_EQ(loan.publish(), std::nullopt);  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(moved.publish(), 0U);
    EXPECT_EQ(testing::value_of(present(consumer.latest())), 3);
}

TEST_F(ProducerTest, FailsWhenEverySlotIsOnLoan)
{
    Producer producer = must(Producer::create(metadata_));
    std::vector<Loan> loans;
    for (std::uint32_t i = 0; i < producer.geometry().slot_count; ++i) {
        loans.push_back(must(producer.loan()));
    }

    const auto refused = producer.loan();

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::PoolExhausted);
    EXPECT_NE(refused.error().message.find("no consumer pins any"), std::string::npos);
    loans.pop_back();
    EXPECT_EQ(put(producer, 1), 0U);
}

TEST_F(ProducerTest, NamesTheHoldersWhenThePoolIsExhausted)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    put(producer, 1);
    const Frame held = present(consumer.latest());
    std::vector<Loan> loans;
    for (std::uint32_t i = 0; i + 1 < producer.geometry().slot_count; ++i) {
        loans.push_back(must(producer.loan()));
    }

    const auto refused = try_put(producer, 2);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::PoolExhausted);
    EXPECT_NE(refused.error().message.find("process " + std::to_string(::getpid()) + " holds 1"),
              std::string::npos)
        << refused.error().message;
    EXPECT_EQ(testing::value_of(held), 1);
}

TEST_F(ProducerTest, EndsItsPoolOnce)
{
    Producer producer = must(Producer::create(metadata_));
    EXPECT_TRUE(producer.is_open());

    producer.close();
    producer.close();

    EXPECT_FALSE(producer.is_open());
    EXPECT_TRUE(testing::leftovers().empty());
    EXPECT_EQ(producer.loan().error().code, ErrorCode::PoolNotFound);
    const auto refused = try_put(producer, 2);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("was closed"), std::string::npos);
}

TEST_F(ProducerTest, KeepsLoansMappedAfterItsEndAndPublishesNoneOfThem)
{
    std::optional<Loan> loan;
    {
        Producer producer = must(Producer::create(metadata_));
        loan = must(producer.loan());
    }
    Producer successor = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));

    fill(*loan, 1);

    EXPECT_EQ(loan->publish(), std::nullopt);
    EXPECT_FALSE(must(consumer.latest()));
}

TEST_F(ProducerTest, EndsThePoolThatItIsAssignedOver)
{
    Producer producer = must(Producer::create(metadata_));
    PoolMetadata other = metadata_;
    other.name = testing::unique_pool_name();

    producer = must(Producer::create(other));

    EXPECT_EQ(inspect(name_).error().code, ErrorCode::PoolNotFound);
    EXPECT_EQ(put(producer, 1), 0U);
    EXPECT_EQ(must(inspect(other.name)).latest_frame, 0);
}

TEST_F(ProducerTest, CountsTheSlotsThatItWentRound)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    put(producer, 1);
    const Frame held = present(consumer.latest());

    for (int i = 0; i < 12; ++i) {
        put(producer, i);
    }

    EXPECT_EQ(producer.stats().skipped_slots, 2U);
    EXPECT_EQ(testing::value_of(held), 1);
}

TEST_F(ProducerTest, PublishesScalarsAndLargeFrames)
{
    PoolMetadata scalar = metadata_;
    scalar.shape = {};
    {
        Producer producer = must(Producer::create(scalar));
        Consumer consumer = must(Consumer::attach(name_));
        put(producer, 5);
        EXPECT_EQ(present(consumer.latest()).bytes().size(), 4U);
    }
    PoolMetadata large = metadata_;
    large.shape = {1080, 1920};
    Producer producer = must(Producer::create(large));
    Consumer consumer = must(Consumer::attach(name_));
    for (int i = 0; i < 8; ++i) {
        put(producer, i);
    }
    EXPECT_EQ(testing::values_of(present(consumer.history(3))), (std::vector{7, 6, 5}));
}

TEST_F(ProducerTest, PublishesLargeFramesInWhicheverWayTheyAreCopied)
{
    metadata_.shape = {480, 641};  // its last line is not whole
    ASSERT_GE(must(frame_bytes(metadata_)), FrameCopier::kTimedBytes);
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    constexpr int kBothWays = CopyChoice::kFirstTrial + 2 * CopyChoice::kTrial;
    for (int i = 0; i < kBothWays; ++i) {
        put(producer, i);

        const FrameWindow window = present(consumer.history(1));

        const auto expected = frame_of(metadata_, i);
        ASSERT_TRUE(std::ranges::equal(window.bytes(), std::as_bytes(std::span(expected)))) << i;
    }
}

TEST_F(ProducerTest, PublishesUnderNumbersThatRiseAndMayBeLeftOut)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    for (const std::uint64_t number : {4U, 5U, 9U}) {
        Loan loan = must(producer.loan());
        fill(loan, static_cast<std::int32_t>(number));
        EXPECT_EQ(loan.publish_as(number, 10 * number), number);
    }

    const Frame frame = present(consumer.latest());
    EXPECT_EQ(frame.info().index, 9U);
    EXPECT_EQ(frame.info().captured_ns, 90U);
    EXPECT_EQ(testing::values_of(present(consumer.history(3))), (std::vector{9}))
        << "a history is of successive frames";
    EXPECT_TRUE(must(consumer.frame(5)));
    EXPECT_FALSE(must(consumer.frame(7)));
    EXPECT_EQ(put(producer, 1), 10U);
}

TEST_F(ProducerTest, GivesTheSlotBackWhenItsNumberWasPassed)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    put(producer, 0);
    put(producer, 1);

    Loan loan = must(producer.loan());
    EXPECT_EQ(loan.publish_as(1), std::nullopt);
    EXPECT_EQ(loan.publish(), std::nullopt);

    EXPECT_EQ(testing::value_of(present(consumer.latest())), 1);
    EXPECT_EQ(put(producer, 2), 2U);
}

}  // namespace
}  // namespace tensor_ipc
