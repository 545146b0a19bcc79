/// ros/ reads and writes ROS 2 topics without ROS: messages of Cyclone DDS go into pools, and
/// frames of pools go out as messages. It may include base/, tensor/, os/, pool/, cdr/ and dds/.
///
/// What comes from the network is hostile until cdr/ has looked at it.
#pragma once

#include "tensor_ipc/ros/endpoint.hpp"
#include "tensor_ipc/ros/environment.hpp"
#include "tensor_ipc/ros/pool_to_topic.hpp"
#include "tensor_ipc/ros/topic_name.hpp"
#include "tensor_ipc/ros/topic_to_pool.hpp"
