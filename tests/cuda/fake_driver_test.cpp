/// The stand-in itself: what it has to notice, or the other tests prove nothing.
#include "cuda_test.hpp"

namespace tensor_ipc::cuda {
namespace {

using testing::Bench;
using testing::CudaTest;
using testing::must;
using testing::Settings;

class FakeCuda : public CudaTest {};

TEST_F(FakeCuda, HasAddressesThatTheHostCannotTouch)
{
    const Bench bench;
    const auto memory = must(DeviceMemory::create(bench.context, MemoryKind::Ipc, 1));
    auto* address = reinterpret_cast<volatile char*>(memory->address());

    const auto touch = [address] {
        ::signal(SIGSEGV, SIG_DFL);  // a sanitizer has one of its own
        *address = 1;
    };

    EXPECT_EXIT(touch(), ::testing::KilledBySignal(SIGSEGV), "");
}

TEST_F(FakeCuda, CountsCallsAndFailsTheOneThatItIsToldTo)
{
    const EntryPoints& call = testing::the_driver().call;
    int count = 0;
    fake_cuda_fail("cuDeviceGetCount", 2, 802);

    EXPECT_TRUE(call.cuDeviceGetCount(&count).ok());
    EXPECT_EQ(call.cuDeviceGetCount(&count).status, Status::SystemNotReady);
    EXPECT_TRUE(call.cuDeviceGetCount(&count).ok());

    EXPECT_EQ(fake_cuda_calls("cuDeviceGetCount"), 3U);
    EXPECT_EQ(fake_cuda_calls(nullptr), 3U);
}

TEST_F(FakeCuda, FailsTheCallsOfItsEnvironment)
{
    const Settings settings({{"FAKE_CUDA_FAIL", "cuDeviceGetCount:1:802,cuDeviceGet:0:101"}});
    const EntryPoints& call = testing::the_driver().call;
    int number = 0;

    EXPECT_EQ(call.cuDeviceGetCount(&number).status, Status::SystemNotReady);
    EXPECT_EQ(call.cuDeviceGet(&number, 0).status, Status::InvalidDevice);
    EXPECT_EQ(call.cuDeviceGet(&number, 0).status, Status::InvalidDevice);
}

TEST_F(FakeCuda, RefusesWhatNeedsAContextWithoutOne)
{
    DevicePointer address = 0;

    EXPECT_EQ(testing::the_driver().call.cuMemAlloc_v2(&address, 1).status, Status::InvalidContext);
}

TEST_F(FakeCuda, RefusesCallsFromAHostFunction)
{
    const Bench bench;
    static Status answer = Status::Success;
    const auto call_cuda = [](void*) {
        int count = 0;
        answer = testing::the_driver().call.cuDeviceGetCount(&count).status;
    };

    ASSERT_TRUE(bench.stream.then_on_host(bench.current, call_cuda, nullptr));
    ASSERT_TRUE(bench.stream.synchronize(bench.current));

    EXPECT_EQ(answer, Status::NotPermitted);
}

TEST_F(FakeCuda, BreaksTheContextWhenWorkMeetsAnAddressThatIsGone)
{
    const Bench bench;
    const auto kept = must(DeviceMemory::create(bench.context, MemoryKind::Vmm, 1));
    auto dropped = must(DeviceMemory::create(bench.context, MemoryKind::Vmm, 1));
    fake_cuda_hold(1);
    ASSERT_TRUE(bench.stream.copy_on_device(bench.current, kept->address(), dropped->address(), 8));

    dropped.reset();
    fake_cuda_hold(0);

    fake_cuda_drain();
    EXPECT_FALSE(bench.stream.synchronize(bench.current).ok());
    fake_cuda_reset();
}

TEST_F(FakeCuda, ShowsWhoLooksTooEarlyATornCopy)
{
    const Bench bench;
    const auto memory = must(DeviceMemory::create(bench.context, MemoryKind::Ipc, 1));
    const DevicePointer first = memory->address();
    const DevicePointer last = memory->address() + memory->bytes() - 1;
    fake_cuda_hold(1);
    bench.fill(*memory, 1);

    fake_cuda_step(1);
    while (fake_cuda_peek(first) != 1) {
        std::this_thread::yield();
    }

    EXPECT_EQ(fake_cuda_peek(last), kUninitialised);
    fake_cuda_hold(0);
    ASSERT_TRUE(bench.stream.synchronize(bench.current));
    EXPECT_EQ(fake_cuda_peek(last), 1);
}

TEST_F(FakeCuda, FaultsWhenTheDeviceWritesWhereItMayOnlyRead)
{
    const Bench bench;
    const auto memory = must(DeviceMemory::create(bench.context, MemoryKind::Vmm, 1));
    const AccessDescription read_only{{LocationType::Device, 0}, MemoryAccess::Read};
    ASSERT_TRUE(bench.context->driver()
                    .call.cuMemSetAccess(memory->address(), memory->bytes(), &read_only, 1)
                    .ok());

    bench.fill(*memory, 1);
    fake_cuda_drain();

    EXPECT_FALSE(bench.stream.synchronize(bench.current).ok());
    EXPECT_EQ(fake_cuda_peek(memory->address()), kUninitialised);
    fake_cuda_reset();
}

}  // namespace
}  // namespace tensor_ipc::cuda
