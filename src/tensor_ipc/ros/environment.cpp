#include "tensor_ipc/ros/environment.hpp"

#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

namespace tensor_ipc::ros {

namespace {

std::string_view variable(const char* name)
{
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    return value == nullptr ? std::string_view() : std::string_view(value);
}

Error invalid(std::string message)
{
    return Error{ErrorCode::InvalidArgument, std::move(message)};
}

Result<std::uint32_t> domain_of_environment()
{
    const std::string_view text = variable("ROS_DOMAIN_ID");
    std::uint32_t domain = 0;
    if (!text.empty()) {
        const char* const end = text.data() + text.size();
        const auto parsed = std::from_chars(text.data(), end, domain);
        if (parsed.ec != std::errc{} || parsed.ptr != end || domain > dds::kMaxDomain) {
            return invalid("ROS_DOMAIN_ID is 0 to " + std::to_string(dds::kMaxDomain) + ", not '" +
                           printable(text) + "'");
        }
    }
    return domain;
}

enum class Range : std::uint8_t { Localhost, Subnet };

Result<Range> range_of_environment()
{
    const std::string_view range = variable("ROS_AUTOMATIC_DISCOVERY_RANGE");
    if (variable("ROS_LOCALHOST_ONLY") == "1" || range.empty() || range == "LOCALHOST" ||
        range == "SYSTEM_DEFAULT") {
        return Range::Localhost;
    }
    if (range == "SUBNET") {
        return Range::Subnet;
    }
    if (range == "OFF") {
        return invalid(
            "ROS_AUTOMATIC_DISCOVERY_RANGE is OFF: no topic would be found. Unset it, or set it to "
            "LOCALHOST");
    }
    return invalid(
        "ROS_AUTOMATIC_DISCOVERY_RANGE is LOCALHOST, SUBNET, OFF or SYSTEM_DEFAULT, not '" +
        printable(range) + "'");
}

}  // namespace

Result<dds::ParticipantOptions> participant_options(std::optional<std::uint32_t> domain)
{
    if (!domain) {
        auto found = domain_of_environment();
        if (!found) {
            return found.error();
        }
        domain = *found;
    }
    auto options = dds::ParticipantOptions::from_environment(domain);
    if (!options) {
        return options.error();
    }
    const auto range = range_of_environment();
    if (!range) {
        return range.error();
    }
    options->for_ros = true;
    if (variable("TENSOR_IPC_DDS_INTERFACE").empty()) {
        // Not loopback: nodes of Fast DDS tell the address of the other interface only, even those
        // that look no further than this machine.
        options->interface = dds::kAutomatic;
    }
    if (*range == Range::Localhost) {
        options->peers.emplace_back("127.0.0.1");  // nobody else is asked, and no multicast
    }
    std::string_view peers = variable("ROS_STATIC_PEERS");
    while (!peers.empty()) {
        const std::size_t end = peers.find(';');
        if (end != 0) {
            options->peers.emplace_back(peers.substr(0, end));
        }
        peers.remove_prefix(end == std::string_view::npos ? peers.size() : end + 1);
    }
    return options;
}

}  // namespace tensor_ipc::ros
