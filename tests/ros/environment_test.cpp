#include "tensor_ipc/ros/environment.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>

#include <gtest/gtest.h>

namespace tensor_ipc::ros {
namespace {

constexpr const char* kVariables[] = {
    "ROS_DOMAIN_ID",    "ROS_AUTOMATIC_DISCOVERY_RANGE", "ROS_LOCALHOST_ONLY",
    "ROS_STATIC_PEERS", "TENSOR_IPC_DDS_INTERFACE",      "TENSOR_IPC_DDS_PEERS"};

/// Begins without any of the variables and puts them back.
class RosEnvironment : public ::testing::Test {
protected:
    void SetUp() override
    {
        for (const char* name : kVariables) {
            if (const char* value = std::getenv(name)) {
                before_[name] = value;
            }
            ::unsetenv(name);
        }
    }

    void TearDown() override
    {
        for (const char* name : kVariables) {
            ::unsetenv(name);
        }
        for (const auto& [name, value] : before_) {
            ::setenv(name.c_str(), value.c_str(), 1);
        }
    }

    static void set(const char* name, const char* value) { ::setenv(name, value, 1); }

    static bool asks(const dds::ParticipantOptions& options, const char* peer)
    {
        return std::ranges::count(options.peers, peer) == 1;
    }

private:
    std::map<std::string, std::string> before_;
};

TEST_F(RosEnvironment, AsksThisMachineOnlyByDefault)
{
    const auto options = participant_options();

    ASSERT_TRUE(options) << options.error().message;
    EXPECT_EQ(options.value().domain, 0U);
    EXPECT_EQ(options.value().peers, std::vector<std::string>{"127.0.0.1"});
    EXPECT_EQ(options.value().interface, dds::kAutomatic);
    EXPECT_TRUE(options.value().for_ros);
}

TEST_F(RosEnvironment, TakesTheDomainOfRos)
{
    set("ROS_DOMAIN_ID", "42");

    EXPECT_EQ(participant_options().value().domain, 42U);
    EXPECT_EQ(participant_options(7).value().domain, 7U);
}

TEST_F(RosEnvironment, RefusesADomainThatIsNone)
{
    for (const char* text : {"a", "-1", "231", "4 ", "99999999999"}) {
        set("ROS_DOMAIN_ID", text);
        const auto options = participant_options();
        ASSERT_FALSE(options) << text;
        EXPECT_NE(options.error().message.find("ROS_DOMAIN_ID"), std::string::npos);
    }
}

TEST_F(RosEnvironment, AsksEverybodyWhenTheRangeIsTheSubnet)
{
    set("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET");
    EXPECT_TRUE(participant_options().value().peers.empty());

    set("ROS_LOCALHOST_ONLY", "1");
    EXPECT_TRUE(asks(participant_options().value(), "127.0.0.1"));
}

TEST_F(RosEnvironment, RefusesOtherRanges)
{
    for (const char* range : {"OFF", "EVERYWHERE", "localhost"}) {
        set("ROS_AUTOMATIC_DISCOVERY_RANGE", range);
        const auto options = participant_options();
        ASSERT_FALSE(options) << range;
        EXPECT_NE(options.error().message.find("ROS_AUTOMATIC_DISCOVERY_RANGE"), std::string::npos);
    }
}

TEST_F(RosEnvironment, AsksStaticPeersToo)
{
    set("ROS_STATIC_PEERS", "192.0.2.7;robot.local;;");
    set("TENSOR_IPC_DDS_PEERS", "192.0.2.8");
    set("TENSOR_IPC_DDS_INTERFACE", "lo");

    const auto options = participant_options().value();

    EXPECT_EQ(options.interface, "lo");
    EXPECT_EQ(options.peers.size(), 4U);
    EXPECT_TRUE(asks(options, "192.0.2.7") && asks(options, "robot.local") &&
                asks(options, "192.0.2.8") && asks(options, "127.0.0.1"));
}

}  // namespace
}  // namespace tensor_ipc::ros
