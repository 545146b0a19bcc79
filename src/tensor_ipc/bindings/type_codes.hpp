/// What Python's own interfaces call an element type.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tensor_ipc/bindings/bindings.hpp"

namespace tensor_ipc::bindings {

/// Codes of an element type: of the module `struct`, and of `__array_interface__`.
struct TypeCodes {
    DType dtype;
    const char* format;
    const char* typestr;
};

/// Null for types that Python has no code for.
[[nodiscard]] const TypeCodes* codes_of(DType dtype);

/// The type that a typestr says; nothing for those that no pool can hold, and for big-endian ones.
[[nodiscard]] std::optional<DType> dtype_of_typestr(std::string_view typestr);

/// Why a type has no code, and what to use instead.
[[nodiscard]] std::string no_code(DType dtype, const char* instead);

}  // namespace tensor_ipc::bindings
