/// The type of one element, as DLPack writes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tensor_ipc {

/// Element type: DLPack's type code, bits of one lane, lanes. Source: DLPack 1.1, `DLDataType`.
struct DType {
    std::uint8_t code = 0;    ///< DLPack `DLDataTypeCode`: 0 int, 1 uint, 2 float, 4 bfloat, ...
    std::uint8_t bits = 0;    ///< bits of one lane
    std::uint16_t lanes = 1;  ///< always 1 today

    /// Bytes of one element. Every type we carry fills whole bytes.
    [[nodiscard]] constexpr std::uint32_t item_bytes() const noexcept
    {
        return static_cast<std::uint32_t>(bits) / 8U * lanes;
    }

    friend constexpr bool operator==(const DType&, const DType&) = default;
};

/// The NumPy or ml_dtypes name: `"uint8"`, `"float32"`, `"bfloat16"`. Empty for an unknown type.
[[nodiscard]] std::string_view dtype_name(DType dtype) noexcept;

/// The type of that name, or nothing.
[[nodiscard]] std::optional<DType> dtype_from_name(std::string_view name) noexcept;

}  // namespace tensor_ipc
