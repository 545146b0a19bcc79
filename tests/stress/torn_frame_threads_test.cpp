#include <thread>

#include "torn_frames.hpp"

namespace tensor_ipc {
namespace {

using testing::TornFrames;

class TornFrameThreads : public testing::PoolTest {};

TEST_F(TornFrameThreads, SeeNoByteOfAnotherFrameWhileTheyHoldAView)
{
    const PoolMetadata metadata = testing::torn_frames_metadata(name_);
    SegmentOptions options;
    options.spare = 5;
    Producer producer = testing::must(Producer::create(metadata, options));
    TornFrames shared;
    std::vector<std::thread> consumers;
    for (int i = 0; i < testing::kConsumers; ++i) {
        consumers.emplace_back([&, i] { testing::consume(metadata, shared, i); });
    }

    const std::uint64_t refused = testing::produce(
        producer, shared, testing::number_from_environment("TENSOR_IPC_STRESS_FRAMES", 50'000));
    for (std::thread& consumer : consumers) {
        consumer.join();
    }

    testing::expect_sound(shared, producer, refused);
}

}  // namespace
}  // namespace tensor_ipc
