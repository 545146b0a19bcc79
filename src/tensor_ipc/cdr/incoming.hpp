/// What a message becomes on its way into a pool. The same arrays and texts as the conversions of
/// tensor_ipc.rosext make: docs/ros-conversions.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/cdr/messages.hpp"
#include "tensor_ipc/cdr/payload_copy.hpp"
#include "tensor_ipc/tensor/dtype.hpp"
#include "tensor_ipc/tensor/shape.hpp"

namespace tensor_ipc::cdr {

/// A message as a frame: where its elements are, and what else it says. A compressed image is the
/// bytes of its file; a cloud is the bytes of its points, `(n, point_step)`, or `(height, width,
/// point_step)` where there are several rows.
struct IncomingFrame {
    DType dtype;
    Shape shape;  ///< of this message; an extent may be 0
    Rows rows;    ///< of the message that become the frame, one after the other
    std::uint32_t swapped_item_bytes = 1;  ///< size of the items to swap_bytes(); 1 for none
    /// The header's stamp, nanoseconds since the epoch; nothing when it is zero (not set) or
    /// before the epoch.
    std::optional<std::uint64_t> captured_ns;
    std::vector<std::pair<std::string, std::string>> texts;  ///< user metadata of the frame
    std::optional<std::size_t> dense_at;  ///< where a cloud's `is_dense` is, which is a text too
};

/// @param prefix         as for read_image(); the result does not point into it
/// @param message_bytes  of the whole message, with its encapsulation
/// @return InvalidArgument for bytes that are not such a message, a message that contradicts
///         itself, and one whose elements have no place in a pool: an
///         image without pixels, an unknown encoding, points in the other byte order
[[nodiscard]] Result<IncomingFrame> incoming_frame(MessageType type,
                                                   std::span<const std::byte> prefix,
                                                   std::size_t message_bytes);

}  // namespace tensor_ipc::cdr
