/// DLPack tensors in Python capsules: those we give, and those we take.
#pragma once

#include <optional>
#include <utility>

#include "tensor_ipc/bindings/bindings.hpp"
#include "tensor_ipc/bindings/foreign_memory.hpp"
#include "tensor_ipc/dlpack/managed_tensor.hpp"

namespace tensor_ipc::bindings {

/// A capsule that deletes its tensor unless somebody takes it.
nb::object capsule_of(dlpack::DLManagedTensorVersioned* managed);
nb::object capsule_of(dlpack::DLManagedTensor* managed);

/// Where an array says that its elements lie; nothing when it does not speak DLPack.
std::optional<dlpack::DLDevice> dlpack_device_of(nb::handle object);

/// A tensor that was taken from another framework. Gives it back when it dies. Move-only.
class TakenTensor {
public:
    /// Asks `object` for its elements in host memory.
    /// @return nothing when it does not speak DLPack
    /// @throws TypeError when they lie elsewhere, and whatever `object` raises
    static std::optional<TakenTensor> from(nb::handle object);

    /// Asks an object that speaks DLPack for its elements on a CUDA device.
    /// @param stream  which may use them at once
    static TakenTensor on_device(nb::handle object, std::int64_t stream);

    TakenTensor(TakenTensor&& other) noexcept
        : versioned_(std::exchange(other.versioned_, nullptr)),
          unversioned_(std::exchange(other.unversioned_, nullptr))
    {
    }

    TakenTensor& operator=(TakenTensor&& other) noexcept
    {
        std::swap(versioned_, other.versioned_);
        std::swap(unversioned_, other.unversioned_);
        return *this;
    }

    TakenTensor(const TakenTensor&) = delete;
    TakenTensor& operator=(const TakenTensor&) = delete;
    ~TakenTensor();

    [[nodiscard]] const dlpack::DLTensor& tensor() const noexcept
    {
        return versioned_ != nullptr ? versioned_->dl_tensor : unversioned_->dl_tensor;
    }

private:
    explicit TakenTensor(nb::handle capsule);

    dlpack::DLManagedTensorVersioned* versioned_ = nullptr;
    dlpack::DLManagedTensor* unversioned_ = nullptr;
};

}  // namespace tensor_ipc::bindings
