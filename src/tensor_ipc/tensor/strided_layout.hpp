/// How the elements of one frame, or of several, lie in memory.
#pragma once

#include <array>
#include <cstdint>

#include "tensor_ipc/tensor/metadata.hpp"

namespace tensor_ipc {

/// Extents and strides of an array, outermost first. Strides are in bytes and may be negative.
struct StridedLayout {
    static constexpr std::size_t kMost = kMaxDimensions + 1;  ///< a shape and the axis of frames

    std::uint32_t dimensions = 0;
    std::array<std::int64_t, kMost> extents{};
    std::array<std::int64_t, kMost> strides{};
};

/// One frame, in C order.
[[nodiscard]] StridedLayout frame_layout(const PoolMetadata& metadata) noexcept;

/// One frame of a pool of varying extent, with `extent` rows.
[[nodiscard]] StridedLayout frame_layout(const PoolMetadata& metadata,
                                         std::uint64_t extent) noexcept;

/// `frames` frames, `frame_stride` bytes apart, with an axis for them in front.
[[nodiscard]] StridedLayout frames_layout(const PoolMetadata& metadata, std::uint32_t frames,
                                          std::int64_t frame_stride) noexcept;

/// Whether the elements lie in C order without gaps. Extents of 1 have no say.
[[nodiscard]] bool is_contiguous(const StridedLayout& layout, std::uint32_t item_bytes) noexcept;

}  // namespace tensor_ipc
