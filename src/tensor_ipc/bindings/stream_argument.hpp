/// CUDA streams as Python code names them.
#pragma once

#include <cstdint>
#include <optional>

#include "tensor_ipc/bindings/bindings.hpp"
#include "tensor_ipc/cuda/driver_abi.hpp"

namespace tensor_ipc::bindings {

/// What DLPack and `__cuda_array_interface__` call the legacy default stream.
inline constexpr std::uintptr_t kLegacyStream = 1;

[[nodiscard]] cuda::StreamHandle stream_handle(std::uintptr_t number) noexcept;

/// The number of a stream in DLPack, where 0 is nobody's.
[[nodiscard]] std::uintptr_t stream_number(cuda::StreamHandle stream) noexcept;

/// The stream that a caller named: its handle as an int, or an object with `cuda_stream` (torch),
/// `ptr` (CuPy) or `__cuda_stream__()` (CUDA's own packages). Nothing for None.
/// @throws TypeError for anything else
[[nodiscard]] std::optional<cuda::StreamHandle> named_stream(nb::handle named);

/// The argument `stream` of `__dlpack__`: None is the legacy default stream; -1, nothing, is none.
/// @throws ValueError for 0 and other numbers that are no stream, BufferError for what is no number
[[nodiscard]] std::optional<cuda::StreamHandle> dlpack_stream(nb::handle argument);

}  // namespace tensor_ipc::bindings
