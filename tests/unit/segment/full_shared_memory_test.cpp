/// A /dev/shm of one megabyte, as small containers have it, seen only by one child process.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "support/pool_test.hpp"

namespace tensor_ipc {
namespace {

using testing::Channel;
using testing::ChildProcess;
using testing::metadata_of;

constexpr int kNotPossible = 77;

bool make_small_shared_memory()
{
    if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
        return false;
    }
    return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=1m,mode=1777") == 0;
}

class FullSharedMemory : public testing::PoolTest {
protected:
    /// Runs `body` where /dev/shm holds one megabyte.
    void in_small_shared_memory(const std::function<int()>& body)
    {
        ChildProcess child(
            [&](const Channel&) { return make_small_shared_memory() ? body() : kNotPossible; });
        const int status = child.wait();
        if (status == kNotPossible) {
            GTEST_SKIP() << "no mount namespace of our own is allowed here";
        }
        EXPECT_EQ(status, 0);
    }
};

TEST_F(FullSharedMemory, SaysHowMuchIsNeededAndHowMuchThereIs)
{
    in_small_shared_memory([&] {
        const auto refused = Producer::create(metadata_of(name_, 4, {512, 512}));

        CHILD_REQUIRE(!refused);
        std::printf("%s\n", refused.error().message.c_str());
        CHILD_REQUIRE(refused.error().code == ErrorCode::NoSpace);
        const std::string& message = refused.error().message;
        CHILD_REQUIRE(message.find("needs 7.0 MiB") != std::string::npos);
        CHILD_REQUIRE(message.find("1.0 MiB free of 1.0 MiB") != std::string::npos);
        CHILD_REQUIRE(message.find("--shm-size") != std::string::npos);
        CHILD_REQUIRE(testing::leftovers().empty());
        return 0;
    });
}

TEST_F(FullSharedMemory, LeavesNothingWhenOthersHaveFilledIt)
{
    in_small_shared_memory([&] {
        const int fd = ::open("/dev/shm/filler", O_CREAT | O_RDWR, 0600);
        CHILD_REQUIRE(fd >= 0 && ::posix_fallocate(fd, 0, 700 << 10) == 0);

        const auto refused = Producer::create(metadata_of(name_, 2, {256, 256}));

        CHILD_REQUIRE(!refused && refused.error().code == ErrorCode::NoSpace);
        CHILD_REQUIRE(refused.error().message.find("0.3 MiB free of 1.0 MiB") != std::string::npos);
        CHILD_REQUIRE(testing::leftovers().empty());
        return 0;
    });
}

TEST_F(FullSharedMemory, HoldsAPoolThatFits)
{
    in_small_shared_memory([&] {
        Producer producer = testing::must(Producer::create(metadata_of(name_, 1, {128, 128})));
        for (int i = 0; i < 20; ++i) {
            testing::put(producer, i);
        }
        CHILD_REQUIRE(!Producer::create(metadata_of(name_ + "b", 16, {128, 128})));
        Consumer consumer = testing::must(Consumer::attach(name_));
        CHILD_REQUIRE(testing::value_of(testing::present(consumer.latest())) == 19);
        return 0;
    });
}

}  // namespace
}  // namespace tensor_ipc
