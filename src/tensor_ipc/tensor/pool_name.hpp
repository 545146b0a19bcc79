/// Names of pools and of the shared memory objects behind them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tensor_ipc/base/error.hpp"

namespace tensor_ipc {

inline constexpr std::size_t kMaxPoolNameLength = 200;
inline constexpr std::size_t kMaxNamespaceLength = 32;

/// A name that was checked: 1 to 200 of `[A-Za-z0-9._/-]`, so that ROS topics can be pool names.
class PoolName {
public:
    [[nodiscard]] static Result<PoolName> parse(std::string_view name);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

    /// The object in /dev/shm, without its leading slash: `tensoripc_<name>`, or
    /// `tensoripc_<namespace>=<name>` in a namespace. `/` becomes `+`, which no name contains.
    [[nodiscard]] std::string segment_name(std::string_view name_space) const;

private:
    explicit PoolName(std::string text) : text_(std::move(text)) {}

    std::string text_;
};

/// A namespace: empty, or 1 to 32 of `[A-Za-z0-9._-]`.
[[nodiscard]] Result<std::string> parse_namespace(std::string_view name_space);

/// The pool name behind an object of /dev/shm in that namespace; nothing for a foreign object.
[[nodiscard]] std::optional<PoolName> pool_name_of_segment(std::string_view segment_name,
                                                           std::string_view name_space);

}  // namespace tensor_ipc
