/// The sensor_msgs that carry one large payload: their fields, read and written. Field order:
/// common_interfaces, sensor_msgs/msg/{Image,CompressedImage,PointCloud2,PointField}.msg.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor_ipc/base/error.hpp"

namespace tensor_ipc::cdr {

enum class MessageType : std::uint8_t { Image, CompressedImage, PointCloud2 };

/// Names of a message type.
struct TypeNames {
    std::string_view ros;   ///< `sensor_msgs/msg/Image`
    std::string_view dds;   ///< `sensor_msgs::msg::dds_::Image_`
    std::string_view hash;  ///< `RIHS01_...`, REP-2016; the same in every distribution that has it
};

[[nodiscard]] TypeNames names_of(MessageType type) noexcept;

/// @param name  `sensor_msgs/msg/Image`, `sensor_msgs.msg.Image` or `Image`
[[nodiscard]] std::optional<MessageType> message_type(std::string_view name) noexcept;

/// As much of a message as holds every field up to its payload. Longer ones are refused.
inline constexpr std::size_t kMaxPrefixBytes = 4096;

/// Most fields of a point that are taken.
inline constexpr std::uint32_t kMaxPointFields = 64;

/// std_msgs/Header.
struct Header {
    std::int32_t seconds = 0;
    std::uint32_t nanoseconds = 0;
    std::string_view frame_id;
};

/// Where a message has its large sequence of bytes, counted from its encapsulation.
struct Payload {
    std::size_t offset = 0;
    std::size_t bytes = 0;
};

struct Image {
    Header header;
    std::uint32_t height = 0;
    std::uint32_t width = 0;
    std::string_view encoding;
    bool is_bigendian = false;
    std::uint32_t step = 0;  ///< bytes of one row with its padding
    Payload data;
};

struct CompressedImage {
    Header header;
    std::string_view format;
    Payload data;
};

struct PointField {
    std::string_view name;
    std::uint32_t offset = 0;
    std::uint8_t datatype = 0;  ///< 1 to 8: int8 uint8 int16 uint16 int32 uint32 float32 float64
    std::uint32_t count = 0;
};

struct PointCloud2 {
    Header header;
    std::uint32_t height = 0;
    std::uint32_t width = 0;
    std::vector<PointField> fields;
    bool is_bigendian = false;
    std::uint32_t point_step = 0;
    std::uint32_t row_step = 0;
    Payload data;  ///< `is_dense` is the byte behind it
};

/// Reads the fields in front of the payload.
///
/// @param prefix         the beginning of the message: all of it, or kMaxPrefixBytes. Strings of
///                       the result are views of it
/// @param message_bytes  of the whole message; the payload lies within
/// @return InvalidArgument for bytes that are not such a message
[[nodiscard]] Result<Image> read_image(std::span<const std::byte> prefix,
                                       std::size_t message_bytes);
[[nodiscard]] Result<CompressedImage> read_compressed_image(std::span<const std::byte> prefix,
                                                            std::size_t message_bytes);
[[nodiscard]] Result<PointCloud2> read_point_cloud(std::span<const std::byte> prefix,
                                                   std::size_t message_bytes);

/// The bytes in front of the payload, in plain CDR of this machine's byte order; of `data` only
/// `bytes` counts. A cloud ends with the byte `is_dense`, which the caller puts behind its payload.
///
/// @return InvalidArgument when they need more than kMaxPrefixBytes
[[nodiscard]] Result<std::vector<std::byte>> write_prefix(const Image& image);
[[nodiscard]] Result<std::vector<std::byte>> write_prefix(const CompressedImage& image);
[[nodiscard]] Result<std::vector<std::byte>> write_prefix(const PointCloud2& cloud);

}  // namespace tensor_ipc::cdr
