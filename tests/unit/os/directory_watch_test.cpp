#include "tensor_ipc/os/directory_watch.hpp"

#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>

#include "support/pool_test.hpp"

namespace tensor_ipc::os {
namespace {

/// A directory that goes away with its file.
class DirectoryWatchTest : public ::testing::Test {
protected:
    void SetUp() override
    {
        char pattern[] = "/tmp/tensor-ipc-watch-XXXXXX";
        directory_ = ::mkdtemp(pattern);
    }

    void TearDown() override
    {
        ::unlink(file().c_str());
        ::rmdir(directory_.c_str());
    }

    [[nodiscard]] std::string file() const { return directory_ + "/file"; }

    void make_file() const
    {
        const FileDescriptor fd(::open(file().c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
        ASSERT_TRUE(fd);
    }

    std::string directory_;
};

TEST_F(DirectoryWatchTest, SeesAFileThatWasMadeBeforeTheWait)
{
    DirectoryWatch watch(directory_);
    make_file();

    EXPECT_EQ(watch.wait(testing::hang_deadline_ns()), WatchOutcome::Changed);
}

TEST_F(DirectoryWatchTest, SeesAChangeOfMode)
{
    make_file();
    DirectoryWatch watch(directory_);
    ASSERT_EQ(::chmod(file().c_str(), 0640), 0);

    EXPECT_EQ(watch.wait(testing::hang_deadline_ns()), WatchOutcome::Changed);
}

TEST_F(DirectoryWatchTest, EndsAtTheDeadlineWhenNothingHappens)
{
    DirectoryWatch watch(directory_);
    const std::uint64_t deadline = monotonic_ns() + 2'000'000;

    EXPECT_EQ(watch.wait(deadline), WatchOutcome::TimedOut);
    EXPECT_GE(monotonic_ns(), deadline);
}

TEST_F(DirectoryWatchTest, ComesBackAlsoWhenThereIsNothingToWatch)
{
    DirectoryWatch watch("/nonexistent/directory");

    EXPECT_NE(watch.wait(monotonic_ns() + 1'000'000), WatchOutcome::Interrupted);
}

/// inotify instances of this process.
std::ptrdiff_t instances()
{
    return std::ranges::count_if(
        std::filesystem::directory_iterator("/proc/self/fd"), [](const auto& entry) {
            std::error_code gone;  // the iterator's own descriptor
            return std::filesystem::read_symlink(entry.path(), gone) == "anon_inode:inotify";
        });
}

TEST_F(DirectoryWatchTest, SeesNothingThatHappenedBetweenTwoWatches)
{
    {
        DirectoryWatch watch(directory_);
    }
    make_file();

    DirectoryWatch watch(directory_);

    EXPECT_EQ(watch.wait(monotonic_ns() + 2'000'000), WatchOutcome::TimedOut);
}

/// Closing one would hold up the frame that was waited for.
TEST_F(DirectoryWatchTest, LeavesItsInstanceToTheNextOneOfTheThread)
{
    for (int i = 0; i < 10; ++i) {
        DirectoryWatch watch(directory_);
        EXPECT_EQ(watch.wait(1), WatchOutcome::TimedOut);
    }
    EXPECT_EQ(instances(), 1);

    std::thread([&] { DirectoryWatch watch(directory_); }).join();

    EXPECT_EQ(instances(), 1);
}

TEST_F(DirectoryWatchTest, SharesNoInstanceWithAForkedChild)
{
    {
        DirectoryWatch watch(directory_);
    }
    testing::ChildProcess child([&](const testing::Channel&) {
        CHILD_REQUIRE(instances() == 0);
        DirectoryWatch watch(directory_);
        make_file();
        CHILD_REQUIRE(watch.wait(testing::hang_deadline_ns()) == WatchOutcome::Changed);
        return static_cast<int>(instances()) - 1;
    });

    EXPECT_EQ(child.wait(), 0);
    EXPECT_EQ(instances(), 1);
}

}  // namespace
}  // namespace tensor_ipc::os
