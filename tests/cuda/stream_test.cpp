#include "tensor_ipc/cuda/stream.hpp"

#include <atomic>

#include "cuda_test.hpp"

namespace tensor_ipc::cuda {
namespace {

using testing::Bench;
using testing::CudaTest;
using testing::is_all;
using testing::must;
using testing::Settings;

class CudaStream : public CudaTest {
protected:
    static std::shared_ptr<DeviceMemory> memory(const Bench& bench)
    {
        return must(DeviceMemory::create(bench.context, MemoryKind::Ipc, 1));
    }
};

void count_up(void* argument)
{
    static_cast<std::atomic<int>*>(argument)->fetch_add(1);
}

TEST_F(CudaStream, WorksInOrderAndWhileTheCallerGoesOn)
{
    const Bench bench;
    const auto source = memory(bench);
    const auto target = memory(bench);
    bench.fill(*source, 7);
    fake_cuda_drain();
    fake_cuda_hold(1);

    ASSERT_TRUE(bench.stream.copy_on_device(bench.current, target->address(), source->address(),
                                            source->bytes()));

    EXPECT_FALSE(must(bench.stream.is_idle(bench.current)));
    EXPECT_EQ(fake_cuda_peek(target->address()), kUninitialised);
    fake_cuda_hold(0);
    EXPECT_TRUE(is_all(bench.contents(*target), 7));
    EXPECT_TRUE(must(bench.stream.is_idle(bench.current)));
}

TEST_F(CudaStream, CallsTheHostWhenEverythingBeforeIsDone)
{
    const Bench bench;
    std::atomic<int> calls{0};
    fake_cuda_hold(1);
    ASSERT_TRUE(bench.stream.then_on_host(bench.current, count_up, &calls));
    EXPECT_EQ(calls.load(), 0);

    fake_cuda_hold(0);
    ASSERT_TRUE(bench.stream.synchronize(bench.current));

    EXPECT_EQ(calls.load(), 1);
}

TEST_F(CudaStream, WaitsForTheMarkOfAnother)
{
    const Bench bench;
    const Stream later = must(Stream::create(bench.context, bench.current));
    const Event event = must(Event::create(bench.context, bench.current));
    EXPECT_TRUE(must(event.is_reached(bench.current)));
    const auto source = memory(bench);
    const auto target = memory(bench);
    const Settings slow({{"FAKE_CUDA_DELAY_US", "20000"}});
    bench.fill(*source, 9);

    ASSERT_TRUE(event.record(bench.current, bench.stream.handle()));
    ASSERT_TRUE(later.wait_for(bench.current, event));
    ASSERT_TRUE(
        later.copy_on_device(bench.current, target->address(), source->address(), source->bytes()));
    ASSERT_TRUE(later.synchronize(bench.current));

    EXPECT_TRUE(must(event.is_reached(bench.current)));
    EXPECT_TRUE(is_all(bench.contents(*target), 9));
}

TEST_F(CudaStream, WaitsForTheMarkThatWasThereAlsoWhenTheEventIsRecordedElsewhere)
{
    const Bench bench;
    const Stream later = must(Stream::create(bench.context, bench.current));
    const Stream idle = must(Stream::create(bench.context, bench.current));
    const Event event = must(Event::create(bench.context, bench.current));
    const auto source = memory(bench);
    const auto target = memory(bench);
    const Settings slow({{"FAKE_CUDA_DELAY_US", "20000"}});
    bench.fill(*source, 9);

    ASSERT_TRUE(event.record(bench.current, bench.stream.handle()));
    ASSERT_TRUE(later.wait_for(bench.current, event));
    ASSERT_TRUE(event.record(bench.current, idle.handle()));
    ASSERT_TRUE(event.wait(bench.current));
    ASSERT_TRUE(
        later.copy_on_device(bench.current, target->address(), source->address(), source->bytes()));
    ASSERT_TRUE(later.synchronize(bench.current));

    EXPECT_TRUE(is_all(bench.contents(*target), 9));
}

TEST_F(CudaStream, OfSomebodyElseCanBeMadeToWait)
{
    const Bench bench;
    const Event event = must(Event::create(bench.context, bench.current));
    constexpr StreamHandle kDefault = nullptr;
    std::atomic<int> calls{0};
    fake_cuda_hold(1);
    ASSERT_TRUE(bench.stream.then_on_host(bench.current, count_up, &calls));
    ASSERT_TRUE(event.record(bench.current, bench.stream.handle()));

    ASSERT_TRUE(let_wait(bench.current, kDefault, event));
    const Event after = must(Event::create(bench.context, bench.current));
    ASSERT_TRUE(after.record(bench.current, kDefault));

    EXPECT_FALSE(must(after.is_reached(bench.current)));
    fake_cuda_hold(0);
    ASSERT_TRUE(after.wait(bench.current));
    EXPECT_EQ(calls.load(), 1);
}

TEST_F(CudaStream, FinishesWhatItHasToDoWhenItIsDestroyed)
{
    const Bench bench;
    std::atomic<int> calls{0};
    {
        const Stream stream = must(Stream::create(bench.context, bench.current));
        const Event event = must(Event::create(bench.context, bench.current));
        fake_cuda_hold(1);
        ASSERT_TRUE(event.record(bench.current, bench.stream.handle()));
        ASSERT_TRUE(stream.wait_for(bench.current, event));
        ASSERT_TRUE(stream.then_on_host(bench.current, count_up, &calls));
    }

    fake_cuda_hold(0);
    fake_cuda_drain();

    EXPECT_EQ(calls.load(), 1);
}

TEST_F(CudaStream, CopiesFromAnotherDevice)
{
    const Settings two({{"FAKE_CUDA_DEVICES", "2"}});
    const Bench there(1);
    const auto source = memory(there);
    there.fill(*source, 5);
    ASSERT_TRUE(there.stream.synchronize(there.current));
    const Bench here(0);
    const auto target = memory(here);

    ASSERT_TRUE(here.stream.copy_from_peer(here.current, target->address(), *there.context,
                                           source->address(), source->bytes()));

    EXPECT_TRUE(is_all(here.contents(*target), 5));
}

TEST_F(CudaStream, SaysWhenItIsCaptured)
{
    const Bench bench;
    EXPECT_FALSE(must(is_capturing(bench.current, bench.stream.handle())));

    fake_cuda_set_capturing(bench.stream.handle(), 1);

    EXPECT_TRUE(must(is_capturing(bench.current, bench.stream.handle())));
    const auto refused = bench.stream.synchronize(bench.current);
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("graph"), std::string::npos);
    fake_cuda_set_capturing(bench.stream.handle(), 0);
}

TEST_F(CudaStream, RefusesEverythingInABrokenContextAndCallsNoHostFunction)
{
    const Bench bench;
    std::atomic<int> calls{0};
    fake_cuda_hold(1);
    ASSERT_TRUE(bench.stream.then_on_host(bench.current, count_up, &calls));
    fake_cuda_break_context();
    fake_cuda_hold(0);
    fake_cuda_drain();

    const auto refused = bench.stream.synchronize(bench.current);

    EXPECT_EQ(calls.load(), 0);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::CudaFailed);
    EXPECT_NE(refused.error().message.find("unusable until the process ends"), std::string::npos);
    fake_cuda_reset();
}

}  // namespace
}  // namespace tensor_ipc::cuda
