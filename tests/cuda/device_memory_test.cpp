#include "tensor_ipc/cuda/device_memory.hpp"

#include "cuda_test.hpp"

namespace tensor_ipc::cuda {
namespace {

using tensor_ipc::testing::hang_deadline_ns;
using testing::Bench;
using testing::CudaTest;
using testing::is_all;
using testing::must;
using testing::Settings;

class CudaMemory : public CudaTest, public ::testing::WithParamInterface<MemoryKind> {};

TEST_P(CudaMemory, IsRoundedUpToWholeAllocationsAndHoldsWhatIsCopiedIntoIt)
{
    const Bench bench;

    const auto memory = must(DeviceMemory::create(bench.context, GetParam(), kAllocationBytes + 1));

    EXPECT_EQ(memory->kind(), GetParam());
    EXPECT_EQ(memory->bytes(), 2 * kAllocationBytes);
    bench.fill(*memory, 0x5A);
    EXPECT_TRUE(is_all(bench.contents(*memory), 0x5A));
}

TEST_P(CudaMemory, IsRefusedWhenItIsLargerThanTheDevice)
{
    const Settings small({{"FAKE_CUDA_MEMORY_MB", "4"}});
    const Bench bench;

    const auto refused = DeviceMemory::create(bench.context, GetParam(), 6 << 20);

    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::CudaOutOfMemory);
}

TEST_P(CudaMemory, IsRefusedWhenItsSizeIsNone)
{
    const Bench bench;
    for (const std::uint64_t bytes : {std::uint64_t{0}, UINT64_MAX}) {
        const auto refused = DeviceMemory::create(bench.context, GetParam(), bytes);

        ASSERT_FALSE(refused.ok());
        EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
    }
}

TEST_P(CudaMemory, HasATicketThatSaysWhereItIs)
{
    const Bench bench;
    const auto memory = must(DeviceMemory::create(bench.context, GetParam(), 1));

    const MemoryTicket ticket = must(memory->share(0600));
    const MemoryTicket of_another =
        must(must(DeviceMemory::create(bench.context, MemoryKind::Vmm, 1))->share(0600));

    EXPECT_EQ(ticket.kind, GetParam());
    EXPECT_EQ(ticket.creator_pid, static_cast<std::uint32_t>(::getpid()));
    EXPECT_EQ(ticket.bytes, kAllocationBytes);
    EXPECT_EQ(ticket.device, bench.context->device().uuid);
    EXPECT_NE(ticket.pid_namespace, 0U);
    EXPECT_NE(ticket.id, of_another.id);
    EXPECT_TRUE(validate(ticket).ok());
    memory->nobody_else_has_it();
}

TEST_P(CudaMemory, IsItselfWhenTheProcessThatMadeItOpensIt)
{
    const Bench bench;
    const auto memory = must(DeviceMemory::create(bench.context, GetParam(), 1));
    const MemoryTicket ticket = must(memory->share(0600));

    const auto opened = must(import_memory(bench.context, ticket, hang_deadline_ns()));

    EXPECT_EQ(opened, memory);
    memory->nobody_else_has_it();
}

TEST_P(CudaMemory, IsRefusedInAContextOfAnotherDevice)
{
    const Settings two({{"FAKE_CUDA_DEVICES", "2"}});
    const Bench bench(0);
    const auto memory = must(DeviceMemory::create(bench.context, GetParam(), 1));
    const MemoryTicket ticket = must(memory->share(0600));

    const auto opened = import_memory(testing::context_of(1), ticket, hang_deadline_ns());

    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, ErrorCode::InvalidArgument);
    EXPECT_NE(opened.error().message.find(to_string(bench.context->device().uuid)),
              std::string::npos);
    memory->nobody_else_has_it();
}

INSTANTIATE_TEST_SUITE_P(Kinds, CudaMemory, ::testing::Values(MemoryKind::Ipc, MemoryKind::Vmm),
                         [](const auto& kind) {
                             return kind.param == MemoryKind::Ipc ? "Ipc" : "Vmm";
                         });

class CudaIpcMemory : public CudaTest {};

TEST_F(CudaIpcMemory, StaysWhenItWasSharedAndNobodySaidThatItIsUnused)
{
    const Bench bench;
    DevicePointer address = 0;
    {
        const auto memory = must(DeviceMemory::create(bench.context, MemoryKind::Ipc, 1));
        ASSERT_TRUE(memory->share(0600).ok());
        address = memory->address();
    }

    EXPECT_EQ(fake_cuda_live().allocations, 1);
    ASSERT_TRUE(bench.context->driver().call.cuMemFree_v2(address).ok());
}

TEST_F(CudaIpcMemory, IsFreedWhenItWasSharedAndIsUnused)
{
    const Bench bench;
    {
        const auto memory = must(DeviceMemory::create(bench.context, MemoryKind::Ipc, 1));
        ASSERT_TRUE(memory->share(0600).ok());
        memory->nobody_else_has_it();
    }

    EXPECT_EQ(fake_cuda_live().allocations, 0);
}

TEST_F(CudaIpcMemory, IsNotSharedWhereTheDeviceCannot)
{
    const Settings without({{"FAKE_CUDA_WITHOUT", "ipc"}});
    const Bench bench;
    const auto memory = must(DeviceMemory::create(bench.context, MemoryKind::Ipc, 1));

    const auto refused = memory->share(0600);

    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::CudaUnsupported);
    EXPECT_NE(refused.error().message.find("'vmm'"), std::string::npos);
}

class CudaVmmMemory : public CudaTest {};

TEST_F(CudaVmmMemory, IsRefusedWhereTheDeviceCannot)
{
    const Settings without({{"FAKE_CUDA_WITHOUT", "vmm"}});
    const Bench bench;

    const auto refused = DeviceMemory::create(bench.context, MemoryKind::Vmm, 1);

    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::CudaUnsupported);
    EXPECT_NE(refused.error().message.find("attribute 102"), std::string::npos);
    EXPECT_NE(refused.error().message.find("'ipc'"), std::string::npos);
}

TEST_F(CudaVmmMemory, HasASocketOfItsModeWhileItLives)
{
    const Bench bench;
    std::string path;
    {
        const auto memory = must(DeviceMemory::create(bench.context, MemoryKind::Vmm, 1));
        path = socket_path(must(memory->share(0620)).id);

        struct stat status {};

        ASSERT_EQ(::stat(path.c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 0777U, 0620U);
    }

    EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST_F(CudaVmmMemory, IsNoLeftoverWhileItsCreatorLives)
{
    const Bench bench;
    const auto memory = must(DeviceMemory::create(bench.context, MemoryKind::Vmm, 1));
    const MemoryTicket ticket = must(memory->share(0600));

    EXPECT_FALSE(remove_leftover(ticket));
    EXPECT_EQ(::access(socket_path(ticket.id).c_str(), F_OK), 0);
}

}  // namespace
}  // namespace tensor_ipc::cuda
