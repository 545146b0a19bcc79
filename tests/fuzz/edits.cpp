#include "fuzz/edits.hpp"

#include <algorithm>

namespace tensor_ipc::fuzz {

namespace {

Edit at(std::uint64_t offset, std::uint32_t width, FuzzInput& input)
{
    const std::uint64_t value = next_value(input);
    return {offset, value, width, input.byte()};
}

}  // namespace

std::uint64_t next_value(FuzzInput& input)
{
    const std::uint8_t kind = input.byte();
    const std::uint64_t small = input.byte();
    switch (kind % 10U) {
        case 0:
            return small;
        case 1:
            return UINT64_MAX - small;
        case 2:
            return pack_latest(small / 8, static_cast<std::uint32_t>(small % 8));
        case 3:
            return pack_latest((std::uint64_t{1} << 48U) - 1 - small / 8, small % 8);
        case 4:
            return (std::uint64_t{1} << 48U) - 8 + small % 16;
        case 5:
            return (std::uint64_t{1} << 47U) - 8 + small % 16;
        case 6:
            return std::uint64_t{1} << small % 64;
        case 7:
            return 126 + small % 4 + (small > 127 ? 64 : 0);
        default:
            return input.number<std::uint64_t>();
    }
}

Edit next_edit(FuzzInput& input, const Geometry& geometry)
{
    // Without the ticket, which pools in host memory have none of; header_target.cpp has it.
    constexpr std::size_t kHeaderBytes = offsetof(PoolHeader, device_ticket);
    const std::uint8_t kind = input.byte();
    const std::uint32_t slot = input.below(geometry.slot_count);
    const std::uint64_t slot_header = geometry.slots_offset + slot * sizeof(SlotHeader);
    switch (kind % 12U) {
        case 0:
            return at(offsetof(PoolHeader, latest), 8, input);
        case 1:
            return at(slot_header + offsetof(SlotHeader, state), 8, input);
        case 2:
            return at(slot_header + (kind % 24U == 2 ? offsetof(SlotHeader, published_ns)
                                                     : offsetof(SlotHeader, extent)),
                      8, input);
        case 3: {
            // Consumer 0 is the one that is attacked.
            const std::uint32_t id = input.flag() ? 0 : input.byte();
            return at(geometry.pins_offset + slot * geometry.consumer_capacity + id, 1, input);
        }
        case 4:
            return at(offsetof(PoolHeader, consumer_high_water), 4, input);
        case 5:
            return at(offsetof(PoolHeader, wake_word), 4, input);
        case 6:
            return at(offsetof(PoolHeader, waiting), 4, input);
        case 7:
            return at(offsetof(PoolHeader, ended), 4, input);
        case 8:
            return at(offsetof(PoolHeader, generation), 8, input);
        case 9:
            return at(input.number<std::uint16_t>() % kHeaderBytes, 1, input);
        case 10:
            return at(input.number<std::uint16_t>() % (kHeaderBytes / 8) * 8, 8, input);
        default:
            return at(input.number<std::uint32_t>() % geometry.payload_offset, 1, input);
    }
}

std::vector<Edit> next_edits(FuzzInput& input, const Geometry& geometry, std::uint64_t bytes)
{
    std::vector<Edit> edits(input.below(16));
    for (Edit& edit : edits) {
        edit = next_edit(input, geometry);
    }
    std::erase_if(edits, [&](const Edit& edit) { return edit.offset + edit.width > bytes; });
    return edits;
}

void write_into(const Edit& edit, std::byte* control, std::uint64_t round)
{
    std::byte* place = control + edit.offset;
    const std::uint64_t value = edit.value + edit.step * round;
    switch (edit.width) {
        case 1:
            __atomic_store_n(reinterpret_cast<std::uint8_t*>(place), value, __ATOMIC_RELAXED);
            break;
        case 4:
            __atomic_store_n(reinterpret_cast<std::uint32_t*>(place), value, __ATOMIC_RELAXED);
            break;
        default:
            __atomic_store_n(reinterpret_cast<std::uint64_t*>(place), value, __ATOMIC_RELAXED);
            break;
    }
}

}  // namespace tensor_ipc::fuzz
