#include "tensor_ipc/tensor/pool_name.hpp"

#include <algorithm>

namespace tensor_ipc {

namespace {

constexpr std::string_view kPrefix = "tensoripc_";

bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

std::string prefix(std::string_view name_space)
{
    std::string text(kPrefix);
    if (!name_space.empty()) {
        text.append(name_space).append("=");
    }
    return text;
}

}  // namespace

Result<PoolName> PoolName::parse(std::string_view name)
{
    if (name.empty() || name.size() > kMaxPoolNameLength) {
        return Error{ErrorCode::InvalidName, "a pool name has 1 to 200 characters, this one has " +
                                                 std::to_string(name.size())};
    }
    const auto* const bad =
        std::ranges::find_if(name, [](char c) { return !is_plain(c) && c != '/'; });
    if (bad != name.end()) {
        const auto position = static_cast<std::size_t>(bad - name.begin());
        return Error{ErrorCode::InvalidName,
                     "a pool name is made of A-Z a-z 0-9 . _ - and /; the character at position " +
                         std::to_string(position) + " of '" + printable(name) +
                         "' is none of these"};
    }
    return PoolName(std::string(name));
}

std::string PoolName::segment_name(std::string_view name_space) const
{
    std::string name = prefix(name_space) + text_;
    std::ranges::replace(name, '/', '+');
    return name;
}

Result<std::string> parse_namespace(std::string_view name_space)
{
    if (name_space.size() > kMaxNamespaceLength || !std::ranges::all_of(name_space, is_plain)) {
        return Error{ErrorCode::InvalidName,
                     "TENSOR_IPC_NAMESPACE is at most 32 characters of A-Z a-z 0-9 . _ -, not '" +
                         printable(name_space) + "'"};
    }
    return std::string(name_space);
}

std::optional<PoolName> pool_name_of_segment(std::string_view segment_name,
                                             std::string_view name_space)
{
    const std::string expected = prefix(name_space);
    if (!segment_name.starts_with(expected)) {
        return std::nullopt;
    }
    std::string name(segment_name.substr(expected.size()));
    if (name.find('/') != std::string::npos) {
        return std::nullopt;
    }
    std::ranges::replace(name, '+', '/');
    auto parsed = PoolName::parse(name);  // refuses '=': a pool of another namespace
    if (!parsed) {
        return std::nullopt;
    }
    return std::move(parsed).value();
}

}  // namespace tensor_ipc
