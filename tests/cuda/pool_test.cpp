/// What a producer on a device publishes, and when: with its consumer in the same process, and a
/// device that stands still when it is told to.
#include <filesystem>
#include <thread>

#include "cuda_pool.hpp"
#include "two_processes.hpp"

namespace tensor_ipc::cuda {
namespace {

using namespace testing;

constexpr std::int64_t kElements = 600;

class CudaPool : public CudaPoolOfEachKind {
protected:
    [[nodiscard]] CudaProducer make(std::uint32_t history_len = 1,
                                    CudaSync sync = CudaSync::Stream) const
    {
        return must(CudaProducer::create(device_metadata(name_, history_len),
                                         options_of(GetParam(), sync)));
    }
};

std::vector<std::int32_t> host_frame(std::int32_t value)
{
    return std::vector<std::int32_t>(kElements, value);
}

CudaSource source_of(const std::vector<std::int32_t>& frame)
{
    return {frame.data(), frame.size() * sizeof(std::int32_t)};
}

TEST_P(CudaPool, ShowsAFrameThatWasPutFromTheDevice)
{
    auto producer = make();
    auto consumer = must(Consumer::attach(name_));
    DeviceArray array;

    array.fill(7);
    EXPECT_EQ(must(producer.put(array.source())), 0U);
    must_do(producer.synchronize());

    const FrameWindow frame = newest(consumer);
    EXPECT_TRUE(frame.on_device());
    EXPECT_FALSE(frame.copied());
    EXPECT_TRUE(frame.bytes().empty());
    EXPECT_EQ(frame.payload_bytes(), array.bytes());
    EXPECT_EQ(frame.info().index, 0U);
    EXPECT_EQ(frame.device().uuid, producer.device().uuid);
    EXPECT_EQ(value_on_device(frame), 7);
    EXPECT_EQ(producer.memory_kind(), GetParam());
    EXPECT_EQ(producer.stats().frames, 1U);
}

TEST_P(CudaPool, ShowsNoFrameBeforeItsBytesAreThere)
{
    auto producer = make();
    auto consumer = must(Consumer::attach(name_));
    DeviceArray array;
    array.fill(7);
    fake_cuda_drain();

    fake_cuda_hold(1);
    EXPECT_EQ(must(producer.put(array.source())), 0U);  // and does not wait

    EXPECT_FALSE(must(consumer.latest()).has_value());
    fake_cuda_hold(0);
    fake_cuda_drain();
    EXPECT_EQ(value_on_device(newest(consumer)), 7);
}

TEST_P(CudaPool, CopiesTheSourceInTheOrderOfItsStream)
{
    auto producer = make(2);
    auto consumer = must(Consumer::attach(name_));
    DeviceArray array;
    fake_cuda_hold(1);

    // All of it is asked for before any of it happens.
    array.fill(1);
    must(producer.put(array.source()));
    array.fill(2);
    must(producer.put(array.source()));
    array.fill(3);
    fake_cuda_hold(0);
    fake_cuda_drain();

    EXPECT_EQ(values_on_device(present(consumer.history(2))), (std::vector<std::int32_t>{2, 1}));
}

TEST_P(CudaPool, WaitsForTheDeviceWhenItIsToldToBlock)
{
    const Settings slow({{"FAKE_CUDA_DELAY_US", "20000"}});
    auto producer = make(1, CudaSync::Block);
    auto consumer = must(Consumer::attach(name_));
    DeviceArray array;
    array.fill(5);

    EXPECT_EQ(must(producer.put(array.source())), 0U);

    EXPECT_EQ(value_on_device(newest(consumer)), 5);
    CudaLoan loan = must(producer.loan());
    array.write(loan.address(), 6);
    EXPECT_EQ(must(loan.publish(array.stream())), 1U);
    EXPECT_EQ(value_on_device(newest(consumer)), 6);
}

TEST_P(CudaPool, TakesFramesFromTheHostWhichMayChangeAtOnce)
{
    const Settings slow({{"FAKE_CUDA_DELAY_US", "20000"}});
    auto producer = make();
    auto consumer = must(Consumer::attach(name_));
    auto frame = host_frame(3);

    must(producer.put(source_of(frame)));
    std::ranges::fill(frame, 4);
    must_do(producer.synchronize());

    EXPECT_EQ(value_on_device(newest(consumer)), 3);
}

TEST_P(CudaPool, TakesFramesFromPinnedMemoryWhichMayChangeAtOnce)
{
    const Settings slow({{"FAKE_CUDA_DELAY_US", "20000"}});
    auto producer = make();
    auto consumer = must(Consumer::attach(name_));
    auto frame = host_frame(3);
    const auto pinned = must(HostRegistration::create(context_of(), frame.data(),
                                                      frame.size() * sizeof(std::int32_t),
                                                      HostRegistration::Access::ReadWrite));

    must(producer.put(source_of(frame)));
    std::ranges::fill(frame, 4);
    must_do(producer.synchronize());

    EXPECT_EQ(value_on_device(newest(consumer)), 3);
}

TEST_P(CudaPool, NumbersFramesInTheOrderOfTheCalls)
{
    const Settings slow({{"FAKE_CUDA_DELAY_US", "200"}});
    auto producer = make(3);
    auto consumer = must(Consumer::attach(name_));
    DeviceArray array;

    // Many more than can be on their way at once.
    for (std::int32_t number = 0; number < 50; ++number) {
        array.fill(number);
        EXPECT_EQ(must(producer.put(array.source())), static_cast<std::uint64_t>(number));
    }
    must_do(producer.synchronize());

    const FrameWindow window = present(consumer.history(3));
    EXPECT_EQ(window.info().index, 49U);
    EXPECT_EQ(values_on_device(window), (std::vector<std::int32_t>{49, 48, 47}));
    EXPECT_EQ(producer.stats().frames, 50U);
}

TEST_P(CudaPool, CarriesTextsAndTimeOfCapture)
{
    auto producer = make();
    auto consumer = must(Consumer::attach(name_));
    DeviceArray array;
    array.fill(1);
    const std::array<UserMetadataEntry, 1> texts{{{"camera", "left"}}};

    must(producer.put(array.source(), {12345, texts}));
    must_do(producer.synchronize());

    const FrameWindow frame = newest(consumer);
    EXPECT_EQ(frame.info().captured_ns, 12345U);
    EXPECT_EQ(frame.user_metadata(), must(PackedUserMetadata::pack(texts)).bytes());
}

TEST_P(CudaPool, HoldsFramesOfVaryingExtent)
{
    PoolMetadata metadata = device_metadata(name_, 3);
    metadata.shape = Shape{100, 6};
    metadata.varying_extent = true;
    auto producer = must(CudaProducer::create(metadata, options_of(GetParam())));
    auto consumer = must(Consumer::attach(name_));
    DeviceArray array;

    for (const std::int32_t rows : {100, 0, 7}) {
        array.fill(rows);
        CudaSource source = array.source();
        source.bytes = static_cast<std::uint64_t>(rows) * 6 * sizeof(std::int32_t);
        must(producer.put(source));
    }
    must_do(producer.synchronize());

    const FrameWindow window = present(consumer.history(3));
    ASSERT_EQ(window.count(), 3U);
    EXPECT_EQ(window.info_at(0).extent, 7U);
    EXPECT_EQ(window.payload_bytes(1), 0U);
    EXPECT_EQ(window.info_at(2).extent, 100U);
    EXPECT_EQ(value_on_device(window, 0), 7);
    EXPECT_EQ(value_on_device(window, 2), 100);
}

TEST_P(CudaPool, RefusesAFrameOfAnotherSize)
{
    auto producer = make();
    DeviceArray array;
    CudaSource source = array.source();
    source.bytes -= 4;

    const auto put = producer.put(source);

    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().code, ErrorCode::InvalidArgument);
    EXPECT_NE(put.error().message.find("2400 bytes, got 2396"), std::string::npos);
}

TEST_P(CudaPool, RefusesAStreamThatRecordsAGraph)
{
    auto producer = make();
    auto consumer = must(Consumer::attach(name_));
    DeviceArray array;
    CudaLoan loan = must(producer.loan());
    fake_cuda_set_capturing(array.stream(), 1);

    const auto put = producer.put(array.source());
    const auto published = loan.publish(array.stream());

    fake_cuda_set_capturing(array.stream(), 0);
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().code, ErrorCode::InvalidArgument);
    EXPECT_NE(put.error().message.find("graph"), std::string::npos);
    ASSERT_FALSE(published);
    EXPECT_EQ(published.error().code, ErrorCode::InvalidArgument);

    // Neither took a number, and the loan is still one.
    array.write(loan.address(), 4);
    EXPECT_EQ(must(loan.publish(array.stream())), 0U);
    must_do(producer.synchronize());
    EXPECT_EQ(value_on_device(newest(consumer)), 4);
}

TEST_P(CudaPool, PublishesALoanWhenTheDeviceHasWrittenIt)
{
    auto producer = make();
    auto consumer = must(Consumer::attach(name_));
    DeviceArray array;
    DeviceArray helper;
    CudaLoan loan = must(producer.loan());
    EXPECT_EQ(loan.address() % kDeviceAlignment, 0U);
    EXPECT_EQ(loan.bytes(), array.bytes());
    fake_cuda_drain();
    fake_cuda_hold(1);

    helper.write(loan.address(), 8);  // on a stream of its own
    loan.record_stream(helper.stream());
    EXPECT_EQ(must(loan.publish(array.stream(), 99)), 0U);
    EXPECT_FALSE(must(consumer.latest()).has_value());
    fake_cuda_hold(0);
    fake_cuda_drain();

    const FrameWindow frame = newest(consumer);
    EXPECT_EQ(value_on_device(frame), 8);
    EXPECT_EQ(frame.info().captured_ns, 99U);
    EXPECT_FALSE(loan.publish(array.stream()));
}

TEST_P(CudaPool, GivesALoanBackWhenTheDeviceIsDoneWithIt)
{
    CudaOptions options = options_of(GetParam());
    options.segment.spare = 4;
    auto producer = must(CudaProducer::create(device_metadata(name_), options));
    DeviceArray array;
    std::vector<CudaLoan> loans;
    fake_cuda_hold(1);

    {
        CudaLoan dropped = must(producer.loan());
        array.write(dropped.address(), 1);
        dropped.record_stream(array.stream());
    }
    for (int i = 0; i < 4; ++i) {
        loans.push_back(must(producer.loan()));
    }

    EXPECT_EQ(producer.loan().error().code, ErrorCode::PoolExhausted);
    fake_cuda_hold(0);
    fake_cuda_drain();
    EXPECT_TRUE(producer.loan());
}

TEST_P(CudaPool, NeverUsesALoanAgainThatAGraphMayWriteTo)
{
    auto producer = make();  // of 4 slots
    DeviceArray array;
    std::vector<CudaLoan> loans;
    {
        CudaLoan dropped = must(producer.loan());
        dropped.record_stream(array.stream());
        fake_cuda_set_capturing(array.stream(), 1);
    }
    fake_cuda_set_capturing(array.stream(), 0);
    fake_cuda_drain();

    for (int i = 0; i < 3; ++i) {
        loans.push_back(must(producer.loan()));
    }

    EXPECT_EQ(producer.loan().error().code, ErrorCode::PoolExhausted);
}

TEST_P(CudaPool, KeepsItsMemoryForALoanThatOutlivesIt)
{
    std::optional<CudaLoan> loan;
    DeviceArray array;
    {
        auto producer = make();
        loan = must(producer.loan());
    }

    array.write(loan->address(), 1);
    must_do(array.bench().stream.synchronize(array.bench().current));

    EXPECT_EQ(loan->publish(array.stream()).error().code, ErrorCode::PoolNotFound);
}

TEST_P(CudaPool, RefusesWhatComesAfterItsEnd)
{
    auto producer = make();
    DeviceArray array;

    producer.close();

    EXPECT_FALSE(producer.is_open());
    EXPECT_EQ(producer.put(array.source()).error().code, ErrorCode::PoolNotFound);
    EXPECT_EQ(producer.loan().error().code, ErrorCode::PoolNotFound);
    EXPECT_EQ(producer.synchronize().error().code, ErrorCode::PoolNotFound);
}

TEST_F(CudaPoolTest, LeavesNoSocketThoughFramesOfItLive)
{
    auto producer =
        must(CudaProducer::create(device_metadata(name_, 1), options_of(MemoryKind::Vmm)));
    auto consumer = must(Consumer::attach(name_));
    DeviceArray array;
    array.fill(7);
    must(producer.put(array.source()));
    must_do(producer.synchronize());
    const FrameWindow frame = newest(consumer);
    const std::string socket = socket_path(present(open_for_consumer(name_)).ticket.value().id);
    EXPECT_TRUE(std::filesystem::exists(socket));

    producer.close();

    EXPECT_FALSE(std::filesystem::exists(socket));
    EXPECT_EQ(value_on_device(frame), 7);
}

TEST_P(CudaPool, PublishesEverythingBeforeItEnds)
{
    const Settings slow({{"FAKE_CUDA_DELAY_US", "20000"}});
    auto producer = make();
    DeviceArray array;
    array.fill(1);
    must(producer.put(array.source()));

    producer.close();

    EXPECT_EQ(producer.stats().frames, 1U);
}

TEST_P(CudaPool, WakesConsumersFromTheDriversThread)
{
    auto producer = make();
    auto consumer = must(Consumer::attach(name_));
    DeviceArray array;
    array.fill(2);
    std::thread sleeper([&] {
        EXPECT_EQ(must(consumer.wait(std::nullopt, tensor_ipc::testing::hang_deadline_ns())),
                  WaitOutcome::Ready);
    });

    must(producer.put(array.source()));
    sleeper.join();

    EXPECT_EQ(value_on_device(newest(consumer)), 2);
}

TEST_P(CudaPool, IsMadeAnewAndNotTakenOver)
{
    auto first = make();
    DeviceArray array;
    array.fill(1);
    must(first.put(array.source()));
    EXPECT_EQ(CudaProducer::create(device_metadata(name_)).error().code, ErrorCode::PoolInUse);
    first.close();

    auto second = make();
    EXPECT_EQ(must(second.put(array.source())), 0U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, CudaPool, each_kind(), kind_name);

class CudaPoolCreation : public CudaPoolTest {};

TEST_F(CudaPoolCreation, PrefersVmmMemory)
{
    EXPECT_EQ(must(CudaProducer::create(device_metadata(name_))).memory_kind(), MemoryKind::Vmm);
}

TEST_F(CudaPoolCreation, MakesIpcMemoryWhereThereIsNoOther)
{
    const Settings old({{"FAKE_CUDA_WITHOUT", "vmm"}});

    EXPECT_EQ(must(CudaProducer::create(device_metadata(name_))).memory_kind(), MemoryKind::Ipc);
    EXPECT_EQ(
        CudaProducer::create(device_metadata(name_), options_of(MemoryKind::Vmm)).error().code,
        ErrorCode::CudaUnsupported);
}

TEST_F(CudaPoolCreation, IsRefusedWithoutTheNumberOfADevice)
{
    for (const std::string device : {"cpu", "cuda", "cuda:", "cuda:x", "cuda:-1", "cuda:0 "}) {
        PoolMetadata metadata = device_metadata(name_);
        metadata.device = device;

        const auto made = CudaProducer::create(metadata);

        ASSERT_FALSE(made) << device;
        EXPECT_EQ(made.error().code, ErrorCode::InvalidArgument) << device;
    }
}

TEST_F(CudaPoolCreation, IsRefusedOnADeviceThatIsNotThere)
{
    EXPECT_EQ(CudaProducer::create(device_metadata(name_, 1, 600, 3)).error().code,
              ErrorCode::CudaUnavailable);
}

TEST_F(CudaPoolCreation, IsRefusedWhenTheDeviceIsFull)
{
    EXPECT_EQ(CudaProducer::create(device_metadata(name_, 1, std::int64_t{1} << 28)).error().code,
              ErrorCode::CudaOutOfMemory);
}

class CudaPeers : public CudaPoolOfEachKind {
protected:
    const Settings two_devices_{{{"FAKE_CUDA_DEVICES", "2"}}};
};

TEST_P(CudaPeers, AreRefusedWhenNobodyAskedForACopy)
{
    auto producer = must(CudaProducer::create(device_metadata(name_), options_of(GetParam())));
    DeviceArray array(kElements, 1);
    array.fill(1);

    const auto put = producer.put(array.source());

    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().code, ErrorCode::InvalidArgument);
    EXPECT_NE(put.error().message.find("cuda:0"), std::string::npos);
    EXPECT_NE(put.error().message.find("cuda:1"), std::string::npos);
}

TEST_P(CudaPeers, AreCopiedFromInTheOrderOfTheirStream)
{
    CudaOptions options = options_of(GetParam());
    options.peer_copy = true;
    auto producer = must(CudaProducer::create(device_metadata(name_, 2), options));
    auto consumer = must(Consumer::attach(name_));
    DeviceArray array(kElements, 1);
    fake_cuda_hold(1);

    array.fill(1);
    must(producer.put(array.source()));
    array.fill(2);
    must(producer.put(array.source()));
    array.fill(3);
    fake_cuda_hold(0);
    fake_cuda_drain();

    EXPECT_EQ(values_on_device(present(consumer.history(2))), (std::vector<std::int32_t>{2, 1}));
}

INSTANTIATE_TEST_SUITE_P(Kinds, CudaPeers, each_kind(), kind_name);

}  // namespace
}  // namespace tensor_ipc::cuda
