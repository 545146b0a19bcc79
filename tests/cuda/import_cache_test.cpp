#include "tensor_ipc/cuda/import_cache.hpp"

#include <thread>

#include "two_processes.hpp"

namespace tensor_ipc::cuda {
namespace {

using namespace testing;

class CudaImportCache : public OfEachKind {
protected:
    /// How often this process has opened memory.
    static std::uint64_t opened()
    {
        return fake_cuda_calls("cuIpcOpenMemHandle_v2") +
               fake_cuda_calls("cuMemImportFromShareableHandle");
    }
};

TEST_P(CudaImportCache, OpensOnceHoweverManyThreadsAskAtOnce)
{
    const CreatorProcess creator(*board_, GetParam(), {}, stay);

    EXPECT_EQ(in_child([&] {
                  constexpr std::size_t kThreads = 8;
                  std::array<std::shared_ptr<const DeviceMemory>, kThreads> found;
                  std::vector<std::thread> threads;
                  static_cast<void>(the_driver());
                  for (auto& mine : found) {
                      threads.emplace_back([&] { mine = must(open(board_->ticket)); });
                  }
                  for (std::thread& thread : threads) {
                      thread.join();
                  }
                  for (const auto& one : found) {
                      CHILD_REQUIRE(one == found.front());
                  }
                  CHILD_REQUIRE(opened() == 1);
                  return 0;
              }),
              0);
}

TEST_P(CudaImportCache, OpensAgainWhenNobodyHeldIt)
{
    const CreatorProcess creator(*board_, GetParam(), {}, stay);

    EXPECT_EQ(in_child([&] {
                  must(open(board_->ticket));
                  const Bench bench;
                  const auto again = must(open(board_->ticket));
                  CHILD_REQUIRE(opened() == 2);
                  CHILD_REQUIRE(is_all(bench.contents(*again), CreatorProcess::kFirst));
                  return 0;
              }),
              0);
}

TEST_P(CudaImportCache, ForgetsARefusal)
{
    const CreatorProcess creator(*board_, GetParam(), {}, stay);

    EXPECT_EQ(in_child([&] {
                  static_cast<void>(the_driver());
                  fake_cuda_fail("cuIpcOpenMemHandle_v2", 1, 2);
                  fake_cuda_fail("cuMemImportFromShareableHandle", 1, 2);
                  CHILD_REQUIRE(open(board_->ticket).error().code == ErrorCode::CudaOutOfMemory);
                  CHILD_REQUIRE(open(board_->ticket).ok());
                  return 0;
              }),
              0);
}

TEST_P(CudaImportCache, KeepsAllocationsApart)
{
    const CreatorProcess creator(*board_, GetParam(), {}, stay);
    SharedWithChildren<Board> other;
    {
        const CreatorProcess another(*other, GetParam(), {}, stay);

        EXPECT_EQ(in_child([&] {
                      const auto first = must(open(board_->ticket));
                      const auto second = must(open(other->ticket));
                      CHILD_REQUIRE(first != second);
                      CHILD_REQUIRE(first->address() != second->address());
                      return 0;
                  }),
                  0);
    }
    remove_leftover(other->ticket);  // the creator was killed
}

INSTANTIATE_TEST_SUITE_P(Kinds, CudaImportCache, each_kind(), kind_name);

}  // namespace
}  // namespace tensor_ipc::cuda
