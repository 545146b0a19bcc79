#include "tensor_ipc/os/fork_epoch.hpp"

#include <fcntl.h>

#include "support/pool_test.hpp"

namespace tensor_ipc::os {
namespace {

using testing::Channel;
using testing::ChildProcess;

bool is_open(int fd)
{
    return ::fcntl(fd, F_GETFD) >= 0;
}

/// A descriptor that forked children close.
class ForkEpoch : public ::testing::Test {
protected:
    void SetUp() override { close_in_child(fd_.get()); }

    void TearDown() override
    {
        if (fd_) {
            keep_in_child(fd_.get());
        }
    }

    FileDescriptor fd_{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
};

TEST_F(ForkEpoch, IsAnotherInAChild)
{
    const std::uint32_t mine = fork_epoch();

    ChildProcess child([&](const Channel&) {
        CHILD_REQUIRE(fork_epoch() != mine);
        return 0;
    });

    EXPECT_EQ(child.wait(), 0);
    EXPECT_EQ(fork_epoch(), mine);
}

TEST_F(ForkEpoch, ClosesNamedDescriptorsInTheChildOnly)
{
    const int fd = fd_.get();

    ChildProcess child([fd](const Channel&) { return is_open(fd) ? 1 : 0; });

    EXPECT_EQ(child.wait(), 0);
    EXPECT_TRUE(is_open(fd));
}

TEST_F(ForkEpoch, LeavesDescriptorsOpenThatWereTakenOffTheList)
{
    const int fd = fd_.get();
    keep_in_child(fd);

    ChildProcess child([fd](const Channel&) { return is_open(fd) ? 0 : 1; });

    EXPECT_EQ(child.wait(), 0);
}

TEST_F(ForkEpoch, StartsTheChildsListAnew)
{
    const int fd = fd_.get();

    ChildProcess child([fd](const Channel&) {
        const int reused = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        CHILD_REQUIRE(reused >= 0);
        CHILD_REQUIRE(fd != -1);
        ChildProcess grandchild([reused](const Channel&) { return is_open(reused) ? 0 : 1; });
        return grandchild.wait();
    });

    EXPECT_EQ(child.wait(), 0);
}

}  // namespace
}  // namespace tensor_ipc::os
