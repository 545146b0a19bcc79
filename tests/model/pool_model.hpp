/// A small pool around the real ring/ code: its bytes, its locks, its consumers' table, and what
/// must never happen to its frames. The scenarios (frames_model.cpp, wake_model.cpp) run in it.
#pragma once

#include "explorer.hpp"
#include "tensor_ipc/ring/ring.hpp"

namespace tensor_ipc::model {

inline constexpr std::uint32_t kSlots = 3;
inline constexpr std::uint32_t kIds = 3;  ///< one more than consumers: an id may be in burial

/// Places of the model's memory.
enum PlaceIndex : int {
    kLatest,
    kWord,
    kWaiting,
    kHighWater,
    kEnded,
    kState,
    kPin = kState + kSlots,
    kNewest = kPin + kSlots * kIds,  ///< of a FrameWriter that two threads use
    kAtomicsUsed,
    kPayload = kAtomics,
    kReads = kPayload + kSlots,  ///< the reads of each id from each slot
    kPlainUsed = kReads + kSlots * kIds,
};

static_assert(kAtomicsUsed <= kAtomics);
static_assert(kPlainUsed <= kPlaces);

inline constexpr std::uint8_t kNobody = UINT8_MAX;

/// A lock that the kernel drops at death. Taking it is knowing all that its last holder did.
struct Lock {
    std::uint8_t holder = kNobody;
    View view{};
};

/// A frame that a consumer was given, until it lets go.
struct Held {
    std::uint64_t frame;
    std::uint32_t slot;
    bool is_used;
};

inline constexpr int kMaxHeld = 2;

/// What the properties need to know; part of the explored state.
struct PoolModel {
    Lock producer_lock;
    Lock consumer_locks[kIds];
    Held held[kProcesses][kMaxHeld];
    std::uint64_t payload[kSlots];  ///< number of the frame + 1, or kHalf
    std::uint64_t greatest_state;   ///< that any slot had
    bool on_loan[kSlots];
    bool is_lost[kSlots];          ///< what frame it held, if any, was given up
    bool is_rewritten[kSlots];     ///< since the last frame was committed there
    bool has_arrived[kProcesses];  ///< consumers that took a first step in this life
    bool is_over;                  ///< consumers that come now go at once
    bool is_claiming;
    bool was_taken[kSlots];  ///< on loan or pinned by the living, at some time in this claim
    bool took_newest;        ///< the slot that was marked last had the frame of `latest`
    std::uint8_t work_left[kProcesses];
    bool is_asleep[kProcesses];            ///< in the futex call
    std::uint64_t next_frame[kProcesses];  ///< that a sleeper waits for
    View futex;                            ///< what the kernel's lock of that futex hands on
    const void* writer;                    ///< a FrameWriter that two threads use
    View stream;                           ///< what the device's queue hands on
    std::uint8_t queue[kSlots];            ///< slots that the device was asked to write
    std::uint8_t queued;
    bool has_no_more_work;  ///< for the device
};

inline constexpr std::uint64_t kHalf = UINT64_MAX;

static_assert(sizeof(PoolModel) <= kScenarioBytes);

[[nodiscard]] inline PoolModel& pool() noexcept
{
    return *static_cast<PoolModel*>(scenario_bytes());
}

/// Of the pool, before it is begun. With 1 slots are not taken in ring order.
void set_history_len(std::uint32_t frames) noexcept;

/// The real code's idea of the control bytes.
[[nodiscard]] RingMemory ring_memory() noexcept;

void begin_pool() noexcept;

void add_pool(Digest& digest) noexcept;

void rebase_pool(const View& base) noexcept;

/// Drops the locks and the views of a process that was killed.
void bury_process(int process) noexcept;

bool try_lock(Lock& lock) noexcept;

void unlock(Lock& lock) noexcept;

void take_producer_lock() noexcept;

/// Asks the model's locks for the living, as pool/producer.cpp asks the kernel.
class ModelLiveness final : public ConsumerLiveness {
public:
    bool lock_if_dead(std::uint32_t id) noexcept override;
    void unlock(std::uint32_t id) noexcept override;
};

/// The consumer ids that the living own.
[[nodiscard]] bool is_owned_by_consumer(std::uint32_t id) noexcept;

/// Takes an id as pool/attachment.cpp does.
[[nodiscard]] std::uint32_t attach() noexcept;

void detach(std::uint32_t id) noexcept;

/// Writes a claimed slot in two halves.
void write_payload(std::uint32_t slot, std::uint64_t frame) noexcept;

/// Reads a slot that was pinned, and keeps it.
void take_view(std::uint32_t id, FramePlace place) noexcept;

/// Reads it again, and lets go of it just before the real unpin.
void drop_view(std::uint32_t id, const Held& held) noexcept;

/// Puts the writing of a claimed slot at the end of what the device has to do.
void ask_device(std::uint32_t slot) noexcept;

/// Waits for the device's next piece of work.
/// @return nothing when no more will come
[[nodiscard]] std::optional<std::uint32_t> next_for_device() noexcept;

/// The first step of a consumer.
/// @return false when it came too late
[[nodiscard]] bool arrive() noexcept;

/// Whether every consumer has ended, or was killed and did not come back so far.
[[nodiscard]] bool consumers_are_done(int producer) noexcept;

/// All that the dead did is known from here on, as by a look at their locks.
void know_the_dead() noexcept;

}  // namespace tensor_ipc::model
