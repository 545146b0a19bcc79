/// Segments of pools whose frames lie on a device, without any device: what matters here is the
/// ticket.
#include <bit>

#include "support/pool_test.hpp"
#include "tensor_ipc/pool/device_stride.hpp"

namespace tensor_ipc {
namespace {

using cuda::MemoryKind;
using cuda::MemoryTicket;
using testing::metadata_of;
using testing::must;
using testing::present;

/// A ticket as a creator of `bytes` would give it.
MemoryTicket ticket_for(std::uint64_t bytes)
{
    MemoryTicket ticket{};
    ticket.kind = MemoryKind::Vmm;
    ticket.bytes = bytes;
    ticket.id[3] = 0x5A;
    return ticket;
}

class DeviceSegment : public testing::PoolTest {
protected:
    [[nodiscard]] DevicePayload payload() const
    {
        return {512, [this](const Geometry&) { return Result<MemoryTicket>(ticket_); }};
    }

    [[nodiscard]] Result<SegmentFile> make() const
    {
        const DevicePayload device = payload();
        return open_for_producer(metadata_of(name_), {}, &device);
    }

    /// The header, for whoever wants to damage it.
    static PoolHeader& header_of(const SegmentFile& segment) { return segment.header(); }

    MemoryTicket ticket_ = ticket_for(cuda::kAllocationBytes);
};

TEST_F(DeviceSegment, HasTheTicketAndNoPayload)
{
    SegmentFile made = must(make());

    const SegmentFile opened = present(open_for_consumer(name_));

    ASSERT_TRUE(opened.ticket.has_value());
    EXPECT_EQ(opened.ticket->id, ticket_.id);
    EXPECT_EQ(opened.geometry, made.geometry);
    EXPECT_TRUE(opened.geometry.on_device());
    EXPECT_EQ(opened.geometry.ring_bytes, 6 * os::page_bytes());
    end_segment(made);
}

TEST_F(DeviceSegment, IsMadeAnewWhereAnotherProducerDied)
{
    {
        const SegmentFile dead = must(make());  // the lock goes, and nothing else
    }
    ticket_.id[3] = 0x77;

    SegmentFile made = must(make());

    EXPECT_EQ(made.header().generation.load(), 1U);
    EXPECT_EQ(present(open_for_consumer(name_)).ticket->id[3], 0x77);
    end_segment(made);
}

TEST_F(DeviceSegment, LeavesNothingWhenThereIsNoMemoryForIt)
{
    const DevicePayload none{
        512, [](const Geometry&) {
            return Result<MemoryTicket>(Error{ErrorCode::CudaOutOfMemory, "the device is full"});
        }};

    const auto made = open_for_producer(metadata_of(name_), {}, &none);

    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, ErrorCode::CudaOutOfMemory);
    EXPECT_EQ(testing::leftovers().size(), 0U);
}

TEST_F(DeviceSegment, IsRefusedWithATicketThatCannotBeOne)
{
    struct Damage {
        const char* what;
        MemoryTicket ticket;
    };

    std::array<Damage, 4> damages{{{"kind", ticket_},
                                   {"device memory of 4096 bytes", ticket_},
                                   {"device memory of 0 bytes", ticket_},
                                   {"kind 0", MemoryTicket{}}}};
    damages[0].ticket.kind = static_cast<MemoryKind>(3);
    damages[1].ticket.bytes = 4096;
    damages[2].ticket.bytes = 0;
    SegmentFile made = must(make());

    for (const Damage& damage : damages) {
        header_of(made).device_ticket = std::bit_cast<DeviceTicket>(damage.ticket);

        const auto opened = open_for_consumer(name_);

        ASSERT_FALSE(opened) << damage.what;
        EXPECT_EQ(opened.error().code, ErrorCode::BadSegment);
        EXPECT_NE(opened.error().message.find(damage.what), std::string::npos)
            << opened.error().message;
    }
    end_segment(made);
}

TEST_F(DeviceSegment, IsRefusedWithLessMemoryThanItsFramesTake)
{
    DevicePayload device = payload();
    device.stride = cuda::kAllocationBytes;
    SegmentFile made = must(open_for_producer(metadata_of(name_), {}, &device));

    const auto opened = open_for_consumer(name_);

    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::BadSegment);
    EXPECT_NE(opened.error().message.find("expected 12582912 at least"), std::string::npos);
    end_segment(made);
}

TEST(DeviceStride, IsTheFrameInUnitsOf512Bytes)
{
    GeometryInput input;
    input.frame_bytes = 513;
    input.history_len = 5;

    EXPECT_EQ(device_stride_for(MemoryKind::Ipc, input), 1024U);
    input.history_len = 1;
    EXPECT_EQ(device_stride_for(MemoryKind::Vmm, input), 1024U);
}

TEST(DeviceStride, LetsARingOfVmmMemoryFillItsAllocationWhereThatCostsLittle)
{
    GeometryInput input;
    for (const std::uint64_t frame_bytes : {1U, 921'600U, 6'220'800U, 50'000'000U}) {
        for (std::uint32_t history_len = 2; history_len <= 70; ++history_len) {
            input.frame_bytes = frame_bytes;
            input.history_len = history_len;
            const std::uint64_t slots = history_len + input.spare;

            const std::uint64_t stride = device_stride_for(MemoryKind::Vmm, input);

            ASSERT_GE(stride, frame_bytes);
            ASSERT_EQ(stride % kDeviceAlignment, 0U);
            const bool is_seamless = stride * slots % cuda::kAllocationBytes == 0;
            ASSERT_TRUE(is_seamless || stride - frame_bytes < kDeviceAlignment);
            ASSERT_LE(stride * slots, std::max(kSmallDeviceRing, 2 * slots * (frame_bytes + 512)));
        }
    }
    input.frame_bytes = 6'220'800;
    input.history_len = 5;
    EXPECT_EQ(device_stride_for(MemoryKind::Vmm, input), 6'291'456U);
}

TEST(DeviceStride, OfAFrameThatIsTooLargeIsRefusedLater)
{
    GeometryInput input;
    input.frame_bytes = UINT64_MAX - 3;
    input.history_len = 2;

    input.device_stride = device_stride_for(MemoryKind::Vmm, input);

    EXPECT_FALSE(plan_geometry(input));
}

}  // namespace
}  // namespace tensor_ipc
