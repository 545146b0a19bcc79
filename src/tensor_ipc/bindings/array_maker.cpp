#include "tensor_ipc/bindings/array_maker.hpp"

namespace tensor_ipc::bindings {

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
    return array_of(std::move(window), numpy_dtype(), request);
}

nb::object ArrayMaker::native(FrameWindow window, const ArrayRequest& request)
{
    if (!is_torch_) {
        return numpy(std::move(window), request);
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
    if (!is_torch_) {
        return array_over(std::move(window), numpy_dtype(), order);
    }
    if (!dlpack::is_order_in_memory(*window, order)) {
        return reordered_tensor(*window, {window->count(), order.latest_first});
    }
    return tensor_over(std::move(window), torch_dtype(), torch_views_, order.axis);
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
    return writable_array(loan.bytes(), metadata_.shape, numpy_dtype(), std::move(owner));
}

}  // namespace tensor_ipc::bindings
