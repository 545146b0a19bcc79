#include "tensor_ipc/memory/host_ring.hpp"

#include "support/pool_test.hpp"

namespace tensor_ipc {
namespace {

using testing::must;

/// A ring of 5 slots in an object without a name.
class HostRingTest : public ::testing::TestWithParam<MemoryOrder> {
protected:
    static Geometry plan(std::uint32_t history_len = 3)
    {
        GeometryInput input;
        input.frame_bytes = 1000;
        input.history_len = history_len;
        input.spare = 2;
        input.page_bytes = os::page_bytes();
        input.memory_order = GetParam();
        return *plan_geometry(input);
    }

    void SetUp() override
    {
        const auto bytes = static_cast<off_t>(geometry_.segment_bytes);
        ASSERT_EQ(::ftruncate(fd_.get(), bytes), 0);
    }

    Geometry geometry_ = plan();
    os::FileDescriptor fd_{::memfd_create("host-ring-test", MFD_CLOEXEC)};
};

TEST_P(HostRingTest, HasOnePlaceForEachSlot)
{
    const HostRing ring = must(HostRing::map(fd_.get(), geometry_, os::Protection::ReadWrite));

    for (std::uint32_t slot = 0; slot < geometry_.slot_count; ++slot) {
        std::memset(ring.slot(slot), static_cast<int>(slot + 1), geometry_.frame_bytes);
    }

    for (std::uint32_t slot = 0; slot < geometry_.slot_count; ++slot) {
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(ring.slot(slot)) % kPayloadAlignment, 0U);
        EXPECT_EQ(ring.slot(slot)[0], std::byte(slot + 1));
        EXPECT_EQ(ring.slot(slot)[geometry_.frame_bytes - 1], std::byte(slot + 1));
    }
}

TEST_P(HostRingTest, ShowsAnyRunOfSlotsAsOneStridedRange)
{
    const HostRing writer = must(HostRing::map(fd_.get(), geometry_, os::Protection::ReadWrite));
    const HostRing reader = must(HostRing::map(fd_.get(), geometry_, os::Protection::ReadOnly));
    for (std::uint32_t slot = 0; slot < geometry_.slot_count; ++slot) {
        std::memset(writer.slot(slot), static_cast<int>(slot + 1), geometry_.frame_bytes);
    }

    for (std::uint32_t newest = 0; newest < geometry_.slot_count; ++newest) {
        for (std::uint32_t count = 1; count <= geometry_.slot_count; ++count) {
            const std::byte* lowest = reader.run(newest, count);
            for (std::uint32_t i = 0; i < count; ++i) {
                const std::uint32_t age =
                    GetParam() == MemoryOrder::NewestFirst ? i : count - 1 - i;
                const std::uint32_t slot =
                    (newest + geometry_.slot_count - age) % geometry_.slot_count;
                EXPECT_EQ(lowest[i * geometry_.slot_stride], std::byte(slot + 1));
                EXPECT_EQ(lowest[i * geometry_.slot_stride + geometry_.frame_bytes - 1],
                          std::byte(slot + 1));
            }
        }
    }
}

TEST_P(HostRingTest, IsMappedOnceWhereAllArraysHaveOneFrame)
{
    const HostRing several = must(HostRing::map(fd_.get(), geometry_, os::Protection::ReadOnly));
    const Geometry of_one = plan(1);
    const HostRing one = must(HostRing::map(fd_.get(), of_one, os::Protection::ReadWrite));

    EXPECT_EQ(several.mapped().size(), 2 * geometry_.ring_bytes);
    EXPECT_EQ(one.mapped().size(), of_one.ring_bytes);
    for (std::uint32_t slot = 0; slot < of_one.slot_count; ++slot) {
        EXPECT_GE(one.slot(slot), one.mapped().data());
        EXPECT_LE(one.slot(slot) + of_one.frame_bytes, one.mapped().data() + one.mapped().size());
        EXPECT_EQ(one.run(slot, 1), one.slot(slot));
    }
}

INSTANTIATE_TEST_SUITE_P(BothOrders, HostRingTest,
                         ::testing::Values(MemoryOrder::NewestFirst, MemoryOrder::Chronological),
                         [](const auto& order) {
                             return order.param == MemoryOrder::NewestFirst ? "NewestFirst"
                                                                            : "Chronological";
                         });

}  // namespace
}  // namespace tensor_ipc
