/// What a frame becomes on its way out: the bytes around its payload. The inverse of incoming.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/cdr/messages.hpp"
#include "tensor_ipc/tensor/dtype.hpp"
#include "tensor_ipc/tensor/shape.hpp"
#include "tensor_ipc/tensor/user_metadata.hpp"

namespace tensor_ipc::cdr {

/// A frame that goes out, without its bytes.
struct OutgoingFrame {
    DType dtype;
    Shape shape;                               ///< of this frame
    std::uint64_t stamp_ns = 0;                ///< for the header, nanoseconds since the epoch
    std::span<const UserMetadataEntry> texts;  ///< user metadata of the frame
    std::string_view frame_id;                 ///< used unless the texts have one
    std::string_view encoding;                 ///< of an image; used instead of that of the texts
};

/// What goes in front of the frame's bytes and behind them, in plain CDR.
struct Envelope {
    std::vector<std::byte> prefix;
    std::vector<std::byte> tail;
};

/// @return InvalidArgument for a frame that cannot be such a message: another shape or dtype than
///         its encoding has, no encoding for it, a stamp after 2038, 4 GiB
[[nodiscard]] Result<Envelope> envelope_of(MessageType type, const OutgoingFrame& frame);

}  // namespace tensor_ipc::cdr
