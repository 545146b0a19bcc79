/// Texts beside a frame, and the room for a wire header in front of it.
#include <fcntl.h>
#include <unistd.h>

#include "support/pool_test.hpp"

namespace tensor_ipc {
namespace {

using testing::metadata_of;
using testing::must;
using testing::present;
using testing::put;

using Entries = std::vector<UserMetadataEntry>;

class FrameUserMetadata : public testing::PoolTest {
protected:
    std::uint64_t put_with(const Entries& entries)
    {
        const auto frame = testing::frame_of(metadata_, 1);
        return must(producer_.put(std::as_bytes(std::span(frame)), {.user_metadata = entries}));
    }

    Entries latest()
    {
        frame_.emplace(present(consumer_.latest()));
        return must(unpack_user_metadata(frame_->user_metadata()));
    }

    void TearDown() override
    {
        frame_.reset();
        producer_.close();
        PoolTest::TearDown();
    }

    PoolMetadata metadata_ = metadata_of(name_);
    Producer producer_ = must(Producer::create(metadata_));
    Consumer consumer_ = must(Consumer::attach(name_));
    std::optional<Frame> frame_;  ///< what the entries of latest() point into
};

TEST_F(FrameUserMetadata, TravelsWithItsFrame)
{
    const Entries entries{{"encoding", "rgb8"}, {"frame_id", "camera"}};
    put_with(entries);
    EXPECT_EQ(latest(), entries);
}

TEST_F(FrameUserMetadata, IsNotThatOfAnEarlierFrameInTheSlot)
{
    for (int i = 0; i < 20; ++i) {
        put_with({{"key", "value"}});
    }
    for (int i = 0; i < 20; ++i) {
        put(producer_, i);
        EXPECT_TRUE(latest().empty());
    }
    frame_.reset();
    for (int i = 0; i < 20; ++i) {
        put_with({{"key", "value"}});
    }
    for (int i = 0; i < 20; ++i) {
        must(producer_.loan()).publish();
        EXPECT_TRUE(latest().empty());
    }
}

TEST_F(FrameUserMetadata, IsNotThatOfAFrameThatADeadProducerLeft)
{
    const PoolMetadata metadata = metadata_of(name_ + "-left");
    const Entries entries{{"key", "value"}};
    testing::ChildProcess child([&](const testing::Channel& parent) {
        Producer dead = must(Producer::create(metadata));
        const auto frame = testing::frame_of(metadata, 1);
        for (int i = 0; i < 20; ++i) {
            must(dead.put(std::as_bytes(std::span(frame)), {.user_metadata = entries}));
        }
        parent.say('p');
        return static_cast<int>(parent.hear());
    });
    ASSERT_EQ(child.channel().hear(), 'p');
    child.kill();
    Producer next = must(Producer::create(metadata));
    Consumer consumer = must(Consumer::attach(metadata.name));
    ASSERT_FALSE(present(consumer.latest()).user_metadata().empty());

    for (int i = 0; i < 20; ++i) {
        put(next, i);
        EXPECT_TRUE(present(consumer.latest()).user_metadata().empty());
    }
}

TEST_F(FrameUserMetadata, IsThatOfEachFrameOfAWindow)
{
    put_with({{"n", "0"}});
    put(producer_, 1);
    put_with({{"n", "2"}});

    const FrameWindow window = present(consumer_.history(3));

    EXPECT_EQ(must(unpack_user_metadata(window.user_metadata(0))), (Entries{{"n", "2"}}));
    EXPECT_TRUE(window.user_metadata(1).empty());
    EXPECT_EQ(must(unpack_user_metadata(window.user_metadata(2))), (Entries{{"n", "0"}}));
}

TEST_F(FrameUserMetadata, MayBeGivenToALoanAndChanged)
{
    Loan loan = must(producer_.loan());
    const Entries first{{"a", std::string_view("a long text that is replaced")}};
    const Entries second{{"b", "c"}};

    loan.set_user_metadata(must(PackedUserMetadata::pack(first)));
    loan.set_user_metadata(must(PackedUserMetadata::pack(second)));
    loan.publish();
    loan.set_user_metadata(must(PackedUserMetadata::pack(first)));  // too late

    EXPECT_EQ(latest(), second);
}

TEST_F(FrameUserMetadata, ThatDoesNotFitCostsThePoolNothing)
{
    put(producer_, 1);
    const std::string text(300, 'x');
    const Entries too_much{{"key", text}};
    const auto frame = testing::frame_of(metadata_, 2);

    const auto refused =
        producer_.put(std::as_bytes(std::span(frame)), {.user_metadata = too_much});

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(put(producer_, 3), 1U);
    EXPECT_EQ(testing::values_of(present(consumer_.history(2))), (std::vector{3, 1}));
}

TEST_F(FrameUserMetadata, OfADamagedRingStaysWithinItsRoom)
{
    put_with({{"key", "value"}});
    const SegmentFile segment = present(open_for_consumer(name_));
    const os::FileDescriptor file(::open(testing::segment_path(name_).c_str(), O_RDWR | O_CLOEXEC));
    std::array<char, 256> garbage{};
    garbage.fill('\xff');  // the length too
    const auto at = segment.geometry.payload_offset + segment.geometry.payload_in_ring(0) - 512;
    ASSERT_EQ(::pwrite(file.get(), garbage.data(), garbage.size(), static_cast<off_t>(at)), 256);

    const Frame frame = present(consumer_.latest());

    EXPECT_EQ(frame.user_metadata().size(), kMaxUserMetadataBytes);
    EXPECT_EQ(unpack_user_metadata(frame.user_metadata()).error().code, ErrorCode::BadSegment);
}

TEST_F(FrameUserMetadata, LeavesTheRoomForAWireHeaderAlone)
{
    Loan loan = must(producer_.loan());
    const auto room = loan.wire_headroom();
    EXPECT_EQ(room.data() + room.size(), loan.bytes().data());
    std::ranges::fill(room, std::byte{7});
    const std::string text(kMaxUserMetadataBytes - 3, 'x');
    const Entries entries{{"k", text}};
    loan.set_user_metadata(must(PackedUserMetadata::pack(entries)));
    loan.publish();

    const FrameWindow window = present(consumer_.history(1));

    EXPECT_EQ(window.wire_headroom().data() + kWireHeadroomBytes, window.bytes().data());
    EXPECT_EQ(std::ranges::count(window.wire_headroom(), std::byte{7}), 256);
    EXPECT_EQ(must(unpack_user_metadata(window.user_metadata())), entries);
}

}  // namespace
}  // namespace tensor_ipc
