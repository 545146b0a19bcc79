#include "tensor_ipc/dds/participant.hpp"

#include <sys/wait.h>

#include "support/pool_test.hpp"

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
