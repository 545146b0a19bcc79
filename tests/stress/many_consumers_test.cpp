/// As many consumers as a pool can have, each a process, half of them killed while they read.
#include <thread>

#include "torn_frames.hpp"

namespace tensor_ipc {
namespace {

using testing::Channel;
using testing::ChildProcess;
using testing::must;

struct Seen {
    std::array<std::atomic<std::uint64_t>, kConsumerCapacity> frames{};  ///< newest number + 1
    std::atomic<std::uint64_t> torn{0};
    std::atomic<bool> stop{false};
};

class ManyConsumers : public testing::PoolTest {
protected:
    /// Reads until told to stop, and holds the frame it has until it gets the next.
    int read(std::uint32_t me) const
    {
        Consumer consumer = must(Consumer::follow(metadata_));
        std::optional<FrameWindow> held;
        while (!seen_->stop) {
            must(consumer.wait(consumer.last_index(), os::monotonic_ns() + 20'000'000));
            auto window = consumer.history(1);  // refused where all slots are held just then
            if (window && *window) {
                const bool was_whole =
                    !held || testing::is_frame(held->bytes(), held->info().index);
                held = std::move(**window);
                const bool is_whole = testing::is_frame(held->bytes(), held->info().index);
                seen_->torn += was_whole && is_whole ? 0 : 1;
                seen_->frames.at(me) = held->info().index + 1;
            }
        }
        return 0;
    }

    void publish(Producer& producer)
    {
        std::vector<std::uint64_t> words(*metadata_.shape.elements());
        const auto bytes = std::as_writable_bytes(std::span(words));
        testing::write_frame(bytes, next_);
        const std::uint64_t deadline = testing::hang_deadline_ns();
        while (!producer.put(bytes) && os::monotonic_ns() < deadline) {
        }
        ++next_;
    }

    /// Waits until the first `count` of the consumers that live have the newest frame.
    [[nodiscard]] bool all_have_the_newest(std::uint32_t first) const
    {
        const std::uint64_t deadline = testing::hang_deadline_ns();
        for (std::uint32_t i = first; i < kConsumerCapacity; ++i) {
            while (seen_->frames.at(i) != next_) {
                if (os::monotonic_ns() > deadline) {
                    return false;
                }
                std::this_thread::yield();
            }
        }
        return true;
    }

    PoolMetadata metadata_ = [this] {
        PoolMetadata metadata = testing::torn_frames_metadata(name_);
        metadata.shape = {64};
        return metadata;
    }();
    testing::SharedWithChildren<Seen> seen_;
    std::uint64_t next_ = 0;
};

TEST_F(ManyConsumers, AllGetTheNewestFrameAndTheDeadAmongThemHoldUpNobody)
{
    constexpr std::uint32_t kToBeKilled = kConsumerCapacity / 2;
    Producer producer = must(Producer::create(metadata_));
    std::vector<std::unique_ptr<ChildProcess>> consumers;
    for (std::uint32_t i = 0; i < kConsumerCapacity; ++i) {
        consumers.push_back(
            std::make_unique<ChildProcess>([&, i](const Channel&) { return read(i); }));
    }
    publish(producer);
    ASSERT_TRUE(all_have_the_newest(0));

    const auto refused = Consumer::attach(name_);
    for (int i = 0; i < 50; ++i) {
        publish(producer);
    }
    EXPECT_TRUE(all_have_the_newest(0));
    for (std::uint32_t i = 0; i < kToBeKilled; ++i) {
        consumers[i]->kill();
        publish(producer);
    }
    EXPECT_TRUE(all_have_the_newest(kToBeKilled));
    EXPECT_TRUE(Consumer::attach(name_));
    seen_->stop = true;
    for (std::uint32_t i = kToBeKilled; i < kConsumerCapacity; ++i) {
        EXPECT_EQ(consumers[i]->wait(), 0);
    }

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::PoolExhausted);
    EXPECT_EQ(seen_->torn, 0U);
    EXPECT_TRUE(must(inspect(name_)).consumers.empty());
    std::vector<Loan> every_slot;
    for (std::uint32_t i = 0; i < producer.geometry().slot_count; ++i) {
        every_slot.push_back(must(producer.loan()));
    }
}

}  // namespace
}  // namespace tensor_ipc
