/// Where everything lies in a segment, computed one way only: by those who make one and by those
/// who check one.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/layout/pool_header.hpp"
#include "tensor_ipc/layout/slot_header.hpp"
#include "tensor_ipc/layout/slot_headroom.hpp"

namespace tensor_ipc {

inline constexpr std::uint32_t kConsumerCapacity = 256;
inline constexpr std::uint32_t kHeadroomBytes = sizeof(SlotHeadroom);
inline constexpr std::uint32_t kPayloadAlignment = 64;
inline constexpr std::uint32_t kDeviceAlignment = 512;

/// Two slots always stay free for the producer (FrameReader::leaves_room), so a view needs a third.
inline constexpr std::uint32_t kMinSpare = 2;
inline constexpr std::uint32_t kDefaultSpare = 3;
inline constexpr std::uint32_t kMaxSpare = 4096;

static_assert(kMaxHistory + kMaxSpare <= UINT16_MAX, "a slot number fits into pack_latest()");

/// What a segment is made from.
struct GeometryInput {
    std::uint64_t frame_bytes = 0;
    std::uint64_t max_extent = 1;  ///< rows of a frame; divides `frame_bytes`
    bool varying_extent = false;   ///< whether a frame may have fewer
    std::uint32_t history_len = 1;
    std::uint32_t spare = kDefaultSpare;
    std::uint32_t consumer_capacity = kConsumerCapacity;
    std::uint64_t page_bytes = 4096;
    MemoryOrder memory_order = MemoryOrder::NewestFirst;
    /// Bytes from payload to payload in device memory; 0 when the payload lies in the segment.
    std::uint64_t device_stride = 0;
};

/// Sizes and offsets in bytes. A local copy; never read again from shared memory.
struct Geometry {
    std::uint64_t segment_bytes = 0;
    std::uint64_t slots_offset = 0;
    std::uint64_t pins_offset = 0;
    std::uint64_t consumers_offset = 0;
    std::uint64_t payload_offset = 0;
    std::uint64_t ring_bytes = 0;
    std::uint64_t slot_stride = 0;
    std::uint64_t frame_bytes = 0;     ///< of a frame of max_extent rows
    std::uint64_t row_bytes = 0;       ///< of a frame's row: what its first dimension counts
    std::uint64_t host_row_bytes = 0;  ///< of them in the segment: all, or none
    std::uint64_t device_stride = 0;   ///< see GeometryInput; a multiple of kDeviceAlignment
    std::uint64_t max_extent = 0;
    bool varying_extent = false;
    std::uint32_t slot_count = 0;
    std::uint32_t history_len = 0;
    std::uint32_t consumer_capacity = 0;
    MemoryOrder memory_order = MemoryOrder::NewestFirst;

    friend bool operator==(const Geometry&, const Geometry&) = default;

    [[nodiscard]] std::uint32_t spare() const noexcept { return slot_count - history_len; }

    /// Whether successive frames lie in successive slots, so that the last ones are one array. With
    /// one frame of history the producer takes whichever slot is best.
    [[nodiscard]] bool keeps_ring_order() const noexcept { return history_len > 1; }

    /// Whether the payload lies in device memory; the ring then holds the headrooms alone.
    [[nodiscard]] bool on_device() const noexcept { return device_stride != 0; }

    /// How many strides into its ring a slot lies. With NewestFirst they lie in falling order.
    [[nodiscard]] std::uint32_t place_of(std::uint32_t slot) const noexcept
    {
        return memory_order == MemoryOrder::NewestFirst ? slot_count - 1 - slot : slot;
    }

    /// Offset of a slot's payload in the ring.
    [[nodiscard]] std::uint64_t payload_in_ring(std::uint32_t slot) const noexcept
    {
        return place_of(slot) * slot_stride + kHeadroomBytes;
    }

    /// The slot of the lowest payload of a run; see run_in_ring.
    [[nodiscard]] std::uint32_t lowest_slot(std::uint32_t newest,
                                            std::uint32_t count) const noexcept
    {
        if (memory_order == MemoryOrder::NewestFirst) {
            return newest;
        }
        return newest + 1 >= count ? newest + 1 - count : newest + 1 + slot_count - count;
    }

    /// Offset of a slot's payload in device memory.
    [[nodiscard]] std::uint64_t payload_on_device(std::uint32_t slot) const noexcept
    {
        return place_of(slot) * device_stride;
    }

    /// Bytes of device memory in use.
    [[nodiscard]] std::uint64_t device_bytes() const noexcept { return slot_count * device_stride; }

    /// Offset of the lowest payload of `count` consecutive slots that end with `newest` (1 <= count
    /// <= slot_count), in a ring that goes on behind its end. With NewestFirst that is the newest
    /// frame, else the oldest; the next one lies `slot_stride` above.
    [[nodiscard]] std::uint64_t run_in_ring(std::uint32_t newest,
                                            std::uint32_t count) const noexcept
    {
        return payload_in_ring(lowest_slot(newest, count));
    }

    /// Rows of the frame whose slot header says `extent`. Nobody writes more than there is room
    /// for; what is there anyway is damage, and leads nobody out of the slot.
    [[nodiscard]] std::uint64_t extent_of(const SlotHeader& slot) const noexcept
    {
        return varying_extent ? std::min(slot.extent.load(std::memory_order_relaxed), max_extent)
                              : max_extent;
    }

    [[nodiscard]] std::uint32_t next_slot(std::uint32_t slot) const noexcept
    {
        return slot + 1 == slot_count ? 0 : slot + 1;
    }

    [[nodiscard]] std::uint32_t previous_slot(std::uint32_t slot) const noexcept
    {
        return slot == 0 ? slot_count - 1 : slot - 1;
    }
};

/// The input that metadata gives, which is valid; without spare, page size and memory order.
[[nodiscard]] GeometryInput geometry_input_of(const PoolMetadata& metadata);

/// @return InvalidArgument when a count is outside its range or the sizes overflow
[[nodiscard]] Result<Geometry> plan_geometry(const GeometryInput& input);

/// What a header says about itself, checked: magic, version, byte order, names, and sizes that
/// agree with plan_geometry() and with the size of the object.
struct DescribedPool {
    PoolMetadata metadata;
    Geometry geometry;
};

/// @param header        a private copy of the header, not the shared memory itself
/// @param object_bytes  size of the shared memory object
/// @return BadSegment with what was expected and what was found
[[nodiscard]] Result<DescribedPool> read_header(const PoolHeader& header,
                                                std::uint64_t object_bytes,
                                                std::uint64_t page_bytes);

/// Fills in everything but `magic`.
void write_header(PoolHeader& header, const PoolMetadata& metadata, const Geometry& geometry);

}  // namespace tensor_ipc
