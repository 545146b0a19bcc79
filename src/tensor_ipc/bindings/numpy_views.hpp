/// Frames as NumPy arrays.
#pragma once

#include <memory>
#include <span>

#include "tensor_ipc/bindings/array_request.hpp"
#include "tensor_ipc/dlpack/frames.hpp"

namespace tensor_ipc::bindings {

/// Loads NumPy's C API; once, at import.
bool import_numpy();

/// The NumPy dtype of that element type, from tensor_ipc.core.dtypes: an ml_dtypes one where
/// needed.
nb::object numpy_dtype(DType dtype);

/// A read-only array over the window, which it owns from then on, or an owned, writable copy.
nb::object array_of(FrameWindow window, nb::handle dtype, const ArrayRequest& request);

/// A read-only array over a window that others may hold too.
nb::object array_over(std::shared_ptr<const FrameWindow> window, nb::handle dtype,
                      dlpack::FrameOrder order);

/// A writable array over a loan. `owner` keeps the memory mapped.
nb::object writable_array(std::span<std::byte> bytes, const Shape& shape, nb::handle dtype,
                          nb::object owner);

}  // namespace tensor_ipc::bindings
