#include "tensor_ipc/os/descriptor_passing.hpp"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/pool_test.hpp"

namespace tensor_ipc::os {
namespace {

using testing::Channel;
using testing::ChildProcess;
using testing::hang_deadline_ns;
using testing::must;

class DescriptorPassing : public ::testing::Test {
protected:
    void TearDown() override { ::unlink(path_.c_str()); }

    /// A file whose content tells it from others.
    static FileDescriptor file_with(const std::string& text)
    {
        FileDescriptor fd(::memfd_create("offered", 0));
        EXPECT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
        return fd;
    }

    static std::string text_of(int fd)
    {
        std::string text(64, '\0');
        const ssize_t got = ::pread(fd, text.data(), text.size(), 0);
        text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return text;
    }

    [[nodiscard]] DescriptorServer serve(const std::string& text, std::uint32_t mode = 0600) const
    {
        return must(DescriptorServer::start(path_, file_with(text), id_, mode));
    }

    [[nodiscard]] Result<FileDescriptor> receive() const
    {
        return receive_descriptor(path_, id_, hang_deadline_ns());
    }

    std::string path_ = "/dev/shm/test-passing-" + std::to_string(::getpid());
    RandomId id_ = must(random_id());
};

TEST_F(DescriptorPassing, GivesTheOpenFileToEveryProcessThatAsks)
{
    const DescriptorServer server = serve("hello");
    for (int i = 0; i < 3; ++i) {
        ChildProcess child([&](const Channel&) {
            const auto fd = receive();
            CHILD_REQUIRE(fd.ok());
            CHILD_REQUIRE(text_of(fd.value().get()) == "hello");
            CHILD_REQUIRE((::fcntl(fd.value().get(), F_GETFD) & FD_CLOEXEC) != 0);
            return 0;
        });

        EXPECT_EQ(child.wait(), 0);
    }
}

TEST_F(DescriptorPassing, GivesItToManyAtOnce)
{
    const DescriptorServer server = serve("hello");
    std::atomic<int> received{0};
    std::vector<std::thread> threads;

    for (int i = 0; i < 200; ++i) {
        threads.emplace_back([&] { received += must(receive()).get() >= 0; });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }

    EXPECT_EQ(received.load(), 200);
}

TEST_F(DescriptorPassing, GoesWithItsServer)
{
    {
        const DescriptorServer server = serve("hello");
        EXPECT_TRUE(receive().ok());
    }

    const auto refused = receive();

    EXPECT_NE(::access(path_.c_str(), F_OK), 0);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::PoolNotFound);
}

TEST_F(DescriptorPassing, IsRefusedWhenTheServerDiedAndLeftItsSocket)
{
    ChildProcess child([&](const Channel& parent) {
        const DescriptorServer server = serve("hello");
        parent.say('s');
        static_cast<void>(parent.hear());
        return 0;
    });
    ASSERT_EQ(child.channel().hear(), 's');
    EXPECT_FALSE(remove_dead_socket(path_));

    child.kill();
    const auto refused = receive();

    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::PoolNotFound);
    EXPECT_TRUE(remove_dead_socket(path_));
    EXPECT_FALSE(remove_dead_socket(path_));
}

TEST_F(DescriptorPassing, KeepsNothingOpenInAForkedChild)
{
    FileDescriptor offered = file_with("hello");
    const int number = offered.get();
    const DescriptorServer server =
        must(DescriptorServer::start(path_, std::move(offered), id_, 0600));

    ChildProcess child([&](const Channel&) {
        CHILD_REQUIRE(::fcntl(number, F_GETFD) == -1 && errno == EBADF);
        return 0;
    });

    EXPECT_EQ(child.wait(), 0);
    EXPECT_TRUE(receive().ok());
}

TEST_F(DescriptorPassing, RemovesNothingThatIsNoSocket)
{
    const FileDescriptor file(::open(path_.c_str(), O_CREAT | O_RDWR, 0600));

    EXPECT_FALSE(remove_dead_socket(path_));
    EXPECT_EQ(::access(path_.c_str(), F_OK), 0);
}

TEST_F(DescriptorPassing, IsRefusedWhenAnotherServerHasThePath)
{
    const DescriptorServer server = serve("hello");
    RandomId wanted = id_;
    wanted[0] ^= 1U;

    const auto refused = receive_descriptor(path_, wanted, hang_deadline_ns());

    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("another server"), std::string::npos);
}

TEST_F(DescriptorPassing, IsRefusedWhenTheServerIsStopped)
{
    ChildProcess child([&](const Channel& parent) {
        const DescriptorServer server = serve("hello");
        parent.say('s');
        static_cast<void>(parent.hear());
        return 0;
    });
    ASSERT_EQ(child.channel().hear(), 's');
    ASSERT_TRUE(child.stop());

    const auto refused = receive_descriptor(path_, id_, monotonic_ns() + 20'000'000);

    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::System);
    EXPECT_NE(refused.error().message.find("no answer in time"), std::string::npos);
}

TEST_F(DescriptorPassing, HasTheModeThatWasAskedForWhateverTheUmask)
{
    const mode_t before = ::umask(0077);
    const DescriptorServer server = serve("hello", 0660);
    ::umask(before);

    struct stat status {};

    ASSERT_EQ(::stat(path_.c_str(), &status), 0);

    EXPECT_EQ(status.st_mode & 0777U, 0660U);
}

TEST_F(DescriptorPassing, AnswersOthersWhileSomebodyConnectsAndSaysNothing)
{
    const DescriptorServer server = serve("hello");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    const FileDescriptor silent(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::connect(silent.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);

    EXPECT_TRUE(receive().ok());
}

TEST_F(DescriptorPassing, IsRefusedWhenThePathIsTakenOrTooLong)
{
    const DescriptorServer server = serve("hello");

    const auto taken = DescriptorServer::start(path_, file_with("x"), id_, 0600);
    const auto too_long =
        DescriptorServer::start("/dev/shm/" + std::string(200, 'x'), file_with("x"), id_, 0600);

    ASSERT_FALSE(taken.ok());
    EXPECT_EQ(taken.error().system_errno, EADDRINUSE);
    ASSERT_FALSE(too_long.ok());
    EXPECT_EQ(too_long.error().system_errno, ENAMETOOLONG);
    EXPECT_TRUE(receive().ok());
}

}  // namespace
}  // namespace tensor_ipc::os
