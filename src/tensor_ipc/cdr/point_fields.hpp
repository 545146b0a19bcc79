/// The fields of a cloud's points as one text, as tensor_ipc.rosext writes it into user metadata.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/cdr/messages.hpp"
#include "tensor_ipc/tensor/dtype.hpp"

namespace tensor_ipc::cdr {

/// A field whose name is its own.
struct NamedField {
    std::string name;
    std::uint32_t offset = 0;
    std::uint8_t datatype = 0;  ///< as PointField
    std::uint32_t count = 1;
};

/// `x:f4:0,y:f4:4,normal:f4x3:16`, with everything unusual in names percent-encoded.
/// @return InvalidArgument for a datatype that is none, a field that ends behind the point, and
///         names that come twice
[[nodiscard]] Result<std::string> text_of_fields(std::span<const PointField> fields,
                                                 std::uint32_t point_step);

/// The inverse.
/// @return InvalidArgument for another text, and for a field that ends behind the point
[[nodiscard]] Result<std::vector<NamedField>> fields_of_text(std::string_view text,
                                                             std::uint64_t point_step);

/// The PointField datatype of a type; 0 for none.
[[nodiscard]] std::uint8_t datatype_of(DType dtype) noexcept;

}  // namespace tensor_ipc::cdr
