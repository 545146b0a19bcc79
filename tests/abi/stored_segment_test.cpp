/// The layout, said once more: literal offsets against the types, and against the bytes of a pool
/// that write_segment stored. Whoever changes a number here changes kLayoutVersion.
#include <fstream>
#include <iterator>

#include "support/pool_test.hpp"

namespace tensor_ipc {
namespace {

static_assert(kLayoutVersion == 1);
static_assert(kMagic == 0x0043504952534E54);
static_assert(kByteOrderMark == 0x01020304);
static_assert(sizeof(PoolHeader) == 1024 && alignof(PoolHeader) == 64);
static_assert(offsetof(PoolHeader, magic) == 0);
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
static_assert(offsetof(PoolHeader, dtype_bits) == 97);
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
static_assert(offsetof(PoolHeader, latest) == 704);
static_assert(offsetof(PoolHeader, generation) == 712);
static_assert(offsetof(PoolHeader, ended) == 720);
static_assert(offsetof(PoolHeader, producer_pid) == 724);
static_assert(offsetof(PoolHeader, skipped_slots) == 728);
static_assert(offsetof(PoolHeader, wake_word) == 768);
static_assert(offsetof(PoolHeader, waiting) == 772);
static_assert(offsetof(PoolHeader, consumer_high_water) == 832);
static_assert(offsetof(PoolHeader, device_ticket) == 896);
static_assert(sizeof(DeviceTicket) == 128);
static_assert(sizeof(SlotHeader) == 64 && alignof(SlotHeader) == 64);
static_assert(offsetof(SlotHeader, state) == 0);
static_assert(offsetof(SlotHeader, published_ns) == 8);
static_assert(offsetof(SlotHeader, captured_ns) == 16);
static_assert(offsetof(SlotHeader, extent) == 24);
static_assert(offsetof(SlotHeadroom, user_metadata_bytes) == 0);
static_assert(offsetof(SlotHeadroom, user_metadata) == 2);
static_assert(offsetof(SlotHeadroom, wire) == 256);
static_assert(sizeof(ConsumerEntry) == 8);
static_assert(kConsumerCapacity == 256);
static_assert(kHeadroomBytes == 512);
static_assert(kMaxUserMetadataBytes == 254);
static_assert(kWireHeadroomBytes == 256);
static_assert(kPayloadAlignment == 64);
static_assert(kNeverWritten == 0);
static_assert(kBeingWritten == UINT64_MAX);
static_assert(pack_latest(0, 0) == 0x10000);
static_assert(pack_latest(41, 7) == ((42U << 16U) | 7U));
static_assert(static_cast<int>(MemoryOrder::NewestFirst) == 0);
static_assert(static_cast<int>(MemoryOrder::Chronological) == 1);
static_assert(static_cast<int>(PoolEnd::Running) == 0);
static_assert(static_cast<int>(PoolEnd::Ended) == 1);

/// The file that write_segment stored, read by literal offsets.
class StoredSegment : public testing::PoolTest {
protected:
    void SetUp() override
    {
        char path[] = "/tmp/tensor-ipc-abi-XXXXXX";
        const os::FileDescriptor fd(::mkstemp(path));
        ASSERT_TRUE(fd);
        ASSERT_EQ(std::system((std::string(WRITE_SEGMENT) + " " + path).c_str()), 0);
        std::ifstream file(path, std::ios::binary);
        bytes_.assign(std::istreambuf_iterator<char>(file), {});
        ::unlink(path);
    }

    template <typename T>
    [[nodiscard]] T at(std::size_t offset) const
    {
        T value{};
        std::memcpy(&value, bytes_.data() + offset, sizeof value);
        return value;
    }

    std::string bytes_;
};

TEST_F(StoredSegment, HasTheHeaderOfTheSamplePool)
{
    if (os::page_bytes() != 4096) {
        GTEST_SKIP() << "the offsets here are those of pages of 4096 bytes";
    }
    EXPECT_EQ(bytes_.substr(0, 8), std::string("TNSRIPC\0", 8));
    EXPECT_EQ(at<std::uint32_t>(8), 1U);
    EXPECT_EQ(at<std::uint32_t>(12), 0x01020304U);
    EXPECT_EQ(at<std::uint64_t>(16), bytes_.size());
    EXPECT_EQ(at<std::uint64_t>(24), 1024U);
    EXPECT_EQ(at<std::uint64_t>(32), 1024U + 6 * 64);
    EXPECT_EQ(at<std::uint64_t>(40), 1024U + 6 * 64 + 6 * 256);
    EXPECT_EQ(at<std::uint64_t>(48), 8192U);
    EXPECT_EQ(at<std::uint64_t>(64), 4096U);
    EXPECT_EQ(at<std::uint64_t>(56), 6 * 4096U);
    EXPECT_EQ(at<std::uint64_t>(72), 12U);
    EXPECT_EQ(at<std::uint32_t>(80), 6U);
    EXPECT_EQ(at<std::uint32_t>(84), 256U);
    EXPECT_EQ(at<std::uint32_t>(88), 3U);
    EXPECT_EQ(at<std::uint32_t>(92), 512U);
    EXPECT_EQ(at<std::uint8_t>(96), 0U);
    EXPECT_EQ(at<std::uint8_t>(97), 16U);
    EXPECT_EQ(at<std::uint16_t>(98), 1U);
    EXPECT_EQ(at<std::uint8_t>(100), 2U);
    EXPECT_EQ(at<std::uint8_t>(101), 0U);
    EXPECT_EQ(at<std::uint8_t>(102), 0U);
    EXPECT_GT(at<std::uint64_t>(104), 0U);
    EXPECT_EQ(at<std::int64_t>(128), 2);
    EXPECT_EQ(at<std::int64_t>(136), 3);
    EXPECT_STREQ(bytes_.c_str() + 384, "abi-sample");
    EXPECT_STREQ(bytes_.c_str() + 592, "numpy");
    EXPECT_STREQ(bytes_.c_str() + 624, "cpu");
    EXPECT_EQ(at<std::uint64_t>(704), (5ULL << 16U) | 4U);
    EXPECT_EQ(at<std::uint64_t>(712), 1U);
    EXPECT_EQ(at<std::uint32_t>(720), 0U);
    EXPECT_GT(at<std::uint32_t>(724), 0U);
    EXPECT_EQ(at<std::uint64_t>(728), 0U);
}

TEST_F(StoredSegment, HasFramesAndTheirHeadersInPlace)
{
    const auto slots = at<std::uint64_t>(24);
    const auto payload = at<std::uint64_t>(48);
    const auto stride = at<std::uint64_t>(64);
    for (std::uint64_t i = 0; i < 5; ++i) {
        EXPECT_EQ(at<std::uint64_t>(slots + 64 * i), i + 1);
        EXPECT_GT(at<std::uint64_t>(slots + 64 * i + 8), 0U);
        EXPECT_EQ(at<std::uint64_t>(slots + 64 * i + 16), at<std::uint64_t>(slots + 64 * i + 8));
        const std::uint64_t frame = payload + (5 - i) * stride + 512;  // newest at the lowest
        for (std::uint64_t j = 0; j < 6; ++j) {
            EXPECT_EQ(at<std::int16_t>(frame + 2 * j), static_cast<std::int16_t>(100 * i + j));
        }
    }
    EXPECT_EQ(at<std::uint64_t>(slots + 64 * 5), 0U);
}

TEST_F(StoredSegment, IsReadByThisRelease)
{
    PoolHeader header{};
    std::memcpy(static_cast<void*>(&header), bytes_.data(), sizeof header);

    const auto pool = read_header(header, bytes_.size(), os::page_bytes());

    ASSERT_TRUE(pool) << pool.error().message;
    EXPECT_EQ(pool->metadata.name, "abi-sample");
    EXPECT_EQ(pool->metadata.shape, Shape({2, 3}));
    EXPECT_EQ(dtype_name(pool->metadata.dtype), "int16");
}

}  // namespace
}  // namespace tensor_ipc
