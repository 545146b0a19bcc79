#include "tensor_ipc/cdr/image_encoding.hpp"

#include <array>
#include <charconv>

namespace tensor_ipc::cdr {

namespace {

constexpr std::uint32_t kMostChannels = 512;  // as CV_CN_MAX of OpenCV
constexpr DType kUint8{1, 8};
constexpr DType kUint16{1, 16};

struct NamedEncoding {
    std::string_view name;
    ImageEncoding encoding;
};

// Names: sensor_msgs/image_encodings.hpp of common_interfaces.
constexpr std::array kEncodings{
    NamedEncoding{"mono8", {kUint8, 1}},         NamedEncoding{"mono16", {kUint16, 1}},
    NamedEncoding{"rgb8", {kUint8, 3}},          NamedEncoding{"rgba8", {kUint8, 4}},
    NamedEncoding{"rgb16", {kUint16, 3}},        NamedEncoding{"rgba16", {kUint16, 4}},
    NamedEncoding{"bgr8", {kUint8, 3}},          NamedEncoding{"bgra8", {kUint8, 4}},
    NamedEncoding{"bgr16", {kUint16, 3}},        NamedEncoding{"bgra16", {kUint16, 4}},
    NamedEncoding{"bayer_rggb8", {kUint8, 1}},   NamedEncoding{"bayer_bggr8", {kUint8, 1}},
    NamedEncoding{"bayer_gbrg8", {kUint8, 1}},   NamedEncoding{"bayer_grbg8", {kUint8, 1}},
    NamedEncoding{"bayer_rggb16", {kUint16, 1}}, NamedEncoding{"bayer_bggr16", {kUint16, 1}},
    NamedEncoding{"bayer_gbrg16", {kUint16, 1}}, NamedEncoding{"bayer_grbg16", {kUint16, 1}},
    NamedEncoding{"uyvy", {kUint8, 2}},          NamedEncoding{"yuv422", {kUint8, 2}},
    NamedEncoding{"yuyv", {kUint8, 2}},          NamedEncoding{"yuv422_yuy2", {kUint8, 2}},
    NamedEncoding{"nv12", {kUint8, 0}},          NamedEncoding{"nv21", {kUint8, 0}},
    NamedEncoding{"nv24", {kUint8, 0}},
};

struct NamedType {
    std::string_view name;
    DType dtype;
};

// As OpenCV names them, and the types that it lacks in the same way.
constexpr std::array kTypes{
    NamedType{"8U", kUint8},   NamedType{"8S", {0, 8}},   NamedType{"16U", kUint16},
    NamedType{"16S", {0, 16}}, NamedType{"16F", {2, 16}}, NamedType{"32U", {1, 32}},
    NamedType{"32S", {0, 32}}, NamedType{"32F", {2, 32}}, NamedType{"64U", {1, 64}},
    NamedType{"64S", {0, 64}}, NamedType{"64F", {2, 64}},
};

/// `8UC3`.
std::optional<ImageEncoding> counted_encoding(std::string_view name) noexcept
{
    for (const NamedType& type : kTypes) {
        if (!name.starts_with(type.name)) {
            continue;
        }
        const std::string_view rest = name.substr(type.name.size());
        if (rest.size() < 2 || rest[0] != 'C' || rest[1] == '0') {
            return std::nullopt;
        }
        std::uint32_t channels = 0;
        const char* const end = rest.data() + rest.size();
        const auto parsed = std::from_chars(rest.data() + 1, end, channels);
        if (parsed.ec != std::errc{} || parsed.ptr != end || channels > kMostChannels) {
            return std::nullopt;
        }
        return ImageEncoding{type.dtype, channels};
    }
    return std::nullopt;
}

}  // namespace

std::optional<ImageEncoding> image_encoding(std::string_view name) noexcept
{
    for (const NamedEncoding& row : kEncodings) {
        if (row.name == name) {
            return row.encoding;
        }
    }
    return counted_encoding(name);
}

std::optional<std::string> encoding_of(const Shape& shape, DType dtype)
{
    const auto extents = shape.extents();
    if (extents.size() != 2 && extents.size() != 3) {
        return std::nullopt;
    }
    const std::int64_t channels = extents.size() == 2 ? 1 : extents[2];
    if (channels < 1 || channels > kMostChannels) {
        return std::nullopt;
    }
    if (dtype == kUint8 && channels != 2 && channels <= 4) {
        return channels == 1 ? "mono8" : channels == 3 ? "rgb8" : "rgba8";
    }
    for (const NamedType& type : kTypes) {
        if (type.dtype == dtype) {
            return std::string(type.name) + "C" + std::to_string(channels);
        }
    }
    return std::nullopt;
}

std::uint64_t planar_rows(std::string_view encoding, std::uint64_t height) noexcept
{
    return encoding == "nv24" ? 3 * height : height + (height + 1) / 2;
}

}  // namespace tensor_ipc::cdr
