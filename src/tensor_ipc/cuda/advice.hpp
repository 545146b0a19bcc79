/// What a refusal of the driver means for whoever shares device memory between processes, and what
/// to do about it.
#pragma once

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/cuda/driver_abi.hpp"

namespace tensor_ipc::cuda {

struct Advice {
    ErrorCode code;
    const char* text;  ///< may be empty
};

/// The most particular advice there is for `status` of `entry_point`.
[[nodiscard]] Advice advice_for(const char* entry_point, Status status) noexcept;

}  // namespace tensor_ipc::cuda
