/// Frames as NumPy arrays.
#pragma once

#include <cstdint>
#include <span>

#include "tensor_ipc/bindings/bindings.hpp"

namespace tensor_ipc::bindings {

/// Loads NumPy's C API; once, at import.
bool import_numpy();

/// The NumPy dtype of that element type, from tensor_ipc.core.dtypes: an ml_dtypes one where
/// needed.
nb::object numpy_dtype(DType dtype);

/// What to do when there are fewer frames than asked for.
enum class Padding : std::uint8_t {
    None,    ///< return the frames there are
    Repeat,  ///< repeat the oldest
    Zero,    ///< fill with zeros
};

/// How a window becomes an array.
struct ArrayRequest {
    std::uint32_t frames = 1;  ///< asked for; 1 gives an array without a frame axis
    bool latest_first = true;
    bool copy = false;
    Padding padding = Padding::None;
};

/// A read-only array over the window, which it owns from then on, or an owned, writable copy.
nb::object array_of(FrameWindow window, nb::handle dtype, const ArrayRequest& request);

/// A writable array over a loan. `owner` keeps the memory mapped.
nb::object writable_array(std::span<std::byte> bytes, const Shape& shape, nb::handle dtype,
                          nb::object owner);

/// An array that may be put: checked for type, shape and dtype. Holds a reference.
class SourceArray {
public:
    /// @throws TypeError, ValueError naming what was expected and what was found
    SourceArray(nb::handle data, const PoolMetadata& metadata, nb::handle dtype);

    /// Copies into `into`; without the GIL when it lies in one piece and is worth it.
    void copy_to(std::span<std::byte> into, const PoolMetadata& metadata, nb::handle dtype) const;

private:
    nb::object array_;
};

}  // namespace tensor_ipc::bindings
