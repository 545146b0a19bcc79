/// Frames through raw device memory, between processes, with the order that a pool will use: copied
/// on a stream, announced by a host function. And what happens to the bytes when one side is killed
/// or frees too early.
#include "two_processes.hpp"

namespace tensor_ipc::cuda {
namespace {

using namespace testing;

constexpr int kFrames = 40;

/// The bytes of frame `number`: every place differs from its neighbours, every frame from the next.
std::vector<unsigned char> frame(int number)
{
    std::vector<unsigned char> bytes(kAllocationBytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<unsigned char>(i * 31 + (i >> 8) + static_cast<std::size_t>(number));
    }
    return bytes;
}

struct Announcement {
    std::atomic<int>* word;
    int number;
};

void announce(void* argument)
{
    const auto* announcement = static_cast<Announcement*>(argument);
    announcement->word->store(announcement->number, std::memory_order_release);
    announcement->word->notify_all();
}

class CudaExchange : public OfEachKind {};

TEST_P(CudaExchange, ShowsEveryFrameWholeOnceItIsAnnounced)
{
    SharedWithChildren<std::atomic<int>> taken;
    CreatorProcess creator(
        *board_, GetParam(), {{"FAKE_CUDA_DELAY_US", "2000"}},
        [&](const Bench& bench, DeviceMemory& memory, const Channel&) {
            for (int number = 1; number <= kFrames; ++number) {
                const auto bytes = frame(number);
                Announcement announcement{&board_->published, number};
                CHILD_REQUIRE(bench.stream.copy_to_device(bench.current, memory.address(),
                                                          bytes.data(), bytes.size()));
                CHILD_REQUIRE(bench.stream.then_on_host(bench.current, announce, &announcement));
                while (taken->load(std::memory_order_acquire) < number) {
                    std::this_thread::yield();
                }
                CHILD_REQUIRE(bench.stream.synchronize(bench.current));  // done with `announcement`
            }
            return 0;
        });

    const int seen = in_child([&] {
        const Bench bench;
        const auto memory = must(open(board_->ticket));
        for (int number = 1; number <= kFrames; ++number) {
            while (board_->published.load(std::memory_order_acquire) < number) {
                std::this_thread::yield();
            }
            CHILD_REQUIRE(bench.contents(*memory) == frame(number));
            taken->store(number, std::memory_order_release);
        }
        return 0;
    });

    EXPECT_EQ(seen, 0);
    EXPECT_EQ(creator.wait(), 0);
}

/// The mutant: announced by the caller, while the stream has not come so far.
TEST_P(CudaExchange, ShowsAnotherFrameWhenItIsAnnouncedEarly)
{
    CreatorProcess creator(*board_, GetParam(), {},
                           [&](const Bench& bench, DeviceMemory& memory, const Channel& parent) {
                               const auto bytes = frame(1);
                               fake_cuda_hold(1);
                               CHILD_REQUIRE(bench.stream.copy_to_device(
                                   bench.current, memory.address(), bytes.data(), bytes.size()));
                               Announcement announcement{&board_->published, 1};
                               announce(&announcement);
                               parent.say('p');
                               static_cast<void>(parent.hear());
                               fake_cuda_hold(0);
                               return 0;
                           });
    ASSERT_EQ(creator.channel().hear(), 'p');

    EXPECT_EQ(in_child([&] {
                  const Bench bench;
                  const auto memory = must(open(board_->ticket));
                  CHILD_REQUIRE(board_->published.load() == 1);
                  CHILD_REQUIRE(bench.contents(*memory) != frame(1));
                  return 0;
              }),
              0);
}

TEST_P(CudaExchange, GoesOnWhenAReaderIsKilled)
{
    CreatorProcess creator(*board_, GetParam(), {},
                           [&](const Bench& bench, DeviceMemory& memory, const Channel& parent) {
                               static_cast<void>(parent.hear());  // until the reader is dead
                               bench.fill(memory, 0x22);
                               CHILD_REQUIRE(bench.stream.synchronize(bench.current));
                               parent.say('w');
                               static_cast<void>(parent.hear());
                               return 0;
                           });
    ChildProcess reader([&](const Channel& parent) {
        const auto memory = must(open(board_->ticket));
        parent.say('o');
        static_cast<void>(parent.hear());
        return 0;
    });
    ASSERT_EQ(reader.channel().hear(), 'o');

    EXPECT_EQ(reader.kill(), kKilled);
    creator.channel().say('d');
    ASSERT_EQ(creator.channel().hear(), 'w');

    EXPECT_EQ(in_child([&] {
                  const Bench bench;
                  CHILD_REQUIRE(is_all(bench.contents(*must(open(board_->ticket))), 0x22));
                  return 0;
              }),
              0);
    creator.channel().say('g');
    EXPECT_EQ(creator.wait(), 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, CudaExchange, each_kind(), kind_name);

class CudaLifetime : public TwoProcesses {
protected:
    /// Opens the memory, lets `meanwhile` happen, and returns 0 when everything then is `value`.
    template <typename Meanwhile>
    int reads_after(Meanwhile meanwhile, unsigned char value)
    {
        ChildProcess reader([&](const Channel& parent) {
            const Bench bench;
            const auto memory = must(open(board_->ticket));
            parent.say('o');
            static_cast<void>(parent.hear());
            CHILD_REQUIRE(is_all(bench.contents(*memory), value));
            return 0;
        });
        if (reader.channel().hear() != 'o') {
            return -1;
        }
        meanwhile();
        reader.channel().say('g');
        return reader.wait();
    }

    static int end_orderly(const Bench& /*bench*/, DeviceMemory& /*memory*/, const Channel& parent)
    {
        static_cast<void>(parent.hear());
        return 0;
    }
};

TEST_F(CudaLifetime, OfVmmMemoryOutlastsItsKilledCreator)
{
    CreatorProcess creator(*board_, MemoryKind::Vmm, {}, stay);

    EXPECT_EQ(reads_after([&] { EXPECT_EQ(creator.kill(), kKilled); }, CreatorProcess::kFirst), 0);
}

TEST_F(CudaLifetime, OfVmmMemoryOutlastsItsCreatorsOrderlyEnd)
{
    CreatorProcess creator(*board_, MemoryKind::Vmm, {}, end_orderly);

    EXPECT_EQ(reads_after(
                  [&] {
                      creator.channel().say('g');
                      EXPECT_EQ(creator.wait(), 0);
                  },
                  CreatorProcess::kFirst),
              0);
}

/// The creator drops its object while a reader has the memory open. Without the word that nobody
/// has it, it must not be freed.
TEST_F(CudaLifetime, OfIpcMemoryIsNotEndedUnderAReader)
{
    ChildProcess creator([&](const Channel& parent) {
        const Bench bench;
        {
            const auto memory = must(DeviceMemory::create(bench.context, MemoryKind::Ipc, 1));
            board_->ticket = must(memory->share(0600));
            bench.fill(*memory, CreatorProcess::kFirst);
            CHILD_REQUIRE(bench.stream.synchronize(bench.current));
            parent.say('r');
            static_cast<void>(parent.hear());
        }
        parent.say('d');
        static_cast<void>(parent.hear());
        return 0;
    });
    ASSERT_EQ(creator.channel().hear(), 'r');

    EXPECT_EQ(reads_after(
                  [&] {
                      creator.channel().say('g');
                      EXPECT_EQ(creator.channel().hear(), 'd');
                  },
                  CreatorProcess::kFirst),
              0);
}

/// The mutant: the word is given while a reader has it open.
TEST_F(CudaLifetime, OfIpcMemoryEndsInPoisonWhenTheWordIsWrong)
{
    ChildProcess creator([&](const Channel& parent) {
        const Bench bench;
        {
            const auto memory = must(DeviceMemory::create(bench.context, MemoryKind::Ipc, 1));
            board_->ticket = must(memory->share(0600));
            parent.say('r');
            static_cast<void>(parent.hear());
            memory->nobody_else_has_it();
        }
        parent.say('d');
        static_cast<void>(parent.hear());
        return 0;
    });
    ASSERT_EQ(creator.channel().hear(), 'r');

    EXPECT_EQ(reads_after(
                  [&] {
                      creator.channel().say('g');
                      EXPECT_EQ(creator.channel().hear(), 'd');
                  },
                  kPoison),
              0);
}

TEST_F(CudaLifetime, OfVmmMemoryCannotBeWrittenByReaders)
{
    CreatorProcess creator(
        *board_, MemoryKind::Vmm, {},
        [](const Bench& bench, DeviceMemory& memory, const Channel& parent) {
            static_cast<void>(parent.hear());
            CHILD_REQUIRE(is_all(bench.contents(memory), CreatorProcess::kFirst));
            return 0;
        });

    EXPECT_EQ(in_child([&] {
                  const Bench bench;
                  const auto memory = must(open(board_->ticket));
                  bench.fill(*memory, 0x33);
                  CHILD_REQUIRE(!bench.stream.synchronize(bench.current));
                  return 0;
              }),
              0);

    creator.channel().say('g');
    EXPECT_EQ(creator.wait(), 0);
}

}  // namespace
}  // namespace tensor_ipc::cuda
