#include "tensor_ipc/ros/topic_name.hpp"

#include <gtest/gtest.h>

namespace tensor_ipc::ros {
namespace {

TEST(DdsTopicName, PutsRtInFront)
{
    EXPECT_EQ(dds_topic_name("/camera/image_raw").value(), "rt/camera/image_raw");
    EXPECT_EQ(dds_topic_name("camera/image_raw").value(), "rt/camera/image_raw");
    EXPECT_EQ(dds_topic_name("/_private9").value(), "rt/_private9");
}

TEST(DdsTopicName, RefusesWhatIsNoName)
{
    for (const char* name :
         {"", "/", "//camera", "/camera/", "/camera//image", "/9camera", "~/image", "/{node}/image",
          "/camera image", "/camera-1", "/k\xc3\xa4se"}) {
        const auto refused = dds_topic_name(name);
        ASSERT_FALSE(refused) << name;
        EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
    }
    EXPECT_FALSE(dds_topic_name(std::string(254, 'a')));
}

}  // namespace
}  // namespace tensor_ipc::ros
