#include "tensor_ipc/tensor/shape.hpp"

#include <algorithm>

#include "tensor_ipc/base/checked.hpp"

namespace tensor_ipc {

Shape::Shape(std::span<const std::int64_t> extents) noexcept
    : dimensions_(static_cast<std::uint32_t>(std::min<std::size_t>(extents.size(), kMaxDimensions)))
{
    std::copy_n(extents.begin(), dimensions_, extents_.begin());
}

std::optional<std::uint64_t> Shape::elements() const noexcept
{
    std::uint64_t product = 1;
    for (const std::int64_t extent : extents()) {
        if (extent < 0) {
            return std::nullopt;
        }
        const auto next = checked_multiply(product, static_cast<std::uint64_t>(extent));
        if (!next) {
            return std::nullopt;
        }
        product = *next;
    }
    return product;
}

std::string Shape::text() const
{
    std::string text = "(";
    for (std::uint32_t i = 0; i < dimensions_; ++i) {
        text.append(i == 0 ? "" : ", ").append(std::to_string(extents_.at(i)));
    }
    return text.append(dimensions_ == 1 ? ",)" : ")");
}

bool operator==(const Shape& a, const Shape& b) noexcept
{
    return std::ranges::equal(a.extents(), b.extents());
}

}  // namespace tensor_ipc
