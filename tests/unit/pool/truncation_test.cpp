/// A segment that its owner truncates while others use it. Touching the lost pages is SIGBUS and
/// nothing can prevent that; whoever looks before it touches gets an error.
#include <cerrno>
#include <csignal>

#include <fcntl.h>

#include "support/pool_test.hpp"

namespace tensor_ipc {
namespace {

using testing::Channel;
using testing::ChildProcess;
using testing::metadata_of;
using testing::must;
using testing::present;
using testing::publish_and_die;
using testing::value_of;

class Truncation : public testing::PoolTest {
protected:
    void SetUp() override { publish_and_die(metadata_, {1}); }

    void truncate(std::uint64_t bytes) const
    {
        ASSERT_EQ(::truncate(testing::segment_path(name_).c_str(), static_cast<off_t>(bytes)), 0);
    }

    PoolMetadata metadata_ = metadata_of(name_);
};

TEST_F(Truncation, IsNoticedBeforeAByteIsTouched)
{
    const Geometry geometry = must(inspect(name_)).geometry;
    for (const std::uint64_t bytes : {geometry.segment_bytes - 1, geometry.payload_offset,
                                      std::uint64_t{4096}, std::uint64_t{0}}) {
        publish_and_die(metadata_, {1});
        Consumer consumer = must(Consumer::attach(name_));
        std::optional<Frame> held = present(consumer.latest());
        truncate(bytes);

        const auto refreshed = consumer.refresh();
        held.reset();

        ASSERT_FALSE(refreshed);
        EXPECT_EQ(refreshed.error().code, ErrorCode::BadSegment);
        EXPECT_NE(refreshed.error().message.find("truncated to " + std::to_string(bytes)),
                  std::string::npos);
        EXPECT_FALSE(consumer.connected());
    }
    must(clean(false));
}

TEST_F(Truncation, IsAnErrorToWhoWaits)
{
    const Geometry geometry = must(inspect(name_)).geometry;
    Consumer consumer = must(Consumer::attach(name_));
    truncate(geometry.payload_offset);

    const auto waited = consumer.wait(0, testing::hang_deadline_ns());

    ASSERT_FALSE(waited);
    EXPECT_EQ(waited.error().code, ErrorCode::BadSegment);
    must(clean(false));
}

TEST_F(Truncation, IsFollowedByTheNextProducersPool)
{
    Consumer consumer = must(Consumer::attach(name_));
    truncate(0);
    ASSERT_FALSE(consumer.refresh());

    Producer producer = must(Producer::create(metadata_));
    testing::put(producer, 2);

    EXPECT_EQ(value_of(present(consumer.latest())), 2);
}

TEST_F(Truncation, IsSigbusToWhoTouchesALostPage)
{
    ChildProcess child([&](const Channel&) {
        std::signal(SIGBUS, SIG_DFL);
        Consumer consumer = must(Consumer::attach(name_));
        const Frame frame = present(consumer.latest());
        CHILD_REQUIRE(::truncate(testing::segment_path(name_).c_str(), 0) == 0);
        return value_of(frame);
    });

    EXPECT_EQ(child.wait(), 128 + SIGBUS);
    must(clean(false));
}

TEST_F(Truncation, CannotBePreventedBySeals)
{
    // What would prevent it, F_SEAL_SHRINK, is for memfd_create() only.
    const os::FileDescriptor fd(::open(testing::segment_path(name_).c_str(), O_RDWR));
    ASSERT_TRUE(fd);

    EXPECT_LT(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK), 0);
    EXPECT_EQ(errno, EPERM);
    must(clean(false));
}

}  // namespace
}  // namespace tensor_ipc
