#include "tensor_ipc/dlpack/frames.hpp"

namespace tensor_ipc::dlpack {

namespace {

StridedLayout layout_of(const FrameWindow& window, FrameOrder order) noexcept
{
    if (order.axis == FrameAxis::None) {
        return frame_layout(window.metadata());
    }
    const auto stride = static_cast<std::int64_t>(window.stride_bytes());
    return frames_layout(window.metadata(), window.count(),
                         is_order_in_memory(window, order) ? stride : -stride);
}

std::uint32_t first_age(const FrameWindow& window, FrameOrder order) noexcept
{
    return order.latest_first ? 0 : window.count() - 1;
}

}  // namespace

bool is_order_in_memory(const FrameWindow& window, FrameOrder order) noexcept
{
    return window.count() == 1 || window.newest_first() == order.latest_first;
}

TensorMemory memory_of(const FrameWindow& window, FrameOrder order) noexcept
{
    // Whoever gets it is told that it is read-only; DLPack has no pointer to const.
    auto* data = const_cast<std::byte*>(  // NOLINT(*-const-cast)
        window.bytes(first_age(window, order)).data());
    return {data, window.metadata().dtype, layout_of(window, order)};
}

TensorMemory memory_of(const PrivateWindow& window, FrameOrder order) noexcept
{
    return {window.bytes(first_age(window.window(), order)).data(),
            window.window().metadata().dtype, layout_of(window.window(), order)};
}

}  // namespace tensor_ipc::dlpack
