/// Pools of one user in the hands of another.
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "support/pool_test.hpp"

namespace tensor_ipc {
namespace {

using testing::Channel;
using testing::ChildProcess;
using testing::metadata_of;
using testing::must;
using testing::put;

constexpr uid_t kNobody = 65534;
constexpr gid_t kShared = 54321;

/// Lets `uid` read and write through an access control list (acl(5), in the form of the kernel).
bool grant(const std::string& path, uid_t uid)
{
    struct Entry {
        std::uint16_t tag;
        std::uint16_t permissions;
        std::uint32_t id;
    };

    struct {
        std::uint32_t version = 2;
        Entry entries[5];
    } list{2,
           {{0x01, 6, UINT32_MAX},  // owner
            {0x02, 6, uid},
            {0x04, 6, UINT32_MAX},  // group
            {0x10, 6, UINT32_MAX},  // mask
            {0x20, 0, UINT32_MAX}}};

    return ::setxattr(path.c_str(), "system.posix_acl_access", &list, sizeof list, 0) == 0;
}

class OtherUser : public testing::PoolTest {
protected:
    void SetUp() override
    {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "only root can become another user";
        }
    }

    /// Becomes user `uid`, of group `uid` and of `more_groups`.
    static bool become(uid_t uid, const std::vector<gid_t>& more_groups = {})
    {
        return ::setgroups(more_groups.size(), more_groups.data()) == 0 && ::setgid(uid) == 0 &&
               ::setuid(uid) == 0;
    }

    static int as_nobody(const std::function<int()>& body)
    {
        ChildProcess child([&](const Channel&) {
            CHILD_REQUIRE(become(kNobody));
            return body();
        });
        return child.wait();
    }

    void give_to_group(gid_t gid) const
    {
        ASSERT_EQ(::chown(path_.c_str(), static_cast<uid_t>(-1), gid), 0);
    }

    [[nodiscard]] mode_t mode() const
    {
        struct stat status {};

        EXPECT_EQ(::stat(path_.c_str(), &status), 0);
        return status.st_mode & 07777U;
    }

    static SegmentOptions for_a_group()
    {
        SegmentOptions options;
        options.mode = 0660;
        return options;
    }

    std::string path_ = testing::segment_path(name_);
};

TEST_F(OtherUser, IsRefusedByAPrivatePool)
{
    Producer producer = must(Producer::create(metadata_of(name_)));
    put(producer, 1);

    const int status = as_nobody([&] {
        const auto attached = Consumer::attach(name_);
        CHILD_REQUIRE(!attached && attached.error().code == ErrorCode::PermissionDenied);
        CHILD_REQUIRE(attached.error().message.find(name_) != std::string::npos);
        const auto inspected = inspect(name_);
        CHILD_REQUIRE(!inspected && inspected.error().code == ErrorCode::PermissionDenied);
        const auto second = Producer::create(metadata_of(name_));
        CHILD_REQUIRE(!second && second.error().code == ErrorCode::PermissionDenied);
        CHILD_REQUIRE(must(clean(false)).empty());
        return 0;
    });

    EXPECT_EQ(status, 0);
    EXPECT_EQ(put(producer, 2), 1U);
}

TEST_F(OtherUser, CannotCleanLeftoversAway)
{
    testing::publish_and_die(metadata_of(name_), {1});

    EXPECT_EQ(as_nobody([] { return must(clean(false)).empty() ? 0 : 1; }), 0);

    EXPECT_EQ(must(clean(false)).size(), 1U);
}

TEST_F(OtherUser, MayReadAPoolThatIsSharedWithItsGroup)
{
    Producer producer = must(Producer::create(metadata_of(name_), for_a_group()));
    give_to_group(kNobody);
    put(producer, 5);

    const int status = as_nobody([&] {
        Consumer consumer = must(Consumer::attach(name_));
        CHILD_REQUIRE(testing::value_of(testing::present(consumer.latest())) == 5);
        return 0;
    });

    EXPECT_EQ(status, 0);
}

TEST_F(OtherUser, MayReadAPoolOfAnyOfItsGroups)
{
    Producer producer = must(Producer::create(metadata_of(name_), for_a_group()));
    give_to_group(kShared);
    put(producer, 5);

    ChildProcess member([&](const Channel&) {
        CHILD_REQUIRE(become(kNobody, {kShared + 1, kShared}));
        Consumer consumer = must(Consumer::attach(name_));
        CHILD_REQUIRE(testing::value_of(testing::present(consumer.latest())) == 5);
        CHILD_REQUIRE(must(inspect(name_)).latest_frame == 0);
        return 0;
    });

    EXPECT_EQ(member.wait(), 0);
}

TEST_F(OtherUser, StaysAttachedWhenTheOwnersNextProducerTakesTheGroupsPoolOver)
{
    testing::publish_and_die(metadata_of(name_), {1}, for_a_group());
    give_to_group(kNobody);
    ChildProcess member([&](const Channel& parent) {
        CHILD_REQUIRE(become(kNobody));
        Consumer consumer = must(Consumer::attach(name_));
        CHILD_REQUIRE(testing::value_of(testing::present(consumer.latest())) == 1);
        parent.say('a');
        CHILD_REQUIRE(must(consumer.wait(0, testing::hang_deadline_ns())) == WaitOutcome::Ready);
        CHILD_REQUIRE(testing::value_of(testing::present(consumer.latest())) == 2);
        CHILD_REQUIRE(consumer.attachments() == 1);
        return 0;
    });
    ASSERT_EQ(member.channel().hear(), 'a');

    Producer producer = must(Producer::create(metadata_of(name_), for_a_group()));
    put(producer, 2);

    EXPECT_EQ(member.wait(), 0);
    EXPECT_EQ(mode(), 0660U);
}

TEST_F(OtherUser, DoesNotBecomeTheProducerOfAGroupsPool)
{
    // It could map the pool, but neither set its mode nor remove its name: /dev/shm is sticky.
    testing::publish_and_die(metadata_of(name_), {1}, for_a_group());
    give_to_group(kNobody);

    const int status = as_nobody([&] {
        const auto refused = Producer::create(metadata_of(name_), for_a_group());
        CHILD_REQUIRE(!refused && refused.error().code == ErrorCode::PermissionDenied);
        CHILD_REQUIRE(refused.error().message.find("belongs to user 0") != std::string::npos);
        CHILD_REQUIRE(must(clean(false)).empty());
        Consumer consumer = must(Consumer::attach(name_));
        CHILD_REQUIRE(testing::value_of(testing::present(consumer.latest())) == 1);
        return 0;
    });

    EXPECT_EQ(status, 0);
    EXPECT_FALSE(must(inspect(name_)).ended);
    EXPECT_EQ(must(clean(false)).size(), 1U);
}

TEST_F(OtherUser, DoesNotTrustAPoolThatIsOfNoneOfItsGroups)
{
    Producer producer = must(Producer::create(metadata_of(name_), for_a_group()));
    give_to_group(kShared);
    if (!grant(path_, kNobody)) {
        GTEST_SKIP() << "/dev/shm has no access control lists";
    }

    const int status = as_nobody([&] {
        CHILD_REQUIRE(::access(path_.c_str(), R_OK | W_OK) == 0);
        const auto attached = Consumer::attach(name_);
        CHILD_REQUIRE(!attached && attached.error().code == ErrorCode::PermissionDenied);
        CHILD_REQUIRE(attached.error().message.find("not trusted") != std::string::npos);
        return 0;
    });

    EXPECT_EQ(status, 0);
}

TEST_F(OtherUser, CannotCrashAListByTruncatingItsPoolMeanwhile)
{
    // Readable for all, so that `inspect` and `list` look at it; see ControlCopy.
    SegmentFile segment = must(open_for_producer(metadata_of(name_), {}));
    ASSERT_EQ(::chmod(path_.c_str(), 0644), 0);
    testing::SharedWithChildren<std::atomic<bool>> stop;

    ChildProcess owner([&](const Channel& parent) {
        const auto whole = static_cast<off_t>(segment.geometry.segment_bytes);
        std::vector<char> bytes(segment.geometry.segment_bytes);
        const os::FileDescriptor fd(::open(path_.c_str(), O_RDWR));
        CHILD_REQUIRE(::pread(fd.get(), bytes.data(), bytes.size(), 0) == whole);
        parent.say('r');
        while (!stop->load()) {
            CHILD_REQUIRE(::ftruncate(fd.get(), 0) == 0);
            CHILD_REQUIRE(::pwrite(fd.get(), bytes.data(), bytes.size(), 0) == whole);
        }
        return 0;
    });
    ASSERT_EQ(owner.channel().hear(), 'r');
    int sound = 0;
    int unsound = 0;
    for (int i = 0; i < 1'000'000 && (sound < 200 || unsound < 200); ++i) {
        (inspect(name_) ? sound : unsound) += 1;
    }
    stop->store(true);

    EXPECT_EQ(owner.wait(), 0);
    EXPECT_GT(sound, 0);
    EXPECT_GT(unsound, 0);
    end_segment(segment);
}

TEST_F(OtherUser, DoesNotTrustAPoolThatAnyoneMayWriteTo)
{
    Producer producer = must(Producer::create(metadata_of(name_)));
    ASSERT_EQ(::chmod(testing::segment_path(name_).c_str(), 0666), 0);

    const int status = as_nobody([&] {
        const auto attached = Consumer::attach(name_);
        CHILD_REQUIRE(!attached && attached.error().code == ErrorCode::PermissionDenied);
        CHILD_REQUIRE(attached.error().message.find("anyone may write") != std::string::npos);
        return 0;
    });

    EXPECT_EQ(status, 0);
}

TEST_F(OtherUser, DoesNotGetItsLeftoverTakenOver)
{
    const std::string path = testing::segment_path(name_);
    ASSERT_EQ(as_nobody([&] {
                  testing::publish_and_die(metadata_of(name_), {1});
                  return 0;
              }),
              0);

    const auto refused = Producer::create(metadata_of(name_));

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::PermissionDenied);
    EXPECT_NE(refused.error().message.find("user 65534"), std::string::npos)
        << refused.error().message;
    EXPECT_TRUE(must(clean(false)).empty());
    ASSERT_EQ(::unlink(path.c_str()), 0);
}

}  // namespace
}  // namespace tensor_ipc
