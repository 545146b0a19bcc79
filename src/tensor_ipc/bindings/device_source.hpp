/// An array in GPU memory on its way into a pool: torch's, or whatever speaks DLPack or
/// `__cuda_array_interface__` (CuPy, JAX, Numba).
#pragma once

#include <optional>

#include "tensor_ipc/bindings/dlpack_capsule.hpp"
#include "tensor_ipc/bindings/stream_argument.hpp"

namespace tensor_ipc::bindings {

/// Where its elements are, and on which stream they are ready. Holds what keeps them: a reference,
/// and a DLPack tensor where it was had by that. Move-only.
class DeviceSource {
public:
    /// @param stream  the stream that the data is ready on, when the caller names one
    /// @return nothing for what does not lie in the memory of a GPU
    /// @throws whatever the array raises when it is asked, TypeError for elements that no pool can
    ///         hold
    static std::optional<DeviceSource> from(nb::handle data,
                                            std::optional<cuda::StreamHandle> stream);

    [[nodiscard]] const ForeignMemory& memory() const noexcept { return memory_; }

    /// The work on `memory()` was asked of this stream before now, and its owner's next will be.
    [[nodiscard]] cuda::StreamHandle stream() const noexcept { return stream_; }

    /// Whether the framework, told of the death of its array now, hands the memory to others only
    /// in the order of `stream()`. Else this has to live until the memory was read.
    [[nodiscard]] bool frees_in_stream_order() const noexcept { return frees_in_stream_order_; }

private:
    DeviceSource(const ForeignMemory& memory, cuda::StreamHandle stream, nb::handle object);

    static DeviceSource of_torch(nb::handle tensor, std::optional<cuda::StreamHandle> stream);

    ForeignMemory memory_;
    cuda::StreamHandle stream_;
    bool frees_in_stream_order_ = false;
    nb::object object_;
    std::optional<TakenTensor> taken_;
};

/// `(shape, name of the dtype, ordinal of the GPU)` of an array in GPU memory; None for others.
nb::object describe_device_array(nb::handle data);

}  // namespace tensor_ipc::bindings
