#include "tensor_ipc/bindings/type_codes.hpp"

#include <algorithm>
#include <array>

namespace tensor_ipc::bindings {

namespace {

constexpr std::array kTypeCodes{
    TypeCodes{{0, 8}, "b", "|i1"},     TypeCodes{{0, 16}, "h", "<i2"},
    TypeCodes{{0, 32}, "i", "<i4"},    TypeCodes{{0, 64}, "q", "<i8"},
    TypeCodes{{1, 8}, "B", "|u1"},     TypeCodes{{1, 16}, "H", "<u2"},
    TypeCodes{{1, 32}, "I", "<u4"},    TypeCodes{{1, 64}, "Q", "<u8"},
    TypeCodes{{2, 16}, "e", "<f2"},    TypeCodes{{2, 32}, "f", "<f4"},
    TypeCodes{{2, 64}, "d", "<f8"},    TypeCodes{{5, 64}, "Zf", "<c8"},
    TypeCodes{{5, 128}, "Zd", "<c16"}, TypeCodes{{6, 8}, "?", "|b1"},
};

}  // namespace

const TypeCodes* codes_of(DType dtype)
{
    const auto* found = std::ranges::find(kTypeCodes, dtype, &TypeCodes::dtype);
    return found == kTypeCodes.end() ? nullptr : found;
}

std::optional<DType> dtype_of_typestr(std::string_view typestr)
{
    const auto* found = std::ranges::find_if(kTypeCodes, [&](const TypeCodes& codes) {
        return std::string_view(codes.typestr) == typestr;
    });
    return found == kTypeCodes.end() ? std::nullopt : std::optional(found->dtype);
}

std::string no_code(DType dtype, const char* instead)
{
    return "Python has no type code for " + std::string(dtype_name(dtype)) + ": use " + instead;
}

}  // namespace tensor_ipc::bindings
