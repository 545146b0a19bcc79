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
            made.append(copy_of(frame_layout(metadata, extent), HostBytes(window, age).span()));
        } else {
            made.append(view_at(age));
        }
    }
    return made;
}

}  // namespace

ArrayMaker::ArrayMaker(const PoolMetadata& metadata, TorchViews torch_views)
    : metadata_(metadata),
      torch_views_(torch_views),
      is_torch_(metadata.backend == "torch" || metadata.backend == "torch_cuda"),
      is_on_device_(metadata.device.starts_with("cuda"))
{
    if (!is_torch_ && !is_on_device_) {
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

nb::object ArrayMaker::numpy(FrameWindow window, ArrayRequest request)
{
    request.copy = request.copy || window.on_device();
    if (metadata_.varying_extent && request.frames > 1) {
        return numpy_list(std::make_shared<const FrameWindow>(std::move(window)), request);
    }
    return array_of(std::move(window), numpy_dtype(), request);
}

nb::object ArrayMaker::native(FrameWindow window, const ArrayRequest& request)
{
    if (window.on_device()) {
        return on_device(std::make_shared<const FrameWindow>(std::move(window)), request);
    }
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

nb::object ArrayMaker::on_device(std::shared_ptr<const FrameWindow> window,
                                 const ArrayRequest& request)
{
    if (request.padding != Padding::None) {
        refuse(PyExc_ValueError,
               "pad: the frames lie in the memory of a GPU, where none is made "
               "of nothing: use pad=None, or get(as_numpy=True)");
    }
    if (request.copy && !is_torch_) {
        refuse(PyExc_ValueError,
               "copy: the frames lie in the memory of a GPU: copy the array "
               "with your framework, or use get(as_numpy=True)");
    }
    const auto axis = request.frames > 1 ? dlpack::FrameAxis::First : dlpack::FrameAxis::None;
    const nb::object view = native_on_device(std::move(window), {axis, request.latest_first});
    if (!request.copy) {
        return view;
    }
    if (!nb::isinstance<nb::list>(view)) {
        return view.attr("clone")();
    }
    nb::list copies;
    for (const nb::handle tensor : nb::borrow<nb::list>(view)) {
        copies.append(tensor.attr("clone")());
    }
    return copies;
}

nb::object ArrayMaker::native_on_device(std::shared_ptr<const FrameWindow> window,
                                        dlpack::FrameOrder order)
{
    if (is_torch_) {
        window->record_stream(Torch::get().current_stream(window->device().ordinal));
    }
    if (metadata_.varying_extent && order.axis == dlpack::FrameAxis::First) {
        nb::list made;
        for (std::uint32_t place = 0; place < window->count(); ++place) {
            const std::uint32_t age = order.latest_first ? place : window->count() - 1 - place;
            if (is_torch_) {
                made.append(Torch::get().tensor(dlpack::memory_of_frame(*window, age),
                                                torch_dtype(), window));
            } else {
                made.append(DeviceArrayFace(window, age));
            }
        }
        return made;
    }
    if (!is_torch_) {
        return nb::cast(DeviceArrayFace(std::move(window), order));
    }
    if (dlpack::is_order_in_memory(*window, order)) {
        const dlpack::TensorMemory memory = dlpack::memory_of(*window, order);
        return Torch::get().tensor(memory, torch_dtype(), std::move(window));
    }
    count_reordered(*window);
    order.latest_first = !order.latest_first;
    const dlpack::TensorMemory memory = dlpack::memory_of(*window, order);
    return Torch::get().tensor(memory, torch_dtype(), std::move(window)).attr("flip")(0);
}

nb::object ArrayMaker::native_over(std::shared_ptr<const FrameWindow> window,
                                   dlpack::FrameOrder order)
{
    if (window->on_device()) {
        return native_on_device(std::move(window), order);
    }
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

nb::object ArrayMaker::numpy_over(std::shared_ptr<const FrameWindow> window,
                                  dlpack::FrameOrder order)
{
    if (metadata_.varying_extent && order.axis == dlpack::FrameAxis::First) {
        return numpy_list(window, {window->count(), order.latest_first, window->on_device()});
    }
    if (window->on_device()) {
        return array_copy(*window, numpy_dtype(), order);
    }
    return array_over(std::move(window), numpy_dtype(), order);
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
    count_reordered(window);
    return tensor_copy(window, torch_dtype(), request);
}

void ArrayMaker::count_reordered(const FrameWindow& window)
{
    if (!window.copied()) {  // else it is counted already
        reordered_.frames += window.count();
        reordered_.bytes += window.count() * window.payload_bytes();
    }
}

nb::object ArrayMaker::writable(const CudaLoan& loan, const cuda::Device& device,
                                const std::shared_ptr<LoanedMemory>& kept)
{
    // NOLINTNEXTLINE(performance-no-int-to-ptr): what CUDA's own pointers are
    const dlpack::TensorMemory memory{reinterpret_cast<std::byte*>(loan.address()),
                                      metadata_.dtype,
                                      frame_layout(metadata_, loan.extent()),
                                      {dlpack::kDLCUDA, device.ordinal}};
    if (is_torch_) {
        return Torch::get().tensor(memory, torch_dtype(), kept->memory);
    }
    return nb::cast(DeviceArrayFace(kept, memory));
}

nb::object ArrayMaker::writable(const Loan& loan, nb::object owner)
{
    if (is_torch_) {
        return writable_tensor(loan, metadata_, torch_dtype());
    }
    return writable_array(loan, metadata_, numpy_dtype(), std::move(owner));
}

}  // namespace tensor_ipc::bindings
