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
    const std::uint32_t frames = window.count();
    const bool was_copied = window.copied();
    const std::uint64_t frame_bytes = window.bytes().size();
    TensorAnswer answer = tensor_of(std::move(window), torch_dtype(), torch_views_, request);
    if (answer.reordered && !was_copied) {  // one that was is counted already
        reordered_.frames += frames;
        reordered_.bytes += frames * frame_bytes;
    }
    return answer.tensor;
}

nb::object ArrayMaker::native_over(std::shared_ptr<const FrameWindow> window,
                                   dlpack::FrameAxis axis)
{
    if (is_torch_) {
        return tensor_over(std::move(window), torch_dtype(), torch_views_, axis);
    }
    return array_over(std::move(window), numpy_dtype(), axis == dlpack::FrameAxis::First);
}

nb::object ArrayMaker::writable(const Loan& loan, nb::object owner)
{
    if (is_torch_) {
        return writable_tensor(loan, metadata_, torch_dtype());
    }
    return writable_array(loan.bytes(), metadata_.shape, numpy_dtype(), std::move(owner));
}

}  // namespace tensor_ipc::bindings
