#include "tensor_ipc/cdr/incoming.hpp"

#include <bit>

#include "tensor_ipc/base/checked.hpp"
#include "tensor_ipc/cdr/image_encoding.hpp"
#include "tensor_ipc/cdr/point_fields.hpp"

namespace tensor_ipc::cdr {

namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

Error refused(std::string message)
{
    return Error{ErrorCode::InvalidArgument, std::move(message)};
}

void take_header(const Header& header, IncomingFrame& frame)
{
    if (header.seconds >= 0 && (header.seconds > 0 || header.nanoseconds > 0)) {
        frame.captured_ns =
            static_cast<std::uint64_t>(header.seconds) * kNsPerSecond + header.nanoseconds;
    }
    frame.texts.emplace_back("frame_id", header.frame_id);
}

std::int64_t extent(std::uint64_t value) noexcept
{
    return static_cast<std::int64_t>(value);
}

Error contradiction(const Image& image, std::uint64_t least_step, std::uint64_t rows)
{
    return refused(
        "Image of " + std::to_string(image.height) + " x " + std::to_string(image.width) + " " +
        printable(image.encoding) + ": expected step >= " + std::to_string(least_step) + " and " +
        std::to_string(rows) + " rows of step bytes, found step " + std::to_string(image.step) +
        " and " + std::to_string(image.data.bytes) + " bytes");
}

Result<IncomingFrame> incoming(const Image& image)
{
    const auto encoding = image_encoding(image.encoding);
    if (!encoding) {
        return refused("unknown image encoding '" + printable(image.encoding) +
                       "': expected one of sensor_msgs/image_encodings.hpp, or "
                       "<bits><U|S|F>C<channels> with at most 512 channels");
    }
    const bool planar = encoding->channels == 0;
    const std::uint64_t rows =
        planar ? planar_rows(image.encoding, image.height) : std::uint64_t{image.height};
    const std::uint64_t pixel_bytes =
        std::uint64_t{encoding->dtype.item_bytes()} * (planar ? 1 : encoding->channels);
    const std::uint64_t least_step = image.width * pixel_bytes;
    if (image.step < least_step || checked_multiply(rows, image.step) != image.data.bytes) {
        return contradiction(image, least_step, rows);
    }
    if (image.data.bytes == 0 || least_step == 0) {
        return refused("Image of " + std::to_string(image.height) + " x " +
                       std::to_string(image.width) + ": a pool has no place for an empty image");
    }
    IncomingFrame frame;
    frame.dtype = encoding->dtype;
    // Rows of planes go in as they lie, padding included: planes may share them in other ways.
    const std::uint64_t row_bytes = planar ? image.step : least_step;
    frame.rows = {image.data.offset, rows, row_bytes, image.step};
    if (planar) {
        frame.shape = {extent(rows), extent(image.step)};
    } else if (encoding->channels == 1) {
        frame.shape = {extent(rows), extent(image.width)};
    } else {
        frame.shape = {extent(rows), extent(image.width), extent(encoding->channels)};
    }
    if (image.is_bigendian != (std::endian::native == std::endian::big)) {
        frame.swapped_item_bytes = encoding->dtype.item_bytes();
    }
    take_header(image.header, frame);
    frame.texts.emplace_back("encoding", image.encoding);
    if (planar && image.step != image.width) {
        frame.texts.emplace_back("width", std::to_string(image.width));
    }
    return frame;
}

Result<IncomingFrame> incoming(const CompressedImage& image)
{
    if (image.data.bytes == 0) {
        return refused("CompressedImage: there are no bytes of '" + printable(image.format) + "'");
    }
    IncomingFrame frame;
    frame.dtype = {1, 8};
    frame.shape = {extent(image.data.bytes)};
    frame.rows = {image.data.offset, 1, image.data.bytes, image.data.bytes};
    take_header(image.header, frame);
    frame.texts.emplace_back("format", image.format);
    return frame;
}

Result<IncomingFrame> incoming(const PointCloud2& cloud)
{
    const std::uint64_t least_step = std::uint64_t{cloud.width} * cloud.point_step;
    if ((cloud.height > 0 && cloud.row_step < least_step) ||
        cloud.data.bytes != std::uint64_t{cloud.height} * cloud.row_step) {
        return refused(
            "PointCloud2 of " + std::to_string(cloud.height) + " x " + std::to_string(cloud.width) +
            " points of " + std::to_string(cloud.point_step) +
            " bytes: expected row_step >= " + std::to_string(least_step) +
            " and height * row_step bytes of data, found " + "row_step " +
            std::to_string(cloud.row_step) + " and " + std::to_string(cloud.data.bytes) + " bytes");
    }
    if (cloud.is_bigendian != (std::endian::native == std::endian::big)) {
        return refused(
            "PointCloud2: points in the other byte order; ROSTensorConsumer takes them, with "
            "rclpy");
    }
    auto fields = text_of_fields(cloud.fields, cloud.point_step);
    if (!fields) {
        return fields.error();
    }
    IncomingFrame frame;
    frame.dtype = {1, 8};
    if (cloud.height > 1) {
        frame.shape = {extent(cloud.height), extent(cloud.width), extent(cloud.point_step)};
    } else {
        frame.shape = {extent(std::uint64_t{cloud.height} * cloud.width), extent(cloud.point_step)};
    }
    frame.rows = {cloud.data.offset, least_step > 0 ? cloud.height : 0, least_step, cloud.row_step};
    frame.dense_at = cloud.data.offset + cloud.data.bytes;
    take_header(cloud.header, frame);
    frame.texts.emplace_back("fields", *fields);
    return frame;
}

template <typename Message>
Result<IncomingFrame> incoming(const Result<Message>& message)
{
    if (!message) {
        return message.error();
    }
    return incoming(message.value());
}

}  // namespace

Result<IncomingFrame> incoming_frame(MessageType type, std::span<const std::byte> prefix,
                                     std::size_t message_bytes)
{
    switch (type) {
        case MessageType::Image:
            return incoming(read_image(prefix, message_bytes));
        case MessageType::CompressedImage:
            return incoming(read_compressed_image(prefix, message_bytes));
        case MessageType::PointCloud2:
            break;
    }
    return incoming(read_point_cloud(prefix, message_bytes));
}

}  // namespace tensor_ipc::cdr
