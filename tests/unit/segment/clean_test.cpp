#include <fcntl.h>

#include "support/pool_test.hpp"

namespace tensor_ipc {
namespace {

using testing::metadata_of;
using testing::must;
using testing::publish_and_die;
using testing::put;
using testing::segment_path;

class Clean : public testing::PoolTest {
protected:
    void leave_garbage(const std::string& pool_name)
    {
        const os::FileDescriptor fd(
            ::open(segment_path(pool_name).c_str(), O_CREAT | O_EXCL | O_RDWR, 0600));
        ASSERT_EQ(::write(fd.get(), "garbage", 7), 7);
    }

    std::string dead_ = testing::unique_pool_name();
};

TEST_F(Clean, FindsNothingWhereNothingIs)
{
    EXPECT_TRUE(must(clean(false)).empty());
    EXPECT_TRUE(must(inspect_all()).empty());
}

TEST_F(Clean, RemovesPoolsOfDeadProducersAndNoOthers)
{
    Producer living = must(Producer::create(metadata_of(name_)));
    put(living, 1);
    publish_and_die(metadata_of(dead_), {1});

    const auto removed = must(clean(false));

    ASSERT_EQ(removed.size(), 1U);
    EXPECT_EQ(removed.front().pool_name, dead_);
    EXPECT_GT(removed.front().bytes, 0U);
    EXPECT_NE(removed.front().reason.find("is gone"), std::string::npos);
    EXPECT_EQ(testing::leftovers().size(), 1U);
    EXPECT_EQ(put(living, 2), 1U);
}

TEST_F(Clean, OnlyTellsWhenAskedTo)
{
    publish_and_die(metadata_of(dead_), {1});

    EXPECT_EQ(must(clean(true)).size(), 1U);
    EXPECT_EQ(testing::leftovers().size(), 1U);
    EXPECT_EQ(must(clean(false)).size(), 1U);
    EXPECT_EQ(testing::leftovers().size(), 0U);
}

TEST_F(Clean, RemovesObjectsThatAreNoPoolAndSaysWhy)
{
    leave_garbage(dead_);

    const auto removed = must(clean(false));

    ASSERT_EQ(removed.size(), 1U);
    EXPECT_EQ(removed.front().pool_name, dead_);
    EXPECT_NE(removed.front().reason.find("has 7 bytes"), std::string::npos);
}

TEST_F(Clean, LeavesObjectsOfOtherNamesAlone)
{
    const std::string foreign = "/dev/shm/foreign-" + name_;
    const std::string of_another_namespace = "/dev/shm/tensoripc_other-" + name_ + "=cam";
    for (const std::string& path : {foreign, of_another_namespace}) {
        const os::FileDescriptor fd(::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600));
        ASSERT_TRUE(fd);
    }

    EXPECT_TRUE(must(clean(false)).empty());

    EXPECT_EQ(::unlink(foreign.c_str()), 0);
    EXPECT_EQ(::unlink(of_another_namespace.c_str()), 0);
}

TEST_F(Clean, LeavesTheViewsOfAttachedConsumersValid)
{
    publish_and_die(metadata_of(dead_), {7});
    Consumer consumer = must(Consumer::attach(dead_));
    const Frame frame = testing::present(consumer.latest());

    ASSERT_EQ(must(clean(false)).size(), 1U);

    EXPECT_EQ(testing::value_of(frame), 7);
    EXPECT_FALSE(must(consumer.latest()));
    EXPECT_FALSE(consumer.connected());
}

}  // namespace
}  // namespace tensor_ipc
