#include "tensor_ipc/tensor/strided_layout.hpp"

#include <span>

namespace tensor_ipc {

namespace {

void append_frame(StridedLayout& layout, const PoolMetadata& metadata) noexcept
{
    const auto shape = metadata.shape.extents();
    const auto extents = std::span(layout.extents).subspan(layout.dimensions);
    const auto strides = std::span(layout.strides).subspan(layout.dimensions);
    std::int64_t stride = metadata.dtype.item_bytes();
    for (std::size_t i = shape.size(); i-- > 0;) {
        extents[i] = shape[i];
        strides[i] = stride;
        stride *= shape[i];
    }
    layout.dimensions += metadata.shape.dimensions();
}

}  // namespace

StridedLayout frame_layout(const PoolMetadata& metadata) noexcept
{
    StridedLayout layout;
    append_frame(layout, metadata);
    return layout;
}

StridedLayout frame_layout(const PoolMetadata& metadata, std::uint64_t extent) noexcept
{
    StridedLayout layout;
    append_frame(layout, metadata);
    if (metadata.varying_extent) {
        layout.extents[0] = static_cast<std::int64_t>(extent);  // strides do not depend on it
    }
    return layout;
}

StridedLayout frames_layout(const PoolMetadata& metadata, std::uint32_t frames,
                            std::int64_t frame_stride) noexcept
{
    StridedLayout layout;
    layout.dimensions = 1;
    layout.extents[0] = frames;
    layout.strides[0] = frame_stride;
    append_frame(layout, metadata);
    return layout;
}

bool is_contiguous(const StridedLayout& layout, std::uint32_t item_bytes) noexcept
{
    const std::span extents(layout.extents);
    const std::span strides(layout.strides);
    std::int64_t expected = item_bytes;
    for (std::size_t i = layout.dimensions; i-- > 0;) {
        if (extents[i] != 1 && strides[i] != expected) {
            return false;
        }
        expected *= extents[i];
    }
    return true;
}

}  // namespace tensor_ipc
