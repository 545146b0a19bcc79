/// Frames with an extent of their own: each comes out as long as it went in, whatever becomes of
/// it.
#include "support/pool_test.hpp"
#include "tensor_ipc/dlpack/dlpack.hpp"

namespace tensor_ipc {
namespace {

using testing::ChildProcess;
using testing::metadata_of;
using testing::must;
using testing::present;

constexpr std::uint64_t kCapacity = 100;

/// Row r of a frame of `extent` rows is (extent, r, r) in int32.
std::vector<std::int32_t> rows_of(std::uint64_t extent)
{
    std::vector<std::int32_t> values;
    for (std::uint64_t row = 0; row < extent; ++row) {
        values.push_back(static_cast<std::int32_t>(extent));
        values.insert(values.end(), 2, static_cast<std::int32_t>(row));
    }
    return values;
}

std::uint64_t put_rows(Producer& producer, std::uint64_t extent, const PublishOptions& options = {})
{
    const std::vector<std::int32_t> rows = rows_of(extent);
    return must(producer.put(std::as_bytes(std::span(rows)), options));
}

bool is_whole(std::span<const std::byte> bytes, std::uint64_t extent)
{
    const std::vector<std::int32_t> expected = rows_of(extent);
    return std::ranges::equal(bytes, std::as_bytes(std::span(expected)));
}

/// Extents of a window's frames, newest first; each frame has to be whole.
std::vector<std::uint64_t> extents_of(const FrameWindow& window)
{
    std::vector<std::uint64_t> extents;
    for (std::uint32_t age = 0; age < window.count(); ++age) {
        extents.push_back(window.info_at(age).extent);
        EXPECT_TRUE(is_whole(window.bytes(age), extents.back())) << "age " << age;
    }
    EXPECT_EQ(window.info().extent, extents.front());
    return extents;
}

using Extents = std::vector<std::uint64_t>;

class VaryingExtent : public testing::PoolTest {
protected:
    static PoolMetadata varying(const std::string& name)
    {
        PoolMetadata metadata = metadata_of(name, 3, {kCapacity, 3});
        metadata.varying_extent = true;
        return metadata;
    }

    Producer new_producer(const SegmentOptions& options = {}) const
    {
        return must(Producer::create(metadata_, options));
    }

    /// Writes over the extent of every slot, as a consumer could.
    void damage_extents(std::uint64_t extent) const
    {
        const SegmentFile segment = present(open_for_consumer(name_));
        const RingMemory memory(segment.control.data(), segment.geometry);
        for (std::uint32_t slot = 0; slot < memory.slot_count(); ++slot) {
            memory.slot(slot).extent.store(extent);
        }
    }

    PoolMetadata metadata_ = varying(name_);
};

TEST_F(VaryingExtent, EachFrameHasTheBytesThatWerePut)
{
    Producer producer = new_producer();
    Consumer consumer = must(Consumer::follow(metadata_));

    for (const std::uint64_t extent : {std::uint64_t{1}, kCapacity, std::uint64_t{0}, 7UL, 99UL}) {
        put_rows(producer, extent);
        const Frame frame = present(consumer.latest());

        EXPECT_EQ(frame.info().extent, extent);
        EXPECT_TRUE(is_whole(frame.bytes(), extent));
        EXPECT_FALSE(frame.copied());
    }
}

TEST_F(VaryingExtent, AWindowHasTheExtentOfEachFrameInBothMemoryOrders)
{
    for (const MemoryOrder order : {MemoryOrder::NewestFirst, MemoryOrder::Chronological}) {
        SegmentOptions options;
        options.memory_order = order;
        Producer producer = new_producer(options);
        Consumer consumer = must(Consumer::follow(metadata_));
        put_rows(producer, 0);
        put_rows(producer, 1);
        for (std::uint64_t extent = 2; extent < 20; ++extent) {  // three times round the ring
            put_rows(producer, extent);

            const FrameWindow window = present(consumer.history(3));

            EXPECT_FALSE(window.copied());
            EXPECT_EQ(extents_of(window), (Extents{extent, extent - 1, extent - 2}));
        }
    }
}

TEST_F(VaryingExtent, CopiesKeepExtentsAndTexts)
{
    Producer producer = new_producer();
    Consumer consumer = must(Consumer::follow(metadata_));
    Consumer holder = must(Consumer::follow(metadata_));
    put_rows(producer, 1);
    const Frame held = present(holder.latest());  // so that the window is not in a row
    const UserMetadataEntry entry{"key", "value"};
    for (std::uint64_t extent = 2; extent <= 8; ++extent) {
        put_rows(producer, extent, {.user_metadata = {&entry, extent == 7 ? 1U : 0U}});
    }

    const FrameWindow window = present(consumer.history(3));

    ASSERT_TRUE(window.copied());
    EXPECT_EQ(extents_of(window), (Extents{8, 7, 6}));
    EXPECT_EQ(consumer.stats().copied_bytes, (8 + 7 + 6) * 12U);
    EXPECT_EQ(must(unpack_user_metadata(window.user_metadata(1))), std::vector{entry});
    EXPECT_TRUE(window.user_metadata(0).empty());
    EXPECT_TRUE(is_whole(held.bytes(), 1));
}

TEST_F(VaryingExtent, FramesAreFoundByNumberAndByTime)
{
    Producer producer = new_producer();
    Consumer consumer = must(Consumer::follow(metadata_));
    for (const std::uint64_t extent : {10UL, 20UL, 30UL}) {
        put_rows(producer, extent, {.captured_ns = extent});
    }

    EXPECT_EQ(present(consumer.frame(1)).info().extent, 20U);
    EXPECT_EQ(present(consumer.frame_at(25)).info().extent, 20U);
    EXPECT_EQ(extents_of(present(consumer.frames_between(0, 20))), (Extents{20, 10}));
    EXPECT_EQ(extents_of(present(consumer.frames_between(10, 30))), (Extents{30, 20, 10}));
}

TEST_F(VaryingExtent, FramesThatAreNoWholeRowsOrTooManyAreRefused)
{
    Producer producer = new_producer();
    const std::vector<std::byte> bytes(12 * (kCapacity + 1));

    for (const std::size_t size : {1UL, 13UL, 12 * kCapacity - 1, 12 * (kCapacity + 1)}) {
        const auto refused = producer.put(std::span(bytes).first(size));

        ASSERT_FALSE(refused) << size;
        EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
        EXPECT_NE(refused.error().message.find("1200 bytes at most, in rows of 12"),
                  std::string::npos)
            << refused.error().message;
    }
    EXPECT_EQ(producer.stats().frames, 0U);
}

TEST_F(VaryingExtent, ALoanMayBeShortenedAndMadeLongerAgain)
{
    Producer producer = new_producer();
    Consumer consumer = must(Consumer::follow(metadata_));

    Loan loan = must(producer.loan(5));
    EXPECT_EQ(loan.extent(), 5U);
    EXPECT_EQ(loan.bytes().size(), 60U);
    ASSERT_TRUE(loan.resize(kCapacity));
    const auto refused = loan.resize(kCapacity + 1);
    ASSERT_TRUE(loan.resize(2));
    const std::vector<std::int32_t> rows = rows_of(2);
    std::memcpy(loan.bytes().data(), rows.data(), loan.bytes().size());
    loan.publish();

    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("(<=100, 3), got an extent of 101"), std::string::npos)
        << refused.error().message;
    EXPECT_TRUE(is_whole(present(consumer.latest()).bytes(), 2));
    EXPECT_FALSE(producer.loan(kCapacity + 1));
    EXPECT_EQ(must(producer.loan()).extent(), kCapacity);
}

TEST_F(VaryingExtent, IsRefusedInAFixedPool)
{
    const PoolMetadata fixed = metadata_of(name_);
    Producer producer = must(Producer::create(fixed));
    Consumer consumer = must(Consumer::attach(name_));

    Loan loan = must(producer.loan(2));

    EXPECT_FALSE(loan.resize(1));
    EXPECT_TRUE(loan.resize(2));
    EXPECT_FALSE(producer.loan(1));
    EXPECT_FALSE(producer.put(std::vector<std::byte>(12)));
    loan.publish();
    EXPECT_EQ(present(consumer.latest()).info().extent, 2U);
}

TEST_F(VaryingExtent, OneKindOfPoolIsNoMatchForTheOther)
{
    const Producer producer = new_producer();
    PoolMetadata fixed = metadata_;
    fixed.varying_extent = false;

    const auto refused = Consumer::follow(fixed);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::MetadataMismatch);
    EXPECT_NE(refused.error().message.find("expected (100, 3), found (<=100, 3)"),
              std::string::npos);
}

TEST_F(VaryingExtent, OutlivesItsProducersDeath)
{
    ChildProcess child([&](const testing::Channel& parent) {
        Producer producer = new_producer();
        for (const std::uint64_t extent : {3UL, 50UL}) {
            put_rows(producer, extent);
        }
        Loan loan = must(producer.loan(9));
        parent.say('p');
        return static_cast<int>(parent.hear());
    });
    ASSERT_EQ(child.channel().hear(), 'p');
    Consumer consumer = must(Consumer::follow(metadata_));
    child.kill();

    Producer successor = new_producer();
    EXPECT_EQ(extents_of(present(consumer.history(2))), (Extents{50, 3}));
    EXPECT_EQ(put_rows(successor, 4), 2U);

    EXPECT_EQ(extents_of(present(consumer.history(3))), (Extents{4, 50, 3}));
    EXPECT_EQ(consumer.attachments(), 1U);
}

TEST_F(VaryingExtent, ThatIsDamagedLeadsNobodyOutOfTheSlot)
{
    Producer producer = new_producer();
    Consumer consumer = must(Consumer::follow(metadata_));
    for (const std::uint64_t extent : {3UL, 4UL, 5UL}) {
        put_rows(producer, extent);
    }
    for (const std::uint64_t extent : {kCapacity + 1, UINT64_MAX, UINT64_MAX / 12 + 2}) {
        damage_extents(extent);

        const FrameWindow window = present(consumer.history(3));
        const Frame frame = present(consumer.latest());

        for (std::uint32_t age = 0; age < 3; ++age) {
            EXPECT_EQ(window.info_at(age).extent, kCapacity);
            EXPECT_EQ(window.bytes(age).size(), 12 * kCapacity);
        }
        EXPECT_EQ(frame.bytes().size(), 12 * kCapacity);
    }
}

TEST_F(VaryingExtent, IsReadOnceOnly)
{
    Producer producer = new_producer();
    Consumer consumer = must(Consumer::follow(metadata_));
    for (const std::uint64_t extent : {3UL, 4UL, 5UL}) {
        put_rows(producer, extent);
    }
    const FrameWindow window = present(consumer.history(3));
    const Frame frame = present(consumer.latest());

    damage_extents(80);

    EXPECT_EQ(extents_of(window), (Extents{5, 4, 3}));
    EXPECT_TRUE(is_whole(frame.bytes(), 5));
    EXPECT_EQ(frame.info().extent, 5U);
}

TEST_F(VaryingExtent, IsThatOfTheTensorOfEachFrame)
{
    Producer producer = new_producer();
    Consumer consumer = must(Consumer::follow(metadata_));
    for (const std::uint64_t extent : {3UL, 0UL, 5UL}) {
        put_rows(producer, extent);
    }
    const auto window = std::make_shared<const FrameWindow>(present(consumer.history(3)));
    const PrivateWindow written = must(PrivateWindow::over(window));
    const FrameWindow newest = present(consumer.history(1));

    for (std::uint32_t age = 0; age < 3; ++age) {
        const dlpack::TensorMemory memory = dlpack::memory_of_frame(*window, age);
        EXPECT_EQ(memory.data, window->bytes(age).data());
        EXPECT_EQ(memory.layout.dimensions, 2U);
        EXPECT_EQ(memory.layout.extents[0], (std::array{5, 0, 3}).at(age));
        EXPECT_EQ(memory.layout.extents[1], 3);
        EXPECT_EQ(memory.layout.strides[0], 12);
        EXPECT_EQ(dlpack::memory_of_frame(written, age).data, written.bytes(age).data());
        EXPECT_EQ(dlpack::memory_of_frame(written, age).layout.extents, memory.layout.extents);
    }
    EXPECT_EQ(dlpack::memory_of(newest, {}).layout.extents[0], 5);
}

}  // namespace
}  // namespace tensor_ipc
