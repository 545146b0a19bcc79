#include "tensor_ipc/dlpack/frames.hpp"

namespace tensor_ipc::dlpack {

namespace {

StridedLayout layout_of(const FrameWindow& window, FrameAxis axis) noexcept
{
    return axis == FrameAxis::None
               ? frame_layout(window.metadata())
               : frames_layout(window.metadata(), window.count(),
                               static_cast<std::int64_t>(window.stride_bytes()));
}

std::uint32_t lowest_age(const FrameWindow& window) noexcept
{
    return window.newest_first() ? 0 : window.count() - 1;
}

}  // namespace

TensorMemory memory_of(const FrameWindow& window, FrameAxis axis) noexcept
{
    // Whoever gets it is told that it is read-only; DLPack has no pointer to const.
    auto* data = const_cast<std::byte*>(window.bytes(lowest_age(window)).data());
    return {data, window.metadata().dtype, layout_of(window, axis)};
}

TensorMemory memory_of(const PrivateWindow& window, FrameAxis axis) noexcept
{
    return {window.bytes(lowest_age(window.window())).data(), window.window().metadata().dtype,
            layout_of(window.window(), axis)};
}

}  // namespace tensor_ipc::dlpack
