/// Time in nanoseconds.
#pragma once

#include <cstdint>
#include <ctime>

namespace tensor_ipc::os {

namespace detail {

[[nodiscard]] inline std::uint64_t now_ns(clockid_t clock) noexcept
{
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace detail

/// CLOCK_MONOTONIC, which all processes of a host share.
[[nodiscard]] inline std::uint64_t monotonic_ns() noexcept
{
    return detail::now_ns(CLOCK_MONOTONIC);
}

/// The time of day: nanoseconds since 1970. May jump.
[[nodiscard]] inline std::uint64_t realtime_ns() noexcept
{
    return detail::now_ns(CLOCK_REALTIME);
}

/// A deadline that never comes.
inline constexpr std::uint64_t kNever = UINT64_MAX;

}  // namespace tensor_ipc::os
