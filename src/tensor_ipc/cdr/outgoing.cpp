#include "tensor_ipc/cdr/outgoing.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>

#include "tensor_ipc/cdr/image_encoding.hpp"
#include "tensor_ipc/cdr/point_fields.hpp"

namespace tensor_ipc::cdr {

namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

Error refused(std::string message)
{
    return Error{ErrorCode::InvalidArgument, std::move(message)};
}

std::optional<std::string_view> text_of(const OutgoingFrame& frame, std::string_view key) noexcept
{
    const auto found = std::ranges::find(frame.texts, key, &UserMetadataEntry::first);
    return found == frame.texts.end() ? std::nullopt : std::optional(found->second);
}

Result<Header> header_of(const OutgoingFrame& frame)
{
    const std::uint64_t seconds = frame.stamp_ns / kNsPerSecond;
    if (seconds > INT32_MAX) {
        return refused("a stamp of " + std::to_string(frame.stamp_ns) +
                       " ns is after 2038: the header of a message has no room for it");
    }
    const auto found = text_of(frame, "frame_id");
    return Header{static_cast<std::int32_t>(seconds),
                  static_cast<std::uint32_t>(frame.stamp_ns % kNsPerSecond),
                  frame.frame_id.empty() ? found.value_or("") : frame.frame_id};
}

Error not_of_encoding(const OutgoingFrame& frame, const std::string& encoding)
{
    return refused("a frame of shape " + frame.shape.text() + " and dtype " +
                   std::string(dtype_name(frame.dtype)) + " is no image of encoding '" +
                   printable(encoding) + "': name the encoding that it has");
}

bool has_extents(const Shape& shape) noexcept
{
    return std::ranges::all_of(shape.extents(), [](std::int64_t extent) {
        return extent >= 0 && extent <= UINT32_MAX;  // numbers of a message are 32 bits wide
    });
}

/// Width in pixels of a planar image whose rows have padding.
std::uint32_t planar_width(const OutgoingFrame& frame, std::uint32_t step) noexcept
{
    const std::string_view text = text_of(frame, "width").value_or("");
    std::uint32_t width = step;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), width);
    return parsed.ec == std::errc{} && width <= step ? width : step;
}

Result<Envelope> envelope_of_image(const OutgoingFrame& frame)
{
    const auto usual = encoding_of(frame.shape, frame.dtype);
    std::string name(!frame.encoding.empty() ? frame.encoding
                                             : text_of(frame, "encoding").value_or(""));
    if (name.empty()) {
        name = usual.value_or("");
    }
    const auto extents = frame.shape.extents();
    const auto encoding = image_encoding(name);
    if (!usual || !encoding || !has_extents(frame.shape)) {
        return not_of_encoding(frame, name);
    }
    const bool planar = encoding->channels == 0;
    const std::int64_t channels = extents.size() == 2 ? 1 : extents[2];
    if (encoding->dtype != frame.dtype || channels != (planar ? 1 : encoding->channels)) {
        return not_of_encoding(frame, name);
    }
    auto header = header_of(frame);
    if (!header) {
        return header.error();
    }
    Image image;
    image.header = *header;
    image.encoding = name;
    image.height = static_cast<std::uint32_t>(extents[0]);
    image.width = static_cast<std::uint32_t>(extents[1]);
    image.is_bigendian = std::endian::native == std::endian::big;
    const std::uint64_t step = std::uint64_t{image.width} * static_cast<std::uint64_t>(channels) *
                               frame.dtype.item_bytes();
    if (step > UINT32_MAX) {
        return refused("rows of " + std::to_string(step) +
                       " bytes: a message has no room for them");
    }
    image.data.bytes = step * image.height;
    if (planar) {
        image.height = name == "nv24" ? image.height / 3 : image.height * 2 / 3;
        if (planar_rows(name, image.height) != static_cast<std::uint64_t>(extents[0])) {
            return refused(std::to_string(extents[0]) + " rows are no image of encoding " + name +
                           ": luma and chroma do not share them");
        }
        image.width = planar_width(frame, image.width);
    }
    image.step = static_cast<std::uint32_t>(step);
    auto prefix = write_prefix(image);
    if (!prefix) {
        return prefix.error();
    }
    return Envelope{*std::move(prefix), {}};
}

Result<Envelope> envelope_of_file(const OutgoingFrame& frame)
{
    if (frame.shape.dimensions() != 1 || frame.dtype != DType{1, 8}) {
        return refused("a compressed image is uint8 of one dimension, not " +
                       std::string(dtype_name(frame.dtype)) + " of shape " + frame.shape.text());
    }
    auto header = header_of(frame);
    if (!header) {
        return header.error();
    }
    CompressedImage image;
    image.header = *header;
    image.format = text_of(frame, "format").value_or("");
    image.data.bytes = static_cast<std::size_t>(frame.shape.extents()[0]);
    auto prefix = write_prefix(image);
    if (!prefix) {
        return prefix.error();
    }
    return Envelope{*std::move(prefix), {}};
}

/// What the texts say of a point, else x, y, z for three floats.
Result<std::vector<NamedField>> fields_of(const OutgoingFrame& frame, std::uint64_t point_step)
{
    const std::uint8_t datatype = datatype_of(frame.dtype);
    const auto text = text_of(frame, "fields");
    if (text) {
        auto fields = fields_of_text(*text, point_step);
        const auto is_other = [&](const NamedField& field) { return field.datatype != datatype; };
        if (fields && frame.dtype != DType{1, 8} && std::ranges::any_of(*fields, is_other)) {
            return refused("points of dtype " + std::string(dtype_name(frame.dtype)) +
                           " are not the fields " + printable(*text));
        }
        return fields;
    }
    const bool is_float = frame.dtype.code == 2 && datatype != 0;
    const std::uint32_t item = frame.dtype.item_bytes();
    if (!is_float || point_step != std::uint64_t{3} * item) {
        return refused("points of shape " + frame.shape.text() + " and dtype " +
                       std::string(dtype_name(frame.dtype)) +
                       ": what their columns are is in the user metadata 'fields', which this "
                       "frame has not");
    }
    return std::vector<NamedField>{
        {"x", 0, datatype, 1}, {"y", item, datatype, 1}, {"z", item + item, datatype, 1}};
}

Result<Envelope> envelope_of_cloud(const OutgoingFrame& frame)
{
    const auto extents = frame.shape.extents();
    if ((extents.size() != 2 && extents.size() != 3) || !has_extents(frame.shape)) {
        return refused("points are of shape (n, k) or (height, width, k), not " +
                       frame.shape.text());
    }
    const std::uint64_t point_step =
        static_cast<std::uint64_t>(extents.back()) * frame.dtype.item_bytes();
    const auto width = static_cast<std::uint64_t>(extents[extents.size() - 2]);
    if (point_step > UINT32_MAX || width * point_step > UINT32_MAX) {
        return refused("points of shape " + frame.shape.text() +
                       ": a message has no room for rows "
                       "of " +
                       std::to_string(width * point_step) + " bytes");
    }
    auto header = header_of(frame);
    if (!header) {
        return header.error();
    }
    const auto fields = fields_of(frame, point_step);
    if (!fields) {
        return fields.error();
    }
    PointCloud2 cloud;
    cloud.header = *header;
    cloud.height = extents.size() == 2 ? 1 : static_cast<std::uint32_t>(extents[0]);
    cloud.width = static_cast<std::uint32_t>(width);
    for (const NamedField& field : *fields) {
        cloud.fields.push_back({field.name, field.offset, field.datatype, field.count});
    }
    cloud.is_bigendian = std::endian::native == std::endian::big;
    cloud.point_step = static_cast<std::uint32_t>(point_step);
    cloud.row_step = static_cast<std::uint32_t>(width * point_step);
    cloud.data.bytes = std::size_t{cloud.height} * cloud.row_step;
    auto prefix = write_prefix(cloud);
    if (!prefix) {
        return prefix.error();
    }
    const bool is_dense = text_of(frame, "is_dense") == "1";
    return Envelope{*std::move(prefix), {is_dense ? std::byte{1} : std::byte{0}}};
}

}  // namespace

Result<Envelope> envelope_of(MessageType type, const OutgoingFrame& frame)
{
    switch (type) {
        case MessageType::Image:
            return envelope_of_image(frame);
        case MessageType::CompressedImage:
            return envelope_of_file(frame);
        case MessageType::PointCloud2:
            break;
    }
    return envelope_of_cloud(frame);
}

}  // namespace tensor_ipc::cdr
