/// Pinned host pools between processes: frames at full speed through slow copies, and forks.
#include <thread>

#include "tensor_ipc/pool/pinning.hpp"
#include "two_processes.hpp"

namespace tensor_ipc::cuda {
namespace {

using namespace testing;
using namespace tensor_ipc::testing;

constexpr int kCopies = 300;

ConsumerOptions pinned()
{
    ConsumerOptions options;
    options.pinned_for = 0;
    return options;
}

class CudaPinnedProcesses : public PoolTest {
protected:
    PoolMetadata metadata_ = metadata_of(name_, 2, {128, 128});
};

class OnEachStream : public CudaPinnedProcesses, public ::testing::WithParamInterface<bool> {};

INSTANTIATE_TEST_SUITE_P(Streams, OnEachStream, ::testing::Bool(),
                         [](const auto& is_own) { return is_own.param ? "Own" : "Default"; });

/// The producer publishes as fast as it can. The consumer drops each frame when the copy of it has
/// been asked for and long before it is made.
TEST_P(OnEachStream, NoCopyOfAPinnedFrameIsTornWhenItIsDroppedAtOnce)
{
    ChildProcess producing([&](const Channel& parent) -> int {
        Producer producer = must(Producer::create(metadata_));
        parent.say('r');
        for (std::int32_t value = 0;; ++value) {
            put(producer, value);
        }
    });
    ASSERT_EQ(producing.channel().hear(), 'r');

    EXPECT_EQ(in_child([&] {
                  set({{"FAKE_CUDA_DELAY_US", "500"}});
                  const Bench bench;
                  Consumer consumer = must(Consumer::attach(name_, pinned()));
                  CHILD_REQUIRE(consumer.pinning()->is_granted());
                  const StreamHandle stream = GetParam() ? bench.stream.handle() : nullptr;
                  CHILD_REQUIRE(!GetParam() || consumer.record_stream(stream).ok());
                  const std::uint64_t bytes = consumer.geometry()->frame_bytes;
                  const auto memory =
                      must(DeviceMemory::create(bench.context, MemoryKind::Ipc, kCopies * bytes));
                  std::int32_t published = 0;
                  for (int i = 0; i < kCopies; ++i) {
                      CHILD_REQUIRE(*consumer.wait(consumer.last_index()) == WaitOutcome::Ready);
                      const Frame frame = present(consumer.latest());
                      published = static_cast<std::int32_t>(frame.info().index);
                      CHILD_REQUIRE(bench.current.driver()
                                        .call
                                        .cuMemcpyHtoDAsync_v2(memory->address() + i * bytes,
                                                              frame.bytes().data(), bytes, stream)
                                        .ok());
                  }
                  CHILD_REQUIRE(published > 0);
                  CHILD_REQUIRE(bench.current.driver().call.cuStreamSynchronize(stream).ok());
                  std::vector<std::byte> arrived(kCopies * bytes);
                  CHILD_REQUIRE(bench.stream.copy_to_host(bench.current, arrived.data(),
                                                          memory->address(), arrived.size()));
                  CHILD_REQUIRE(bench.stream.synchronize(bench.current));
                  std::int32_t last = -1;
                  for (int i = 0; i < kCopies; ++i) {
                      const auto copy =
                          std::span<const std::byte>(arrived).subspan(i * bytes, bytes);
                      const std::int32_t value = value_of(copy);  // throws for a torn one
                      CHILD_REQUIRE(value > last);
                      last = value;
                  }
                  return 0;
              }),
              0);

    producing.kill();
    remove_leftovers();
}

TEST_F(CudaPinnedProcesses, AForkedChildReadsUnpinnedAndLeavesTheParentsAlone)
{
    Producer producer = must(Producer::create(metadata_));
    put(producer, 5);

    EXPECT_EQ(
        in_child([&] {
            Bench bench;
            Consumer consumer = must(Consumer::attach(name_, pinned()));
            std::optional<Frame> frame = present(consumer.latest());
            CHILD_REQUIRE(consumer.pinning()->is_granted());
            const int child = in_child([&] {
                const std::uint64_t before = fake_cuda_calls(nullptr);
                CHILD_REQUIRE(value_of(*frame) == 5);
                frame.reset();
                CHILD_REQUIRE(value_of(present(consumer.latest())) == 5);
                CHILD_REQUIRE(!consumer.pinning()->is_granted());
                CHILD_REQUIRE(consumer.pinning()->refusal().find("spawn") != std::string::npos);
                CHILD_REQUIRE(fake_cuda_calls(nullptr) == before);
                return 0;
            });
            CHILD_REQUIRE(child == 0);
            CHILD_REQUIRE(consumer.pinning()->is_granted());
            CHILD_REQUIRE(fake_cuda_live().registrations == 1);
            CHILD_REQUIRE(value_of(*frame) == 5);
            return 0;
        }),
        0);
}

TEST_F(CudaPinnedProcesses, PinsOfAConsumerThatIsKilledDuringACopyComeBack)
{
    Producer producer = must(Producer::create(metadata_));
    put(producer, 5);
    ChildProcess consuming([&](const Channel& parent) {
        const Bench bench;
        Consumer consumer = must(Consumer::attach(name_, pinned()));
        fake_cuda_hold(1);
        static_cast<void>(present(consumer.latest()));
        parent.say('h');
        return static_cast<int>(parent.hear());
    });
    ASSERT_EQ(consuming.channel().hear(), 'h');
    ASSERT_EQ(must(inspect(name_)).consumers.at(0).pinned_slots, 1U);

    consuming.kill();

    EXPECT_TRUE(must(inspect(name_)).consumers.empty());
    for (int value = 0; value < 20; ++value) {
        put(producer, value);
    }
}

TEST_F(CudaPinnedProcesses, WithoutADriverTheyWorkUnpinned)
{
    EXPECT_EQ(in_child([&] {
                  ::setenv("TENSOR_IPC_CUDA_DRIVER", "/nonexistent/libcuda.so.1", 1);
                  SegmentOptions options;
                  options.pinned_for = 0;
                  Producer producer = must(Producer::create(metadata_, options));
                  Consumer consumer = must(Consumer::attach(name_, pinned()));
                  put(producer, 2);
                  CHILD_REQUIRE(value_of(present(consumer.latest())) == 2);
                  CHILD_REQUIRE(producer.pinning()->refusal().starts_with("no CUDA driver"));
                  CHILD_REQUIRE(consumer.pinning()->refusal() == producer.pinning()->refusal());
                  return 0;
              }),
              0);
}

}  // namespace
}  // namespace tensor_ipc::cuda
