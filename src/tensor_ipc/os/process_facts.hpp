/// What tells one process, or one thing that it made, from every other.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tensor_ipc/base/error.hpp"

namespace tensor_ipc::os {

/// The inode of this process's PID namespace: two processes with the same have different ids.
/// 0 where there is no /proc.
[[nodiscard]] std::uint64_t pid_namespace() noexcept;

using RandomId = std::array<std::uint8_t, 16>;

/// 128 bits that nobody can guess and nobody else gets (getrandom(2)).
[[nodiscard]] Result<RandomId> random_id();

}  // namespace tensor_ipc::os
