/// Elements of another framework's array, described so that they can be checked and copied.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tensor_ipc/bindings/bindings.hpp"
#include "tensor_ipc/dlpack/abi.hpp"
#include "tensor_ipc/tensor/strided_layout.hpp"

namespace tensor_ipc::bindings {

/// Does not own the elements.
struct ForeignMemory {
    const std::byte* data = nullptr;
    DType dtype;
    StridedLayout layout;
    std::int32_t device_type = dlpack::kDLCPU;
    std::int32_t device_id = 0;
    bool as_is = true;  ///< the bytes are the values; else only the framework can copy them

    /// @throws ValueError for more dimensions than a frame can have
    explicit ForeignMemory(const dlpack::DLTensor& tensor);

    /// @param strides  in bytes
    ForeignMemory(std::uintptr_t address, const std::string& dtype_text,
                  const std::vector<std::int64_t>& extents,
                  const std::vector<std::int64_t>& strides);

    /// Whether host code may read it.
    [[nodiscard]] bool is_on_host() const noexcept;

    /// Whether the CUDA device `device_id` may read it.
    [[nodiscard]] bool is_on_cuda() const noexcept;

    /// Whether copying the bytes from `data` on copies the values, in C order.
    [[nodiscard]] bool is_plain() const noexcept
    {
        return as_is && is_contiguous(layout, dtype.item_bytes());
    }

    /// The first of its extents; 1 for a scalar.
    [[nodiscard]] std::uint64_t extent() const noexcept
    {
        return layout.dimensions == 0 ? 1 : static_cast<std::uint64_t>(layout.extents[0]);
    }

    [[nodiscard]] std::string shape_text() const;
    [[nodiscard]] std::string device_text() const;
};

/// Whether a frame of that pool may have these extents.
bool takes_shape(const PoolMetadata& pool, std::span<const std::int64_t> extents);

/// Says what a pool takes, and what came. `kind` is the class of the data.
/// @throws TypeError for data elsewhere than on the host, or another dtype, ValueError for another
///         shape
void require_match(const ForeignMemory& found, const PoolMetadata& expected,
                   const std::string& kind);

/// The same but for the place.
void require_elements(const ForeignMemory& found, const PoolMetadata& expected);

}  // namespace tensor_ipc::bindings
