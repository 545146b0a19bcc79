/// The shape of one frame: up to `kMaxDimensions` extents, stored in place.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

namespace tensor_ipc {

/// As many as NumPy 1.x can hold.
inline constexpr std::uint32_t kMaxDimensions = 32;

/// Extents of a C-contiguous array, outermost first. No dimensions is a scalar.
class Shape {
public:
    Shape() = default;

    /// The first `kMaxDimensions` of `extents`; ask `fits()` before for input that is not trusted.
    explicit Shape(std::span<const std::int64_t> extents) noexcept;

    Shape(std::initializer_list<std::int64_t> extents) noexcept
        : Shape(std::span<const std::int64_t>(extents.begin(), extents.size()))
    {
    }

    [[nodiscard]] static bool fits(std::size_t dimensions) noexcept
    {
        return dimensions <= kMaxDimensions;
    }

    [[nodiscard]] std::span<const std::int64_t> extents() const noexcept
    {
        return {extents_.data(), dimensions_};
    }

    [[nodiscard]] std::uint32_t dimensions() const noexcept { return dimensions_; }

    /// Product of the extents; nothing when an extent is negative or the product overflows.
    [[nodiscard]] std::optional<std::uint64_t> elements() const noexcept;

    /// `(480, 640, 3)`, as Python prints it.
    [[nodiscard]] std::string text() const;

    friend bool operator==(const Shape& a, const Shape& b) noexcept;

private:
    std::array<std::int64_t, kMaxDimensions> extents_{};
    std::uint32_t dimensions_ = 0;
};

}  // namespace tensor_ipc
