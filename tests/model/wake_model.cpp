/// The wake-up protocol: the real WakeWord and FrameWriter::commit, over a futex that is written
/// out here. No wait has a deadline, so a wake-up that is lost is a process that waits for ever.
#include "wake_model.hpp"

#include "pool_model.hpp"
#include "tensor_ipc/notify/wake_word.hpp"

namespace tensor_ipc::os {

/// The kernel looks at the word and puts the caller to sleep under one lock.
FutexOutcome futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                        std::uint64_t /*deadline_ns*/) noexcept
{
    using namespace model;
    step("futex wait");
    View& mine = view_of(running());
    join(mine, pool().futex);
    const std::uint64_t now =
        memory().load(mine, place_of(&word), std::memory_order_seq_cst, &choose);
    learn(now);
    join(pool().futex, mine);
    if (now == expected) {
        note_result("  sleeps at", now);
        pool().is_asleep[running()] = true;
        step_when([](int process) { return !pool().is_asleep[process]; }, "wakes up");
    }
    rest(Digest{});  // the caller looks again, whatever it knew
    return FutexOutcome::Woken;
}

void futex_wake_all(const std::atomic<std::uint32_t>& /*word*/) noexcept
{
    using namespace model;
    step("futex wake all");
    join(pool().futex, view_of(running()));
    for (bool& is_asleep : pool().is_asleep) {
        is_asleep = false;
    }
}

void yield_processor() noexcept {}  // nobody in the model looks before sleeping

}  // namespace tensor_ipc::os

namespace tensor_ipc::model {

namespace {

int frames = 0;

/// segment/producer_segment.cpp, end_segment.
void end_pool(PoolHeader& header)
{
    header.ended.store(PoolEnd::Ended, std::memory_order_seq_cst);
    header.wake_word.fetch_add(1, std::memory_order_seq_cst);
    os::futex_wake_all(header.wake_word);
}

/// Whether both consumers know the newest frame. The end wakes everyone, so it must not come to the
/// help of those whose wake-up was lost.
bool consumers_know_the_newest(int /*producer*/)
{
    const std::uint64_t newest = memory().last(kLatest) >> 16U;
    return pool().next_frame[1] == newest && pool().next_frame[2] == newest;
}

/// pool/producer.cpp: takes over, wakes whom its predecessor did not, publishes, ends.
void run_producer()
{
    take_producer_lock();
    PoolHeader& header = ring_memory().header();
    ModelLiveness liveness;
    FrameWriter writer(ring_memory(), liveness);
    const WakeWord wake_word(header.wake_word, header.waiting);
    wake_word.wake();
    std::uint8_t& left = pool().work_left[0];
    while (left > 0) {
        --left;
        const auto slot = writer.claim();
        require(slot.has_value(), "a claim succeeds while a slot is free");
        write_payload(*slot, writer.next_frame());
        writer.commit(*slot, 1, 1);
        wake_word.notify();
    }
    step_when(&consumers_know_the_newest, "has nothing more to publish");
    end_pool(header);
}

/// pool/consumer.cpp, Waiter::wait.
void run_consumer()
{
    const RingMemory shared = ring_memory();
    const WakeWord wake_word(shared.header().wake_word, shared.header().waiting);
    std::uint64_t& next = pool().next_frame[running()];
    bool has_ended = false;
    while (!has_ended) {
        const auto ready = [&] {
            const Digest before = learned();
            has_ended = shared.header().ended.load(std::memory_order_seq_cst) == PoolEnd::Ended;
            const auto latest = has_ended ? std::nullopt : shared.latest();
            const bool is_ready = has_ended || (latest && latest->frame >= next);
            rest(before);
            learn(has_ended ? 2 : is_ready ? 1 : 0);
            return is_ready;
        };
        static_cast<void>(wake_word.wait(ready, os::kNever, 0));
        next = shared.latest() ? shared.latest()->frame + 1 : next;
        rest({0, 0});
    }
}

void begin()
{
    begin_pool();
    pool().work_left[0] = static_cast<std::uint8_t>(frames);
}

void run(int process)
{
    if (process == 0) {
        run_producer();
    } else {
        run_consumer();
    }
}

}  // namespace

Scenario wake_scenario(int puts)
{
    frames = puts;
    return {&begin, &run, &bury_process, &rebase_pool, &add_pool};
}

}  // namespace tensor_ipc::model
