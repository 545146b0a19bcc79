/// Pools of one user in the hands of another.
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>

#include "support/pool_test.hpp"

namespace tensor_ipc {
namespace {

using testing::Channel;
using testing::ChildProcess;
using testing::metadata_of;
using testing::must;
using testing::put;

constexpr uid_t kNobody = 65534;

class OtherUser : public testing::PoolTest {
protected:
    void SetUp() override
    {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "only root can become another user";
        }
    }

    static int as_nobody(const std::function<int()>& body)
    {
        ChildProcess child([&](const Channel&) {
            CHILD_REQUIRE(::setgroups(0, nullptr) == 0);
            CHILD_REQUIRE(::setgid(kNobody) == 0 && ::setuid(kNobody) == 0);
            return body();
        });
        return child.wait();
    }
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
    SegmentOptions options;
    options.mode = 0660;
    Producer producer = must(Producer::create(metadata_of(name_), options));
    ASSERT_EQ(::chown(testing::segment_path(name_).c_str(), 0, kNobody), 0);
    put(producer, 5);

    const int status = as_nobody([&] {
        Consumer consumer = must(Consumer::attach(name_));
        CHILD_REQUIRE(testing::value_of(testing::present(consumer.latest())) == 5);
        return 0;
    });

    EXPECT_EQ(status, 0);
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
