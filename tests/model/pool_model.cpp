#include "pool_model.hpp"

#include <cstring>

namespace tensor_ipc::model {

namespace {

// The addresses of the shared words; their values are in the model's memory. What no property
// depends on (times, counters for people) is really here, and nobody takes it back.
alignas(64) std::byte control[1408];

std::uint32_t history_len = 2;

Geometry small_geometry()
{
    Geometry geometry;
    geometry.slots_offset = 1024;
    geometry.pins_offset = geometry.slots_offset + kSlots * sizeof(SlotHeader);
    geometry.consumers_offset = geometry.pins_offset + 64;
    geometry.payload_offset = sizeof control;
    geometry.slot_count = kSlots;
    geometry.history_len = history_len;
    geometry.consumer_capacity = kIds;
    return geometry;
}

/// Which place each control byte is.
struct PlaceTable {
    std::int8_t at[sizeof control];

    PlaceTable()
    {
        std::memset(at, -1, sizeof at);
        at[offsetof(PoolHeader, latest)] = kLatest;
        at[offsetof(PoolHeader, wake_word)] = kWord;
        at[offsetof(PoolHeader, waiting)] = kWaiting;
        at[offsetof(PoolHeader, consumer_high_water)] = kHighWater;
        at[offsetof(PoolHeader, ended)] = kEnded;
        const Geometry geometry = small_geometry();
        for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
            at[geometry.slots_offset + slot * sizeof(SlotHeader)] =
                static_cast<std::int8_t>(kState + slot);
            for (std::uint32_t id = 0; id < kIds; ++id) {
                at[geometry.pins_offset + slot * kIds + id] =
                    static_cast<std::int8_t>(kPin + slot * kIds + id);
            }
        }
    }
};

const PlaceTable places;

int pin_place(std::uint32_t slot, std::uint32_t id)
{
    return static_cast<int>(kPin + slot * kIds + id);
}

int reads_place(std::uint32_t slot, std::uint32_t id)
{
    return static_cast<int>(kReads + slot * kIds + id);
}

int payload_place(std::uint32_t slot)
{
    return static_cast<int>(kPayload + slot);
}

View& my_view()
{
    return view_of(running());
}

/// Nobody may look at the bytes that are about to change, and nobody's look may still be on its
/// way.
void check_write(std::uint32_t slot)
{
    for (const auto& views : pool().held) {
        for (const Held& held : views) {
            require(!held.is_used || held.slot != slot, "no byte of a pinned frame is written");
        }
    }
    require(memory().has_seen(my_view(), payload_place(slot)),
            "no byte of a pinned frame is written (race with an earlier producer)");
    for (std::uint32_t id = 0; id < kIds; ++id) {
        require(memory().has_seen(my_view(), reads_place(slot, id)),
                "no byte of a pinned frame is written (race with a read before the unpin)");
    }
    memory().touch(my_view(), payload_place(slot));
}

void check_read(std::uint32_t slot, std::uint64_t frame, std::uint32_t id)
{
    require(memory().has_seen(my_view(), payload_place(slot)),
            "no reader validates a half-written frame (it may see older bytes)");
    require(pool().payload[slot] == state_of_frame(frame),
            "no reader validates a half-written frame");
    memory().touch(my_view(), reads_place(slot, id));
}

}  // namespace

int place_of(const void* address) noexcept
{
    const auto offset_in = [address](const void* begin) {
        return static_cast<std::size_t>(static_cast<const std::byte*>(address) -
                                        static_cast<const std::byte*>(begin));
    };
    if (pool().writer != nullptr && offset_in(pool().writer) < sizeof(FrameWriter)) {
        return kNewest;  // its one atomic
    }
    const std::size_t offset = offset_in(control);
    return offset < sizeof control ? places.at[offset] : -1;
}

const char* name_of(int place) noexcept
{
    static constexpr const char* kNames[] = {
        "latest",    "wake_word", "waiting",   "high_water", "ended",     "state[0]",
        "state[1]",  "state[2]",  "pin[0][0]", "pin[0][1]",  "pin[0][2]", "pin[1][0]",
        "pin[1][1]", "pin[1][2]", "pin[2][0]", "pin[2][1]",  "pin[2][2]", "newest"};
    return kNames[place];
}

bool is_mine_to_store(int place) noexcept
{
    return pool().producer_lock.holder == running() && pool().writer == nullptr &&
           (place == kLatest || (place >= kState && place < kPin));
}

void after_store(int place, std::uint64_t value) noexcept
{
    if (place >= kPin && place < kNewest && value != 0 && pool().is_claiming) {
        pool().was_taken[(place - kPin) / static_cast<int>(kIds)] = true;
    }
    if (place < kState || place >= kPin) {
        return;
    }
    const int slot = place - kState;
    bool& is_lost = pool().is_lost[slot];
    if (value == kNeverWritten) {
        is_lost = true;
        return;
    }
    const std::uint64_t payload = pool().payload[slot];
    if (value == kBeingWritten) {
        const std::uint64_t newest = memory().last(kLatest) >> 16U;
        require(is_lost || payload <= newest, "no frame is overwritten before it was announced");
        pool().took_newest = pool().is_claiming && !is_lost && payload == newest;
        return;
    }
    if (pool().is_rewritten[slot]) {
        require(value > pool().greatest_state, "no frame number is given twice");
        pool().greatest_state = value;
        pool().is_rewritten[slot] = false;
    } else {
        require(payload == value, "a slot's state is the frame in it");
    }
}

void set_history_len(std::uint32_t frames) noexcept
{
    history_len = frames;
}

RingMemory ring_memory() noexcept
{
    return {control, small_geometry()};
}

void begin_pool() noexcept
{
    pool().producer_lock.holder = kNobody;
    for (Lock& lock : pool().consumer_locks) {
        lock.holder = kNobody;
    }
}

void add_pool(Digest& digest) noexcept
{
    const auto add_lock = [&](const Lock& lock) {
        digest.add(lock.holder);
        memory().add_view(lock.view, digest);
    };
    add_lock(pool().producer_lock);
    for (const Lock& lock : pool().consumer_locks) {
        add_lock(lock);
    }
    for (const auto& views : pool().held) {
        for (const Held& held : views) {
            digest.add(held.is_used ? held.frame << 8U | held.slot : UINT64_MAX);
        }
    }
    digest.add(pool().greatest_state);
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        digest.add(pool().payload[slot]);
        digest.add((pool().on_loan[slot] ? 1U : 0U) | (pool().is_rewritten[slot] ? 2U : 0U) |
                   (pool().was_taken[slot] ? 4U : 0U) | (pool().is_claiming ? 8U : 0U) |
                   (pool().is_lost[slot] ? 16U : 0U));
    }
    for (int process = 0; process < kProcesses; ++process) {
        digest.add(std::uint64_t{pool().work_left[process]} << 1U |
                   (pool().has_arrived[process] ? 1U : 0U));
    }
    digest.add(pool().is_over ? 1 : 0);
    memory().add_view(pool().futex, digest);
    memory().add_view(pool().stream, digest);
    for (const std::uint8_t slot : pool().queue) {
        digest.add(slot);
    }
    digest.add(pool().queued | (pool().has_no_more_work ? 16U : 0U) |
               (pool().took_newest ? 32U : 0U) | (pool().writer != nullptr ? 64U : 0U));
    for (int process = 0; process < kProcesses; ++process) {
        digest.add(pool().next_frame[process] << 1U | (pool().is_asleep[process] ? 1U : 0U));
    }
}

void rebase_pool(const View& base) noexcept
{
    Memory::rebase(pool().producer_lock.view, base);
    for (Lock& lock : pool().consumer_locks) {
        Memory::rebase(lock.view, base);
    }
    Memory::rebase(pool().futex, base);
    Memory::rebase(pool().stream, base);
}

void bury_process(int process) noexcept
{
    const auto drop = [process](Lock& lock) {
        if (lock.holder == process) {
            join(lock.view, view_of(process));
            lock.holder = kNobody;
        }
    };
    drop(pool().producer_lock);
    for (Lock& lock : pool().consumer_locks) {
        drop(lock);
    }
    for (Held& held : pool().held[process]) {
        held = {};
    }
    pool().has_arrived[process] = false;
    pool().is_asleep[process] = false;
    pool().next_frame[process] = 0;
}

bool try_lock(Lock& lock) noexcept
{
    step("asks for a lock");
    const bool is_free = lock.holder == kNobody;
    learn(is_free ? 1 : 0);
    note_result(is_free ? "  gets it" : "  is refused", 0);
    if (is_free) {
        lock.holder = static_cast<std::uint8_t>(running());
        join(my_view(), lock.view);
    }
    return is_free;
}

void unlock(Lock& lock) noexcept
{
    step("drops a lock");
    join(lock.view, my_view());
    lock.holder = kNobody;
}

void take_producer_lock() noexcept
{
    require(try_lock(pool().producer_lock), "a pool has one producer at a time");
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        pool().on_loan[slot] = false;
        pool().was_taken[slot] = false;
    }
    pool().is_claiming = false;
    pool().took_newest = false;
}

bool ModelLiveness::lock_if_dead(std::uint32_t id) noexcept
{
    return try_lock(pool().consumer_locks[id]);
}

void ModelLiveness::unlock(std::uint32_t id) noexcept
{
    model::unlock(pool().consumer_locks[id]);
}

bool is_owned_by_consumer(std::uint32_t id) noexcept
{
    const std::uint8_t holder = pool().consumer_locks[id].holder;
    return holder != kNobody && holder != 0;
}

std::uint32_t attach() noexcept
{
    const RingMemory shared = ring_memory();
    std::uint32_t id = 0;
    while (!try_lock(pool().consumer_locks[id])) {
        ++id;
        require(id < kIds, "there is an id for every consumer");
    }
    shared.clear_column(id);
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        require(memory().last(pin_place(slot, id)) == 0, "nothing stays pinned by the dead");
    }
    require(shared.raise_high_water(id), "the high water can be raised");
    return id;
}

void detach(std::uint32_t id) noexcept
{
    unlock(pool().consumer_locks[id]);
}

void write_payload(std::uint32_t slot, std::uint64_t frame) noexcept
{
    step("writes half a payload, slot", slot);
    check_write(slot);
    pool().payload[slot] = kHalf;
    pool().is_rewritten[slot] = true;
    pool().is_lost[slot] = false;
    step("writes the other half, slot", slot);
    check_write(slot);
    pool().payload[slot] = state_of_frame(frame);
}

void take_view(std::uint32_t id, FramePlace place) noexcept
{
    check_read(place.slot, place.frame, id);
    note_result("  holds frame", place.frame);
    for (Held& held : pool().held[running()]) {
        if (!held.is_used) {
            held = {place.frame, place.slot, true};
            return;
        }
    }
    violate("the model holds too many views");
}

void drop_view(std::uint32_t id, const Held& held) noexcept
{
    step("reads a last time, slot", held.slot);
    check_read(held.slot, held.frame, id);
    for (Held& mine : pool().held[running()]) {
        if (mine.is_used && mine.frame == held.frame) {
            mine = {};
            return;
        }
    }
}

void ask_device(std::uint32_t slot) noexcept
{
    step("asks the device to write slot", slot);
    join(pool().stream, my_view());
    pool().queue[pool().queued++] = static_cast<std::uint8_t>(slot);
}

std::optional<std::uint32_t> next_for_device() noexcept
{
    step_when([](int /*process*/) { return pool().queued > 0 || pool().has_no_more_work; },
              "looks for work");
    if (pool().queued == 0) {
        return std::nullopt;
    }
    join(my_view(), pool().stream);
    const std::uint32_t slot = pool().queue[0];
    --pool().queued;
    std::memmove(pool().queue, pool().queue + 1, pool().queued);
    pool().queue[pool().queued] = 0;
    learn(slot);
    return slot;
}

void know_the_dead() noexcept
{
    for (const Lock& lock : pool().consumer_locks) {
        join(my_view(), lock.view);
    }
}

bool arrive() noexcept
{
    step("arrives");
    pool().has_arrived[running()] = !pool().is_over;
    return !pool().is_over;
}

bool consumers_are_done(int /*producer*/) noexcept
{
    for (int process = 1; process < kProcesses; ++process) {
        if (is_alive(process) && pool().has_arrived[process]) {
            return false;
        }
    }
    return true;
}

}  // namespace tensor_ipc::model
