#include "tensor_ipc/ros/topic_name.hpp"

#include <algorithm>

namespace tensor_ipc::ros {

namespace {

// DDS implementations stop at 256 characters.
constexpr std::size_t kMostCharacters = 255;
constexpr std::string_view kPrefix = "rt";

bool is_letter(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_token(std::string_view text) noexcept
{
    return !text.empty() && is_letter(text[0]) &&
           std::ranges::all_of(text, [](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

bool is_topic(std::string_view text) noexcept
{
    while (true) {
        const std::size_t slash = text.find('/');
        if (!is_token(text.substr(0, slash))) {
            return false;
        }
        if (slash == std::string_view::npos) {
            return true;
        }
        text.remove_prefix(slash + 1);
    }
}

}  // namespace

Result<std::string> dds_topic_name(std::string_view topic)
{
    const std::string_view relative = topic.starts_with('/') ? topic.substr(1) : topic;
    std::string name = std::string(kPrefix) + "/" + std::string(relative);
    if (!is_topic(relative) || name.size() > kMostCharacters) {
        return Error{ErrorCode::InvalidArgument,
                     "not the name of a ROS topic: '" + printable(topic) +
                         "'; expected words of letters, digits and _ that begin with no digit, as "
                         "in /camera/image_raw"};
    }
    return name;
}

}  // namespace tensor_ipc::ros
