/// Host pools whose memory the driver has locked: who has it locked and for how long, and that a
/// frame stays as it is while the device copies from it.
#include <thread>

#include "cuda_test.hpp"
#include "tensor_ipc/pool/pinning.hpp"

namespace tensor_ipc::cuda {
namespace {

using namespace tensor_ipc::testing;
using testing::Bench;
using testing::CudaTest;
using testing::Settings;

constexpr StreamHandle kDefaultStream = nullptr;
constexpr int kOutOfMemory = 2;
constexpr int kAlreadyRegistered = 712;

ConsumerOptions pinned_consumer()
{
    ConsumerOptions options;
    options.pinned_for = 0;
    return options;
}

SegmentOptions pinned_producer()
{
    SegmentOptions options;
    options.pinned_for = 0;
    return options;
}

/// Whether a device may copy from there without the CPU.
bool is_pinned(const std::byte* at)
{
    const auto facts = tensor_ipc::testing::must(
        facts_of(testing::the_driver(), reinterpret_cast<std::uintptr_t>(at)));
    return facts.has_value() && facts->type == MemoryType::Host;
}

class CudaPinnedPool : public CudaTest {
protected:
    void TearDown() override
    {
        CudaTest::TearDown();
        EXPECT_EQ(leftovers(), std::vector<std::string>{});
        remove_leftovers();
    }

    /// Slots that the pool's consumers hold now, as others see it.
    [[nodiscard]] std::uint32_t held_slots() const
    {
        std::uint32_t held = 0;
        for (const ConsumerFacts& consumer : must(inspect(metadata_.name)).consumers) {
            held += consumer.pinned_slots;
        }
        return held;
    }

    PoolMetadata metadata_ = metadata_of(unique_pool_name(), 3, {64, 64});
};

/// A copy of a frame to the device, asked for and not yet made.
class CopyToDevice {
public:
    explicit CopyToDevice(const Frame& frame, StreamHandle stream = kDefaultStream)
        : bytes_(frame.bytes().size()),
          memory_(must(DeviceMemory::create(bench_.context, MemoryKind::Ipc, bytes_)))
    {
        fake_cuda_hold(1);
        const Called asked = bench_.current.driver().call.cuMemcpyHtoDAsync_v2(
            memory_->address(), frame.bytes().data(), bytes_, stream);
        EXPECT_TRUE(asked.ok());
    }

    /// Lets it be made.
    /// @return the value that fills what arrived
    [[nodiscard]] std::int32_t finish() const
    {
        fake_cuda_hold(0);
        fake_cuda_drain();
        std::vector<std::byte> arrived(bytes_);
        EXPECT_TRUE(
            bench_.stream.copy_to_host(bench_.current, arrived.data(), memory_->address(), bytes_));
        EXPECT_TRUE(bench_.stream.synchronize(bench_.current));
        return value_of(std::span<const std::byte>(arrived));
    }

private:
    Bench bench_;
    std::uint64_t bytes_;
    std::shared_ptr<DeviceMemory> memory_;
};

TEST_F(CudaPinnedPool, IsNotAskedForByDefault)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(metadata_.name));
    put(producer, 1);
    present(consumer.latest());

    EXPECT_EQ(producer.pinning(), nullptr);
    EXPECT_EQ(consumer.pinning(), nullptr);
    EXPECT_EQ(fake_cuda_calls(nullptr), 0U);
}

TEST_F(CudaPinnedPool, HasSlotsAndFramesWhereTheDeviceCopiesAtFullSpeed)
{
    Producer producer = must(Producer::create(metadata_, pinned_producer()));
    Consumer consumer = must(Consumer::attach(metadata_.name, pinned_consumer()));
    put(producer, 1);

    const Frame frame = present(consumer.latest());
    const Loan loan = must(producer.loan());

    EXPECT_TRUE(producer.pinning()->is_granted());
    EXPECT_TRUE(consumer.pinning()->is_granted());
    EXPECT_EQ(consumer.pinning()->refusal(), "");
    EXPECT_TRUE(is_pinned(frame.bytes().data()));
    EXPECT_TRUE(is_pinned(loan.bytes().data()));
    EXPECT_EQ(fake_cuda_live().registrations, 2);
}

/// A copy may not run from one registration into another.
TEST_F(CudaPinnedPool, HasWindowsInOneRegistrationWhereverTheRingEnds)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(metadata_.name, pinned_consumer()));

    for (int value = 1; value <= 20; ++value) {
        put(producer, value);
        fake_cuda_drain();  // else the frames before count as held, and this would be a copy
        const FrameWindow window = present(consumer.history(metadata_.history_len));
        const std::byte* lowest =
            std::min(window.bytes().data(), window.bytes(window.count() - 1).data());
        const std::uint64_t span =
            (window.count() - 1) * window.stride_bytes() + window.bytes().size();
        EXPECT_TRUE(is_pinned(lowest));
        EXPECT_TRUE(is_pinned(lowest + span - 1));
    }
    EXPECT_EQ(fake_cuda_live().registrations, 1);
}

TEST_F(CudaPinnedPool, KeepsADroppedFrameUntilTheCopyFromItIsDone)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(metadata_.name, pinned_consumer()));
    put(producer, 7);
    std::optional<Frame> frame = present(consumer.latest());
    const CopyToDevice copy(*frame);

    frame.reset();
    for (int value = 100; value < 120; ++value) {
        put(producer, value);
    }

    EXPECT_EQ(held_slots(), 1U);
    EXPECT_EQ(copy.finish(), 7);
    EXPECT_EQ(held_slots(), 0U);
}

TEST_F(CudaPinnedPool, KeepsItForStreamsOfItsUsersThatItWasToldOf)
{
    const Bench users;
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(metadata_.name, pinned_consumer()));
    ASSERT_TRUE(consumer.record_stream(users.stream.handle()));
    put(producer, 7);
    std::optional<Frame> frame = present(consumer.latest());
    const CopyToDevice copy(*frame, users.stream.handle());

    frame.reset();
    for (int value = 100; value < 120; ++value) {
        put(producer, value);
    }

    EXPECT_EQ(held_slots(), 1U);
    EXPECT_EQ(copy.finish(), 7);
    EXPECT_EQ(held_slots(), 0U);
}

TEST_F(CudaPinnedPool, RemembersThoseStreamsInTheNextPool)
{
    const Bench users;
    Consumer consumer = must(Consumer::follow(metadata_, pinned_consumer()));
    ASSERT_TRUE(consumer.record_stream(users.stream.handle()));
    Producer producer = must(Producer::create(metadata_));
    put(producer, 7);
    std::optional<Frame> frame = present(consumer.latest());
    const CopyToDevice copy(*frame, users.stream.handle());

    frame.reset();
    for (int value = 100; value < 120; ++value) {
        put(producer, value);
    }

    EXPECT_EQ(copy.finish(), 7);
}

TEST_F(CudaPinnedPool, RefusesAStreamThatIsNone)
{
    const Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(metadata_.name, pinned_consumer()));

    // NOLINTNEXTLINE(*-int-to-ptr)
    const auto refused = consumer.record_stream(reinterpret_cast<StreamHandle>(0x1234));

    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("cuStreamIsCapturing"), std::string::npos);
}

/// The graph may read it as often as it is launched.
TEST_F(CudaPinnedPool, KeepsAFrameThatIsDroppedDuringTheCaptureOfAGraph)
{
    const Bench users;
    Producer producer = must(Producer::create(metadata_));
    std::optional<Consumer> consumer = must(Consumer::attach(metadata_.name, pinned_consumer()));
    ASSERT_TRUE(consumer->record_stream(users.stream.handle()));
    put(producer, 1);

    fake_cuda_set_capturing(users.stream.handle(), 1);
    const std::uint64_t before = fake_cuda_calls("cuLaunchHostFunc");
    present(consumer->latest());
    const bool was_recorded = fake_cuda_calls("cuLaunchHostFunc") != before;
    fake_cuda_set_capturing(users.stream.handle(), 0);
    fake_cuda_drain();

    EXPECT_FALSE(was_recorded);
    EXPECT_EQ(held_slots(), 1U);
    consumer.reset();
    EXPECT_EQ(held_slots(), 0U);
}

TEST_F(CudaPinnedPool, GetsFramesWithoutACallOfTheDriver)
{
    Producer producer = must(Producer::create(metadata_, pinned_producer()));
    Consumer consumer = must(Consumer::attach(metadata_.name, pinned_consumer()));
    put(producer, 1);
    const std::uint64_t before = fake_cuda_calls(nullptr);

    const Frame frame = present(consumer.latest());
    put(producer, 2);
    const Frame next = present(consumer.latest());

    EXPECT_EQ(fake_cuda_calls(nullptr), before);
}

/// As during the capture of a graph, and in a context that is broken.
TEST_F(CudaPinnedPool, KeepsAFrameUntilItsConsumerGoesWhereTheDriverTakesNoWork)
{
    SegmentOptions roomy;
    roomy.spare = 8;
    Producer producer = must(Producer::create(metadata_, roomy));
    std::optional<Consumer> consumer = must(Consumer::attach(metadata_.name, pinned_consumer()));
    put(producer, 1);
    for (const char* refusing :
         {"cuStreamIsCapturing", "cuEventRecord", "cuStreamWaitEvent", "cuLaunchHostFunc"}) {
        put(producer, 1);
        fake_cuda_fail(refusing, 1, 900);
        present(consumer->latest());
    }

    fake_cuda_drain();
    EXPECT_EQ(held_slots(), 4U);

    consumer.reset();
    EXPECT_EQ(held_slots(), 0U);
}

TEST_F(CudaPinnedPool, LetsGoOfEveryFrameThatIsDropped)
{
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(metadata_.name, pinned_consumer()));

    for (int value = 1; value <= 200; ++value) {
        put(producer, value);
        EXPECT_EQ(value_of(present(consumer.latest())), value);
        fake_cuda_drain();
    }

    EXPECT_EQ(held_slots(), 0U);
    EXPECT_EQ(consumer.stats().copied_frames, 0U);
    EXPECT_EQ(fake_cuda_calls("cuLaunchHostFunc"), 200U);
    EXPECT_EQ(fake_cuda_live().events, 1);
}

TEST_F(CudaPinnedPool, IsRegisteredAnewWhenTheConsumerFollowsToAnotherPool)
{
    std::optional<Producer> producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::follow(metadata_, pinned_consumer()));
    put(*producer, 1);
    std::optional<Frame> held = present(consumer.latest());

    producer.reset();
    producer = must(Producer::create(metadata_));
    put(*producer, 2);
    const Frame frame = present(consumer.latest());

    EXPECT_EQ(consumer.attachments(), 2U);
    EXPECT_TRUE(is_pinned(frame.bytes().data()));
    EXPECT_TRUE(is_pinned(held->bytes().data()));
    EXPECT_EQ(fake_cuda_live().registrations, 2);
    held.reset();
    EXPECT_EQ(fake_cuda_live().registrations, 1);
}

TEST_F(CudaPinnedPool, StaysRegisteredForFramesThatOutliveTheConsumer)
{
    Producer producer = must(Producer::create(metadata_));
    std::optional<Frame> held;
    {
        Consumer consumer = must(Consumer::attach(metadata_.name, pinned_consumer()));
        put(producer, 1);
        held = present(consumer.latest());
    }
    EXPECT_TRUE(is_pinned(held->bytes().data()));

    held.reset();

    EXPECT_EQ(fake_cuda_live().registrations, 0);
}

TEST_F(CudaPinnedPool, StaysRegisteredForLoansThatOutliveTheProducer)
{
    std::optional<Producer> producer = must(Producer::create(metadata_, pinned_producer()));
    std::optional<Loan> loan = must(producer->loan());

    producer.reset();

    EXPECT_TRUE(is_pinned(loan->bytes().data()));
    loan.reset();
    EXPECT_EQ(fake_cuda_live().registrations, 0);
}

TEST_F(CudaPinnedPool, EndsOnlyWhenTheCopyFromItsLastFrameIsDone)
{
    Producer producer = must(Producer::create(metadata_));
    std::optional<Frame> held;
    {
        Consumer consumer = must(Consumer::attach(metadata_.name, pinned_consumer()));
        put(producer, 7);
        held = present(consumer.latest());
    }
    const CopyToDevice copy(*held);

    std::thread ending([&] { held.reset(); });
    while (fake_cuda_calls("cuStreamSynchronize") == 0) {
        std::this_thread::yield();
    }
    for (int value = 100; value < 120; ++value) {
        put(producer, value);
    }

    EXPECT_EQ(fake_cuda_live().registrations, 1);
    EXPECT_EQ(copy.finish(), 7);
    ending.join();
    EXPECT_EQ(fake_cuda_live().registrations, 0);
}

TEST_F(CudaPinnedPool, WorksUnpinnedWhereTheDeviceCannotAndSaysWhy)
{
    const Settings without({{"FAKE_CUDA_WITHOUT", "readonly-hostreg"}});
    Producer producer = must(Producer::create(metadata_, pinned_producer()));
    Consumer consumer = must(Consumer::attach(metadata_.name, pinned_consumer()));
    put(producer, 1);

    EXPECT_EQ(value_of(present(consumer.latest())), 1);

    EXPECT_TRUE(producer.pinning()->is_granted());
    EXPECT_FALSE(consumer.pinning()->is_granted());
    EXPECT_NE(consumer.pinning()->refusal().find("may only read"), std::string::npos);
    EXPECT_EQ(held_slots(), 0U);
    EXPECT_EQ(fake_cuda_live().registrations, 1);
}

TEST_F(CudaPinnedPool, WorksUnpinnedWithoutSuchADevice)
{
    ConsumerOptions options;
    options.pinned_for = 5;
    Producer producer = must(Producer::create(metadata_));
    Consumer consumer = must(Consumer::attach(metadata_.name, options));
    put(producer, 1);

    EXPECT_EQ(value_of(present(consumer.latest())), 1);

    EXPECT_NE(consumer.pinning()->refusal().find("cuda:5"), std::string::npos);
}

TEST_F(CudaPinnedPool, WorksUnpinnedWhicheverCallIsRefused)
{
    Producer producer = must(Producer::create(metadata_));
    for (const char* refusing :
         {"cuDeviceGetCount", "cuDevicePrimaryCtxRetain", "cuCtxPushCurrent_v2",
          "cuDeviceGetAttribute", "cuMemHostRegister_v2", "cuStreamCreate", "cuEventCreate"}) {
        fake_cuda_fail(refusing, 1, kOutOfMemory);

        Consumer consumer = must(Consumer::attach(metadata_.name, pinned_consumer()));
        put(producer, 3);

        EXPECT_EQ(value_of(present(consumer.latest())), 3);
        ASSERT_FALSE(consumer.pinning()->is_granted()) << refusing;
        EXPECT_TRUE(consumer.pinning()->refusal().starts_with(refusing))
            << consumer.pinning()->refusal();
        EXPECT_EQ(fake_cuda_live(), FakeCudaLive{}) << refusing;
    }
}

/// It would be that of memory which was there before: copies would go there.
TEST_F(CudaPinnedPool, DoesNotTrustARegistrationThatItDidNotMake)
{
    fake_cuda_fail("cuMemHostRegister_v2", 0, kAlreadyRegistered);
    const Producer producer = must(Producer::create(metadata_, pinned_producer()));
    const Consumer consumer = must(Consumer::attach(metadata_.name, pinned_consumer()));

    EXPECT_FALSE(producer.pinning()->is_granted());
    EXPECT_FALSE(consumer.pinning()->is_granted());
    EXPECT_NE(consumer.pinning()->refusal().find("cuMemHostUnregister"), std::string::npos);
}

}  // namespace
}  // namespace tensor_ipc::cuda
