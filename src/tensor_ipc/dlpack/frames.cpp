#include "tensor_ipc/dlpack/frames.hpp"

namespace tensor_ipc::dlpack {

namespace {

DLDevice device_of(const FrameWindow& window) noexcept
{
    return window.on_device() ? DLDevice{kDLCUDA, window.device().ordinal} : DLDevice{kDLCPU, 0};
}

std::uint32_t first_age(const FrameWindow& window, FrameOrder order) noexcept
{
    return order.latest_first ? 0 : window.count() - 1;
}

/// Whoever gets it is told that it is read-only; DLPack has no pointer to const.
std::byte* data_of(const FrameWindow& window, std::uint32_t age) noexcept
{
    if (window.on_device()) {
        // NOLINTNEXTLINE(performance-no-int-to-ptr): what CUDA's own pointers are
        return reinterpret_cast<std::byte*>(window.device_address(age));
    }
    return const_cast<std::byte*>(window.bytes(age).data());  // NOLINT(*-const-cast)
}

}  // namespace

bool is_order_in_memory(const FrameWindow& window, FrameOrder order) noexcept
{
    return window.count() == 1 || window.newest_first() == order.latest_first;
}

StridedLayout layout_of(const FrameWindow& window, FrameOrder order) noexcept
{
    if (order.axis == FrameAxis::None) {
        return frame_layout(window.metadata(), window.info().extent);
    }
    const auto stride = static_cast<std::int64_t>(window.on_device() ? window.device_stride_bytes()
                                                                     : window.stride_bytes());
    return frames_layout(window.metadata(), window.count(),
                         is_order_in_memory(window, order) ? stride : -stride);
}

StridedLayout layout_of_frame(const FrameWindow& window, std::uint32_t age) noexcept
{
    return frame_layout(window.metadata(), window.info_at(age).extent);
}

TensorMemory memory_of(const FrameWindow& window, FrameOrder order) noexcept
{
    return {data_of(window, first_age(window, order)), window.metadata().dtype,
            layout_of(window, order), device_of(window)};
}

TensorMemory memory_of(const PrivateWindow& window, FrameOrder order) noexcept
{
    return {window.bytes(first_age(window.window(), order)).data(),
            window.window().metadata().dtype, layout_of(window.window(), order)};
}

TensorMemory memory_of_frame(const FrameWindow& window, std::uint32_t age) noexcept
{
    return {data_of(window, age), window.metadata().dtype, layout_of_frame(window, age),
            device_of(window)};
}

TensorMemory memory_of_frame(const PrivateWindow& window, std::uint32_t age) noexcept
{
    return {window.bytes(age).data(), window.window().metadata().dtype,
            layout_of_frame(window.window(), age)};
}

}  // namespace tensor_ipc::dlpack
