#include "tensor_ipc/os/mappable_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include "support/pool_test.hpp"
#include "tensor_ipc/os/file_lock.hpp"
#include "tensor_ipc/os/mapping.hpp"

namespace tensor_ipc::os {
namespace {

using testing::must;

/// An object whose byte 0 is locked through `fd_`.
class MappableFileTest : public ::testing::Test {
protected:
    void SetUp() override
    {
        ASSERT_TRUE(fd_);
        ASSERT_EQ(::ftruncate(fd_.get(), static_cast<off_t>(page_bytes())), 0);
        ASSERT_TRUE(must(try_lock_byte(fd_.get(), 0)));
    }

    void TearDown() override { ::shm_unlink(("/" + name_).c_str()); }

    [[nodiscard]] FileDescriptor make(int flags) const
    {
        return FileDescriptor(::shm_open(("/" + name_).c_str(), O_RDWR | O_CREAT | flags, 0600));
    }

    std::string name_ = "tensoripc_mappable-file-test-" + std::to_string(::getpid());
    FileDescriptor fd_ = make(O_EXCL);
};

TEST_F(MappableFileTest, IsTheSameFileWithoutItsLocks)
{
    for (const std::string& name : {name_, std::string()}) {
        const MappableFile file = must(MappableFile::of(fd_.get(), name));

        EXPECT_NE(file.get(), fd_.get());
        EXPECT_TRUE(is_same_file(file.get(), fd_.get()));
        EXPECT_TRUE(is_byte_locked(file.get(), 0)) << "they are one open file";
    }
}

TEST_F(MappableFileTest, IsNotWhatHasTheNameByNow)
{
    ASSERT_EQ(::shm_unlink(("/" + name_).c_str()), 0);
    const FileDescriptor successor = make(O_EXCL);

    const MappableFile file = must(MappableFile::of(fd_.get(), name_));

    EXPECT_TRUE(is_same_file(file.get(), fd_.get()));
    EXPECT_FALSE(is_same_file(file.get(), successor.get()));
}

TEST_F(MappableFileTest, LetsALockEndThoughAMappingGoesOn)
{
    MappableFile file = must(MappableFile::of(fd_.get(), name_));
    const Mapping mapping =
        must(Mapping::shared(file.get(), 0, page_bytes(), Protection::ReadWrite));
    file.close();
    const FileDescriptor other = make(0);

    fd_.reset();

    EXPECT_FALSE(is_byte_locked(other.get(), 0));
    mapping.data()[0] = std::byte{1};
}

}  // namespace
}  // namespace tensor_ipc::os
