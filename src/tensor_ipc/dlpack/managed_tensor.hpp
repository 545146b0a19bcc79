/// Hands memory over as a DLPack tensor that keeps its owner.
#pragma once

#include <utility>

#include "tensor_ipc/dlpack/abi.hpp"
#include "tensor_ipc/tensor/strided_layout.hpp"

namespace tensor_ipc::dlpack {

/// Memory, and what lies in it.
struct TensorMemory {
    std::byte* data = nullptr;
    DType dtype;
    StridedLayout layout;  ///< strides that are multiples of the element's size
    DLDevice device{kDLCPU, 0};
};

namespace detail {

/// The tensor, the arrays that it points to, and what keeps its memory. Deleted by the deleter that
/// it carries, which needs no GIL and may run in any thread.
template <typename Managed, typename Owner>
struct Package {
    Managed managed;
    StridedLayout layout;
    Owner owner;

    Package(const TensorMemory& memory, Owner kept) noexcept
        : managed{}, layout(memory.layout), owner(std::move(kept))
    {
        for (std::uint32_t i = 0; i < layout.dimensions; ++i) {
            layout.strides[i] /= memory.dtype.item_bytes();
        }
        managed.dl_tensor = {memory.data,
                             memory.device,
                             static_cast<std::int32_t>(layout.dimensions),
                             {memory.dtype.code, memory.dtype.bits, memory.dtype.lanes},
                             layout.extents.data(),
                             layout.strides.data(),
                             0};
        managed.manager_ctx = this;
        managed.deleter = [](Managed* self) {
            delete static_cast<Package*>(self->manager_ctx);  // NOLINT(*-owning-memory)
        };
    }
};

}  // namespace detail

/// @param owner  keeps the memory; destroyed with the tensor
/// @param flags  kReadOnly, kIsCopied
/// @return to be given to somebody, or deleted by its deleter
template <typename Owner>
[[nodiscard]] DLManagedTensorVersioned* make_versioned(const TensorMemory& memory, Owner owner,
                                                       std::uint64_t flags)
{
    using Made = detail::Package<DLManagedTensorVersioned, Owner>;
    auto* made = new Made(memory, std::move(owner));  // NOLINT(*-owning-memory)
    made->managed.version = kVersion;
    made->managed.flags = flags;
    return &made->managed;
}

/// The same for those who know only what was before version 1.0.
template <typename Owner>
[[nodiscard]] DLManagedTensor* make_unversioned(const TensorMemory& memory, Owner owner)
{
    using Made = detail::Package<DLManagedTensor, Owner>;
    return &(new Made(memory, std::move(owner)))->managed;  // NOLINT(*-owning-memory)
}

}  // namespace tensor_ipc::dlpack
