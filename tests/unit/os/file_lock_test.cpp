#include "tensor_ipc/os/file_lock.hpp"

#include <fcntl.h>

#include "support/pool_test.hpp"

namespace tensor_ipc::os {
namespace {

using testing::Channel;
using testing::ChildProcess;
using testing::must;

/// A file that several descriptors open, each for itself.
class FileLock : public ::testing::Test {
protected:
    void SetUp() override
    {
        first_ = FileDescriptor(::mkostemp(path_, O_CLOEXEC));
        second_ = open_again(O_RDWR);
        ASSERT_TRUE(first_);
        ASSERT_TRUE(second_);
    }

    void TearDown() override { ::unlink(path_); }

    FileDescriptor open_again(int flags)
    {
        return FileDescriptor(::open(path_, flags | O_CLOEXEC));
    }

    char path_[32] = "/tmp/tensor-ipc-lock-XXXXXX";
    FileDescriptor first_;
    FileDescriptor second_;
};

TEST_F(FileLock, IsTakenByOneOpenFileOnly)
{
    EXPECT_TRUE(must(try_lock_byte(first_.get(), 5)));
    EXPECT_FALSE(must(try_lock_byte(second_.get(), 5)));
    EXPECT_TRUE(must(try_lock_byte(first_.get(), 5)));
}

TEST_F(FileLock, CoversOneByte)
{
    EXPECT_TRUE(must(try_lock_byte(first_.get(), 5)));

    EXPECT_TRUE(must(try_lock_byte(second_.get(), 4)));
    EXPECT_TRUE(must(try_lock_byte(second_.get(), 6)));
}

TEST_F(FileLock, IsSeenByOthersAndNotByItsOwner)
{
    ASSERT_TRUE(must(try_lock_byte(first_.get(), 1)));

    EXPECT_FALSE(is_byte_locked(first_.get(), 1));
    EXPECT_TRUE(is_byte_locked(second_.get(), 1));
    EXPECT_TRUE(is_byte_locked(open_again(O_RDONLY).get(), 1));
    EXPECT_FALSE(is_byte_locked(second_.get(), 2));
}

TEST_F(FileLock, IsGoneAfterUnlock)
{
    ASSERT_TRUE(must(try_lock_byte(first_.get(), 1)));

    unlock_byte(first_.get(), 1);

    EXPECT_TRUE(must(try_lock_byte(second_.get(), 1)));
}

TEST_F(FileLock, IsGoneWhenItsDescriptorIsClosed)
{
    ASSERT_TRUE(must(try_lock_byte(first_.get(), 1)));

    first_.reset();

    EXPECT_FALSE(is_byte_locked(second_.get(), 1));
}

TEST_F(FileLock, IsGoneWhenItsProcessIsKilled)
{
    ChildProcess child([&](const Channel& parent) {
        const FileDescriptor fd = open_again(O_RDWR);
        CHILD_REQUIRE(must(try_lock_byte(fd.get(), 9)));
        parent.say('l');
        return static_cast<int>(parent.hear());
    });
    ASSERT_EQ(child.channel().hear(), 'l');
    ASSERT_TRUE(is_byte_locked(first_.get(), 9));

    child.kill();

    EXPECT_FALSE(is_byte_locked(first_.get(), 9));
}

TEST_F(FileLock, OfABadDescriptorIsAnError)
{
    EXPECT_FALSE(try_lock_byte(-1, 0));
    EXPECT_FALSE(is_byte_locked(-1, 0));
}

}  // namespace
}  // namespace tensor_ipc::os
