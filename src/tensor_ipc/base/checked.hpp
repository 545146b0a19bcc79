/// Sizes that come from users or from another process: arithmetic that says when it overflows.
#pragma once

#include <cstdint>
#include <optional>

namespace tensor_ipc {

[[nodiscard]] constexpr std::optional<std::uint64_t> checked_multiply(std::uint64_t a,
                                                                      std::uint64_t b) noexcept
{
    if (a != 0 && b > UINT64_MAX / a) {
        return std::nullopt;
    }
    return a * b;
}

[[nodiscard]] constexpr std::optional<std::uint64_t> checked_add(std::uint64_t a,
                                                                 std::uint64_t b) noexcept
{
    if (b > UINT64_MAX - a) {
        return std::nullopt;
    }
    return a + b;
}

/// `value` rounded up to a multiple of `alignment` (a power of two).
[[nodiscard]] constexpr std::optional<std::uint64_t> checked_align_up(
    std::uint64_t value, std::uint64_t alignment) noexcept
{
    const auto sum = checked_add(value, alignment - 1);
    if (!sum) {
        return std::nullopt;
    }
    return *sum & ~(alignment - 1);
}

}  // namespace tensor_ipc
