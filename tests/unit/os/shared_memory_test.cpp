#include "tensor_ipc/os/shared_memory.hpp"

#include <sys/stat.h>

#include "support/pool_test.hpp"

namespace tensor_ipc::os {
namespace {

using testing::must;
using testing::present;

/// An object of this test's own name.
class SharedMemory : public testing::PoolTest {
protected:
    void TearDown() override
    {
        must_remove();
        PoolTest::TearDown();
    }

    void must_remove() const { ASSERT_TRUE(unlink_shared_memory(object_)); }

    std::string object_ = testing::segment_prefix() + name_;
};

TEST_F(SharedMemory, IsMadeOnce)
{
    const FileDescriptor fd = present(create_shared_memory(object_));

    EXPECT_FALSE(must(create_shared_memory(object_)).has_value());
}

TEST_F(SharedMemory, ThatIsNotThereIsNoError)
{
    EXPECT_FALSE(must(open_shared_memory(object_, Access::ReadOnly)).has_value());
    EXPECT_TRUE(unlink_shared_memory(object_));
}

TEST_F(SharedMemory, HasEveryByteAllocated)
{
    const FileDescriptor fd = present(create_shared_memory(object_));

    ASSERT_TRUE(allocate(fd.get(), 100'000, object_));

    struct stat status {};

    ASSERT_EQ(::fstat(fd.get(), &status), 0);
    EXPECT_EQ(must(facts_of(fd.get(), object_)).bytes, 100'000U);
    EXPECT_GE(status.st_blocks * 512, 100'000);
}

TEST_F(SharedMemory, HasTheModeThatWasAskedWhateverTheUmask)
{
    const mode_t before = ::umask(0077);
    const FileDescriptor fd = present(create_shared_memory(object_));

    ASSERT_TRUE(set_mode(fd.get(), 0660, object_));

    ::umask(before);
    EXPECT_EQ(must(facts_of(fd.get(), object_)).mode, 0660U);
}

TEST_F(SharedMemory, IsNotFollowedThroughASymbolicLink)
{
    const std::string path = testing::segment_path(name_);
    ASSERT_EQ(::symlink("/dev/null", path.c_str()), 0);

    const auto refused = open_shared_memory(object_, Access::ReadOnly);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::PermissionDenied);
}

TEST_F(SharedMemory, NoLongerLeadsToAnObjectThatWasReplaced)
{
    const FileDescriptor first = present(create_shared_memory(object_));
    EXPECT_TRUE(leads_to(object_, first.get()));

    must_remove();
    EXPECT_FALSE(leads_to(object_, first.get()));
    EXPECT_EQ(must(facts_of(first.get(), object_)).names, 0U);

    const FileDescriptor second = present(create_shared_memory(object_));
    EXPECT_FALSE(leads_to(object_, first.get()));
    EXPECT_TRUE(leads_to(object_, second.get()));
}

TEST_F(SharedMemory, IsReadExactlyOrNotAtAll)
{
    const FileDescriptor fd = present(create_shared_memory(object_));
    ASSERT_EQ(::pwrite(fd.get(), "abcdef", 6, 0), 6);
    char text[8] = {};

    EXPECT_TRUE(read_exactly(fd.get(), 2, text, 4));
    EXPECT_STREQ(text, "cdef");
    EXPECT_FALSE(read_exactly(fd.get(), 3, text, 4));
}

TEST_F(SharedMemory, IsListedByName)
{
    const FileDescriptor fd = present(create_shared_memory(object_));

    const auto names = must(list_shared_memory());

    EXPECT_EQ(std::ranges::count(names, object_), 1);
}

TEST_F(SharedMemory, KnowsItsFileSystem)
{
    const FileDescriptor fd = present(create_shared_memory(object_));

    const Capacity capacity = capacity_of(fd.get());

    EXPECT_GT(capacity.total_bytes, 0U);
    EXPECT_LE(capacity.free_bytes, capacity.total_bytes);
}

}  // namespace
}  // namespace tensor_ipc::os
