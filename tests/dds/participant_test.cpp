#include "tensor_ipc/dds/participant.hpp"

#include <algorithm>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/wait.h>

#include "support/pool_test.hpp"
#include "tensor_ipc/os/file_descriptor.hpp"

namespace tensor_ipc::dds {
namespace {

using testing::must;

ParticipantOptions options_of_this_test()
{
    ParticipantOptions options;
    options.domain = 20 + static_cast<std::uint32_t>(::getpid()) % 20;
    return options;
}

TEST(ParticipantTest, IsOneForTheProcessUntilTheLastLetsGo)
{
    auto first = must(Participant::shared(options_of_this_test()));
    auto second = must(Participant::shared(options_of_this_test()));
    EXPECT_EQ(first, second);
    EXPECT_GT(first->entity(), 0);
    std::weak_ptr<Participant> watched = first;

    first.reset();
    EXPECT_FALSE(watched.expired());
    second.reset();
    EXPECT_TRUE(watched.expired());

    EXPECT_GT(must(Participant::shared(options_of_this_test()))->entity(), 0);
}

TEST(ParticipantTest, IsAnotherOneInAForkedChild)
{
    auto mine = must(Participant::shared(options_of_this_test()));

    const pid_t child = ::fork();
    if (child == 0) {
        bool is_right = !mine->is_usable();
        auto own = Participant::shared(options_of_this_test());
        is_right = is_right && own.ok() && *own != mine && (*own)->is_usable();
        mine.reset();
        ::_exit(is_right ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);

    EXPECT_EQ(status, 0);
    EXPECT_TRUE(mine->is_usable());
}

TEST(ParticipantTest, SaysWhatIsWrongWithItsOptions)
{
    for (const char* interface : {"", "lo\"/>", "a b", "<"}) {
        ParticipantOptions options = options_of_this_test();
        options.interface = interface;
        EXPECT_EQ(configuration_of(options).error().code, ErrorCode::InvalidArgument) << interface;
    }
    ParticipantOptions options = options_of_this_test();
    options.peers = {"10.0.0.1", "&amp;"};
    EXPECT_EQ(configuration_of(options).error().code, ErrorCode::InvalidArgument);
    options = {};
    options.domain = kMaxDomain + 1;
    EXPECT_EQ(configuration_of(options).error().code, ErrorCode::InvalidArgument);
}

TEST(ParticipantTest, SaysThatThereIsNoSuchInterface)
{
    ParticipantOptions options = options_of_this_test();
    options.interface = "nosuch0";

    const auto refused = Participant::shared(options);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Dds);
    EXPECT_NE(refused.error().message.find("nosuch0"), std::string::npos);
}

TEST(ParticipantTest, IsNotMadeWhereItsSocketsWouldBeBeyondWhatSelectTakes)
{
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit many = before;
    many.rlim_cur = std::min<rlim_t>(before.rlim_max, 4096);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &many), 0);
    std::vector<os::FileDescriptor> others;
    while (others.empty() || others.back().get() < FD_SETSIZE - 5) {
        others.emplace_back(::open("/", O_PATH | O_CLOEXEC));
        ASSERT_TRUE(others.back());
    }

    const auto refused = Participant::shared(options_of_this_test());

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Dds);
    EXPECT_NE(refused.error().message.find("too many open descriptors"), std::string::npos);
    others.clear();
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_TRUE(Participant::shared(options_of_this_test()));
}

TEST(ParticipantTest, IsNotMadeWhereDdsIsSwitchedOff)
{
    ::setenv("TENSOR_IPC_DDS", "off", 1);
    const auto refused = Participant::shared(options_of_this_test());
    ::unsetenv("TENSOR_IPC_DDS");

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Dds);
    EXPECT_NE(refused.error().message.find("TENSOR_IPC_DDS"), std::string::npos);
}

TEST(ParticipantTest, IsConfiguredByTheEnvironment)
{
    ::setenv("TENSOR_IPC_DDS_DOMAIN", "33", 1);
    ::setenv("TENSOR_IPC_DDS_INTERFACE", "eth7", 1);
    ::setenv("TENSOR_IPC_DDS_PEERS", "10.0.0.1,robot.local", 1);

    const auto options = must(ParticipantOptions::from_environment());
    EXPECT_EQ(options.domain, 33U);
    EXPECT_EQ(options.interface, "eth7");
    EXPECT_EQ(options.peers, (std::vector<std::string>{"10.0.0.1", "robot.local"}));
    EXPECT_EQ(must(ParticipantOptions::from_environment(5)).domain, 5U);

    ::setenv("TENSOR_IPC_DDS_DOMAIN", "3x", 1);
    EXPECT_EQ(ParticipantOptions::from_environment().error().code, ErrorCode::InvalidArgument);
    for (const char* name :
         {"TENSOR_IPC_DDS_DOMAIN", "TENSOR_IPC_DDS_INTERFACE", "TENSOR_IPC_DDS_PEERS"}) {
        ::unsetenv(name);
    }
}

}  // namespace
}  // namespace tensor_ipc::dds
