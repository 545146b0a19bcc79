/// Arrays in GPU memory as Python holds them, for whichever framework takes them.
#pragma once

#include <memory>
#include <vector>

#include "tensor_ipc/bindings/dlpack_capsule.hpp"
#include "tensor_ipc/bindings/stream_argument.hpp"
#include "tensor_ipc/dlpack/dlpack.hpp"

namespace tensor_ipc::bindings {

/// The arguments of `__dlpack__`, as the Python array API standard has them.
struct DlpackArguments {
    nb::handle stream;
    nb::handle max_version;
    nb::handle dl_device;
    nb::handle copy;

    /// Whether the caller knows DLPack 1.0, which can say that memory is read-only.
    [[nodiscard]] bool versioned() const;

    /// Whether the data is asked for on the host, wherever it lies.
    [[nodiscard]] bool on_host() const;
};

/// Refuses what asks for another device than that of the memory, or for a copy.
/// @return the stream to record; nothing when the caller keeps the order by itself
std::optional<cuda::StreamHandle> check_device_request(const DlpackArguments& asked,
                                                       std::int32_t ordinal);

/// A capsule over frames on a device, which keeps them.
/// @throws BufferError for callers that cannot be told that they are read-only, where the device
/// does
///         not see to it
nb::object device_capsule(const std::shared_ptr<const FrameWindow>& window,
                          const dlpack::TensorMemory& memory, const DlpackArguments& asked);

/// `__cuda_array_interface__`, version 3. The data is complete, so no stream is named.
nb::dict cuda_array_interface(const dlpack::TensorMemory& memory, bool read_only);

/// A slot on loan as the arrays over it see it. The streams that it was handed to are waited for
/// when it is published.
struct LoanedMemory {
    std::shared_ptr<const void> memory;  ///< keeps it
    std::vector<cuda::StreamHandle> streams;
};

/// tensor_ipc.DeviceArray: frames, or a slot on loan, in the memory of a GPU.
class DeviceArrayFace {
public:
    /// The frames of a window in that order.
    DeviceArrayFace(std::shared_ptr<const FrameWindow> window, dlpack::FrameOrder order)
        : window_(std::move(window)), order_(order)
    {
    }

    /// One frame of a window.
    DeviceArrayFace(std::shared_ptr<const FrameWindow> window, std::uint32_t age)
        : window_(std::move(window)), age_(age)
    {
    }

    DeviceArrayFace(std::shared_ptr<LoanedMemory> loan, const dlpack::TensorMemory& memory)
        : loan_(std::move(loan)), loaned_(memory)
    {
    }

    [[nodiscard]] StridedLayout layout() const;
    [[nodiscard]] DType dtype() const;
    [[nodiscard]] std::int32_t ordinal() const;

    [[nodiscard]] nb::object to_dlpack(const DlpackArguments& asked) const;
    [[nodiscard]] nb::dict interface() const;

    /// Names a stream that works with the memory.
    void record_stream(nb::handle stream) const;

    /// Lets go of the frames. What was made of this keeps them.
    void release(nb::handle stream);

private:
    void require_held() const;

    /// Asks for the address, which counts as handing it out.
    [[nodiscard]] dlpack::TensorMemory memory() const;

    std::shared_ptr<const FrameWindow> window_;
    std::optional<dlpack::FrameOrder> order_;
    std::uint32_t age_ = 0;
    std::shared_ptr<LoanedMemory> loan_;
    dlpack::TensorMemory loaned_;
};

}  // namespace tensor_ipc::bindings
