/// Pools on a device between processes: at full speed, and when somebody dies, ends, comes again,
/// forks, or sees other devices.
#include "pool_processes.hpp"

namespace tensor_ipc::cuda {
namespace {

using namespace testing;

class CudaPoolProcesses : public PoolProcesses {
protected:
    [[nodiscard]] PoolMetadata metadata(std::uint32_t history_len = 1) const
    {
        return device_metadata(name_, history_len);
    }

    [[nodiscard]] static CudaOptions options() { return options_of(GetParam()); }
};

TEST_P(CudaPoolProcesses, ShowEveryFrameWholeAtFullSpeed)
{
    constexpr std::int32_t kFrames = 300;
    SharedWithChildren<Seen> seen;
    CudaOptions few_slots = options();
    few_slots.segment.spare = 2;
    PoolProcess producer(metadata(), few_slots, {{"FAKE_CUDA_DELAY_US", "400"}},
                         [](CudaProducer& pool, DeviceArray& array, const Channel& parent) {
                             static_cast<void>(parent.hear());
                             for (std::int32_t value = 1; value <= kFrames; ++value) {
                                 array.fill(value);
                                 must(pool.put(array.source()));
                             }
                             must_do(pool.synchronize());
                             parent.say('d');
                             static_cast<void>(parent.hear());
                             return 0;
                         });
    ChildProcess consumer([&](const Channel& parent) {
        set({{"FAKE_CUDA_DELAY_US", "6000"}});  // the producer goes round meanwhile
        Consumer frames = must(Consumer::attach(name_));
        DeviceArray array;
        parent.say('a');
        std::optional<std::uint64_t> last;
        do {
            CHILD_REQUIRE(must(frames.wait(last, hang_deadline_ns())) == WaitOutcome::Ready);
            read_one(frames, array, *seen);
            last = frames.last_index();
        } while (*last + 1 < kFrames);
        return 0;
    });
    ASSERT_EQ(consumer.channel().hear(), 'a');

    producer.channel().say('g');

    EXPECT_EQ(consumer.wait(), 0);
    EXPECT_EQ(producer.channel().hear(), 'd');
    producer.channel().say('g');
    EXPECT_EQ(producer.wait(), 0);
    EXPECT_EQ(seen->torn, 0U) << "torn, of " << seen->frames;
    EXPECT_EQ(seen->stale, 0U) << "stale, of " << seen->frames;
    EXPECT_GT(seen->frames, 1U);
}

TEST_P(CudaPoolProcesses, GoOnWhenAConsumerIsKilledWithAllItHolds)
{
    PoolProcess producer(metadata(), options(), {},
                         [](CudaProducer& pool, DeviceArray& array, const Channel& parent) {
                             std::int32_t value = 0;
                             while (parent.hear() == 'p') {
                                 put_now(pool, array, ++value);
                                 parent.say('d');
                             }
                             return 0;
                         });
    const auto put = [&] {
        producer.channel().say('p');
        ASSERT_EQ(producer.channel().hear(), 'd');
    };
    put();

    for (int round = 0; round < 5; ++round) {
        ChildProcess consumer([&](const Channel& parent) {
            Consumer frames = must(Consumer::attach(name_));
            DeviceArray array;
            const FrameWindow held = newest(frames);
            fake_cuda_hold(1);
            array.read(held.device_address());
            FrameWindow on_its_way = newest(frames);
            on_its_way.release(array.stream());
            parent.say('h');
            static_cast<void>(parent.hear());
            return 0;
        });
        ASSERT_EQ(consumer.channel().hear(), 'h');
        EXPECT_EQ(pinned_slots(name_), 1U);
        EXPECT_EQ(consumer.kill(), kKilled);
        for (int i = 0; i < 5; ++i) {
            put();
        }
    }

    EXPECT_EQ(pinned_slots(name_), 0U);
    producer.channel().say('g');
    EXPECT_EQ(producer.wait(), 0);
}

TEST_P(CudaPoolProcesses, LeaveViewsMappedWhenTheProducerIsKilled)
{
    PoolProcess producer(metadata(), options(), {}, put_one_and_stay);
    ASSERT_EQ(producer.channel().hear(), 'p');
    const MemoryTicket ticket = ticket_of_pool(name_);
    ChildProcess consumer([&](const Channel& parent) {
        Consumer frames = must(Consumer::attach(name_));
        const FrameWindow frame = newest(frames);
        parent.say('h');
        static_cast<void>(parent.hear());
        CHILD_REQUIRE(value_on_device(frame) == 1);
        CHILD_REQUIRE(!frames.connected());
        // What the driver does with Ipc memory now is not documented, so nobody gets more of it.
        const auto more = must(frames.latest());
        CHILD_REQUIRE(more.has_value() == (GetParam() == MemoryKind::Vmm));
        return 0;
    });
    ASSERT_EQ(consumer.channel().hear(), 'h');

    EXPECT_EQ(producer.kill(), kKilled);
    consumer.channel().say('g');
    EXPECT_EQ(consumer.wait(), 0);

    // Nobody can join what is left, and it waits for nobody.
    EXPECT_EQ(in_child([&] {
                  CHILD_REQUIRE(Consumer::attach(name_).error().code == ErrorCode::PoolNotFound);
                  Consumer later = must(Consumer::follow(metadata()));
                  CHILD_REQUIRE(!must(later.latest()).has_value());
                  return 0;
              }),
              0);
    EXPECT_EQ(has_socket(ticket), GetParam() == MemoryKind::Vmm);
    EXPECT_EQ(must(clean(false)).size(), 1U);
    EXPECT_FALSE(has_socket(ticket));
}

TEST_P(CudaPoolProcesses, FollowProducersThatAreKilledAndComeAgain)
{
    constexpr int kRounds = 5;
    SharedWithChildren<Seen> seen;
    ChildProcess consumer([&](const Channel& parent) {
        set({{"FAKE_CUDA_DELAY_US", "400"}});
        static_cast<void>(the_driver());
        Consumer frames = must(Consumer::follow(metadata()));
        DeviceArray array;
        for (std::uint64_t round = 1; round <= kRounds; ++round) {
            std::optional<std::uint64_t> last;
            while (frames.attachments() < round || last.value_or(0) < 5) {
                if (must(frames.wait(last, hang_deadline_ns())) != WaitOutcome::Ready) {
                    return 2;
                }
                read_one(frames, array, *seen);
                last = frames.last_index();
            }
            parent.say('s');
            static_cast<void>(parent.hear());
        }
        return 0;
    });
    std::vector<MemoryTicket> tickets;

    for (int round = 0; round < kRounds; ++round) {
        PoolProcess producer(metadata(), options(), {{"FAKE_CUDA_DELAY_US", "200"}},
                             [](CudaProducer& pool, DeviceArray& array, const Channel&) {
                                 for (std::int32_t value = 1;; ++value) {
                                     array.fill(value);
                                     must(pool.put(array.source()));
                                 }
                                 return 0;
                             });
        tickets.push_back(ticket_of_pool(name_));
        ASSERT_EQ(consumer.channel().hear(), 's');
        EXPECT_EQ(producer.kill(), kKilled);
        consumer.channel().say('g');
    }

    EXPECT_EQ(consumer.wait(), 0);
    EXPECT_EQ(seen->torn, 0U);
    EXPECT_EQ(seen->stale, 0U);
    must(clean(false));
    for (const MemoryTicket& ticket : tickets) {
        EXPECT_FALSE(has_socket(ticket));
    }
}

/// The mutant that frees it is caught by the poison.
TEST_P(CudaPoolProcesses, KeepFramesWholeWhenThePoolEndsWhileTheyAreHeld)
{
    PoolProcess producer(metadata(), options(), {},
                         [](CudaProducer& pool, DeviceArray& array, const Channel& parent) {
                             put_now(pool, array, 1);
                             parent.say('p');
                             static_cast<void>(parent.hear());
                             {
                                 const CudaProducer ends = std::move(pool);
                             }
                             parent.say('d');
                             static_cast<void>(parent.hear());
                             return 0;
                         });
    ASSERT_EQ(producer.channel().hear(), 'p');
    ChildProcess consumer([&](const Channel& parent) {
        Consumer frames = must(Consumer::attach(name_));
        const FrameWindow frame = newest(frames);
        parent.say('h');
        static_cast<void>(parent.hear());
        CHILD_REQUIRE(value_on_device(frame) == 1);
        CHILD_REQUIRE(!must(frames.latest()).has_value());
        CHILD_REQUIRE(value_on_device(frame) == 1);
        return 0;
    });
    ASSERT_EQ(consumer.channel().hear(), 'h');

    producer.channel().say('e');
    ASSERT_EQ(producer.channel().hear(), 'd');
    consumer.channel().say('g');

    EXPECT_EQ(consumer.wait(), 0);
    producer.channel().say('g');
    EXPECT_EQ(producer.wait(), 0);
}

TEST_P(CudaPoolProcesses, GiveTheMemoryBackWhenConsumersLetGoInTime)
{
    PoolProcess producer(metadata(), options(), {},
                         [](CudaProducer& pool, DeviceArray& array, const Channel& parent) {
                             put_now(pool, array, 1);
                             parent.say('p');
                             static_cast<void>(parent.hear());
                             const std::uint64_t before = fake_cuda_used_bytes(0);
                             {
                                 const CudaProducer ends = std::move(pool);
                             }
                             CHILD_REQUIRE(fake_cuda_used_bytes(0) < before);
                             return 0;
                         });
    ASSERT_EQ(producer.channel().hear(), 'p');
    ChildProcess consumer([&](const Channel& parent) {
        Consumer frames = must(Consumer::attach(name_));
        CHILD_REQUIRE(value_on_device(newest(frames)) == 1);
        parent.say('a');
        // Asleep until the pool ends.
        const auto woken = frames.wait(0, os::monotonic_ns() + 200'000'000);
        CHILD_REQUIRE(woken.ok());
        return 0;
    });
    ASSERT_EQ(consumer.channel().hear(), 'a');

    producer.channel().say('e');

    EXPECT_EQ(producer.wait(), 0);
    EXPECT_EQ(consumer.wait(), 0);
}

TEST_P(CudaPoolProcesses, KnowTheDeviceByTheirOwnNumber)
{
    PoolMetadata second = device_metadata(name_, 1, 600, 1);
    PoolProcess producer(second, options(), {{"FAKE_CUDA_DEVICES", "2"}}, put_one_and_stay);
    ASSERT_EQ(producer.channel().hear(), 'p');

    EXPECT_EQ(
        in_child([&] {
            set({{"FAKE_CUDA_DEVICES", "2"}, {"CUDA_VISIBLE_DEVICES", "1,0"}});
            static_cast<void>(the_driver());
            Consumer frames = must(Consumer::attach(name_));
            CHILD_REQUIRE(frames.metadata()->device == "cuda:0");
            CHILD_REQUIRE(frames.device()->ordinal == 0);
            const FrameWindow frame = newest(frames);
            CHILD_REQUIRE(frame.device().ordinal == 0);
            CHILD_REQUIRE(value_on_device(frame) == 1);
            CHILD_REQUIRE(Consumer::follow(device_metadata(name_)).ok());
            CHILD_REQUIRE(Consumer::follow(second).error().code == ErrorCode::MetadataMismatch);
            return 0;
        }),
        0);
    EXPECT_EQ(in_child([&] {
                  set({{"FAKE_CUDA_DEVICES", "2"}, {"CUDA_VISIBLE_DEVICES", "0"}});
                  static_cast<void>(the_driver());
                  const auto refused = Consumer::attach(name_);
                  CHILD_REQUIRE(refused.error().code == ErrorCode::CudaUnavailable);
                  CHILD_REQUIRE(refused.error().message.find("CUDA_VISIBLE_DEVICES") !=
                                std::string::npos);
                  return 0;
              }),
              0);
    producer.channel().say('g');
    EXPECT_EQ(producer.wait(), 0);
}

TEST_P(CudaPoolProcesses, NeedCudaToReadAndNoneToLook)
{
    PoolProcess producer(metadata(), options(), {}, put_one_and_stay);
    ASSERT_EQ(producer.channel().hear(), 'p');

    EXPECT_EQ(
        in_child([&] {
            set({{"TENSOR_IPC_CUDA_DRIVER", "/nonexistent/libcuda.so.1"}});
            CHILD_REQUIRE(Consumer::attach(name_).error().code == ErrorCode::CudaUnavailable);
            PoolMetadata on_host = metadata();
            on_host.device = "cpu";
            CHILD_REQUIRE(Consumer::follow(on_host).error().code == ErrorCode::MetadataMismatch);
            CHILD_REQUIRE(must(inspect(name_)).latest_frame == 0);
            return 0;
        }),
        0);
    producer.channel().say('g');
    EXPECT_EQ(producer.wait(), 0);
}

TEST_P(CudaPoolProcesses, LeaveEverythingAloneInAForkedChild)
{
    PoolProcess producer(
        metadata(), options(), {}, [&](CudaProducer& pool, DeviceArray& array, const Channel&) {
            Consumer frames = must(Consumer::attach(name_));
            put_now(pool, array, 1);
            FrameWindow frame = newest(frames);
            static_cast<void>(frame.device_address());
            auto loan = std::make_optional<CudaLoan>(must(pool.loan()));
            const int child = in_child([&] {
                const std::uint64_t before = fake_cuda_calls(nullptr);
                frame = FrameWindow();
                CHILD_REQUIRE(frames.latest().error().code == ErrorCode::CudaUnavailable);
                CHILD_REQUIRE(!pool.put(array.source()).ok());
                CHILD_REQUIRE(!loan->publish(nullptr).ok());
                loan.reset();
                pool.close();
                drop_finished_frames();
                CHILD_REQUIRE(fake_cuda_calls(nullptr) == before);
                return 0;
            });
            CHILD_REQUIRE(child == 0);
            CHILD_REQUIRE(pool.is_open());
            CHILD_REQUIRE(pinned_slots(name_) == 1);
            CHILD_REQUIRE(value_on_device(frame) == 1);
            must(loan->publish(nullptr));
            return 0;
        });

    EXPECT_EQ(producer.wait(), 0);
}

/// In a process of its own, because the driver of one whose context broke frees nothing.
TEST_P(CudaPoolProcesses, FailFromThenOnWhenTheContextBreaks)
{
    PoolProcess producer(
        metadata(2), options(), {}, [&](CudaProducer& pool, DeviceArray& array, const Channel&) {
            Consumer frames = must(Consumer::attach(name_));
            put_now(pool, array, 1);
            fake_cuda_drain();
            fake_cuda_hold(1);
            must(pool.put(array.source()));
            {
                const auto current = must(CurrentContext::push(*array.bench().context));
                fake_cuda_break_context();
            }
            fake_cuda_hold(0);
            fake_cuda_drain();
            const auto first = pool.put(array.source());
            const auto second = pool.put(array.source());
            CHILD_REQUIRE(first.error().code == ErrorCode::CudaFailed);
            CHILD_REQUIRE(second.error().code == ErrorCode::CudaFailed);
            CHILD_REQUIRE(newest(frames).info().index == 0);  // the one that was there
            CHILD_REQUIRE(pool.stats().frames == 1);
            return 0;
        });

    EXPECT_EQ(producer.wait(), 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, CudaPoolProcesses, each_kind(), kind_name);

}  // namespace
}  // namespace tensor_ipc::cuda
