/// Time in nanoseconds on CLOCK_MONOTONIC, which all processes of a host share.
#pragma once

#include <cstdint>
#include <ctime>

namespace tensor_ipc::os {

[[nodiscard]] inline std::uint64_t monotonic_ns() noexcept
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(now.tv_nsec);
}

/// A deadline that never comes.
inline constexpr std::uint64_t kNever = UINT64_MAX;

}  // namespace tensor_ipc::os
