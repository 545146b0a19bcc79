/// Frames as DLPack tensors.
#pragma once

#include <cstdint>

#include "tensor_ipc/dlpack/managed_tensor.hpp"
#include "tensor_ipc/pool/frame.hpp"
#include "tensor_ipc/pool/private_window.hpp"

namespace tensor_ipc::dlpack {

/// Whether there is an axis for the frames in front of a frame's own.
enum class FrameAxis : std::uint8_t { None, First };

/// How several frames follow each other.
struct FrameOrder {
    FrameAxis axis = FrameAxis::None;
    bool latest_first = true;  ///< else oldest first
};

/// Whether that is the order in memory (FrameWindow::newest_first). The other one has a negative
/// stride, which some frameworks know not.
[[nodiscard]] bool is_order_in_memory(const FrameWindow& window, FrameOrder order) noexcept;

/// Shape and strides of the frames of a window where they are; in a pool of varying extent those of
/// one frame without an axis.
[[nodiscard]] StridedLayout layout_of(const FrameWindow& window, FrameOrder order) noexcept;

/// The same of one frame, with its own extent.
[[nodiscard]] StridedLayout layout_of_frame(const FrameWindow& window, std::uint32_t age) noexcept;

/// The frames of a window where they are, on the host or on a device.
[[nodiscard]] TensorMemory memory_of(const FrameWindow& window, FrameOrder order) noexcept;

/// The same through private memory, where writing does no harm.
[[nodiscard]] TensorMemory memory_of(const PrivateWindow& window, FrameOrder order) noexcept;

/// One frame of a window, with its own extent.
[[nodiscard]] TensorMemory memory_of_frame(const FrameWindow& window, std::uint32_t age) noexcept;

/// The same through private memory.
[[nodiscard]] TensorMemory memory_of_frame(const PrivateWindow& window, std::uint32_t age) noexcept;

}  // namespace tensor_ipc::dlpack
