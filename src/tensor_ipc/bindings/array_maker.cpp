#include "tensor_ipc/bindings/array_maker.hpp"

#include <algorithm>

namespace tensor_ipc::bindings {

namespace {

/// Frames that cannot be one array, in the order that was asked for. What is missing is the oldest
/// once more, or a frame without rows.
/// @param view_at  the array over the frame of an age
/// @param copy_of  an array of one's own of a layout, made from bytes
template <typename ViewAt, typename CopyOf>
nb::list list_of(const FrameWindow& window, const ArrayRequest& request, const ViewAt& view_at,
                 const CopyOf& copy_of)
{
    const PoolMetadata& metadata = window.metadata();
    const std::uint32_t frames = request.frames_of(window);
    nb::list made;
    for (std::uint32_t place = 0; place < frames; ++place) {
        std::uint32_t age = request.latest_first ? place : frames - 1 - place;
        if (age >= window.count() && request.padding == Padding::Zero) {
            made.append(copy_of(frame_layout(metadata, 0), std::span<const std::byte>()));
            continue;
        }
        age = std::min(age, window.count() - 1);
        if (request.copy) {
            const std::uint64_t extent = window.info_at(age).extent;
            made.append(copy_of(frame_layout(metadata, extent), window.bytes(age)));
        } else {
            made.append(view_at(age));
        }
    }
    return made;
}

}  // namespace

ArrayMaker::ArrayMaker(const PoolMetadata& metadata, TorchViews torch_views)
    : metadata_(metadata), torch_views_(torch_views), is_torch_(metadata.backend == "torch")
{
    if (!is_torch_) {
        static_cast<void>(numpy_dtype());
    }
}

nb::handle ArrayMaker::numpy_dtype()
{
    if (!numpy_dtype_.is_valid()) {
        numpy_dtype_ = bindings::numpy_dtype(metadata_.dtype);
    }
    return numpy_dtype_;
}

const TorchDtype& ArrayMaker::torch_dtype()
{
    if (!torch_dtype_) {
        torch_dtype_ = Torch::get().dtype(metadata_.dtype);
    }
    return *torch_dtype_;
}

nb::object ArrayMaker::numpy(FrameWindow window, const ArrayRequest& request)
{
    if (metadata_.varying_extent && request.frames > 1) {
        return numpy_list(std::make_shared<const FrameWindow>(std::move(window)), request);
    }
    return array_of(std::move(window), numpy_dtype(), request);
}

nb::object ArrayMaker::native(FrameWindow window, const ArrayRequest& request)
{
    if (!is_torch_) {
        return numpy(std::move(window), request);
    }
    if (metadata_.varying_extent && request.frames > 1) {
        return native_list(std::make_shared<const FrameWindow>(std::move(window)), request);
    }
    if (request.wants_copy(window)) {
        return tensor_copy(window, torch_dtype(), request);
    }
    const auto axis = request.frames > 1 ? dlpack::FrameAxis::First : dlpack::FrameAxis::None;
    if (!dlpack::is_order_in_memory(window, {axis, request.latest_first})) {
        return reordered_tensor(window, request);
    }
    return tensor_over(std::make_shared<const FrameWindow>(std::move(window)), torch_dtype(),
                       torch_views_, axis);
}

nb::object ArrayMaker::native_over(std::shared_ptr<const FrameWindow> window,
                                   dlpack::FrameOrder order)
{
    if (metadata_.varying_extent && order.axis == dlpack::FrameAxis::First) {
        return native_list(window, {window->count(), order.latest_first});
    }
    if (!is_torch_) {
        return array_over(std::move(window), numpy_dtype(), order);
    }
    if (!dlpack::is_order_in_memory(*window, order)) {
        return reordered_tensor(*window, {window->count(), order.latest_first});
    }
    return tensor_over(std::move(window), torch_dtype(), torch_views_, order.axis);
}

nb::list ArrayMaker::numpy_list(const std::shared_ptr<const FrameWindow>& window,
                                const ArrayRequest& request)
{
    const nb::handle dtype = numpy_dtype();
    return list_of(
        *window, request, [&](std::uint32_t age) { return frame_over(window, age, dtype); },
        [&](const StridedLayout& layout, std::span<const std::byte> bytes) {
            return array_from(layout, dtype, bytes);
        });
}

nb::list ArrayMaker::native_list(const std::shared_ptr<const FrameWindow>& window,
                                 const ArrayRequest& request)
{
    if (!is_torch_) {
        return numpy_list(window, request);
    }
    const FrameTensors tensors(window, torch_dtype(), torch_views_);
    return list_of(
        *window, request, [&](std::uint32_t age) { return tensors.at(age); },
        [&](const StridedLayout& layout, std::span<const std::byte> bytes) {
            return new_tensor(layout, metadata_.dtype, torch_dtype(), bytes);
        });
}

nb::object ArrayMaker::reordered_tensor(const FrameWindow& window, const ArrayRequest& request)
{
    if (!window.copied()) {  // else it is counted already
        reordered_.frames += window.count();
        reordered_.bytes += window.count() * window.bytes().size();
    }
    return tensor_copy(window, torch_dtype(), request);
}

nb::object ArrayMaker::writable(const Loan& loan, nb::object owner)
{
    if (is_torch_) {
        return writable_tensor(loan, metadata_, torch_dtype());
    }
    return writable_array(loan, metadata_, numpy_dtype(), std::move(owner));
}

}  // namespace tensor_ipc::bindings
