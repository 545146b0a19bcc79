/// Kernel locks on single bytes of a file: who is alive.
///
/// Open-file-description locks (fcntl(2), F_OFD_SETLK) belong to an open file, not to a process:
/// the kernel drops them when the last descriptor of that open file is gone, which is at the
/// latest when its process dies, whatever kills it and in whichever PID namespace it ran.
#pragma once

#include <cstdint>

#include "tensor_ipc/base/error.hpp"

namespace tensor_ipc::os {

/// Takes the lock on byte `offset`, without waiting.
/// @return false when another open file holds it
[[nodiscard]] Result<bool> try_lock_byte(int fd, std::uint64_t offset);

/// Drops it.
void unlock_byte(int fd, std::uint64_t offset) noexcept;

/// Whether another open file than `fd`'s holds byte `offset`. `fd` may be read-only.
[[nodiscard]] bool is_byte_locked(int fd, std::uint64_t offset) noexcept;

}  // namespace tensor_ipc::os
