/// Frames as DLPack tensors.
#pragma once

#include <cstdint>

#include "tensor_ipc/dlpack/managed_tensor.hpp"
#include "tensor_ipc/pool/frame.hpp"
#include "tensor_ipc/pool/private_window.hpp"

namespace tensor_ipc::dlpack {

/// Whether there is an axis for the frames in front of a frame's own.
enum class FrameAxis : std::uint8_t { None, First };

/// The frames of a window in the order they have in memory (FrameWindow::newest_first): the only
/// one that has positive strides, and some frameworks know no others.
[[nodiscard]] TensorMemory memory_of(const FrameWindow& window, FrameAxis axis) noexcept;

/// The same through private memory, where writing does no harm.
[[nodiscard]] TensorMemory memory_of(const PrivateWindow& window, FrameAxis axis) noexcept;

}  // namespace tensor_ipc::dlpack
