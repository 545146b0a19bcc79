/// What a consumer gets from a pool on a device, and when the producer gets the slots back.
#include "cuda_pool.hpp"
#include "two_processes.hpp"

namespace tensor_ipc::cuda {
namespace {

using namespace testing;

class CudaViews : public CudaPoolOfEachKind {
protected:
    void make(std::uint32_t history_len = 1, std::uint32_t spare = 3,
              MemoryOrder order = MemoryOrder::NewestFirst)
    {
        CudaOptions options = options_of(GetParam(), CudaSync::Block);
        options.segment.spare = spare;
        options.segment.memory_order = order;
        producer_ = must(CudaProducer::create(device_metadata(name_, history_len), options));
        consumer_ = must(Consumer::attach(name_));
        array_.emplace();
    }

    void put(std::int32_t value)
    {
        array_->fill(value);
        must(producer_->put(array_->source()));
    }

    void TearDown() override
    {
        fake_cuda_hold(0);
        fake_cuda_drain();
        array_.reset();
        consumer_.reset();
        producer_.reset();
        CudaPoolOfEachKind::TearDown();
    }

    std::optional<CudaProducer> producer_;
    std::optional<Consumer> consumer_;
    std::optional<DeviceArray> array_;
};

TEST_P(CudaViews, AreGotWithoutAnyCallOfTheDriver)
{
    make(3);
    for (std::int32_t i = 0; i < 3; ++i) {
        put(i);
    }
    std::uint64_t calls = 0;
    for (std::int32_t i = 0; i < 100; ++i) {
        put(i);
        const std::uint64_t before = fake_cuda_calls(nullptr);
        for (int again = 0; again < 20; ++again) {
            const FrameWindow frame = newest(*consumer_);
            EXPECT_EQ(frame.info().index, static_cast<std::uint64_t>(i) + 3);
            static_cast<void>(frame.device().ordinal);
        }
        static_cast<void>(consumer_->latest_index());
        static_cast<void>(consumer_->frame(static_cast<std::uint64_t>(i)));
        calls += fake_cuda_calls(nullptr) - before;
    }

    EXPECT_EQ(calls, 0U);
}

/// The table in docs/cuda.md.
TEST_P(CudaViews, CostTheCallsOfTheDriverThatTheDocumentSays)
{
    make();
    const auto calls_of = [](const auto& action) {
        const std::uint64_t before = fake_cuda_calls(nullptr);
        action();
        return fake_cuda_calls(nullptr) - before;
    };
    CudaOptions options = options_of(GetParam());
    const PoolMetadata other = device_metadata(unique_pool_name());
    auto streaming = must(CudaProducer::create(other, options));
    array_->fill(1);
    const std::vector<std::int32_t> host(600, 1);
    const CudaSource from_host{host.data(), host.size() * sizeof(std::int32_t)};

    EXPECT_EQ(calls_of([&] { must(streaming.put(array_->source())); }), 11U);
    EXPECT_EQ(calls_of([&] { must(streaming.put(from_host)); }), 5U);
    EXPECT_EQ(calls_of([&] { must(producer_->put(array_->source())); }), 9U);
    std::optional<CudaLoan> loan;
    EXPECT_EQ(calls_of([&] { loan = must(streaming.loan()); }), 2U);
    EXPECT_EQ(calls_of([&] { must(loan->publish(array_->stream())); }), 6U);
    FrameWindow frame = newest(*consumer_);
    static_cast<void>(frame.device_address());
    EXPECT_EQ(calls_of([&] { frame.release(array_->stream()); }), 6U);
}

TEST_P(CudaViews, StayUntilTheStreamThatReadsThemIsDone)
{
    make();
    put(1);
    fake_cuda_hold(1);
    {
        const FrameWindow frame = newest(*consumer_);
        array_->read(frame.device_address());
        frame.record_stream(array_->stream());
    }

    EXPECT_EQ(pinned_slots(name_), 1U);
    fake_cuda_hold(0);
    fake_cuda_drain();
    EXPECT_EQ(pinned_slots(name_), 0U);
    EXPECT_EQ(array_->values().front(), 1);
}

TEST_P(CudaViews, StayUntilEveryNamedStreamIsDone)
{
    make();
    put(1);
    DeviceArray other;
    fake_cuda_drain();
    FrameWindow frame = newest(*consumer_);
    frame.record_stream(other.stream());
    fake_cuda_hold(1);
    array_->read(frame.device_address());
    other.read(frame.device_address());

    frame.release(array_->stream());

    EXPECT_EQ(frame.count(), 0U);
    EXPECT_EQ(pinned_slots(name_), 1U);
    fake_cuda_hold(0);
    fake_cuda_drain();
    EXPECT_EQ(pinned_slots(name_), 0U);
}

/// All calls of these would be seen to be torn if the slot were given back at once.
TEST_P(CudaViews, AreNotOverwrittenWhileAStreamReadsThem)
{
    make(1, 2);
    put(1);
    // Every part of every copy, one by one: the producer's go on beside the reader's.
    const Settings slow({{"FAKE_CUDA_DELAY_US", "4000"}});
    for (std::int32_t i = 2; i < 30; ++i) {
        FrameWindow frame = newest(*consumer_);
        const auto index = static_cast<std::int32_t>(frame.info().index);
        array_->read(frame.device_address());
        frame.release(array_->stream());
        DeviceArray source;
        for (int more = 0; more < 3; ++more) {
            const std::vector<std::int32_t> values(600, i + more);
            must(producer_->put({values.data(), values.size() * sizeof(std::int32_t)}));
        }
        const auto read = array_->values();
        EXPECT_EQ(std::ranges::count(read, read.front()), 600) << "torn, frame " << index;
    }
}

TEST_P(CudaViews, WithoutAStreamStayUntilTheDefaultStreamIsDone)
{
    make();
    put(1);
    fake_cuda_drain();
    fake_cuda_hold(1);
    {
        const FrameWindow frame = newest(*consumer_);
        const Called asked = the_driver().call.cuMemcpyDtoDAsync_v2(
            array_->address(), frame.device_address(), array_->bytes(), nullptr);
        ASSERT_TRUE(asked.ok());
    }

    EXPECT_EQ(pinned_slots(name_), 1U);
    fake_cuda_hold(0);
    fake_cuda_drain();
    EXPECT_EQ(pinned_slots(name_), 0U);
}

TEST_P(CudaViews, GoAtOnceWhenNobodyAskedWhereTheyAre)
{
    make();
    put(1);
    fake_cuda_drain();
    fake_cuda_hold(1);
    const std::uint64_t before = fake_cuda_calls(nullptr);

    static_cast<void>(newest(*consumer_));

    EXPECT_EQ(pinned_slots(name_), 0U);
    EXPECT_EQ(fake_cuda_calls(nullptr), before);
}

TEST_P(CudaViews, StayAsLongAsTheConsumerWhenAGraphMayReadThem)
{
    make();
    put(1);
    {
        const FrameWindow frame = newest(*consumer_);
        frame.record_stream(array_->stream());
        fake_cuda_set_capturing(array_->stream(), 1);
    }
    fake_cuda_set_capturing(array_->stream(), 0);
    fake_cuda_drain();

    EXPECT_EQ(pinned_slots(name_), 1U);
    consumer_.reset();
    EXPECT_EQ(pinned_slots(name_), 0U);
}

TEST_P(CudaViews, GoWhenTheDriverRefusesToTell)
{
    constexpr int kUnknown = 999;
    make();
    for (const char* name : {"cuCtxPushCurrent_v2", "cuStreamIsCapturing", "cuEventRecord",
                             "cuStreamWaitEvent", "cuLaunchHostFunc"}) {
        put(1);
        {
            const FrameWindow frame = newest(*consumer_);
            static_cast<void>(frame.device_address());
            frame.record_stream(array_->stream());
            fake_cuda_fail(name, 0, kUnknown);
        }
        fake_cuda_reset();
        fake_cuda_drain();
        EXPECT_EQ(pinned_slots(name_), 0U) << name;
    }
}

TEST_P(CudaViews, StandForAStreamThatIsGone)
{
    make();
    put(1);
    fake_cuda_drain();
    auto gone = std::make_optional<DeviceArray>();
    const StreamHandle handle = gone->stream();
    FrameWindow frame = newest(*consumer_);
    frame.record_stream(handle);
    gone.reset();
    fake_cuda_hold(1);
    static_cast<void>(the_driver().call.cuMemcpyDtoDAsync_v2(
        array_->address(), frame.device_address(), array_->bytes(), nullptr));

    frame = FrameWindow();

    EXPECT_EQ(pinned_slots(name_), 1U);
    fake_cuda_hold(0);
    fake_cuda_drain();
    EXPECT_EQ(pinned_slots(name_), 0U);
}

TEST_P(CudaViews, OfSeveralFramesAreOneStridedRange)
{
    for (const MemoryOrder order : {MemoryOrder::NewestFirst, MemoryOrder::Chronological}) {
        make(3, 3, order);
        std::uint64_t copied = 0;
        for (std::int32_t i = 0; i < 14; ++i) {
            put(i);
            fake_cuda_drain();  // so that the last window has been let go of
            const FrameWindow window = present(consumer_->history(3));
            ASSERT_EQ(window.count(), static_cast<std::uint32_t>(std::min(i + 1, 3)));
            for (std::uint32_t age = 0; age < window.count(); ++age) {
                EXPECT_EQ(value_on_device(window, age), i - static_cast<std::int32_t>(age));
                EXPECT_EQ(window.info_at(age).index, static_cast<std::uint64_t>(i) - age);
                const auto step = static_cast<std::int64_t>(window.device_stride_bytes()) *
                                  (window.newest_first() ? 1 : -1) * age;
                EXPECT_EQ(window.device_address(age),
                          window.device_address() + static_cast<std::uint64_t>(step));
            }
            copied += window.copied() ? window.count() : 0;
        }

        EXPECT_EQ(consumer_->stats().copied_frames, copied);
        // Vmm memory goes on over its end.
        EXPECT_EQ(copied > 0, GetParam() == MemoryKind::Ipc);
        TearDown();
        name_ = unique_pool_name();
        SetUp();
    }
}

TEST_P(CudaViews, BeyondTheBudgetAreCopiesOnTheDevice)
{
    make();
    consumer_ = must(Consumer::attach(name_, {.max_pins = 1}));
    put(1);
    const FrameWindow held = newest(*consumer_);
    put(2);

    {
        const FrameWindow copy = newest(*consumer_);
        EXPECT_TRUE(copy.copied());
        EXPECT_TRUE(copy.on_device());
        EXPECT_EQ(value_on_device(copy), 2);
        EXPECT_EQ(pinned_slots(name_), 1U);
        EXPECT_EQ(consumer_->stats().copied_frames, 1U);
        EXPECT_EQ(consumer_->stats().copied_bytes, 2400U);
        // It is freed in stream order too.
        fake_cuda_drain();
        fake_cuda_hold(1);
        array_->read(copy.device_address());
        copy.record_stream(array_->stream());
    }
    fake_cuda_hold(0);

    EXPECT_EQ(array_->values().front(), 2);
    EXPECT_EQ(value_on_device(held), 1);
}

TEST_P(CudaViews, SayWhyTheyCannotBeCopied)
{
    constexpr int kUnknown = 999;
    make();
    consumer_ = must(Consumer::attach(name_, {.max_pins = 1}));
    put(1);
    const FrameWindow held = newest(*consumer_);
    put(2);

    fake_cuda_fail("cuMemcpyDtoDAsync_v2", 0, kUnknown);
    const auto got = consumer_->latest();
    fake_cuda_fail("cuMemAlloc_v2", 0, kUnknown);
    const auto again = consumer_->latest();
    fake_cuda_reset();

    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::CudaFailed);
    EXPECT_TRUE(got.error().message.starts_with("cuMemcpyDtoDAsync_v2"));
    ASSERT_FALSE(again);
    EXPECT_TRUE(again.error().message.starts_with("cuMemAlloc_v2"));
    EXPECT_EQ(value_on_device(newest(*consumer_)), 2);
}

TEST_P(CudaViews, OfTimesThatFallAreCopiesOnTheDevice)
{
    make(4);
    for (const std::uint64_t captured : {10U, 40U, 20U, 30U}) {
        array_->fill(static_cast<std::int32_t>(captured));
        must(producer_->put(array_->source(), {captured}));
    }

    const FrameWindow window = present(consumer_->frames_between(10, 30));

    EXPECT_EQ(values_on_device(window), (std::vector<std::int32_t>{30, 20, 10}));
    EXPECT_EQ(value_on_device(present(consumer_->frame_at(39)).into_window()), 30);
}

TEST_P(CudaViews, OutliveTheirConsumer)
{
    make();
    put(1);
    const FrameWindow frame = newest(*consumer_);

    consumer_.reset();

    EXPECT_EQ(value_on_device(frame), 1);
}

TEST_P(CudaViews, LeaveNothingWhenTheDeviceLetsThemGoLast)
{
    make();
    put(1);
    fake_cuda_drain();
    fake_cuda_hold(1);
    {
        const FrameWindow frame = newest(*consumer_);
        array_->read(frame.device_address());
        frame.record_stream(array_->stream());
    }
    consumer_.reset();  // the device has the last word on the attachment
    EXPECT_EQ(must(inspect(name_)).consumers.size(), 1U);
    fake_cuda_hold(0);
    fake_cuda_drain();

    drop_finished_frames();

    EXPECT_TRUE(must(inspect(name_)).consumers.empty());
}

TEST_P(CudaViews, AreRefusedToWhoExpectsHostMemory)
{
    make();
    PoolMetadata expected = device_metadata(name_);
    expected.device = "cpu";

    EXPECT_EQ(Consumer::follow(expected).error().code, ErrorCode::MetadataMismatch);
    EXPECT_TRUE(Consumer::follow(device_metadata(name_)));
    EXPECT_EQ(consumer_->device()->ordinal, 0);
    EXPECT_EQ(consumer_->metadata()->device, "cuda:0");
}

INSTANTIATE_TEST_SUITE_P(Kinds, CudaViews, each_kind(), kind_name);

}  // namespace
}  // namespace tensor_ipc::cuda
