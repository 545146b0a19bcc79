/// What the `encoding` of a sensor_msgs/Image says about its elements.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tensor_ipc/tensor/dtype.hpp"
#include "tensor_ipc/tensor/shape.hpp"

namespace tensor_ipc::cdr {

/// Elements of one pixel.
struct ImageEncoding {
    DType dtype;
    std::uint32_t channels = 1;  ///< 0 where a pixel is not in one place: nv12, nv21, nv24

    friend bool operator==(const ImageEncoding&, const ImageEncoding&) = default;
};

/// The names of sensor_msgs/image_encodings.hpp, and `<bits><U|S|F>C<channels>` with 1 to 512
/// channels; nothing for others. Packed 4:2:2 is two channels, as it comes.
[[nodiscard]] std::optional<ImageEncoding> image_encoding(std::string_view name) noexcept;

/// The encoding that frames of this shape have when nobody says otherwise: mono8, rgb8 and rgba8
/// for uint8 with 1, 3 and 4 channels, else `<bits><U|S|F>C<channels>`; nothing for what is no
/// image.
[[nodiscard]] std::optional<std::string> encoding_of(const Shape& shape, DType dtype);

/// Rows of a planar image: those of luma, and behind them those of chroma.
[[nodiscard]] std::uint64_t planar_rows(std::string_view encoding, std::uint64_t height) noexcept;

}  // namespace tensor_ipc::cdr
