#include "tensor_ipc/memory/frame_copier.hpp"
#include "torn_frames.hpp"

namespace tensor_ipc {
namespace {

using testing::ChildProcess;
using testing::TornFrames;

class TornFrameProcesses : public testing::PoolTest,
                           public ::testing::WithParamInterface<MemoryOrder> {
protected:
    static void run(const PoolMetadata& metadata, std::uint64_t frames)
    {
        const testing::SharedWithChildren<TornFrames> shared;
        std::vector<std::unique_ptr<ChildProcess>> consumers;
        for (int i = 0; i < testing::kConsumers; ++i) {
            consumers.push_back(std::make_unique<ChildProcess>([&, i](const testing::Channel&) {
                testing::consume(metadata, *shared, i);
                return 0;
            }));
        }
        SegmentOptions options;
        options.memory_order = GetParam();
        options.spare = 5;
        Producer producer = testing::must(Producer::create(metadata, options));

        const std::uint64_t refused = testing::produce(producer, *shared, frames);
        for (const auto& consumer : consumers) {
            EXPECT_EQ(consumer->wait(), 0);
        }

        testing::expect_sound(*shared, producer, refused);
    }
};

TEST_P(TornFrameProcesses, SeeNoByteOfAnotherFrameWhileTheyHoldAView)
{
    run(testing::torn_frames_metadata(name_),
        testing::number_from_environment("TENSOR_IPC_STRESS_FRAMES", 200'000));
}

TEST_P(TornFrameProcesses, SeeNoByteOfAnotherFrameWhereCopiesGoThroughTheCachesOrPastThem)
{
    PoolMetadata metadata = testing::torn_frames_metadata(name_);
    metadata.shape = {40'960};
    ASSERT_GE(testing::must(frame_bytes(metadata)), FrameCopier::kTimedBytes);

    run(metadata, 3'000);
}

INSTANTIATE_TEST_SUITE_P(BothOrders, TornFrameProcesses,
                         ::testing::Values(MemoryOrder::NewestFirst, MemoryOrder::Chronological),
                         [](const auto& order) {
                             return order.param == MemoryOrder::NewestFirst ? "NewestFirst"
                                                                            : "Chronological";
                         });

}  // namespace
}  // namespace tensor_ipc
