#include "tensor_ipc/cuda/context.hpp"

#include <thread>

#include "cuda_test.hpp"

namespace tensor_ipc::cuda {
namespace {

using testing::context_of;
using testing::CudaTest;
using testing::must;
using testing::Settings;

class CudaContext : public CudaTest {};

TEST_F(CudaContext, IsRetainedUntilTheLastWhoHoldsItIsGone)
{
    ContextRef first = context_of();
    const ContextRef second = first;  // NOLINT(performance-unnecessary-copy-initialization)

    first.reset();

    EXPECT_EQ(fake_cuda_live().contexts, 1);
}

TEST_F(CudaContext, IsTheSameForAllWhoRetainIt)
{
    EXPECT_EQ(context_of()->handle(), context_of()->handle());
}

TEST_F(CudaContext, IsCurrentWhileAGuardLivesAndTheOneBeforeAfterwards)
{
    const Settings two({{"FAKE_CUDA_DEVICES", "2"}});
    const ContextRef outer = context_of(0);
    const ContextRef inner = context_of(1);
    const auto first = must(CurrentContext::push(*outer));
    {
        const auto second = must(CurrentContext::push(*inner));
        EXPECT_EQ(fake_cuda_live().pushed, 2);
    }

    ContextHandle top = nullptr;
    ASSERT_TRUE(outer->driver().call.cuCtxPopCurrent_v2(&top).ok());
    EXPECT_EQ(top, outer->handle());
    ASSERT_TRUE(outer->driver().call.cuCtxPushCurrent_v2(top).ok());
}

TEST_F(CudaContext, IsCurrentOnItsOwnThreadOnly)
{
    const ContextRef context = context_of();
    const auto here = must(CurrentContext::push(*context));
    int pushed_there = -1;

    std::thread([&] { pushed_there = fake_cuda_live().pushed; }).join();

    EXPECT_EQ(pushed_there, 0);
}

TEST_F(CudaContext, IsPoppedOnceWhenTheGuardWasMoved)
{
    const ContextRef context = context_of();
    {
        auto guard = must(CurrentContext::push(*context));
        const CurrentContext moved = std::move(guard);
        EXPECT_EQ(&moved.context(), context.get());
    }

    EXPECT_EQ(fake_cuda_live().pushed, 0);
    EXPECT_EQ(fake_cuda_calls("cuCtxPopCurrent_v2"), 1U);
}

}  // namespace
}  // namespace tensor_ipc::cuda
