/// A /dev/shm that is small, as containers have it, or full: at every size that is too little, at
/// every place of a producer's life, and with no room for one more name.
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

/// Changes what the small one can hold.
bool resize_shared_memory(const std::string& options)
{
    return ::mount(nullptr, "/dev/shm", nullptr, MS_REMOUNT, options.c_str()) == 0;
}

bool fill_shared_memory()
{
    const int fd = ::open("/dev/shm/filler", O_CREAT | O_RDWR, 0600);
    off_t bytes = 0;
    while (::posix_fallocate(fd, bytes, 4096) == 0) {
        bytes += 4096;
    }
    return fd >= 0 && ::close(fd) == 0;
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

TEST_F(FullSharedMemory, RefusesAPoolAtEverySizeThatIsTooSmallAndLeavesNothing)
{
    in_small_shared_memory([&] {
        const PoolMetadata metadata = metadata_of(name_, 4, {32, 32});
        const std::uint64_t needed = [&] {
            const Producer producer = testing::must(Producer::create(metadata));
            return producer.geometry().segment_bytes;
        }();
        const std::uint64_t page = os::page_bytes();
        for (std::uint64_t size = page; size < needed; size += page) {
            CHILD_REQUIRE(resize_shared_memory("size=" + std::to_string(size)));

            const auto refused = Producer::create(metadata);

            CHILD_REQUIRE(!refused && refused.error().code == ErrorCode::NoSpace);
            CHILD_REQUIRE(refused.error().message.find("--shm-size") != std::string::npos);
            CHILD_REQUIRE(testing::leftovers().empty());
        }
        CHILD_REQUIRE(resize_shared_memory("size=" + std::to_string(needed)));
        CHILD_REQUIRE(Producer::create(metadata));
        return 0;
    });
}

/// Asking how much is free and taking it are two steps; another process may come in between.
TEST_F(FullSharedMemory, LeavesNothingWhenSeveralPoolsRaceForTheLastOfIt)
{
    in_small_shared_memory([&] {
        for (int turn = 0; turn < 50; ++turn) {
            std::vector<std::unique_ptr<ChildProcess>> racers;
            for (int i = 0; i < 3; ++i) {
                racers.push_back(std::make_unique<ChildProcess>([&, i](const Channel& parent) {
                    CHILD_REQUIRE(parent.hear() == 'g');
                    const auto made = Producer::create(
                        metadata_of(name_ + std::to_string(i), 4, {200, 100}));  // 0.6 MiB
                    return made || made.error().code == ErrorCode::NoSpace ? 0 : 1;
                }));
            }
            for (const auto& racer : racers) {
                racer->channel().say('g');
            }
            for (const auto& racer : racers) {
                CHILD_REQUIRE(racer->wait() == 0);
            }
            CHILD_REQUIRE(testing::leftovers().empty());
        }
        return 0;
    });
}

TEST_F(FullSharedMemory, IsNoHindranceOnceThePoolIsThere)
{
    in_small_shared_memory([&] {
        const PoolMetadata metadata = metadata_of(name_, 3, {64, 64});
        testing::publish_and_die(metadata, {1, 2, 3});
        CHILD_REQUIRE(fill_shared_memory());

        Consumer consumer = testing::must(Consumer::attach(name_));
        std::optional<Producer> producer = testing::must(Producer::create(metadata));
        for (int i = 4; i < 30; ++i) {
            testing::put(*producer, i);
            CHILD_REQUIRE(testing::value_of(testing::present(consumer.latest())) == i);
        }
        CHILD_REQUIRE(testing::values_of(testing::present(consumer.history(3))) ==
                      (std::vector{29, 28, 27}));
        producer.reset();
        CHILD_REQUIRE(testing::leftovers().empty());
        return 0;
    });
}

TEST_F(FullSharedMemory, RefusesANameMoreThanTheFileSystemCanHave)
{
    in_small_shared_memory([&] {
        CHILD_REQUIRE(resize_shared_memory("nr_inodes=2"));
        const Producer first = testing::must(Producer::create(metadata_of(name_)));

        const auto refused = Producer::create(metadata_of(name_ + "b"));

        CHILD_REQUIRE(!refused && refused.error().code == ErrorCode::NoSpace);
        CHILD_REQUIRE(testing::leftovers().size() == 1);
        return 0;
    });
}

}  // namespace
}  // namespace tensor_ipc
