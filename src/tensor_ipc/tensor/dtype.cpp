#include "tensor_ipc/tensor/dtype.hpp"

#include <algorithm>
#include <array>

namespace tensor_ipc {

namespace {

struct NamedDType {
    std::string_view name;
    DType dtype;
};

// Codes: DLPack 1.1, enum DLDataTypeCode. Names: NumPy and ml_dtypes.
constexpr std::array kDTypes{
    NamedDType{"int8", {0, 8}},
    NamedDType{"int16", {0, 16}},
    NamedDType{"int32", {0, 32}},
    NamedDType{"int64", {0, 64}},
    NamedDType{"uint8", {1, 8}},
    NamedDType{"uint16", {1, 16}},
    NamedDType{"uint32", {1, 32}},
    NamedDType{"uint64", {1, 64}},
    NamedDType{"float16", {2, 16}},
    NamedDType{"float32", {2, 32}},
    NamedDType{"float64", {2, 64}},
    NamedDType{"bfloat16", {4, 16}},
    NamedDType{"complex32", {5, 32}},
    NamedDType{"complex64", {5, 64}},
    NamedDType{"complex128", {5, 128}},
    NamedDType{"bool", {6, 8}},
    NamedDType{"float8_e3m4", {7, 8}},
    NamedDType{"float8_e4m3", {8, 8}},
    NamedDType{"float8_e4m3b11fnuz", {9, 8}},
    NamedDType{"float8_e4m3fn", {10, 8}},
    NamedDType{"float8_e4m3fnuz", {11, 8}},
    NamedDType{"float8_e5m2", {12, 8}},
    NamedDType{"float8_e5m2fnuz", {13, 8}},
    NamedDType{"float8_e8m0fnu", {14, 8}},
};

}  // namespace

std::string_view dtype_name(DType dtype) noexcept
{
    const auto* found = std::find_if(kDTypes.begin(), kDTypes.end(),
                                     [&](const NamedDType& row) { return row.dtype == dtype; });
    return found == kDTypes.end() ? std::string_view{} : found->name;
}

std::optional<DType> dtype_from_name(std::string_view name) noexcept
{
    const auto* found = std::find_if(kDTypes.begin(), kDTypes.end(),
                                     [&](const NamedDType& row) { return row.name == name; });
    if (found == kDTypes.end()) {
        return std::nullopt;
    }
    return found->dtype;
}

}  // namespace tensor_ipc
