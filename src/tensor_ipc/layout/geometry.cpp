#include "tensor_ipc/layout/geometry.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <tuple>

#include "tensor_ipc/base/checked.hpp"
#include "tensor_ipc/layout/slot_header.hpp"

namespace tensor_ipc {

namespace {

constexpr std::uint64_t kSlotsOffset = 1024;
static_assert(sizeof(PoolHeader) == kSlotsOffset);

Error invalid(std::string message)
{
    return Error{ErrorCode::InvalidArgument, std::move(message)};
}

Error bad(const std::string& what, std::uint64_t expected, std::uint64_t found)
{
    return Error{ErrorCode::BadSegment, "not a sound tensor-ipc segment: " + what + " is " +
                                            std::to_string(found) + ", expected " +
                                            std::to_string(expected)};
}

template <std::size_t N>
Result<std::string> read_text(const std::array<char, N>& field, const char* what)
{
    const auto end = std::ranges::find(field, '\0');
    if (end == field.end()) {
        return Error{ErrorCode::BadSegment,
                     std::string("not a sound tensor-ipc segment: ") + what + " has no end"};
    }
    return std::string(field.begin(), end);
}

template <std::size_t N>
void write_text(std::array<char, N>& field, const std::string& text)
{
    field.fill('\0');
    std::copy_n(text.begin(), std::min(text.size(), N - 1), field.begin());
}

}  // namespace

GeometryInput geometry_input_of(const PoolMetadata& metadata)
{
    GeometryInput input;
    input.frame_bytes = *frame_bytes(metadata);
    input.max_extent = max_extent(metadata);
    input.varying_extent = metadata.varying_extent;
    input.history_len = metadata.history_len;
    return input;
}

Result<Geometry> plan_geometry(const GeometryInput& input)
{
    if (input.spare < kMinSpare || input.spare > kMaxSpare) {
        return invalid("spare must be " + std::to_string(kMinSpare) + " to " +
                       std::to_string(kMaxSpare) + ", got " + std::to_string(input.spare));
    }
    if (input.history_len < 1 || input.history_len > kMaxHistory) {
        return invalid("history_len must be 1 to " + std::to_string(kMaxHistory) + ", got " +
                       std::to_string(input.history_len));
    }
    Geometry plan;
    plan.frame_bytes = input.frame_bytes;
    plan.row_bytes = input.frame_bytes / input.max_extent;
    plan.host_row_bytes = input.device_stride == 0 ? plan.row_bytes : 0;
    plan.device_stride = input.device_stride;
    plan.max_extent = input.max_extent;
    plan.varying_extent = input.varying_extent;
    plan.history_len = input.history_len;
    plan.slot_count = input.history_len + input.spare;
    plan.consumer_capacity = input.consumer_capacity;
    plan.memory_order = input.memory_order;
    plan.slots_offset = kSlotsOffset;
    plan.pins_offset = plan.slots_offset + plan.slot_count * sizeof(SlotHeader);
    plan.consumers_offset =
        plan.pins_offset + std::uint64_t{plan.slot_count} * plan.consumer_capacity;
    const std::uint64_t control_bytes =
        plan.consumers_offset + plan.consumer_capacity * sizeof(ConsumerEntry);
    plan.payload_offset = *checked_align_up(control_bytes, input.page_bytes);

    // Whole pages for each slot: the ring then fills whole pages, as it has to for being mapped
    // twice, and no page belongs to two frames, so that a consumer's private pages of one frame
    // (memory/private_ring.hpp) hide no byte of another.
    const std::uint64_t payload_bytes = plan.on_device() ? 0 : input.frame_bytes;
    const auto used = checked_add(payload_bytes, kHeadroomBytes);
    const auto stride = used ? checked_align_up(*used, input.page_bytes) : std::nullopt;
    const auto ring = stride ? checked_multiply(*stride, plan.slot_count) : std::nullopt;
    const auto total = ring ? checked_add(plan.payload_offset, *ring) : std::nullopt;
    if (!total || *total > static_cast<std::uint64_t>(INT64_MAX) / 2) {
        return invalid("a pool of " + std::to_string(plan.slot_count) + " slots of " +
                       std::to_string(input.frame_bytes) + " bytes is too large");
    }
    if (plan.on_device()) {
        const auto device_bytes = checked_multiply(plan.device_stride, plan.slot_count);
        if (!device_bytes || plan.device_stride % kDeviceAlignment != 0 ||
            plan.device_stride < input.frame_bytes) {
            return invalid("frames of " + std::to_string(input.frame_bytes) + " bytes cannot lie " +
                           std::to_string(plan.device_stride) + " bytes apart in device memory");
        }
    }
    plan.slot_stride = *stride;
    plan.ring_bytes = *ring;
    plan.segment_bytes = *total;
    return plan;
}

Result<DescribedPool> read_header(const PoolHeader& header, std::uint64_t object_bytes,
                                  std::uint64_t page_bytes)
{
    if (const auto magic = header.magic.load(std::memory_order_relaxed); magic != kMagic) {
        return bad("the magic number", kMagic, magic);
    }
    if (header.byte_order != kByteOrderMark) {
        return bad("the byte order mark", kByteOrderMark, header.byte_order);
    }
    if (header.layout_version != kLayoutVersion) {
        return Error{ErrorCode::BadSegment,
                     "the pool has layout version " + std::to_string(header.layout_version) +
                         ", this tensor-ipc reads version " + std::to_string(kLayoutVersion) +
                         ": use the same release on both sides"};
    }
    DescribedPool pool;
    PoolMetadata& metadata = pool.metadata;
    if (header.dimensions > kMaxDimensions) {
        return bad("the number of dimensions", kMaxDimensions, header.dimensions);
    }
    metadata.shape = Shape(std::span(header.shape).first(header.dimensions));
    metadata.dtype = {header.dtype_code, header.dtype_bits, header.dtype_lanes};
    metadata.history_len = header.history_len;
    auto name = read_text(header.name, "the name");
    auto backend = read_text(header.backend, "the backend");
    auto device = read_text(header.device, "the device");
    for (const auto* text : {&name, &backend, &device}) {
        if (!*text) {
            return text->error();
        }
    }
    metadata.name = std::move(name).value();
    metadata.backend = std::move(backend).value();
    metadata.device = std::move(device).value();
    if (header.varying_extent > 1) {
        return bad("varying_extent", 1, header.varying_extent);
    }
    metadata.varying_extent = header.varying_extent == 1;
    if (auto valid = validate(metadata); !valid) {
        return Error{ErrorCode::BadSegment,
                     "not a sound tensor-ipc segment: " + valid.error().message};
    }
    if (header.memory_order > MemoryOrder::Chronological) {
        return bad("the memory order", 1, static_cast<std::uint64_t>(header.memory_order));
    }
    if (header.consumer_capacity != kConsumerCapacity) {
        return bad("the consumer capacity", kConsumerCapacity, header.consumer_capacity);
    }
    if (header.headroom_bytes != kHeadroomBytes) {
        return bad("the headroom", kHeadroomBytes, header.headroom_bytes);
    }
    GeometryInput input = geometry_input_of(metadata);
    input.spare = header.slot_count - metadata.history_len;  // wraps to a refused value
    input.page_bytes = page_bytes;
    input.memory_order = header.memory_order;
    input.device_stride = header.device_stride;
    auto planned = plan_geometry(input);
    if (!planned) {
        return Error{ErrorCode::BadSegment,
                     "not a sound tensor-ipc segment: " + planned.error().message};
    }
    pool.geometry = *planned;
    const Geometry& plan = pool.geometry;
    const std::array<std::tuple<const char*, std::uint64_t, std::uint64_t>, 9> sizes{{
        {"the size of the object", plan.segment_bytes, object_bytes},
        {"segment_bytes", plan.segment_bytes, header.segment_bytes},
        {"slots_offset", plan.slots_offset, header.slots_offset},
        {"pins_offset", plan.pins_offset, header.pins_offset},
        {"consumers_offset", plan.consumers_offset, header.consumers_offset},
        {"payload_offset", plan.payload_offset, header.payload_offset},
        {"ring_bytes", plan.ring_bytes, header.ring_bytes},
        {"slot_stride", plan.slot_stride, header.slot_stride},
        {"frame_bytes", plan.frame_bytes, header.frame_bytes},
    }};
    for (const auto& [what, expected, found] : sizes) {
        if (expected != found) {
            return bad(what, expected, found);
        }
    }
    if (!plan.on_device() && header.device_ticket != DeviceTicket{}) {
        return Error{ErrorCode::BadSegment,
                     "not a sound tensor-ipc segment: there is a ticket for device memory, but no "
                     "device_stride"};
    }
    return pool;
}

void write_header(PoolHeader& header, const PoolMetadata& metadata, const Geometry& geometry)
{
    header.layout_version = kLayoutVersion;
    header.byte_order = kByteOrderMark;
    header.segment_bytes = geometry.segment_bytes;
    header.slots_offset = geometry.slots_offset;
    header.pins_offset = geometry.pins_offset;
    header.consumers_offset = geometry.consumers_offset;
    header.payload_offset = geometry.payload_offset;
    header.ring_bytes = geometry.ring_bytes;
    header.slot_stride = geometry.slot_stride;
    header.frame_bytes = geometry.frame_bytes;
    header.device_stride = geometry.device_stride;
    header.slot_count = geometry.slot_count;
    header.consumer_capacity = geometry.consumer_capacity;
    header.history_len = geometry.history_len;
    header.headroom_bytes = kHeadroomBytes;
    header.dtype_code = metadata.dtype.code;
    header.dtype_bits = metadata.dtype.bits;
    header.dtype_lanes = metadata.dtype.lanes;
    header.dimensions = static_cast<std::uint8_t>(metadata.shape.dimensions());
    header.memory_order = geometry.memory_order;
    header.varying_extent = metadata.varying_extent ? 1 : 0;
    std::ranges::copy(metadata.shape.extents(), header.shape.begin());
    write_text(header.name, metadata.name);
    write_text(header.backend, metadata.backend);
    write_text(header.device, metadata.device);
}

}  // namespace tensor_ipc
