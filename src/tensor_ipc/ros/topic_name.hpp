/// Names of ROS topics, and what they are called in DDS.
#pragma once

#include <string>
#include <string_view>

#include "tensor_ipc/base/error.hpp"

namespace tensor_ipc::ros {

/// `rt/camera/image_raw` for `/camera/image_raw` or `camera/image_raw`: without a node there is no
/// namespace but the root. Source: design.ros2.org, Topic and Service name mapping to DDS.
/// @return InvalidArgument for what ROS would not take as an absolute name, `~` and `{}` included
[[nodiscard]] Result<std::string> dds_topic_name(std::string_view topic);

}  // namespace tensor_ipc::ros
