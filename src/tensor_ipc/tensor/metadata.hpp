/// What a pool holds: written once into its header, compared by everyone who attaches.
#pragma once

#include <cstdint>
#include <string>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/tensor/dtype.hpp"
#include "tensor_ipc/tensor/shape.hpp"

namespace tensor_ipc {

inline constexpr std::uint32_t kMaxHistory = 4096;

/// Longest backend and device names, without the closing zero.
inline constexpr std::size_t kMaxLabelLength = 31;

/// Description of a pool's frames. A plain value; two pools are compatible when these are equal.
struct PoolMetadata {
    std::string name;               ///< pool name, see PoolName
    Shape shape;                    ///< of one frame, C order
    DType dtype;                    ///< of one element
    std::uint32_t history_len = 1;  ///< frames a consumer can ask for, 1 to kMaxHistory
    std::string backend = "numpy";  ///< which kind of array consumers get by default
    std::string device = "cpu";     ///< where the payload lies
    /// Whether each frame has its own leading extent, 0 to shape[0], which is then the capacity.
    bool varying_extent = false;

    friend bool operator==(const PoolMetadata&, const PoolMetadata&) = default;
};

/// Bytes of one frame, of the largest where the extent varies; an error for an unknown dtype, an
/// empty or an impossible shape.
[[nodiscard]] Result<std::uint64_t> frame_bytes(const PoolMetadata& metadata);

/// What a frame's first extent is at most: shape[0], or 1 for a scalar.
[[nodiscard]] std::uint64_t max_extent(const PoolMetadata& metadata) noexcept;

/// The shape of the frames, `(480, 640, 3)`; `(<=1000, 3)` where the extent varies.
[[nodiscard]] std::string frame_shape_text(const PoolMetadata& metadata);

/// Refuses what cannot be a pool: name, shape, dtype, history_len or label outside their ranges.
[[nodiscard]] Result<void> validate(const PoolMetadata& metadata);

/// One line per differing field, `shape: expected (2, 3), found (4, 3)`; empty when equal.
[[nodiscard]] std::string differences(const PoolMetadata& expected, const PoolMetadata& found);

}  // namespace tensor_ipc
