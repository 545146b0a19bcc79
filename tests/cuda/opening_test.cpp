/// Opening memory of another process, and everything that stands in the way.
#include "two_processes.hpp"

namespace tensor_ipc::cuda {
namespace {

using namespace testing;

class CudaOpening : public OfEachKind {};

/// Opens the board's memory in another process; passes when that is refused with `code` and a text
/// that has `part` in it.
int is_refused(const Board& board, ErrorCode code, const std::string& part,
               Settings::Pairs settings = {})
{
    return in_child([&] {
        set(settings);
        const auto opened = open(board.ticket);
        CHILD_REQUIRE(!opened.ok());
        if (opened.error().code != code || opened.error().message.find(part) == std::string::npos) {
            std::fprintf(stderr, "child: %d, %s\n", static_cast<int>(opened.error().code),
                         opened.error().message.c_str());
            return 2;
        }
        CHILD_REQUIRE(fake_cuda_live() == FakeCudaLive{});
        return 0;
    });
}

TEST_P(CudaOpening, ShowsTheSameBytes)
{
    const CreatorProcess creator(*board_, GetParam(), {}, stay);

    EXPECT_EQ(in_child([&] {
                  const Bench bench;
                  const auto memory = must(open(board_->ticket));
                  CHILD_REQUIRE(memory->bytes() == kAllocationBytes);
                  CHILD_REQUIRE(is_all(bench.contents(*memory), CreatorProcess::kFirst));
                  return 0;
              }),
              0);
}

TEST_P(CudaOpening, LeavesNothingWithTheDriver)
{
    const CreatorProcess creator(*board_, GetParam(), {}, stay);

    EXPECT_EQ(in_child([&] {
                  must(open(board_->ticket));
                  CHILD_REQUIRE(fake_cuda_live() == FakeCudaLive{});
                  return 0;
              }),
              0);
}

TEST_P(CudaOpening, FindsTheDeviceByUuidWhereNumbersDiffer)
{
    const CreatorProcess creator(*board_, GetParam(),
                                 {{"FAKE_CUDA_DEVICES", "3"}, {"CUDA_VISIBLE_DEVICES", "2"}}, stay);

    EXPECT_EQ(in_child([&] {
                  set({{"FAKE_CUDA_DEVICES", "3"}, {"CUDA_VISIBLE_DEVICES", "0,2"}});
                  const Bench bench(1);
                  const auto memory = must(open(board_->ticket));
                  CHILD_REQUIRE(memory->context()->device().ordinal == 1);
                  CHILD_REQUIRE(is_all(bench.contents(*memory), CreatorProcess::kFirst));
                  return 0;
              }),
              0);
}

TEST_P(CudaOpening, IsRefusedWhenTheDeviceIsNotVisible)
{
    const CreatorProcess creator(*board_, GetParam(),
                                 {{"FAKE_CUDA_DEVICES", "2"}, {"CUDA_VISIBLE_DEVICES", "1"}}, stay);

    EXPECT_EQ(is_refused(*board_, ErrorCode::CudaUnavailable, "CUDA_VISIBLE_DEVICES is '0'",
                         {{"FAKE_CUDA_DEVICES", "2"}, {"CUDA_VISIBLE_DEVICES", "0"}}),
              0);
}

TEST_P(CudaOpening, IsRefusedOnceTheCreatorIsDead)
{
    CreatorProcess creator(*board_, GetParam(), {}, stay);

    EXPECT_EQ(creator.kill(), kKilled);

    EXPECT_EQ(is_refused(*board_, ErrorCode::PoolNotFound, "ended"), 0);
}

TEST_P(CudaOpening, IsRefusedWhenTheTicketPromisesMoreThanThereIs)
{
    const CreatorProcess creator(*board_, GetParam(), {}, stay);

    board_->ticket.bytes *= 2;

    EXPECT_EQ(
        is_refused(*board_,
                   GetParam() == MemoryKind::Ipc ? ErrorCode::BadSegment : ErrorCode::CudaFailed,
                   GetParam() == MemoryKind::Ipc ? "2097152 bytes, expected 4194304" : "cuMemMap"),
        0);
}

TEST_P(CudaOpening, IsRefusedWhenTheTicketIsNone)
{
    const CreatorProcess creator(*board_, GetParam(), {}, stay);
    board_->ticket.kind = static_cast<MemoryKind>(77);

    EXPECT_EQ(is_refused(*board_, ErrorCode::BadSegment, "kind 77"), 0);
    board_->ticket.kind = GetParam();
}

INSTANTIATE_TEST_SUITE_P(Kinds, CudaOpening, each_kind(), kind_name);

class CudaOpeningOneKind : public TwoProcesses {};

TEST_F(CudaOpeningOneKind, OfIpcMemoryIsRefusedWhenBothHaveOnePidValue)
{
    const CreatorProcess creator(*board_, MemoryKind::Ipc, {{"FAKE_CUDA_PID", "7"}}, stay);
    board_->ticket.pid_namespace += 1;

    EXPECT_EQ(is_refused(*board_, ErrorCode::CudaUnsupported,
                         "Here: the creator had PID " + std::to_string(creator.pid()) +
                             " in another PID namespace",
                         {{"FAKE_CUDA_PID", "7"}}),
              0);
}

TEST_F(CudaOpeningOneKind, OfVmmMemoryMindsNoPidValues)
{
    const CreatorProcess creator(*board_, MemoryKind::Vmm, {{"FAKE_CUDA_PID", "7"}}, stay);

    EXPECT_EQ(in_child([&] {
                  set({{"FAKE_CUDA_PID", "7"}});
                  must(open(board_->ticket));
                  return 0;
              }),
              0);
}

TEST_F(CudaOpeningOneKind, OfIpcMemoryIsRefusedWhenTheHandleIsJunk)
{
    const CreatorProcess creator(*board_, MemoryKind::Ipc, {}, stay);
    board_->ticket.handle.reserved[0] ^= 1;

    EXPECT_EQ(is_refused(*board_, ErrorCode::CudaUnsupported, "cuIpcOpenMemHandle_v2"), 0);
}

/// The driver's own rule, which the stand-in has to keep.
TEST_F(CudaOpeningOneKind, OfIpcMemoryTwiceInTheDriverIsOneAddressUntilTheSecondClose)
{
    const CreatorProcess creator(*board_, MemoryKind::Ipc, {}, stay);

    EXPECT_EQ(in_child([&] {
                  const Bench bench;
                  const EntryPoints& call = bench.context->driver().call;
                  const IpcMemoryHandle& handle = board_->ticket.handle;
                  DevicePointer first = 0;
                  DevicePointer second = 0;
                  CHILD_REQUIRE(call.cuIpcOpenMemHandle_v2(&first, handle, 1).ok());
                  CHILD_REQUIRE(call.cuIpcOpenMemHandle_v2(&second, handle, 1).ok());
                  CHILD_REQUIRE(first == second);
                  CHILD_REQUIRE(call.cuIpcCloseMemHandle(first).ok());
                  CHILD_REQUIRE(fake_cuda_peek(first) == CreatorProcess::kFirst);
                  CHILD_REQUIRE(call.cuIpcCloseMemHandle(first).ok());
                  CHILD_REQUIRE(fake_cuda_peek(first) == -1);
                  return 0;
              }),
              0);
}

TEST_F(CudaOpeningOneKind, OfVmmMemoryIsRefusedWhenTheCreatorDoesNotAnswerInTime)
{
    CreatorProcess creator(*board_, MemoryKind::Vmm, {}, stay);
    ASSERT_TRUE(creator.stop());

    EXPECT_EQ(
        in_child([&] {
            const Bench bench;
            const auto opened =
                import_memory(bench.context, board_->ticket, os::monotonic_ns() + 50'000'000);
            CHILD_REQUIRE(!opened.ok());
            CHILD_REQUIRE(opened.error().code == ErrorCode::System);
            CHILD_REQUIRE(opened.error().message.find("no answer in time") != std::string::npos);
            return 0;
        }),
        0);
    creator.kill();
}

TEST_F(CudaOpeningOneKind, OfVmmMemoryLeavesASocketOnlyWhenTheCreatorIsKilled)
{
    CreatorProcess orderly(*board_, MemoryKind::Vmm, {}, stay);
    const std::string path = socket_path(board_->ticket.id);
    ASSERT_EQ(::access(path.c_str(), F_OK), 0);
    orderly.channel().say('g');
    EXPECT_EQ(orderly.wait(), 0);
    EXPECT_NE(::access(path.c_str(), F_OK), 0);

    CreatorProcess killed(*board_, MemoryKind::Vmm, {}, stay);
    killed.kill();

    EXPECT_TRUE(remove_leftover(board_->ticket));
    EXPECT_FALSE(remove_leftover(board_->ticket));
}

}  // namespace
}  // namespace tensor_ipc::cuda
