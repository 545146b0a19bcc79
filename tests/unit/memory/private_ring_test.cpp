#include "tensor_ipc/memory/private_ring.hpp"

#include "support/pool_test.hpp"
#include "tensor_ipc/memory/host_ring.hpp"

namespace tensor_ipc {
namespace {

using testing::must;

/// A ring of 5 slots, each full of its number, and a private mapping of it.
class PrivateRingTest : public ::testing::Test {
protected:
    static Geometry plan()
    {
        GeometryInput input;
        input.frame_bytes = 10'000;
        input.history_len = 3;
        input.spare = 2;
        input.page_bytes = os::page_bytes();
        return *plan_geometry(input);
    }

    void SetUp() override
    {
        ASSERT_EQ(::ftruncate(fd_.get(), static_cast<off_t>(geometry_.segment_bytes)), 0);
        for (std::uint32_t slot = 0; slot < geometry_.slot_count; ++slot) {
            fill(slot, static_cast<int>(slot));
        }
    }

    void fill(std::uint32_t slot, int value) const
    {
        std::memset(writer_.slot(slot), value, geometry_.frame_bytes);
    }

    [[nodiscard]] std::uint64_t run(std::uint32_t newest, std::uint32_t count) const
    {
        return geometry_.run_in_ring(newest, count);
    }

    /// The value that fills a whole frame, -1 when there are several.
    [[nodiscard]] int value_at(const std::byte* frame) const
    {
        const auto* end = frame + geometry_.frame_bytes;
        return std::count(frame, end, *frame) == end - frame ? std::to_integer<int>(*frame) : -1;
    }

    /// The frame of a slot as a new holder sees it.
    [[nodiscard]] int seen(std::uint32_t slot)
    {
        const int value = value_at(ring_.hold(run(slot, 1), 1));
        ring_.release(run(slot, 1), 1);
        return value;
    }

    Geometry geometry_ = plan();
    os::FileDescriptor fd_{::memfd_create("private-ring-test", MFD_CLOEXEC)};
    HostRing writer_ = must(HostRing::map(fd_.get(), geometry_, os::Protection::ReadWrite));
    PrivateRing ring_ = must(PrivateRing::map(fd_.get(), geometry_));
};

TEST_F(PrivateRingTest, KeepsWritesToItselfAndForgetsThemOnRelease)
{
    std::byte* frame = ring_.hold(run(2, 1), 1);
    std::memset(frame, 77, geometry_.frame_bytes);

    EXPECT_EQ(value_at(frame), 77);
    EXPECT_EQ(value_at(writer_.slot(2)), 2);
    ring_.release(run(2, 1), 1);
    EXPECT_EQ(seen(2), 2);
    fill(2, 42);
    EXPECT_EQ(seen(2), 42);
}

TEST_F(PrivateRingTest, ForgetsThemWithTheLastOfSeveralHolders)
{
    std::byte* frame = ring_.hold(run(2, 1), 1);
    static_cast<void>(ring_.hold(run(2, 1), 1));
    std::memset(frame, 77, geometry_.frame_bytes);

    ring_.release(run(2, 1), 1);

    EXPECT_EQ(value_at(frame), 77);
    ring_.release(run(2, 1), 1);
    EXPECT_EQ(seen(2), 2);
}

TEST_F(PrivateRingTest, ForgetsOnlyWhatNobodyHoldsOfOverlappingRuns)
{
    // Slots 1 to 3 lie in falling order: 3, 2, 1 upwards.
    std::byte* run_of_three = ring_.hold(run(3, 3), 3);
    std::byte* middle = ring_.hold(run(2, 1), 1);
    ASSERT_EQ(middle, run_of_three + geometry_.slot_stride);
    for (std::uint64_t place = 0; place < 3; ++place) {
        std::memset(run_of_three + place * geometry_.slot_stride, 77, geometry_.frame_bytes);
    }

    ring_.release(run(3, 3), 3);

    EXPECT_EQ(value_at(middle), 77);
    EXPECT_EQ(seen(1), 1);
    EXPECT_EQ(seen(3), 3);
    ring_.release(run(2, 1), 1);
    EXPECT_EQ(seen(2), 2);
}

TEST_F(PrivateRingTest, LeavesTheNeighboursOfAWrittenFrameAlone)
{
    std::byte* frame = ring_.hold(run(2, 1), 1);
    std::memset(frame, 77, geometry_.frame_bytes);
    fill(1, 11);
    fill(3, 33);

    EXPECT_EQ(seen(1), 11);
    EXPECT_EQ(seen(3), 33);
    ring_.release(run(2, 1), 1);
}

TEST_F(PrivateRingTest, ForgetsWritesBehindTheEndOfTheRing)
{
    // Newest first: the run that ends with slot 1 goes on from slot 0, the last, to slots 4 and 3.
    std::byte* wrapped = ring_.hold(run(1, 4), 4);
    for (std::uint64_t place = 0; place < 4; ++place) {
        std::memset(wrapped + place * geometry_.slot_stride, 77, geometry_.frame_bytes);
    }

    ring_.release(run(1, 4), 4);

    std::byte* again = ring_.hold(run(1, 4), 4);
    for (const int place : {0, 1, 2, 3}) {
        constexpr std::array kExpected{1, 0, 4, 3};
        EXPECT_EQ(value_at(again + static_cast<std::uint64_t>(place) * geometry_.slot_stride),
                  kExpected[static_cast<std::size_t>(place)]);
    }
    ring_.release(run(1, 4), 4);
}

}  // namespace
}  // namespace tensor_ipc
