/// Which byte of a segment file says that whom is alive. See os/file_lock.hpp.
#pragma once

#include <cstdint>

#include "tensor_ipc/os/file_lock.hpp"

namespace tensor_ipc {

/// Byte 0 is the producer's, byte 1 + i that of consumer i.
inline constexpr std::uint64_t kProducerLock = 0;

[[nodiscard]] constexpr std::uint64_t consumer_lock(std::uint32_t id) noexcept
{
    return 1 + id;
}

[[nodiscard]] inline bool producer_lives(int fd) noexcept
{
    return os::is_byte_locked(fd, kProducerLock);
}

}  // namespace tensor_ipc
