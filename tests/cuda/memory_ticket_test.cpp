#include "tensor_ipc/cuda/memory_ticket.hpp"

#include "cuda_test.hpp"

namespace tensor_ipc::cuda {
namespace {

MemoryTicket sound_ticket()
{
    MemoryTicket ticket{};
    ticket.kind = MemoryKind::Vmm;
    ticket.bytes = 3 * kAllocationBytes;
    ticket.id[0] = 0xAB;
    return ticket;
}

TEST(CudaMemoryTicket, IsSoundWhenThisVersionCanHaveMadeIt)
{
    EXPECT_TRUE(validate(sound_ticket()).ok());
}

TEST(CudaMemoryTicket, IsRefusedWhenItsKindIsUnknown)
{
    for (const std::uint32_t kind : {0U, 3U, UINT32_MAX}) {
        MemoryTicket ticket = sound_ticket();
        ticket.kind = static_cast<MemoryKind>(kind);

        const auto valid = validate(ticket);

        ASSERT_FALSE(valid.ok());
        EXPECT_EQ(valid.error().code, ErrorCode::BadSegment);
        EXPECT_NE(valid.error().message.find(std::to_string(kind)), std::string::npos);
    }
}

TEST(CudaMemoryTicket, IsRefusedWhenItsSizeIsNoAllocations)
{
    for (const std::uint64_t bytes : {std::uint64_t{0}, kAllocationBytes + 1, UINT64_MAX}) {
        MemoryTicket ticket = sound_ticket();
        ticket.bytes = bytes;

        const auto valid = validate(ticket);

        ASSERT_FALSE(valid.ok());
        EXPECT_EQ(valid.error().code, ErrorCode::BadSegment);
    }
}

TEST(CudaMemoryTicket, LeadsToASocketOfItsOwn)
{
    EXPECT_EQ(socket_path(sound_ticket().id),
              "/dev/shm/tensoripcfd_ab000000000000000000000000000000");
}

}  // namespace
}  // namespace tensor_ipc::cuda
