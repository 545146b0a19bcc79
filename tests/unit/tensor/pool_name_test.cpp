#include "tensor_ipc/tensor/pool_name.hpp"

#include <gtest/gtest.h>

namespace tensor_ipc {
namespace {

TEST(PoolName, MayBeARosTopic)
{
    const auto name = PoolName::parse("/robot1/camera.front/image-raw_2");

    ASSERT_TRUE(name);
    EXPECT_EQ(name->text(), "/robot1/camera.front/image-raw_2");
    EXPECT_EQ(name->segment_name(""), "tensoripc_+robot1+camera.front+image-raw_2");
}

TEST(PoolName, CarriesItsNamespaceIntoTheSegment)
{
    EXPECT_EQ(PoolName::parse("cam")->segment_name("lab"), "tensoripc_lab=cam");
    EXPECT_EQ(PoolName::parse("cam")->segment_name(""), "tensoripc_cam");
}

TEST(PoolName, HasOneToTwoHundredCharacters)
{
    EXPECT_TRUE(PoolName::parse("a"));
    EXPECT_TRUE(PoolName::parse(std::string(200, 'a')));
    for (const std::string& name : {std::string(), std::string(201, 'a')}) {
        const auto refused = PoolName::parse(name);

        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::InvalidName);
        EXPECT_NE(refused.error().message.find("has " + std::to_string(name.size())),
                  std::string::npos);
    }
}

TEST(PoolName, RefusesOtherCharactersAndSaysWhich)
{
    for (const std::string& name :
         {std::string("cam 1"), std::string("cam=1"), std::string("cam+1"),
          std::string("cam\0a", 5), std::string("cam\xC3\xA9")}) {
        const auto refused = PoolName::parse(name);

        ASSERT_FALSE(refused) << name;
        EXPECT_EQ(refused.error().code, ErrorCode::InvalidName);
        EXPECT_NE(refused.error().message.find("position 3"), std::string::npos);
    }
}

TEST(PoolName, IsNeverAPathWhateverItSays)
{
    for (const std::string text : {".", "..", "/", "../../etc/passwd", "/dev/null", "a/../b"}) {
        const auto name = PoolName::parse(text);

        ASSERT_TRUE(name) << text;
        const std::string segment = name->segment_name("..");
        EXPECT_TRUE(segment.starts_with("tensoripc_..=")) << segment;
        EXPECT_EQ(segment.find('/'), std::string::npos) << segment;
        EXPECT_EQ(pool_name_of_segment(segment, "..")->text(), text);
    }
}

TEST(PoolName, FitsIntoAFileNameInTheLongestNamespace)
{
    const PoolName name = *PoolName::parse(std::string(kMaxPoolNameLength, 'n'));

    EXPECT_LE(name.segment_name(std::string(kMaxNamespaceLength, 's')).size(), 255U);
}

TEST(PoolName, IsShownWithoutCharactersThatSteerATerminal)
{
    const auto refused = PoolName::parse("cam\x1b[31m\xff");

    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("'cam\\x1b[31m\\xff'"), std::string::npos)
        << refused.error().message;
    EXPECT_NE(parse_namespace("\n").error().message.find("'\\x0a'"), std::string::npos);
}

TEST(PoolName, IsFoundBehindItsSegment)
{
    for (const std::string text : {"cam", "/robot/cam", "a.b-c_d"}) {
        const PoolName name = *PoolName::parse(text);

        EXPECT_EQ(pool_name_of_segment(name.segment_name("lab"), "lab")->text(), text);
        EXPECT_EQ(pool_name_of_segment(name.segment_name(""), "")->text(), text);
    }
}

TEST(PoolName, IsNotFoundBehindAForeignObject)
{
    EXPECT_FALSE(pool_name_of_segment("sem.other", ""));
    EXPECT_FALSE(pool_name_of_segment("tensoripc_", ""));
    EXPECT_FALSE(pool_name_of_segment("tensoripc_lab=cam", ""));
    EXPECT_FALSE(pool_name_of_segment("tensoripc_cam", "lab"));
    EXPECT_FALSE(pool_name_of_segment("tensoripc_lab2=cam", "lab"));
    EXPECT_FALSE(pool_name_of_segment("tensoripc_a/b", ""));
}

TEST(Namespace, IsShortAndPlain)
{
    EXPECT_TRUE(parse_namespace(""));
    EXPECT_TRUE(parse_namespace("robot-1.a_b"));
    EXPECT_TRUE(parse_namespace(std::string(32, 'x')));
    EXPECT_EQ(parse_namespace(std::string(33, 'x')).error().code, ErrorCode::InvalidName);
    EXPECT_EQ(parse_namespace("a/b").error().code, ErrorCode::InvalidName);
    EXPECT_EQ(parse_namespace("a=b").error().code, ErrorCode::InvalidName);
}

}  // namespace
}  // namespace tensor_ipc
