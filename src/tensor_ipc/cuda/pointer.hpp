/// What an address that a user hands us is.
#pragma once

#include <optional>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/cuda/driver.hpp"

namespace tensor_ipc::cuda {

struct PointerFacts {
    MemoryType type = MemoryType::Host;
    int device_ordinal = 0;  ///< where it was allocated, or registered
};

/// @return nothing for memory that CUDA knows nothing of, which is ordinary host memory
[[nodiscard]] Result<std::optional<PointerFacts>> facts_of(const Driver& driver,
                                                           DevicePointer address);

}  // namespace tensor_ipc::cuda
