/// The first bytes of a segment: what the pool is, where everything lies, and the words that
/// producer and consumers share.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "tensor_ipc/tensor/metadata.hpp"
#include "tensor_ipc/tensor/pool_name.hpp"

namespace tensor_ipc {

/// "TNSRIPC\0", read as a little-endian number. Written last when a segment is made.
inline constexpr std::uint64_t kMagic = 0x0043504952534E54;

/// Changes with every change of order, width or meaning in layout/.
inline constexpr std::uint32_t kLayoutVersion = 1;

/// As the writing machine stores it; another value means another byte order.
inline constexpr std::uint32_t kByteOrderMark = 0x01020304;

/// In which direction successive frames lie in the payload ring.
enum class MemoryOrder : std::uint8_t {
    NewestFirst = 0,    ///< frame n + 1 lies below frame n: newest-first windows go upwards
    Chronological = 1,  ///< frame n + 1 lies above frame n
};

/// Value of `PoolHeader::ended`.
enum class PoolEnd : std::uint32_t {
    Running = 0,
    Ended = 1,  ///< closed, replaced or cleaned away: the name leads elsewhere, attach again
};

/// What it takes to open the device memory of a pool: the bytes of a cuda::MemoryTicket, which this
/// layer knows nothing of. All zero where the payload lies in the segment.
using DeviceTicket = std::array<std::uint8_t, 128>;

/// The header of a pool.
///
///   0       8       16      24      32      40      48      56      64
///   +-------+-------+-------+-------+-------+-------+-------+-------+
///   | magic |ver|bom| bytes | slots@| pins@ | cons@ | data@ | ring  |  written once;
///   | stride| frame |N |cap |h |head|dt|nd|ov|created | -          |  magic last
///   +-------+-------+-------+-------+-------+-------+-------+-------+ 128
///   | shape: 32 x int64                                             |
///   +---------------------------------------------------------------+ 384
///   | name[208], backend[32], device[32], dstride, reserved[40]     |
///   +-------+-------+-------+-------+-------+-----------------------+ 704
///   | latest| gener.|end|pid| skips |                               |  the producer's line
///   +-------+-------+-------+-------+-------------------------------+ 768
///   |wake|wait|                                                     |  the sleepers' line
///   +-------+-------------------------------------------------------+ 832
///   |high|                                                          |  the consumers' line
///   +---------------------------------------------------------------+ 896
///   | device_ticket[128]                                            |  written once
///   +---------------------------------------------------------------+ 1024
///
/// Every process maps these bytes. A change of order, width or meaning is a new `kLayoutVersion`,
/// and docs/protocol.md changes with it. What is written once never changes once `magic` is there,
/// so attaching processes copy it, check the copy and use only the copy.
struct alignas(64) PoolHeader {
    std::atomic<std::uint64_t> magic;  ///< kMagic once all that follows is there
    std::uint32_t layout_version;      ///< kLayoutVersion
    std::uint32_t byte_order;          ///< kByteOrderMark
    std::uint64_t segment_bytes;       ///< size of the whole object
    std::uint64_t slots_offset;        ///< of SlotHeader[slot_count]
    std::uint64_t pins_offset;         ///< of uint8[slot_count][consumer_capacity]
    std::uint64_t consumers_offset;    ///< of ConsumerEntry[consumer_capacity]
    std::uint64_t payload_offset;      ///< of the payload ring, page-aligned
    std::uint64_t ring_bytes;          ///< slot_count * slot_stride, a multiple of the page size

    std::uint64_t slot_stride;  ///< bytes from one slot's payload to its neighbour's
    std::uint64_t frame_bytes;  ///< bytes of one frame, of the largest where the extent varies
    std::uint32_t slot_count;   ///< history_len + spare
    std::uint32_t consumer_capacity;  ///< consumer ids are 0 to this - 1
    std::uint32_t history_len;        ///< frames a consumer can ask for
    std::uint32_t headroom_bytes;     ///< sizeof(SlotHeadroom), in front of each payload
    std::uint8_t dtype_code;          ///< DLPack
    std::uint8_t dtype_bits;
    std::uint16_t dtype_lanes;
    std::uint8_t dimensions;  ///< entries of `shape` in use
    MemoryOrder memory_order;
    std::uint8_t varying_extent;  ///< 1 when each frame has its own first extent, else 0
    std::uint8_t reserved0;
    std::uint64_t created_ns;  ///< CLOCK_MONOTONIC when the segment was made
    std::uint64_t reserved1[2];

    std::array<std::int64_t, kMaxDimensions> shape;  ///< of one frame (the largest), C order

    std::array<char, 208> name;  ///< zero-terminated
    std::array<char, 32> backend;
    std::array<char, 32> device;
    std::uint64_t device_stride;  ///< bytes from payload to payload on the device; 0 without one
    std::array<std::uint8_t, 40> reserved;

    alignas(64) std::atomic<std::uint64_t> latest;  ///< see pack_latest(); 0 before the first frame
    std::atomic<std::uint64_t> generation;          ///< 1, and 1 more with each producer after it
    std::atomic<PoolEnd> ended;
    std::atomic<std::uint32_t> producer_pid;   ///< for people; liveness is the producer's lock
    std::atomic<std::uint64_t> skipped_slots;  ///< pinned slots that a producer went round

    alignas(64) std::atomic<std::uint32_t> wake_word;  ///< the futex; changes with every wake-up
    std::atomic<std::uint32_t> waiting;                ///< 1 when someone may sleep on wake_word

    alignas(64) std::atomic<std::uint32_t> consumer_high_water;  ///< ids ever used are below this

    alignas(64) DeviceTicket device_ticket;  ///< all zero where device_stride is
};

/// One line of the consumer table. Whether the consumer lives is said by its lock, not by this.
struct ConsumerEntry {
    std::atomic<std::uint32_t> pid;  ///< for people; 0 when it left in order
    std::uint32_t reserved;
};

/// `latest` in one word, so that number and place are read together: frame number + 1 in the upper
/// 48 bits, slot in the lower 16.
[[nodiscard]] constexpr std::uint64_t pack_latest(std::uint64_t frame, std::uint32_t slot) noexcept
{
    return (frame + 1) << 16U | slot;
}

static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "a lock cannot be shared");
static_assert(std::atomic<std::uint8_t>::is_always_lock_free, "a lock cannot be shared");
static_assert(offsetof(PoolHeader, layout_version) == 8);
static_assert(offsetof(PoolHeader, byte_order) == 12);
static_assert(offsetof(PoolHeader, segment_bytes) == 16);
static_assert(offsetof(PoolHeader, slots_offset) == 24);
static_assert(offsetof(PoolHeader, pins_offset) == 32);
static_assert(offsetof(PoolHeader, consumers_offset) == 40);
static_assert(offsetof(PoolHeader, payload_offset) == 48);
static_assert(offsetof(PoolHeader, ring_bytes) == 56);
static_assert(offsetof(PoolHeader, slot_stride) == 64);
static_assert(offsetof(PoolHeader, frame_bytes) == 72);
static_assert(offsetof(PoolHeader, slot_count) == 80);
static_assert(offsetof(PoolHeader, consumer_capacity) == 84);
static_assert(offsetof(PoolHeader, history_len) == 88);
static_assert(offsetof(PoolHeader, headroom_bytes) == 92);
static_assert(offsetof(PoolHeader, dtype_code) == 96);
static_assert(offsetof(PoolHeader, dtype_lanes) == 98);
static_assert(offsetof(PoolHeader, dimensions) == 100);
static_assert(offsetof(PoolHeader, memory_order) == 101);
static_assert(offsetof(PoolHeader, varying_extent) == 102);
static_assert(offsetof(PoolHeader, created_ns) == 104);
static_assert(offsetof(PoolHeader, shape) == 128);
static_assert(offsetof(PoolHeader, name) == 384);
static_assert(offsetof(PoolHeader, backend) == 592);
static_assert(offsetof(PoolHeader, device) == 624);
static_assert(offsetof(PoolHeader, device_stride) == 656);
static_assert(offsetof(PoolHeader, reserved) == 664);
static_assert(offsetof(PoolHeader, latest) == 704);
static_assert(offsetof(PoolHeader, generation) == 712);
static_assert(offsetof(PoolHeader, ended) == 720);
static_assert(offsetof(PoolHeader, producer_pid) == 724);
static_assert(offsetof(PoolHeader, skipped_slots) == 728);
static_assert(offsetof(PoolHeader, wake_word) == 768);
static_assert(offsetof(PoolHeader, waiting) == 772);
static_assert(offsetof(PoolHeader, consumer_high_water) == 832);
static_assert(offsetof(PoolHeader, device_ticket) == 896);
static_assert(sizeof(PoolHeader) == 1024);
static_assert(sizeof(ConsumerEntry) == 8);
static_assert(sizeof(PoolHeader::name) > kMaxPoolNameLength);
static_assert(sizeof(PoolHeader::backend) > kMaxLabelLength);

}  // namespace tensor_ipc
