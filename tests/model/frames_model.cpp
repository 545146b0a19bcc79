/// The frame protocol: a producer that claims, writes, commits and abandons, two consumers that
/// keep views, any of them killed anywhere, started again, ids handed on. Or a producer of two
/// threads: one that claims and abandons, a device's that writes and commits; nobody is killed.
#include "frames_model.hpp"

#include <cstring>
#include <new>

#include "pool_model.hpp"

namespace tensor_ipc::model {

namespace {

FramesBounds bounds;

/// What a process keeps between two pieces of work.
Digest digest_of(const FrameWriter& writer, std::uint64_t left)
{
    Digest digest;
    std::array<std::uint64_t, sizeof writer / sizeof(std::uint64_t)> words{};
    std::memcpy(words.data(), static_cast<const void*>(&writer), sizeof words);
    for (const std::uint64_t word : words) {
        digest.add(word);
    }
    digest.add(left);
    return digest;
}

/// A claim, and the promises about it.
class Claims {
public:
    explicit Claims(FrameWriter& writer) : writer_(&writer) {}

    std::optional<std::uint32_t> claim()
    {
        for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
            pool().was_taken[slot] = pool().on_loan[slot] || may_be_pinned(slot);
        }
        pool().is_claiming = true;
        const auto taken = writer_->claim();
        pool().is_claiming = false;
        for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
            const bool is_free = !pool().was_taken[slot];
            require(taken || !is_free, "a claim succeeds while a slot is free");
            require(!taken || !pool().took_newest || slot == *taken || !is_free,
                    "the newest frame is overwritten only when there is no other slot");
            pool().was_taken[slot] = false;
        }
        pool().took_newest = false;
        check_held();
        if (taken) {
            require(!pool().on_loan[*taken], "no slot is claimed twice");
            pool().on_loan[*taken] = true;
        }
        return taken;
    }

private:
    /// Whether the producer may see a pin there that no dead consumer left: one of the living, or
    /// one that is gone and whose end it has not seen yet.
    static bool may_be_pinned(std::uint32_t slot)
    {
        for (std::uint32_t id = 0; id < kIds; ++id) {
            const int pin = static_cast<int>(kPin + slot * kIds + id);
            if (memory().may_read_nonzero(view_of(running()), pin) &&
                (is_owned_by_consumer(id) || memory().last(pin) == 0)) {
                return true;
            }
        }
        return false;
    }

    /// A producer that backs off leaves the frame as it was.
    static void check_held()
    {
        for (const auto& views : pool().held) {
            for (const Held& held : views) {
                require(!held.is_used || memory().last(static_cast<int>(kState + held.slot)) ==
                                             state_of_frame(held.frame),
                        "a pinned frame stays readable");
            }
        }
    }

    FrameWriter* writer_;
};

void check_take_over(const FrameWriter& writer)
{
    std::uint64_t greatest = 0;
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        const std::uint64_t state = memory().last(static_cast<int>(kState + slot));
        require(state != kBeingWritten, "a new producer takes back what the dead one was writing");
        greatest = state > greatest ? state : greatest;
    }
    require(writer.next_frame() >= pool().greatest_state, "no frame number is given twice");
    require(memory().last(kLatest) >> 16U >= greatest, "a new producer announces every frame");
}

void publish(FrameWriter& writer, std::uint32_t slot)
{
    // Only how far apart the times are matters, and to nobody but the writer.
    const std::uint64_t pace_ns = bounds.brisk ? 1 : FrameWriter::kBriskNs;
    const std::uint64_t now_ns = (writer.next_frame() + 1) * pace_ns;
    write_payload(slot, writer.next_frame());
    writer.commit(slot, now_ns, 1);
    pool().on_loan[slot] = false;
}

/// Two loans of which the first is published last or given back, and one put, in turn.
void produce(FrameWriter& writer, std::uint8_t turn)
{
    Claims claims(writer);
    const auto slot = claims.claim();
    if (!slot) {
        return;
    }
    if (bounds.loans && turn % 2 == 1) {
        const auto other = claims.claim();
        if (other) {
            publish(writer, *other);
        }
        if (choose(2) == 0) {
            publish(writer, *slot);  // the later loan was published first
            return;
        }
        writer.abandon(*slot);
        pool().on_loan[*slot] = false;
        return;
    }
    publish(writer, *slot);
}

/// All slots can be had once the consumers are gone.
void end_producing(FrameWriter& writer)
{
    step_when(&consumers_are_done, "sees that the consumers are gone");
    pool().is_over = true;
    know_the_dead();
    for (std::uint32_t i = 0; i < kSlots; ++i) {
        require(Claims(writer).claim().has_value(), "nothing stays pinned by the dead");
    }
}

void run_producer()
{
    take_producer_lock();
    ModelLiveness liveness;
    FrameWriter writer(ring_memory(), liveness);
    check_take_over(writer);
    std::uint8_t& left = pool().work_left[0];
    while (left > 0) {
        --left;
        rest(digest_of(writer, left));
        produce(writer, left);
        for (std::uint32_t id = 0; id < kIds; ++id) {
            require(pool().consumer_locks[id].holder != 0, "a producer at rest locks no consumer");
        }
    }
    rest(digest_of(writer, UINT64_MAX));
    end_producing(writer);
}

/// A producer whose frames are written by a device: this thread claims; with loans
/// it may change its mind.
void run_caller()
{
    take_producer_lock();
    ModelLiveness liveness;
    alignas(FrameWriter) std::byte room[sizeof(FrameWriter)];
    pool().writer = room;
    FrameWriter& writer = *new (room) FrameWriter(ring_memory(), liveness);
    Claims claims(writer);
    std::uint8_t& left = pool().work_left[0];
    while (left > 0) {
        --left;
        rest(digest_of(writer, left));
        const auto slot = claims.claim();
        if (slot && (!bounds.loans || choose(2) == 0)) {
            ask_device(*slot);
        } else if (slot) {
            writer.abandon(*slot);
            pool().on_loan[*slot] = false;
        }
    }
    rest(digest_of(writer, UINT64_MAX));
    pool().has_no_more_work = true;
    step_when([](int /*process*/) { return !is_alive(1); }, "waits for the device");
    join(view_of(running()), pool().stream);
    end_producing(writer);
}

/// The device, and the thread of its driver that commits.
void run_device()
{
    while (const auto slot = next_for_device()) {
        auto& writer = *static_cast<FrameWriter*>(const_cast<void*>(pool().writer));
        publish(writer, *slot);
        rest(digest_of(writer, 0));
    }
    join(pool().stream, view_of(running()));
}

/// What one consumer does; it keeps its last view while it gets the next.
class Consuming {
public:
    explicit Consuming(std::uint32_t id) : reader_(ring_memory(), id) {}

    void get()
    {
        const auto place = bounds.by_scan && choose(2) == 1 ? reader_.newest_readable() : aim();
        if (!place) {
            return;
        }
        const PinOutcome outcome = reader_.pin(*place);
        if (outcome == PinOutcome::Pinned || outcome == PinOutcome::PinnedAgain) {
            const Held before = held_;
            take_view(reader_.id(), *place);
            held_ = {place->frame, place->slot, true};
            drop(before);
        }
        check_pins();
    }

    void drop_all()
    {
        drop(held_);
        held_ = {};
        check_pins();
    }

    [[nodiscard]] Digest digest(std::uint64_t left) const
    {
        Digest digest;
        digest.add(reader_.id());
        digest.add(held_.is_used ? held_.frame << 8U | held_.slot : UINT64_MAX);
        digest.add(left);
        return digest;
    }

private:
    /// The newest frame, or the oldest that a whole ring would have: the next to be overwritten.
    [[nodiscard]] std::optional<FramePlace> aim() const
    {
        auto place = reader_.latest();
        if (place && place->frame >= kSlots - 1 && choose(2) == 1) {
            place->frame -= kSlots - 1;
            place->slot = reader_.memory().geometry().next_slot(place->slot);
        }
        return place;
    }

    void drop(const Held& held)
    {
        if (held.is_used) {
            drop_view(reader_.id(), held);
            reader_.unpin(held.slot);
        }
    }

    void check_pins() const
    {
        for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
            const std::uint64_t pins =
                memory().last(static_cast<int>(kPin + slot * kIds + reader_.id()));
            require(pins == (held_.is_used && held_.slot == slot ? 1U : 0U),
                    "a consumer at rest pins what it holds and nothing else");
        }
    }

    FrameReader reader_;
    Held held_{};
};

void run_consumer(int process)
{
    if (!arrive()) {
        return;
    }
    const std::uint32_t id = attach();
    Consuming consuming(id);
    std::uint8_t& left = pool().work_left[process];
    while (left > 0) {
        --left;
        rest(consuming.digest(left));
        consuming.get();
    }
    rest(consuming.digest(UINT64_MAX));
    consuming.drop_all();
    detach(id);
}

/// Every slot holds a frame already, so each claim is for one that somebody may be reading.
void fill_ring()
{
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        memory().preset(static_cast<int>(kState + slot), state_of_frame(slot));
        pool().payload[slot] = state_of_frame(slot);
    }
    memory().preset(kLatest, pack_latest(kSlots - 1, kSlots - 1));
    pool().greatest_state = kSlots;
}

void begin()
{
    begin_pool();
    fill_ring();
    pool().work_left[0] = static_cast<std::uint8_t>(bounds.puts);
    pool().work_left[1] = static_cast<std::uint8_t>(bounds.gets_a);
    pool().work_left[2] = static_cast<std::uint8_t>(bounds.gets_b);
}

void run(int process)
{
    if (process == 0) {
        bounds.device ? run_caller() : run_producer();
    } else if (process == 1 && bounds.device) {
        run_device();
    } else {
        run_consumer(process);
    }
}

}  // namespace

Scenario frames_scenario(const FramesBounds& wanted)
{
    bounds = wanted;
    set_history_len(wanted.one_frame ? 1 : 2);
    return {&begin, &run, &bury_process, &rebase_pool, &add_pool};
}

}  // namespace tensor_ipc::model
