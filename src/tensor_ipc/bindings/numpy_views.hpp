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

/// An array of one's own with the frames of a window.
nb::object array_copy(const FrameWindow& window, nb::handle dtype, dlpack::FrameOrder order);

/// A read-only array over one frame of such a window.
nb::object frame_over(std::shared_ptr<const FrameWindow> window, std::uint32_t age,
                      nb::handle dtype);

/// An array of one's own that begins with a copy of `bytes`, which `layout` is as large as.
nb::object array_from(const StridedLayout& layout, nb::handle dtype,
                      std::span<const std::byte> bytes);

/// Ends the writing to an array of NumPy's; slices of it are not reached. Other arrays stay as they
/// are.
void make_read_only(nb::handle array);

/// A writable array over the rows of a loan. `owner` keeps the memory mapped.
nb::object writable_array(const Loan& loan, const PoolMetadata& metadata, nb::handle dtype,
                          nb::object owner);

}  // namespace tensor_ipc::bindings
