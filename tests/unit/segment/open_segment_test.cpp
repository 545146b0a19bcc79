#include "tensor_ipc/segment/open_segment.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "support/pool_test.hpp"

namespace tensor_ipc {
namespace {

using testing::Channel;
using testing::ChildProcess;
using testing::metadata_of;
using testing::must;
using testing::present;
using testing::publish_and_die;
using testing::put;
using testing::segment_path;

class OpenSegment : public testing::PoolTest {
protected:
    [[nodiscard]] std::string path() const { return segment_path(name_); }

    [[nodiscard]] std::uint32_t mode() const
    {
        struct stat status {};

        return ::stat(path().c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
    }

    /// An object of that size and content where the pool would be.
    void leave_object(const std::string& content, std::uint64_t bytes) const
    {
        const os::FileDescriptor fd(::open(path().c_str(), O_CREAT | O_EXCL | O_RDWR, 0600));
        ASSERT_TRUE(fd);
        ASSERT_EQ(::pwrite(fd.get(), content.data(), content.size(), 0),
                  static_cast<ssize_t>(content.size()));
        ASSERT_EQ(::ftruncate(fd.get(), static_cast<off_t>(bytes)), 0);
    }

    /// Changes bytes of the object that is there.
    void overwrite(std::uint64_t offset, const std::string& content) const
    {
        const os::FileDescriptor fd(::open(path().c_str(), O_RDWR));
        ASSERT_TRUE(fd);
        ASSERT_EQ(::pwrite(fd.get(), content.data(), content.size(), static_cast<off_t>(offset)),
                  static_cast<ssize_t>(content.size()));
    }

    /// A producer works on that name, whatever was there, and leaves nothing.
    void expect_a_new_pool_works() const
    {
        Producer producer = must(Producer::create(metadata_));
        Consumer consumer = must(Consumer::attach(name_));
        EXPECT_EQ(put(producer, 7), 0U);
        EXPECT_EQ(testing::value_of(present(consumer.latest())), 7);
        EXPECT_EQ(must(inspect(name_)).generation, 1U);
    }

    PoolMetadata metadata_ = metadata_of(name_);
};

TEST_F(OpenSegment, MakesAPoolThatConsumersFind)
{
    SegmentFile segment = must(open_for_producer(metadata_, {}));

    const SegmentFile found = present(open_for_consumer(name_));

    EXPECT_EQ(found.metadata, metadata_);
    EXPECT_EQ(found.geometry, segment.geometry);
    EXPECT_EQ(segment.header().generation.load(), 1U);
    EXPECT_EQ(segment.header().producer_pid.load(), static_cast<std::uint32_t>(::getpid()));
    EXPECT_TRUE(is_current(found));
    end_segment(segment);
}

TEST_F(OpenSegment, HasTheNameOfPoolAndNamespace)
{
    SegmentFile segment = must(open_for_producer(metadata_, {}));

    EXPECT_EQ(segment.segment_name, testing::segment_prefix() + name_);
    EXPECT_EQ(must(segment_name_of(name_)), segment.segment_name);
    EXPECT_EQ(::access(path().c_str(), F_OK), 0);
    end_segment(segment);
}

TEST_F(OpenSegment, HasExactlyTheModeThatWasAskedWhateverTheUmask)
{
    for (const mode_t umask : {mode_t{0}, mode_t{0077}, mode_t{0777}}) {
        for (const std::uint32_t mode_asked : {0600U, 0640U, 0660U}) {
            SegmentOptions options;
            options.mode = mode_asked;
            const mode_t before = ::umask(umask);

            SegmentFile segment = must(open_for_producer(metadata_, options));

            ::umask(before);
            EXPECT_EQ(mode(), mode_asked);
            end_segment(segment);
        }
    }
}

TEST_F(OpenSegment, RefusesModesThatLetEveryoneIn)
{
    for (const std::uint32_t mode_asked : {0666U, 0604U, 0400U, 0060U, 0700U, 04600U}) {
        SegmentOptions options;
        options.mode = mode_asked;

        EXPECT_EQ(open_for_producer(metadata_, options).error().code, ErrorCode::InvalidArgument);
    }
}

TEST_F(OpenSegment, HasEveryByteAllocated)
{
    SegmentFile segment = must(open_for_producer(metadata_, {}));

    struct stat status {};

    ASSERT_EQ(::stat(path().c_str(), &status), 0);

    EXPECT_EQ(static_cast<std::uint64_t>(status.st_size), segment.geometry.segment_bytes);
    EXPECT_GE(static_cast<std::uint64_t>(status.st_blocks) * 512, segment.geometry.segment_bytes);
    end_segment(segment);
}

TEST_F(OpenSegment, IsRefusedWhileAnotherProducerLives)
{
    SegmentFile segment = must(open_for_producer(metadata_, {}));

    const auto second = open_for_producer(metadata_, {});
    const auto different = open_for_producer(metadata_of(name_, 5), {});

    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::PoolInUse);
    EXPECT_NE(second.error().message.find("process " + std::to_string(::getpid())),
              std::string::npos);
    EXPECT_NE(second.error().message.find("'" + name_ + "'"), std::string::npos);
    EXPECT_EQ(different.error().code, ErrorCode::PoolInUse);
    EXPECT_TRUE(is_current(segment));
    end_segment(segment);
}

TEST_F(OpenSegment, IsTakenOverInPlaceWhenTheMetadataIsEqual)
{
    publish_and_die(metadata_, {10, 11});
    Consumer consumer = must(Consumer::attach(name_));
    ASSERT_EQ(testing::value_of(present(consumer.latest())), 11);

    Producer producer = must(Producer::create(metadata_));

    EXPECT_EQ(put(producer, 12), 2U);
    EXPECT_EQ(testing::values_of(present(consumer.history(3))), (std::vector{12, 11, 10}));
    EXPECT_EQ(consumer.attachments(), 1U);
    EXPECT_EQ(must(inspect(name_)).generation, 2U);
    EXPECT_EQ(must(inspect(name_)).producer_pid, static_cast<std::uint32_t>(::getpid()));
}

TEST_F(OpenSegment, TakesTheNewModeOnATakeOver)
{
    publish_and_die(metadata_, {1});
    SegmentOptions options;
    options.mode = 0640;

    SegmentFile segment = must(open_for_producer(metadata_, options));

    EXPECT_EQ(mode(), 0640U);
    end_segment(segment);
}

TEST_F(OpenSegment, IsMadeAnewWhenTheLeftoverIsDifferent)
{
    for (const bool other_order : {false, true}) {
        publish_and_die(metadata_, {10, 11});
        Consumer consumer = must(Consumer::attach(name_));
        SegmentOptions options;
        options.memory_order = other_order ? MemoryOrder::Chronological : MemoryOrder::NewestFirst;
        PoolMetadata other = metadata_;
        other.history_len += other_order ? 0 : 1;

        Producer producer = must(Producer::create(other, options));

        EXPECT_EQ(put(producer, 20), 0U);
        EXPECT_EQ(must(inspect(name_)).generation, 1U);
        EXPECT_EQ(testing::value_of(present(consumer.latest())), 20);
        EXPECT_EQ(consumer.attachments(), 2U);
    }
}

TEST_F(OpenSegment, IsMadeAnewWhenALeftoverMustNotBeGoneOnWith)
{
    publish_and_die(metadata_, {10, 11});
    Consumer consumer = must(Consumer::attach(name_));
    SegmentOptions options;
    options.take_over = false;

    Producer producer = must(Producer::create(metadata_, options));

    EXPECT_EQ(put(producer, 20), 0U);
    EXPECT_EQ(must(inspect(name_)).generation, 1U);
    EXPECT_EQ(testing::value_of(present(consumer.latest())), 20);
    EXPECT_EQ(consumer.attachments(), 2U);
}

TEST_F(OpenSegment, IsMadeAnewOverLeftoversThatAreNoPool)
{
    const struct {
        std::string content;
        std::uint64_t bytes;
    } leftovers[] = {
        {"", 0},
        {"garbage", 7},
        {std::string(100, 'x'), 100},
        {std::string(5000, 'x'), 5000},
        {"", 1 << 20},
        {std::string("TNSRIPC\0", 8), 8},
        {std::string("TNSRIPC\0", 8), 1 << 20},
    };

    for (const auto& leftover : leftovers) {
        leave_object(leftover.content, leftover.bytes);

        expect_a_new_pool_works();
    }
}

TEST_F(OpenSegment, IsMadeAnewOverATruncatedPool)
{
    for (const off_t bytes : {0, 8, 500, 896, 5000}) {
        publish_and_die(metadata_, {1});
        ASSERT_EQ(::truncate(path().c_str(), bytes), 0);

        expect_a_new_pool_works();
    }
}

TEST_F(OpenSegment, IsMadeAnewOverAPoolOfAnotherVersion)
{
    publish_and_die(metadata_, {1});
    overwrite(8, std::string("\x63\0\0\0", 4));

    expect_a_new_pool_works();
}

TEST_F(OpenSegment, IsMadeAnewOverAPoolThatHasEnded)
{
    publish_and_die(metadata_, {1});
    overwrite(offsetof(PoolHeader, ended), std::string("\1\0\0\0", 4));

    expect_a_new_pool_works();
}

TEST_F(OpenSegment, NeverFollowsASymbolicLink)
{
    ASSERT_EQ(::symlink("/dev/shm/tensoripc-test-target", path().c_str()), 0);

    EXPECT_EQ(open_for_producer(metadata_, {}).error().code, ErrorCode::PermissionDenied);
    EXPECT_EQ(open_for_consumer(name_).error().code, ErrorCode::PermissionDenied);
    EXPECT_NE(::access("/dev/shm/tensoripc-test-target", F_OK), 0);
    ASSERT_EQ(::unlink(path().c_str()), 0);
}

TEST_F(OpenSegment, RefusesAFifoWithoutBlocking)
{
    ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);

    ChildProcess child([&](const Channel& parent) {
        CHILD_REQUIRE(!open_for_producer(metadata_, {}));
        parent.say('p');
        CHILD_REQUIRE(!open_for_consumer(name_));
        parent.say('c');
        CHILD_REQUIRE(!inspect(name_));
        parent.say('i');
        CHILD_REQUIRE(must(clean(false)).empty());
        parent.say('l');
        return 0;
    });
    EXPECT_EQ(child.channel().hear(), 'p');
    EXPECT_EQ(child.channel().hear(), 'c');
    EXPECT_EQ(child.channel().hear(), 'i');
    EXPECT_EQ(child.channel().hear(), 'l');

    child.kill();
    ASSERT_EQ(::unlink(path().c_str()), 0);
}

TEST_F(OpenSegment, IsNothingToAConsumerUntilItsHeaderIsComplete)
{
    leave_object("", 0);
    EXPECT_FALSE(must(open_for_consumer(name_)));

    ASSERT_EQ(::truncate(path().c_str(), 1 << 20), 0);
    EXPECT_FALSE(must(open_for_consumer(name_)));

    ASSERT_EQ(::unlink(path().c_str()), 0);
    EXPECT_FALSE(must(open_for_consumer(name_)));
}

TEST_F(OpenSegment, IsATypedErrorToAConsumerWhenItIsNoPool)
{
    leave_object(std::string(5000, 'x'), 5000);
    EXPECT_EQ(open_for_consumer(name_).error().code, ErrorCode::BadSegment);
    EXPECT_EQ(Consumer::attach(name_).error().code, ErrorCode::BadSegment);
    ASSERT_EQ(::unlink(path().c_str()), 0);

    leave_object("x", 1);
    EXPECT_EQ(open_for_consumer(name_).error().code, ErrorCode::BadSegment);
    ASSERT_EQ(::unlink(path().c_str()), 0);
}

TEST_F(OpenSegment, TellsAConsumerOfTruncationAndOfAnotherVersion)
{
    publish_and_die(metadata_, {1});
    overwrite(8, std::string("\x63\0\0\0", 4));

    const auto other_version = open_for_consumer(name_);

    ASSERT_FALSE(other_version);
    EXPECT_NE(other_version.error().message.find("layout version 99"), std::string::npos);
    overwrite(8, std::string("\1\0\0\0", 4));
    ASSERT_TRUE(open_for_consumer(name_));
    ASSERT_EQ(::truncate(path().c_str(), 8192), 0);

    const auto truncated = open_for_consumer(name_);

    ASSERT_FALSE(truncated);
    EXPECT_NE(truncated.error().message.find("is 8192, expected"), std::string::npos);
    must(clean(false));
}

TEST_F(OpenSegment, IsRefusedUnderAnotherPoolsName)
{
    publish_and_die(metadata_, {1});
    const std::string other = testing::unique_pool_name();
    ASSERT_EQ(::rename(path().c_str(), segment_path(other).c_str()), 0);

    const auto refused = open_for_consumer(other);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::BadSegment);
    EXPECT_NE(refused.error().message.find(name_), std::string::npos);
    EXPECT_EQ(inspect(other).error().code, ErrorCode::BadSegment);
    must(clean(false));
}

TEST_F(OpenSegment, EndsOnlyTheObjectThatItsNameLeadsTo)
{
    SegmentFile first = must(open_for_producer(metadata_, {}));
    ASSERT_EQ(::unlink(path().c_str()), 0);  // by hand
    SegmentFile second = must(open_for_producer(metadata_, {}));

    end_segment(first);

    EXPECT_TRUE(is_current(second));
    end_segment(second);
}

TEST_F(OpenSegment, HasOneProducerAlsoWhenManyStartTogether)
{
    constexpr int kProducers = 6;
    constexpr int kRounds = 20;
    for (int round = 0; round < kRounds; ++round) {
        std::vector<std::unique_ptr<ChildProcess>> children;
        for (int i = 0; i < kProducers; ++i) {
            children.push_back(std::make_unique<ChildProcess>([&](const Channel& parent) {
                CHILD_REQUIRE(parent.hear() == 'g');
                auto producer = Producer::create(metadata_);
                CHILD_REQUIRE(producer || producer.error().code == ErrorCode::PoolInUse);
                parent.say(producer ? 'w' : 'l');
                CHILD_REQUIRE(parent.hear() == 'e');
                return 0;
            }));
        }
        for (const auto& child : children) {
            child->channel().say('g');
        }
        int winners = 0;
        for (const auto& child : children) {
            const char letter = child->channel().hear();
            EXPECT_NE(letter, 0);
            winners += letter == 'w' ? 1 : 0;
        }
        for (const auto& child : children) {
            child->channel().say('e');
            EXPECT_EQ(child->wait(), 0);
        }

        ASSERT_EQ(winners, 1);
    }
}

}  // namespace
}  // namespace tensor_ipc
