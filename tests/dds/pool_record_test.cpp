#include "tensor_ipc/dds/pool_record.hpp"

#include <array>
#include <functional>
#include <limits>

#include "support/pool_test.hpp"

namespace tensor_ipc::dds {
namespace {

using testing::metadata_of;

PoolRecord sound_record()
{
    PoolRecord record;
    record.key = {"space", "a/pool", "boot:7"};
    record.metadata = metadata_of("a/pool", 5, {4, 6});
    record.host = "host";
    record.owner_uid = 1000;
    record.producer_pid = 42;
    record.generation = 2;
    record.frame_bytes = 96;
    record.latest_frame = 17;
    record.rate_hz = 29.97;
    return record;
}

TEST(PoolRecordTest, IsTheSameAfterASample)
{
    const PoolRecord sent = sound_record();

    const auto got = record_of(sample_of(sent));

    ASSERT_TRUE(got);
    EXPECT_EQ(got->key, sent.key);
    EXPECT_EQ(got->metadata, sent.metadata);
    EXPECT_EQ(got->host, sent.host);
    EXPECT_EQ(got->owner_uid, sent.owner_uid);
    EXPECT_EQ(got->producer_pid, sent.producer_pid);
    EXPECT_EQ(got->generation, sent.generation);
    EXPECT_EQ(got->frame_bytes, sent.frame_bytes);
    EXPECT_EQ(got->latest_frame, sent.latest_frame);
    EXPECT_EQ(got->rate_hz, sent.rate_hz);
}

TEST(PoolRecordTest, KeepsThatTheExtentVaries)
{
    PoolRecord sent = sound_record();
    sent.metadata.varying_extent = true;

    const auto got = record_of(sample_of(sent));

    ASSERT_TRUE(got);
    EXPECT_TRUE(got->metadata.varying_extent);
}

TEST(PoolRecordTest, RefusesWhatNoProducerWrites)
{
    using Sample = tensor_ipc_v1_PoolMetadata;
    const auto fill = [](auto& text) { std::ranges::fill(text, 'x'); };
    std::array<std::int64_t, 40> extents{};
    extents.fill(1);
    const std::vector<std::function<void(Sample&)>> attacks{
        [](Sample& s) { s.pool[0] = '\0'; },
        [](Sample& s) { s.pool[0] = '='; },
        [](Sample& s) { s.name_space[0] = '\n'; },
        [&](Sample& s) { fill(s.pool); },        // without an end
        [&](Sample& s) { fill(s.name_space); },  // and too long
        [](Sample& s) { s.host_id[0] = '\0'; },
        [](Sample& s) { s.host_id[1] = '\x1b'; },
        [](Sample& s) { s.generation = 0; },
        [](Sample& s) { s.dtype_bits = 0; },
        [](Sample& s) { s.dtype_lanes = 0; },
        [](Sample& s) { s.shape._buffer[0] = -4; },
        [&](Sample& s) {
            s.shape = {40, 40, extents.data(), false};
        },
        [](Sample& s) { s.varying_extent = 2; },
        [](Sample& s) { s.frame_bytes += 1; },
        [](Sample& s) { s.history_len = 0; },
        [](Sample& s) { s.history_len = kMaxHistory + 1; },
        [&](Sample& s) { fill(s.backend); },
        [](Sample& s) { s.device[0] = '\0'; },
        [](Sample& s) { s.latest_frame = -2; },
        [](Sample& s) { s.latest_frame = std::numeric_limits<std::int64_t>::max(); },
        [](Sample& s) { s.rate_hz = std::numeric_limits<double>::infinity(); },
        [](Sample& s) { s.rate_hz = std::numeric_limits<double>::quiet_NaN(); },
    };
    for (std::size_t i = 0; i < attacks.size(); ++i) {
        const PoolRecord record = sound_record();
        Sample sample = sample_of(record);
        std::vector<std::int64_t> shape(sample.shape._buffer,
                                        sample.shape._buffer + sample.shape._length);
        sample.shape._buffer = shape.data();
        ASSERT_TRUE(record_of(sample));

        attacks[i](sample);

        EXPECT_FALSE(record_of(sample)) << "attack " << i;
    }
}

TEST(ProgressRecordTest, IsTheSameAfterASampleAndRefusesWhatNoProducerWrites)
{
    const ProgressRecord sent{{"", "pool", "boot:7"}, 3, 99, 1, 2, -3};

    const auto got = record_of(sample_of(sent));

    ASSERT_TRUE(got);
    EXPECT_EQ(got->key, sent.key);
    EXPECT_EQ(got->generation, 3U);
    EXPECT_EQ(got->frame, 99U);
    EXPECT_EQ(got->captured_ns, 1U);
    EXPECT_EQ(got->published_ns, 2U);
    EXPECT_EQ(got->published_unix_ns, -3);
    auto sample = sample_of(sent);
    sample.latest_frame = std::uint64_t{1} << 48U;
    EXPECT_FALSE(record_of(sample));
    sample = sample_of(sent);
    sample.generation = 0;
    EXPECT_FALSE(record_of(sample));
}

TEST(TopicNameTest, HasOnlyWhatEveryImplementationAllows)
{
    EXPECT_EQ(topic_name("camera_1", kProgress), "tensoripc_camera_1_progress");
    EXPECT_EQ(topic_name("/cam.front/left-2", kMetadata), "tensoripc__cam_front_left_2_meta");
}

}  // namespace
}  // namespace tensor_ipc::dds
