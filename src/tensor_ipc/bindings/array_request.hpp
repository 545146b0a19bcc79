/// What a caller of get() asked for, and owned copies that answer it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "tensor_ipc/bindings/bindings.hpp"
#include "tensor_ipc/dlpack/frames.hpp"
#include "tensor_ipc/tensor/strided_layout.hpp"

namespace tensor_ipc::bindings {

/// What to do when there are fewer frames than asked for.
enum class Padding : std::uint8_t {
    None,    ///< return the frames there are
    Repeat,  ///< repeat the oldest
    Zero,    ///< fill with zeros
};

/// How a window becomes an array.
struct ArrayRequest {
    std::uint32_t frames = 1;  ///< asked for; 1 gives an array without a frame axis
    bool latest_first = true;
    bool copy = false;
    Padding padding = Padding::None;

    /// Whether only a copy can be the answer, because it was asked for or has to be padded.
    [[nodiscard]] bool wants_copy(const FrameWindow& window) const noexcept
    {
        return copy || (padding != Padding::None && window.count() < frames);
    }

    /// Frames in the answer.
    [[nodiscard]] std::uint32_t frames_of(const FrameWindow& window) const noexcept
    {
        return padding == Padding::None ? window.count() : frames;
    }
};

/// All frames of a window, in that order.
[[nodiscard]] ArrayRequest request_of(const FrameWindow& window, dlpack::FrameOrder order);

/// Below this a copy takes less time than letting go of the GIL and getting it back.
inline constexpr std::size_t kBytesWorthTheGil = 32UL * 1024UL;

/// Copies; without the GIL when it is worth it.
void copy_bytes(std::span<const std::byte> from, std::byte* into);

/// The bytes of one frame on the host, where they are or in a copy from a device.
class HostBytes {
public:
    HostBytes(const FrameWindow& window, std::uint32_t age);

    [[nodiscard]] std::span<const std::byte> span() const noexcept { return span_; }

private:
    std::vector<std::byte> owned_;
    std::span<const std::byte> span_;
};

/// The answer in one piece: the layout of `frames_of` frames without gaps.
[[nodiscard]] StridedLayout layout_of_copy(const FrameWindow& window, const ArrayRequest& request);

/// Writes that answer to `into`, from wherever the frames lie; without the GIL when it is worth it.
/// @throws CudaError when the device refuses
void copy_frames(const FrameWindow& window, const ArrayRequest& request, std::byte* into);

}  // namespace tensor_ipc::bindings
