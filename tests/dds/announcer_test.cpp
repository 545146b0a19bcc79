#include "tensor_ipc/dds/announcer.hpp"

#include "support/pool_test.hpp"
#include "tensor_ipc/dds/directory.hpp"
#include "tensor_ipc/dds/progress_watch.hpp"

namespace tensor_ipc::dds {
namespace {

using testing::hang_deadline_ns;
using testing::metadata_of;
using testing::must;
using testing::put;

class AnnouncerTest : public testing::PoolTest {
protected:
    AnnouncerTest()
    {
        options_.participant.domain = 20 + static_cast<std::uint32_t>(::getpid()) % 20;
    }

    /// The pool in the directory, once `is_it` says that it is as it should be.
    template <typename Predicate>
    std::optional<DiscoveredPool> find(Directory& directory, Predicate is_it)
    {
        while (os::monotonic_ns() < hang_deadline_ns_) {
            for (DiscoveredPool& pool : must(directory.pools())) {
                if (pool.record.key.pool == name_ && is_it(pool)) {
                    return std::move(pool);
                }
            }
            static_cast<void>(directory.wait(hang_deadline_ns_));
        }
        return std::nullopt;
    }

    PoolMetadata metadata_ = metadata_of(name_);
    AnnouncementOptions options_;
    std::uint64_t hang_deadline_ns_ = hang_deadline_ns();
};

TEST_F(AnnouncerTest, TellsOfThePoolUntilItIsWithdrawn)
{
    const Producer producer = must(Producer::create(metadata_));
    Directory directory = must(Directory::open(options_.participant));

    Announcement announcement = must(Announcement::begin(name_, options_));

    const auto found = find(directory, [](const DiscoveredPool& pool) { return pool.alive; });
    ASSERT_TRUE(found);
    EXPECT_EQ(found->record.metadata, metadata_);
    EXPECT_EQ(found->record.generation, 1U);
    EXPECT_EQ(found->record.frame_bytes, producer.geometry().frame_bytes);
    EXPECT_TRUE(found->is_local);

    announcement.withdraw();
    EXPECT_FALSE(announcement.is_announced());
    while (!must(directory.pools()).empty() && os::monotonic_ns() < hang_deadline_ns_) {
        static_cast<void>(directory.wait(hang_deadline_ns_));
    }
    EXPECT_TRUE(must(directory.pools()).empty());
}

TEST_F(AnnouncerTest, SuccessorAfterAnOrderlyEndIsAliveWhicheverSampleComesLast)
{
    Directory directory = must(Directory::open(options_.participant));
    for (int turn = 0; turn < 20; ++turn) {
        const Producer producer = must(Producer::create(metadata_));
        const Announcement announcement = must(Announcement::begin(name_, options_));
        ASSERT_TRUE(find(directory, [](const DiscoveredPool& pool) { return pool.alive; }));
    }
}

TEST_F(AnnouncerTest, TellsOfNoPoolButItsOwn)
{
    EXPECT_EQ(Announcement::begin(name_, options_).error().code, ErrorCode::PoolNotFound);
    EXPECT_EQ(Announcement::begin("a b", options_).error().code, ErrorCode::InvalidName);
    const Producer producer = must(Producer::create(metadata_));
    options_.keep_last = 0;
    EXPECT_EQ(Announcement::begin(name_, options_).error().code, ErrorCode::InvalidArgument);
    options_.keep_last = 1;
    options_.max_rate_hz = 0.0;
    EXPECT_EQ(Announcement::begin(name_, options_).error().code, ErrorCode::InvalidArgument);
}

TEST_F(AnnouncerTest, WakesAConsumerThatWaitsByNews)
{
    Producer producer = must(Producer::create(metadata_));
    const Announcement announcement = must(Announcement::begin(name_, options_));
    ProgressWatch watch = must(ProgressWatch::open(name_, options_.participant, 4));
    Consumer consumer = must(Consumer::attach(name_));
    consumer.wake_by(watch.news());
    while (announcement.readers() == 0 && os::monotonic_ns() < hang_deadline_ns_) {
        ::usleep(1000);
    }

    for (std::uint64_t frame = 0; frame < 20; ++frame) {
        put(producer, 1);
        const std::optional<std::uint64_t> after =
            frame == 0 ? std::nullopt : std::optional(frame - 1);
        ASSERT_EQ(must(consumer.wait(after, hang_deadline_ns_)), WaitOutcome::Ready);
    }
    while (!watch.latest() || watch.latest()->frame != 19) {
        ASSERT_LT(os::monotonic_ns(), hang_deadline_ns_);
        ::usleep(1000);
    }
    EXPECT_GE(watch.samples(), 1U);
    EXPECT_GE(announcement.samples(), watch.samples());
}

TEST_F(AnnouncerTest, ConsumerThatWaitsByNewsSeesWhatNobodyTells)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(name_));
    consumer.wake_by(std::make_shared<News>());

    EXPECT_EQ(must(consumer.wait(std::nullopt, 1)), WaitOutcome::TimedOut);
    put(producer, 1);
    EXPECT_EQ(must(consumer.wait(std::nullopt, hang_deadline_ns_)), WaitOutcome::Ready);
}

TEST_F(AnnouncerTest, ChildOfAForkTellsNothingOfItsParentsPools)
{
    const Producer producer = must(Producer::create(metadata_));
    Announcement announcement = must(Announcement::begin(name_, options_));
    Directory directory = must(Directory::open(options_.participant));
    ASSERT_TRUE(find(directory, [](const DiscoveredPool& pool) { return pool.alive; }));

    testing::ChildProcess child([&](const testing::Channel&) {
        const bool is_over = !announcement.is_announced() && !directory.pools().ok();
        announcement.withdraw();
        return is_over ? 0 : 1;
    });

    EXPECT_EQ(child.wait(), 0);
    EXPECT_TRUE(announcement.is_announced());
    EXPECT_TRUE(find(directory, [](const DiscoveredPool& pool) { return pool.alive; }));
}

}  // namespace
}  // namespace tensor_ipc::dds
