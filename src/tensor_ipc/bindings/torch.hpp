/// Frames as torch tensors, without linking torch: by the C functions that torch offers from 2.10
/// on, else by DLPack capsules.
#pragma once

#include <memory>
#include <span>

#include "tensor_ipc/bindings/array_request.hpp"
#include "tensor_ipc/bindings/foreign_memory.hpp"
#include "tensor_ipc/bindings/stream_argument.hpp"
#include "tensor_ipc/dlpack/dlpack.hpp"

namespace tensor_ipc::bindings {

/// An element type as this torch can be told of it.
struct TorchDtype {
    DType carrier;       ///< what DLPack says
    nb::object view_as;  ///< the torch dtype to view that as; null when it is that already
};

/// torch, imported at the first use.
class Torch {
public:
    /// @throws MissingFrameworkError when torch cannot be imported
    static Torch& get();

    /// Whether `object` is a torch tensor. Does not import torch: before that nothing is one.
    static bool is_tensor(nb::handle object);

    /// Whether a tensor lies in the memory of an NVIDIA GPU.
    static bool is_on_cuda(nb::handle tensor);

    Torch(const Torch&) = delete;
    Torch& operator=(const Torch&) = delete;

    /// @throws TypeError when this torch has no such dtype
    [[nodiscard]] TorchDtype dtype(DType dtype) const;

    /// A tensor over memory that `owner` keeps, and that the tensor's user may write to.
    template <typename Owner>
    nb::object tensor(dlpack::TensorMemory memory, const TorchDtype& dtype, Owner owner) const
    {
        memory.dtype = dtype.carrier;
        nb::object made = exchange_ != nullptr
                              ? imported(dlpack::make_versioned(memory, std::move(owner), 0))
                              : imported(dlpack::make_unversioned(memory, std::move(owner)));
        return dtype.view_as.is_valid() ? nb::object(made.attr("view")(dtype.view_as)) : made;
    }

    /// Where a tensor's elements are.
    /// @throws TypeError saying why for one that has no plain elements in host memory or that of a
    ///         GPU
    [[nodiscard]] ForeignMemory memory_of(nb::handle tensor) const;

    /// The stream of this thread that torch asks for work now. No call of CUDA.
    [[nodiscard]] cuda::StreamHandle current_stream(std::int32_t device) const;

    /// Copies any strides, and what torch has put off (conjugates, signs). Lets other threads run.
    static void copy(nb::handle into, nb::handle from);

private:
    Torch();

    [[nodiscard]] nb::object imported(dlpack::DLManagedTensorVersioned* managed) const;
    [[nodiscard]] nb::object imported(dlpack::DLManagedTensor* managed) const;
    [[nodiscard]] bool reads_as(DType carrier, nb::handle torch_dtype) const;

    nb::module_ module_;
    nb::object from_dlpack_;
    const dlpack::DLPackExchangeAPI* exchange_ = nullptr;
};

/// How get() makes tensors of one consumer's frames.
enum class TorchViews : std::uint8_t {
    Private,   ///< writing is safe and stays private; dropping the tensor looks for written pages
    ReadOnly,  ///< the pool's own memory: writing to it ends the process
};

/// A tensor over a window that others may hold too, in the order it has in memory.
nb::object tensor_over(std::shared_ptr<const FrameWindow> window, const TorchDtype& dtype,
                       TorchViews views, dlpack::FrameAxis axis);

/// A tensor of one's own, in one piece.
nb::object tensor_copy(const FrameWindow& window, const TorchDtype& dtype,
                       const ArrayRequest& request);

/// The frames of a window as tensors of their own, which share the memory that keeps them.
class FrameTensors {
public:
    FrameTensors(std::shared_ptr<const FrameWindow> window, const TorchDtype& dtype,
                 TorchViews views);

    [[nodiscard]] nb::object at(std::uint32_t age) const;

private:
    std::shared_ptr<const FrameWindow> window_;
    std::shared_ptr<const PrivateWindow> private_;  ///< null for read-only views
    const TorchDtype* dtype_;
};

/// A tensor of one's own that begins with a copy of `bytes`, which `layout` is as large as.
nb::object new_tensor(const StridedLayout& layout, DType dtype, const TorchDtype& torch_dtype,
                      std::span<const std::byte> bytes);

/// A writable tensor over host memory that the caller keeps for as long as the tensor lives.
nb::object tensor_on(std::span<std::byte> bytes, std::uint64_t extent, const PoolMetadata& metadata,
                     const TorchDtype& dtype);

/// A writable tensor over a loan, which stays mapped as long as the tensor lives.
nb::object writable_tensor(const Loan& loan, const PoolMetadata& metadata, const TorchDtype& dtype);

}  // namespace tensor_ipc::bindings
