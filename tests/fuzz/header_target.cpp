/// Any header, in an object of any size: `read_header` refuses it, or what it says lies within the
/// object and is written again as the same header.
#include "fuzz/edits.hpp"
#include "tensor_ipc/base/checked.hpp"

namespace tensor_ipc::fuzz {

namespace {

constexpr std::uint64_t kPage = 4096;

/// Of `choice`, what makes it a pool in device memory. Rare, so that most inputs are of the others.
constexpr std::uint8_t kOnDevice = 0xD0;

Result<Geometry> geometry_of(const PoolMetadata& metadata, std::uint32_t spare, MemoryOrder order,
                             bool on_device)
{
    if (auto bytes = frame_bytes(metadata); !bytes) {
        return bytes.error();
    }
    GeometryInput input = geometry_input_of(metadata);
    input.spare = spare;
    input.page_bytes = kPage;
    input.memory_order = order;
    input.device_stride =
        on_device ? checked_align_up(input.frame_bytes, kDeviceAlignment).value_or(1) : 0;
    return plan_geometry(input);
}

/// A sound header of a pool that the input chooses, or zeros when it chooses none.
std::uint64_t write_sound(FuzzInput& input, PoolHeader& header)
{
    PoolMetadata metadata;
    metadata.name.assign(input.byte(), 'n');
    metadata.backend.assign(input.below(40), 'b');
    std::array<std::int64_t, kMaxDimensions> extents{};
    const std::uint32_t dimensions = input.below(kMaxDimensions + 1);
    for (std::uint32_t i = 0; i < dimensions; ++i) {
        extents.at(i) = static_cast<std::int64_t>(next_value(input));
    }
    metadata.shape = Shape(std::span(extents).first(dimensions));
    metadata.dtype = {input.byte(), input.byte(), 1};
    metadata.history_len = input.number<std::uint16_t>();
    const std::uint32_t spare = input.number<std::uint16_t>();
    const std::uint8_t choice = input.byte();
    const auto order = (choice & 1U) != 0 ? MemoryOrder::Chronological : MemoryOrder::NewestFirst;
    metadata.varying_extent = (choice & 2U) != 0;
    const auto geometry = geometry_of(metadata, spare, order, (choice & 0xF0U) == kOnDevice);
    if (!geometry || !validate(metadata)) {
        return 0;
    }
    write_header(header, metadata, *geometry);
    header.magic.store(kMagic);
    return geometry->segment_bytes;
}

void require_within(const Geometry& geometry, std::uint64_t object_bytes)
{
    FUZZ_REQUIRE(geometry.segment_bytes == object_bytes);
    FUZZ_REQUIRE(geometry.slots_offset >= sizeof(PoolHeader));
    FUZZ_REQUIRE(geometry.slots_offset + geometry.slot_count * sizeof(SlotHeader) <=
                 geometry.pins_offset);
    FUZZ_REQUIRE(geometry.pins_offset +
                     std::uint64_t{geometry.slot_count} * geometry.consumer_capacity <=
                 geometry.consumers_offset);
    FUZZ_REQUIRE(geometry.consumers_offset + geometry.consumer_capacity * sizeof(ConsumerEntry) <=
                 geometry.payload_offset);
    FUZZ_REQUIRE(geometry.payload_offset % kPage == 0 && geometry.ring_bytes % kPage == 0);
    FUZZ_REQUIRE(geometry.ring_bytes <= object_bytes - geometry.payload_offset);
    FUZZ_REQUIRE(geometry.history_len >= 1 && geometry.history_len < geometry.slot_count);
    FUZZ_REQUIRE(geometry.slot_stride <= geometry.ring_bytes / geometry.slot_count);
    for (const std::uint32_t slot : {0U, geometry.slot_count - 1}) {
        FUZZ_REQUIRE(geometry.payload_in_ring(slot) <= geometry.ring_bytes);
        FUZZ_REQUIRE(geometry.max_extent * geometry.row_bytes == geometry.frame_bytes);
        FUZZ_REQUIRE(geometry.max_extent * geometry.host_row_bytes <=
                     geometry.ring_bytes - geometry.payload_in_ring(slot));
        FUZZ_REQUIRE(geometry.host_row_bytes == (geometry.on_device() ? 0 : geometry.row_bytes));
        FUZZ_REQUIRE(!geometry.on_device() ||
                     geometry.frame_bytes <=
                         geometry.device_bytes() - geometry.payload_on_device(slot));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    FuzzInput input({data, size});
    PoolHeader header{};
    std::uint64_t object_bytes = 0;
    if (input.flag()) {
        object_bytes = write_sound(input, header);
        object_bytes += input.flag() ? input.byte() : 0;
        while (!input.empty()) {
            const std::size_t end =
                header.device_stride != 0 ? sizeof header : offsetof(PoolHeader, device_ticket);
            const std::size_t offset = input.number<std::uint16_t>() % end;
            reinterpret_cast<std::uint8_t*>(&header)[offset] = input.byte();
        }
    } else {
        object_bytes = input.number<std::uint64_t>();
        const auto bytes = input.rest().first(std::min(input.rest().size(), sizeof header));
        std::memcpy(static_cast<void*>(&header), bytes.data(), bytes.size());
    }

    const auto pool = read_header(header, object_bytes, kPage);

    if (!pool) {
        FUZZ_REQUIRE(pool.error().code == ErrorCode::BadSegment);
        FUZZ_REQUIRE(!pool.error().message.empty());
        return 0;
    }
    require_within(pool->geometry, object_bytes);
    PoolHeader again{};
    write_header(again, pool->metadata, pool->geometry);
    again.magic.store(kMagic);
    const auto same = read_header(again, object_bytes, kPage);
    FUZZ_REQUIRE(same && same->metadata == pool->metadata && same->geometry == pool->geometry);
    return 0;
}

}  // namespace tensor_ipc::fuzz
