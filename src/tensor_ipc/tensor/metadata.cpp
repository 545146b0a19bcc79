#include "tensor_ipc/tensor/metadata.hpp"

#include "tensor_ipc/base/checked.hpp"
#include "tensor_ipc/tensor/pool_name.hpp"

namespace tensor_ipc {

namespace {

Error invalid(std::string message)
{
    return Error{ErrorCode::InvalidArgument, std::move(message)};
}

bool is_label(const std::string& text)
{
    return !text.empty() && text.size() <= kMaxLabelLength && printable(text) == text;
}

void append_difference(std::string& text, const char* field, const std::string& expected,
                       const std::string& found)
{
    if (expected != found) {
        text.append(text.empty() ? "" : "; ").append(field).append(": expected ");
        text.append(expected).append(", found ").append(found);
    }
}

}  // namespace

Result<std::uint64_t> frame_bytes(const PoolMetadata& metadata)
{
    if (dtype_name(metadata.dtype).empty()) {
        return invalid("unknown dtype: DLPack code " + std::to_string(metadata.dtype.code) +
                       ", bits " + std::to_string(metadata.dtype.bits) + ", lanes " +
                       std::to_string(metadata.dtype.lanes));
    }
    const auto elements = metadata.shape.elements();
    if (!elements) {
        return invalid("shape " + metadata.shape.text() + " is negative or too large");
    }
    if (*elements == 0) {
        return invalid("shape " + metadata.shape.text() +
                       " has an empty dimension: a frame needs at least one element");
    }
    const auto bytes = checked_multiply(*elements, metadata.dtype.item_bytes());
    if (!bytes || *bytes > static_cast<std::uint64_t>(INT64_MAX)) {
        return invalid("shape " + metadata.shape.text() + " is too large");
    }
    return *bytes;
}

std::uint64_t max_extent(const PoolMetadata& metadata) noexcept
{
    const auto extents = metadata.shape.extents();
    return extents.empty() ? 1 : static_cast<std::uint64_t>(extents.front());
}

std::string frame_shape_text(const PoolMetadata& metadata)
{
    std::string text = metadata.shape.text();
    return metadata.varying_extent ? text.insert(1, "<=") : text;
}

Result<void> validate(const PoolMetadata& metadata)
{
    if (auto name = PoolName::parse(metadata.name); !name) {
        return name.error();
    }
    if (auto bytes = frame_bytes(metadata); !bytes) {
        return bytes.error();
    }
    if (metadata.history_len < 1 || metadata.history_len > kMaxHistory) {
        return invalid("history_len must be 1 to " + std::to_string(kMaxHistory) + ", got " +
                       std::to_string(metadata.history_len));
    }
    if (metadata.varying_extent && metadata.shape.dimensions() == 0) {
        return invalid("a pool of varying extent needs a shape with a first dimension, got ()");
    }
    if (!is_label(metadata.backend) || !is_label(metadata.device)) {
        return invalid("backend and device are 1 to 31 printable ASCII characters, got '" +
                       printable(metadata.backend) + "' and '" + printable(metadata.device) + "'");
    }
    return {};
}

std::string differences(const PoolMetadata& expected, const PoolMetadata& found)
{
    std::string text;
    append_difference(text, "name", expected.name, found.name);
    append_difference(text, "shape", frame_shape_text(expected), frame_shape_text(found));
    append_difference(text, "dtype", std::string(dtype_name(expected.dtype)),
                      std::string(dtype_name(found.dtype)));
    append_difference(text, "history_len", std::to_string(expected.history_len),
                      std::to_string(found.history_len));
    append_difference(text, "backend", expected.backend, found.backend);
    append_difference(text, "device", expected.device, found.device);
    return text;
}

}  // namespace tensor_ipc
