#include "tensor_ipc/cuda/host_registration.hpp"

#include "cuda_test.hpp"

namespace tensor_ipc::cuda {
namespace {

using testing::Bench;
using testing::CudaTest;
using testing::must;
using testing::Settings;
using Access = HostRegistration::Access;

constexpr std::uint64_t kBytes = 8192;

/// A shared mapping, as a pool's, in this process's choice of protection.
class CudaHostRegistration : public CudaTest {
protected:
    void SetUp() override
    {
        CudaTest::SetUp();
        fd_ = tensor_ipc::os::FileDescriptor(::memfd_create("registered", MFD_CLOEXEC));
        ASSERT_EQ(::ftruncate(fd_.get(), kBytes), 0);
    }

    [[nodiscard]] os::Mapping map(os::Protection protection) const
    {
        return must(os::Mapping::shared(fd_.get(), 0, kBytes, protection));
    }

private:
    os::FileDescriptor fd_;
};

TEST_F(CudaHostRegistration, LetsTheDeviceReadTheMemoryWhenItsTurnComes)
{
    const Bench bench;
    const auto memory = must(DeviceMemory::create(bench.context, MemoryKind::Ipc, kBytes));
    const os::Mapping mapping = map(os::Protection::ReadWrite);
    const auto registration =
        must(HostRegistration::create(bench.context, mapping.data(), kBytes, Access::ReadWrite));
    EXPECT_TRUE(registration.is_ours());
    fake_cuda_hold(1);

    ASSERT_TRUE(
        bench.stream.copy_to_device(bench.current, memory->address(), mapping.data(), kBytes));
    std::memset(mapping.data(), 3, kBytes);
    fake_cuda_hold(0);
    ASSERT_TRUE(bench.stream.synchronize(bench.current));

    EXPECT_EQ(fake_cuda_peek(memory->address()), 3);
}

TEST_F(CudaHostRegistration, WithoutItTheMemoryMayChangeOnceTheCallReturned)
{
    const Bench bench;
    const auto memory = must(DeviceMemory::create(bench.context, MemoryKind::Ipc, kBytes));
    const os::Mapping mapping = map(os::Protection::ReadWrite);
    fake_cuda_hold(1);

    ASSERT_TRUE(
        bench.stream.copy_to_device(bench.current, memory->address(), mapping.data(), kBytes));
    std::memset(mapping.data(), 3, kBytes);
    fake_cuda_hold(0);
    ASSERT_TRUE(bench.stream.synchronize(bench.current));

    EXPECT_EQ(fake_cuda_peek(memory->address()), 0);
}

TEST_F(CudaHostRegistration, WorksForMemoryThatThisProcessMayOnlyRead)
{
    const Bench bench;
    const os::Mapping mapping = map(os::Protection::ReadOnly);

    const auto as_writable =
        HostRegistration::create(bench.context, mapping.data(), kBytes, Access::ReadWrite);
    const auto as_readable =
        HostRegistration::create(bench.context, mapping.data(), kBytes, Access::ReadOnly);

    EXPECT_FALSE(as_writable.ok());
    EXPECT_TRUE(as_readable.ok());
}

TEST_F(CudaHostRegistration, IsRefusedWithAReasonWhereTheDeviceCannot)
{
    const Settings without({{"FAKE_CUDA_WITHOUT", "readonly-hostreg"}});
    const Bench bench;
    const os::Mapping mapping = map(os::Protection::ReadOnly);

    const auto refused =
        HostRegistration::create(bench.context, mapping.data(), kBytes, Access::ReadOnly);

    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::CudaUnsupported);
    EXPECT_EQ(refused.error().message,
              "Stand-in GPU 0 cannot pin memory that this process may only read; the pool works "
              "unpinned");
    EXPECT_EQ(fake_cuda_calls("cuMemHostRegister_v2"), 0U);
}

TEST_F(CudaHostRegistration, IsRefusedWithAReasonWhereNothingCanBeRegistered)
{
    const Settings without({{"FAKE_CUDA_WITHOUT", "hostreg"}});
    const Bench bench;
    const os::Mapping mapping = map(os::Protection::ReadWrite);

    const auto refused =
        HostRegistration::create(bench.context, mapping.data(), kBytes, Access::ReadWrite);

    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::CudaUnsupported);
}

TEST_F(CudaHostRegistration, OfSomebodyElseServesAndStays)
{
    const Bench bench;
    const os::Mapping mapping = map(os::Protection::ReadWrite);
    const auto theirs =
        must(HostRegistration::create(bench.context, mapping.data(), kBytes, Access::ReadWrite));
    {
        const auto ours = must(
            HostRegistration::create(bench.context, mapping.data(), kBytes, Access::ReadWrite));
        EXPECT_FALSE(ours.is_ours());
    }

    EXPECT_EQ(fake_cuda_live().registrations, 1);
}

}  // namespace
}  // namespace tensor_ipc::cuda
