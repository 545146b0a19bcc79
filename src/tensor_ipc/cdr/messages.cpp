#include "tensor_ipc/cdr/messages.hpp"

#include <algorithm>
#include <array>

#include "tensor_ipc/cdr/reader.hpp"
#include "tensor_ipc/cdr/writer.hpp"

namespace tensor_ipc::cdr {

namespace {

// Bytes that may follow the last field: RTPS fills messages up to a multiple of four.
constexpr std::size_t kMostFill = 3;

// Hashes: the generated JSON of sensor_msgs 5.5.1 (REP-2016).
constexpr std::array<TypeNames, 3> kTypes{{
    {"sensor_msgs/msg/Image", "sensor_msgs::msg::dds_::Image_",
     "RIHS01_d31d41a9a4c4bc8eae9be757b0beed306564f7526c88ea6a4588fb9582527d47"},
    {"sensor_msgs/msg/CompressedImage", "sensor_msgs::msg::dds_::CompressedImage_",
     "RIHS01_15640771531571185e2efc8a100baf923961a4d15d5569652e6cb6691e8e371a"},
    {"sensor_msgs/msg/PointCloud2", "sensor_msgs::msg::dds_::PointCloud2_",
     "RIHS01_9198cabf7da3796ae6fe19c4cb3bdd3525492988c70522628af5daa124bae2b5"},
}};

Error malformed(MessageType type, const std::string& what)
{
    return Error{ErrorCode::InvalidArgument,
                 "not a serialized " + std::string(names_of(type).ros) + ": " + what};
}

Header read_header(Reader& reader) noexcept
{
    Header header;
    header.seconds = reader.number<std::int32_t>();
    header.nanoseconds = reader.number<std::uint32_t>();
    header.frame_id = reader.string();
    return header;
}

/// Checks what was read, and that the payload and `tail` bytes behind it are all that is left.
Result<Payload> read_payload(Reader& reader, MessageType type, std::size_t prefix_bytes,
                             std::size_t message_bytes, std::size_t tail)
{
    const std::size_t bytes = reader.number<std::uint32_t>();
    if (!reader.ok()) {
        return prefix_bytes < message_bytes
                   ? malformed(type,
                               "the fields in front of its data are malformed or longer than " +
                                   std::to_string(prefix_bytes) + " bytes")
                   : malformed(type, "malformed or truncated after " +
                                         std::to_string(reader.position()) + " bytes");
    }
    const std::size_t needed = reader.position() + bytes + tail;
    if (needed > message_bytes || message_bytes - needed > kMostFill) {
        return malformed(type, "its fields make " + std::to_string(needed) + " bytes, it has " +
                                   std::to_string(message_bytes));
    }
    return Payload{reader.position(), bytes};
}

void write_header(Writer& writer, const Header& header) noexcept
{
    writer.number(header.seconds);
    writer.number(header.nanoseconds);
    writer.string(header.frame_id);
}

/// What `write_fields` writes, and the number of bytes of the payload.
template <typename WriteFields>
Result<std::vector<std::byte>> prefix_of(const Payload& data, const WriteFields& write_fields)
{
    if (data.bytes > UINT32_MAX) {
        return Error{ErrorCode::InvalidArgument, "a message holds less than 4 GiB, got " +
                                                     std::to_string(data.bytes) + " bytes"};
    }
    std::array<std::byte, kMaxPrefixBytes> bytes;  // NOLINT(*-member-init): the Writer fills it
    Writer writer(bytes);
    write_fields(writer);
    writer.number(static_cast<std::uint32_t>(data.bytes));
    if (!writer.ok()) {
        return Error{ErrorCode::InvalidArgument, "the fields in front of the data need more than " +
                                                     std::to_string(kMaxPrefixBytes) +
                                                     " bytes: shorten the texts"};
    }
    const auto written = writer.written();
    return std::vector<std::byte>(written.begin(), written.end());
}

}  // namespace

TypeNames names_of(MessageType type) noexcept
{
    return kTypes[static_cast<std::size_t>(type)];  // NOLINT(*-constant-array-index)
}

std::optional<MessageType> message_type(std::string_view name) noexcept
{
    for (const MessageType type :
         {MessageType::Image, MessageType::CompressedImage, MessageType::PointCloud2}) {
        const std::string_view full = names_of(type).ros;
        const std::string_view last = full.substr(full.rfind('/') + 1);
        const bool same = std::ranges::equal(
            name, full, [](char a, char b) { return a == b || (a == '.' && b == '/'); });
        if (same || name == last) {
            return type;
        }
    }
    return std::nullopt;
}

Result<Image> read_image(std::span<const std::byte> prefix, std::size_t message_bytes)
{
    Reader reader(prefix);
    Image image;
    image.header = read_header(reader);
    image.height = reader.number<std::uint32_t>();
    image.width = reader.number<std::uint32_t>();
    image.encoding = reader.string();
    image.is_bigendian = reader.number<std::uint8_t>() != 0;
    image.step = reader.number<std::uint32_t>();
    auto data = read_payload(reader, MessageType::Image, prefix.size(), message_bytes, 0);
    if (!data) {
        return data.error();
    }
    image.data = *data;
    return image;
}

Result<CompressedImage> read_compressed_image(std::span<const std::byte> prefix,
                                              std::size_t message_bytes)
{
    Reader reader(prefix);
    CompressedImage image;
    image.header = read_header(reader);
    image.format = reader.string();
    auto data = read_payload(reader, MessageType::CompressedImage, prefix.size(), message_bytes, 0);
    if (!data) {
        return data.error();
    }
    image.data = *data;
    return image;
}

Result<PointCloud2> read_point_cloud(std::span<const std::byte> prefix, std::size_t message_bytes)
{
    Reader reader(prefix);
    PointCloud2 cloud;
    cloud.header = read_header(reader);
    cloud.height = reader.number<std::uint32_t>();
    cloud.width = reader.number<std::uint32_t>();
    const auto fields = reader.number<std::uint32_t>();
    if (reader.ok() && fields > kMaxPointFields) {
        return malformed(MessageType::PointCloud2, "a point of " + std::to_string(fields) +
                                                       " fields; at most " +
                                                       std::to_string(kMaxPointFields));
    }
    for (std::uint32_t i = 0; i < fields && reader.ok(); ++i) {
        PointField field;
        field.name = reader.string();
        field.offset = reader.number<std::uint32_t>();
        field.datatype = reader.number<std::uint8_t>();
        field.count = reader.number<std::uint32_t>();
        cloud.fields.push_back(field);
    }
    cloud.is_bigendian = reader.number<std::uint8_t>() != 0;
    cloud.point_step = reader.number<std::uint32_t>();
    cloud.row_step = reader.number<std::uint32_t>();
    auto data = read_payload(reader, MessageType::PointCloud2, prefix.size(), message_bytes, 1);
    if (!data) {
        return data.error();
    }
    cloud.data = *data;
    return cloud;
}

Result<std::vector<std::byte>> write_prefix(const Image& image)
{
    return prefix_of(image.data, [&](Writer& writer) {
        write_header(writer, image.header);
        writer.number(image.height);
        writer.number(image.width);
        writer.string(image.encoding);
        writer.number(static_cast<std::uint8_t>(image.is_bigendian ? 1 : 0));
        writer.number(image.step);
    });
}

Result<std::vector<std::byte>> write_prefix(const CompressedImage& image)
{
    return prefix_of(image.data, [&](Writer& writer) {
        write_header(writer, image.header);
        writer.string(image.format);
    });
}

Result<std::vector<std::byte>> write_prefix(const PointCloud2& cloud)
{
    return prefix_of(cloud.data, [&](Writer& writer) {
        write_header(writer, cloud.header);
        writer.number(cloud.height);
        writer.number(cloud.width);
        writer.number(static_cast<std::uint32_t>(cloud.fields.size()));
        for (const PointField& field : cloud.fields) {
            writer.string(field.name);
            writer.number(field.offset);
            writer.number(field.datatype);
            writer.number(field.count);
        }
        writer.number(static_cast<std::uint8_t>(cloud.is_bigendian ? 1 : 0));
        writer.number(cloud.point_step);
        writer.number(cloud.row_step);
    });
}

}  // namespace tensor_ipc::cdr
