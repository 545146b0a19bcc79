/// Where ROS says its topics are.
#pragma once

#include <cstdint>
#include <optional>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/dds/participant.hpp"

namespace tensor_ipc::ros {

/// The options of a participant that meets ROS nodes: ROS_DOMAIN_ID (else 0), and where to look.
///
/// - ROS_AUTOMATIC_DISCOVERY_RANGE unset, SYSTEM_DEFAULT or LOCALHOST, or ROS_LOCALHOST_ONLY=1: the
///   nodes of this machine are asked, by unicast to 127.0.0.1. Nothing leaves the machine unless
///   another one speaks to us first.
/// - SUBNET: multicast on the network interface.
/// - OFF: nowhere, an error.
///
/// The interface is the one that leads out of the machine, or TENSOR_IPC_DDS_INTERFACE.
/// ROS_STATIC_PEERS (separated by semicolons) and TENSOR_IPC_DDS_PEERS are asked as well.
///
/// @param domain  in place of ROS_DOMAIN_ID
/// @return InvalidArgument that names the variable
[[nodiscard]] Result<dds::ParticipantOptions> participant_options(
    std::optional<std::uint32_t> domain = {});

}  // namespace tensor_ipc::ros
