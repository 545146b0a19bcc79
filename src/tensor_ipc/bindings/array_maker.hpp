/// Which kind of array the frames of one pool become.
#pragma once

#include <optional>

#include "tensor_ipc/bindings/device_array.hpp"
#include "tensor_ipc/bindings/numpy_views.hpp"
#include "tensor_ipc/bindings/torch.hpp"

namespace tensor_ipc::bindings {

/// Makes arrays of one pool's frames: NumPy's, or those of the pool's own framework. NumPy arrays
/// of frames on a device are copies.
class ArrayMaker {
public:
    /// @throws TypeError, MissingFrameworkError when the pool's frames cannot become arrays here
    ArrayMaker(const PoolMetadata& metadata, TorchViews torch_views);

    /// One array; of several frames of varying extent a list of arrays.
    /// @throws TypeError when NumPy has no such dtype
    nb::object numpy(FrameWindow window, ArrayRequest request);

    /// The same as the pool's backend has it.
    nb::object native(FrameWindow window, const ArrayRequest& request);

    /// As `native`, over a window that others may hold too.
    nb::object native_over(std::shared_ptr<const FrameWindow> window, dlpack::FrameOrder order);

    /// As `numpy`, over a window that others may hold too.
    nb::object numpy_over(std::shared_ptr<const FrameWindow> window, dlpack::FrameOrder order);

    /// A writable array over a loan. `owner` keeps a NumPy array's memory.
    nb::object writable(const Loan& loan, nb::object owner);

    /// The same over a loan on `device`, which `kept` keeps and which it is told of streams by.
    nb::object writable(const CudaLoan& loan, const cuda::Device& device,
                        const std::shared_ptr<LoanedMemory>& kept);

    /// @throws TypeError when NumPy has no such dtype
    [[nodiscard]] nb::handle numpy_dtype();

    /// @throws MissingFrameworkError, TypeError when this torch has no such dtype
    [[nodiscard]] const TorchDtype& torch_dtype();

    [[nodiscard]] bool is_torch() const noexcept { return is_torch_; }

    [[nodiscard]] bool is_on_device() const noexcept { return is_on_device_; }

    [[nodiscard]] TorchViews torch_views() const noexcept { return torch_views_; }

    [[nodiscard]] const PoolMetadata& metadata() const noexcept { return metadata_; }

    /// Copies that were necessary because torch has no negative strides.
    struct Reordered {
        std::uint64_t frames = 0;
        std::uint64_t bytes = 0;
    };

    [[nodiscard]] const Reordered& reordered() const noexcept { return reordered_; }

private:
    nb::list numpy_list(const std::shared_ptr<const FrameWindow>& window,
                        const ArrayRequest& request);
    nb::list native_list(const std::shared_ptr<const FrameWindow>& window,
                         const ArrayRequest& request);
    nb::object on_device(std::shared_ptr<const FrameWindow> window, const ArrayRequest& request);
    nb::object native_on_device(std::shared_ptr<const FrameWindow> window,
                                dlpack::FrameOrder order);
    void count_reordered(const FrameWindow& window);
    nb::object reordered_tensor(const FrameWindow& window, const ArrayRequest& request);

    PoolMetadata metadata_;
    TorchViews torch_views_;
    bool is_torch_;
    bool is_on_device_;
    nb::object numpy_dtype_;
    std::optional<TorchDtype> torch_dtype_;
    Reordered reordered_;
};

}  // namespace tensor_ipc::bindings
