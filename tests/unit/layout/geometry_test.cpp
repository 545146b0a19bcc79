#include "tensor_ipc/layout/geometry.hpp"

#include <cstring>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "tensor_ipc/layout/slot_header.hpp"

namespace tensor_ipc {
namespace {

constexpr std::uint64_t kPage = 4096;

GeometryInput input_of(std::uint64_t frame_bytes, std::uint32_t history_len = 3,
                       std::uint32_t spare = kDefaultSpare)
{
    GeometryInput input;
    input.frame_bytes = frame_bytes;
    input.history_len = history_len;
    input.spare = spare;
    return input;
}

TEST(PlanGeometry, PutsOnePartBehindTheOtherWithoutOverlap)
{
    const auto plan = plan_geometry(input_of(1000));

    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->slot_count, 6U);
    EXPECT_EQ(plan->spare(), 3U);
    EXPECT_GE(plan->slots_offset, sizeof(PoolHeader));
    EXPECT_EQ(plan->pins_offset, plan->slots_offset + 6 * sizeof(SlotHeader));
    EXPECT_EQ(plan->consumers_offset, plan->pins_offset + 6 * kConsumerCapacity);
    EXPECT_GE(plan->payload_offset,
              plan->consumers_offset + kConsumerCapacity * sizeof(ConsumerEntry));
    EXPECT_EQ(plan->segment_bytes, plan->payload_offset + plan->ring_bytes);
}

TEST(PlanGeometry, GivesEachSlotPagesOfItsOwnAndKeepsPayloadsAligned)
{
    for (const std::uint64_t page : {std::uint64_t{4096}, std::uint64_t{65536}}) {
        for (std::uint32_t history_len = 1; history_len <= 70; ++history_len) {
            for (const std::uint64_t frame_bytes : {1, 63, 64, 1000, 4096, 921'600, 6'220'800}) {
                GeometryInput input = input_of(frame_bytes, history_len);
                input.page_bytes = page;

                const auto plan = plan_geometry(input);

                ASSERT_TRUE(plan);
                ASSERT_EQ(plan->payload_offset % page, 0U);
                ASSERT_EQ(plan->ring_bytes % page, 0U);
                ASSERT_EQ(plan->ring_bytes, plan->slot_stride * plan->slot_count);
                ASSERT_EQ(plan->slot_stride % page, 0U);
                ASSERT_GE(plan->slot_stride, frame_bytes + kHeadroomBytes);
                ASSERT_LT(plan->slot_stride, frame_bytes + kHeadroomBytes + page);
                for (std::uint32_t slot = 0; slot < plan->slot_count; ++slot) {
                    ASSERT_EQ(plan->payload_in_ring(slot) % kPayloadAlignment, 0U);
                    ASSERT_LE(plan->payload_in_ring(slot) + frame_bytes, plan->ring_bytes);
                }
            }
        }
    }
}

TEST(PlanGeometry, LaysSlotsDownwardsUnlessChronological)
{
    GeometryInput input = input_of(1000);
    const Geometry falling = *plan_geometry(input);
    input.memory_order = MemoryOrder::Chronological;
    const Geometry rising = *plan_geometry(input);

    EXPECT_EQ(falling.payload_in_ring(0), 5 * falling.slot_stride + kHeadroomBytes);
    EXPECT_EQ(falling.payload_in_ring(5), kHeadroomBytes);
    EXPECT_EQ(rising.payload_in_ring(0), kHeadroomBytes);
    EXPECT_EQ(rising.payload_in_ring(5), 5 * rising.slot_stride + kHeadroomBytes);
}

TEST(PlanGeometry, GoesRoundTheRing)
{
    const Geometry plan = *plan_geometry(input_of(8, 1, 2));

    EXPECT_EQ(plan.next_slot(0), 1U);
    EXPECT_EQ(plan.next_slot(2), 0U);
    EXPECT_EQ(plan.previous_slot(0), 2U);
    EXPECT_EQ(plan.previous_slot(2), 1U);
}

TEST(PlanGeometry, KeepsOnlyTheHeadroomOfAFrameOnADeviceInTheRing)
{
    GeometryInput input = input_of(1'000'000);
    input.device_stride = 1'000'448;

    const auto plan = plan_geometry(input);

    ASSERT_TRUE(plan);
    EXPECT_TRUE(plan->on_device());
    EXPECT_EQ(plan->slot_stride, kPage);
    EXPECT_EQ(plan->ring_bytes, 6 * kPage);
    EXPECT_EQ(plan->row_bytes, 1'000'000U);
    EXPECT_EQ(plan->host_row_bytes, 0U);
    EXPECT_EQ(plan->device_bytes(), 6 * 1'000'448U);
    EXPECT_EQ(plan->payload_on_device(5), 0U);  // newest first, as in the ring
    EXPECT_EQ(plan->payload_on_device(0), 5 * 1'000'448U);
    EXPECT_EQ(plan->lowest_slot(2, 3), 2U);
    input.memory_order = MemoryOrder::Chronological;
    EXPECT_EQ(plan_geometry(input)->payload_on_device(5), 5 * 1'000'448U);
    EXPECT_EQ(plan_geometry(input)->lowest_slot(2, 3), 0U);
    EXPECT_EQ(plan_geometry(input)->lowest_slot(1, 3), 5U);
}

TEST(PlanGeometry, RefusesAStrideThatFramesOnADeviceDoNotFitInto)
{
    for (const std::uint64_t stride :
         {std::uint64_t{512}, std::uint64_t{1001}, std::uint64_t{1025}, UINT64_MAX - 511}) {
        GeometryInput input = input_of(1000);
        input.device_stride = stride;

        EXPECT_FALSE(plan_geometry(input)) << stride;
    }
}

TEST(PlanGeometry, RefusesCountsOutsideTheirRange)
{
    for (const GeometryInput& input :
         {input_of(8, 0), input_of(8, kMaxHistory + 1), input_of(8, 3, kMinSpare - 1),
          input_of(8, 3, kMaxSpare + 1), input_of(8, 3, UINT32_MAX)}) {
        const auto plan = plan_geometry(input);

        ASSERT_FALSE(plan);
        EXPECT_EQ(plan.error().code, ErrorCode::InvalidArgument);
    }
    EXPECT_TRUE(plan_geometry(input_of(8, kMaxHistory, kMaxSpare)));
}

TEST(PlanGeometry, RefusesSizesThatOverflow)
{
    for (const std::uint64_t frame_bytes :
         {UINT64_MAX, UINT64_MAX - kHeadroomBytes, UINT64_MAX / 6, UINT64_MAX / 12,
          static_cast<std::uint64_t>(INT64_MAX) / 6}) {
        const auto plan = plan_geometry(input_of(frame_bytes));

        ASSERT_FALSE(plan) << frame_bytes;
        EXPECT_NE(plan.error().message.find("too large"), std::string::npos);
    }
}

PoolMetadata sample_metadata()
{
    PoolMetadata metadata;
    metadata.name = "cam/left";
    metadata.shape = {4, 5};
    metadata.dtype = *dtype_from_name("float32");
    metadata.history_len = 3;
    metadata.device = "cpu";
    return metadata;
}

GeometryInput planned_from(const PoolMetadata& metadata)
{
    GeometryInput input = geometry_input_of(metadata);
    input.page_bytes = kPage;
    return input;
}

/// A sound header that each test damages in one place.
class ReadHeader : public ::testing::Test {
protected:
    ReadHeader()
    {
        write_header(header_, metadata_, geometry_);
        header_.magic.store(kMagic);
    }

    Result<DescribedPool> read() { return read_header(header_, geometry_.segment_bytes, kPage); }

    PoolMetadata metadata_ = sample_metadata();
    Geometry geometry_ = *plan_geometry(planned_from(metadata_));
    PoolHeader header_{};
};

TEST_F(ReadHeader, FindsWhatWasWritten)
{
    const auto pool = read();

    ASSERT_TRUE(pool) << pool.error().message;
    EXPECT_EQ(pool->metadata, metadata_);
    EXPECT_EQ(pool->geometry, geometry_);
}

TEST_F(ReadHeader, FindsTheLongestName)
{
    metadata_.name.assign(kMaxPoolNameLength, 'n');
    metadata_.backend.assign(kMaxLabelLength, 'b');
    metadata_.device.assign(kMaxLabelLength, 'd');
    write_header(header_, metadata_, geometry_);

    ASSERT_TRUE(read());
    EXPECT_EQ(read()->metadata, metadata_);
}

TEST_F(ReadHeader, FindsThatTheExtentVaries)
{
    metadata_.varying_extent = true;
    geometry_ = *plan_geometry(planned_from(metadata_));
    write_header(header_, metadata_, geometry_);

    const auto pool = read();

    ASSERT_TRUE(pool) << pool.error().message;
    EXPECT_TRUE(pool->metadata.varying_extent);
    EXPECT_EQ(pool->geometry, geometry_);
    EXPECT_EQ(pool->geometry.max_extent, 4U);
    EXPECT_EQ(pool->geometry.row_bytes, 20U);
}

TEST_F(ReadHeader, RefusesAVaryingScalar)
{
    header_.varying_extent = 1;
    header_.dimensions = 0;

    const auto refused = read();

    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("varying extent"), std::string::npos);
}

TEST(Geometry, BelievesNoExtentBeyondTheCapacity)
{
    GeometryInput input = input_of(80);
    input.max_extent = 4;
    SlotHeader slot{};
    slot.extent.store(5);

    const Geometry fixed = *plan_geometry(input);
    input.varying_extent = true;
    const Geometry varying = *plan_geometry(input);

    EXPECT_EQ(fixed.extent_of(slot), 4U);
    EXPECT_EQ(varying.extent_of(slot), 4U);
    slot.extent.store(UINT64_MAX);
    EXPECT_EQ(varying.extent_of(slot), 4U);
    slot.extent.store(0);
    EXPECT_EQ(fixed.extent_of(slot), 4U);
    EXPECT_EQ(varying.extent_of(slot), 0U);
}

struct Damage {
    const char* field;  ///< what the message has to name
    std::function<void(PoolHeader&)> apply;
};

TEST_F(ReadHeader, RefusesEachDamagedFieldAndNamesIt)
{
    const Damage damages[] = {
        {"magic", [](PoolHeader& h) { h.magic.store(kMagic + 1); }},
        {"magic", [](PoolHeader& h) { h.magic.store(0); }},
        {"layout version 2", [](PoolHeader& h) { h.layout_version = 2; }},
        {"byte order", [](PoolHeader& h) { h.byte_order = 0x04030201; }},
        {"segment_bytes", [](PoolHeader& h) { ++h.segment_bytes; }},
        {"slots_offset", [](PoolHeader& h) { h.slots_offset = 0; }},
        {"pins_offset", [](PoolHeader& h) { h.pins_offset = UINT64_MAX; }},
        {"consumers_offset", [](PoolHeader& h) { h.consumers_offset += 8; }},
        {"payload_offset", [](PoolHeader& h) { h.payload_offset += kPage; }},
        {"ring_bytes", [](PoolHeader& h) { h.ring_bytes -= kPage; }},
        {"slot_stride", [](PoolHeader& h) { h.slot_stride = 0; }},
        {"frame_bytes", [](PoolHeader& h) { h.frame_bytes = UINT64_MAX; }},
        {"device_stride", [](PoolHeader& h) { h.device_ticket[127] = 1; }},
        {"apart in device memory", [](PoolHeader& h) { h.device_stride = 1000; }},
        {"spare", [](PoolHeader& h) { h.slot_count = 0; }},
        {"spare", [](PoolHeader& h) { h.slot_count = UINT32_MAX; }},
        {"size of the object", [](PoolHeader& h) { ++h.slot_count; }},
        {"consumer capacity", [](PoolHeader& h) { h.consumer_capacity = 255; }},
        {"history_len", [](PoolHeader& h) { h.history_len = 0; }},
        {"history_len", [](PoolHeader& h) { h.history_len = UINT32_MAX; }},
        {"headroom", [](PoolHeader& h) { h.headroom_bytes = 0; }},
        {"dtype", [](PoolHeader& h) { h.dtype_code = 3; }},
        {"dtype", [](PoolHeader& h) { h.dtype_bits = 7; }},
        {"dtype", [](PoolHeader& h) { h.dtype_lanes = 0; }},
        {"number of dimensions", [](PoolHeader& h) { h.dimensions = 33; }},
        {"varying_extent", [](PoolHeader& h) { h.varying_extent = 2; }},
        {"memory order", [](PoolHeader& h) { h.memory_order = static_cast<MemoryOrder>(2); }},
        {"shape", [](PoolHeader& h) { h.shape[0] = -4; }},
        {"shape", [](PoolHeader& h) { h.shape[1] = 0; }},
        {"shape", [](PoolHeader& h) { h.shape[1] = INT64_MAX; }},
        {"size of the object", [](PoolHeader& h) { h.shape[1] = 1 << 20; }},
        {"the name has no end", [](PoolHeader& h) { h.name.fill('n'); }},
        {"pool name", [](PoolHeader& h) { h.name.fill('\0'); }},
        {"pool name", [](PoolHeader& h) { h.name[0] = '='; }},
        {"the backend has no end", [](PoolHeader& h) { h.backend.fill('b'); }},
        {"backend and device", [](PoolHeader& h) { h.backend.fill('\0'); }},
        {"the device has no end", [](PoolHeader& h) { h.device.fill('d'); }},
        {"\\xff", [](PoolHeader& h) { h.backend[0] = '\xff'; }},  // no text in UTF-8
        {"\\x1b[2J", [](PoolHeader& h) { std::memcpy(h.device.data(), "\x1b[2J", 5); }},
        {"\\x07", [](PoolHeader& h) { h.name[1] = '\a'; }},
    };
    for (const Damage& damage : damages) {
        header_.~PoolHeader();
        new (&header_) PoolHeader{};
        write_header(header_, metadata_, geometry_);
        header_.magic.store(kMagic);
        damage.apply(header_);

        const auto refused = read();

        ASSERT_FALSE(refused) << damage.field;
        EXPECT_EQ(refused.error().code, ErrorCode::BadSegment) << damage.field;
        EXPECT_NE(refused.error().message.find(damage.field), std::string::npos)
            << damage.field << ": " << refused.error().message;
    }
}

TEST_F(ReadHeader, RefusesAnObjectOfAnotherSize)
{
    for (const std::uint64_t bytes :
         {std::uint64_t{0}, geometry_.segment_bytes - 1, geometry_.segment_bytes + kPage}) {
        const auto refused = read_header(header_, bytes, kPage);

        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::BadSegment);
        EXPECT_NE(refused.error().message.find(std::to_string(geometry_.segment_bytes)),
                  std::string::npos);
    }
}

TEST_F(ReadHeader, RefusesGarbageOfAnyKind)
{
    std::uint64_t random = 88172645463325252;
    for (int round = 0; round < 20'000; ++round) {
        auto* bytes = reinterpret_cast<unsigned char*>(&header_);
        for (int i = 0; i < 4; ++i) {
            random ^= random << 13U;
            random ^= random >> 7U;
            random ^= random << 17U;
            bytes[8 + random % 650] = static_cast<unsigned char>(random >> 32U);
        }

        const auto pool = read();

        // Damage may by chance leave a sound header; what is accepted is then within its bounds.
        if (pool) {
            ASSERT_EQ(pool->geometry.segment_bytes, geometry_.segment_bytes);
        }
    }
}

}  // namespace
}  // namespace tensor_ipc
