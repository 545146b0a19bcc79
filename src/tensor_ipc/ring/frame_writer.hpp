/// The producer's side of the frame protocol.
#pragma once

#include <array>
#include <atomic>
#include <bitset>
#include <cstdint>
#include <optional>

#include "tensor_ipc/ring/ring_memory.hpp"

namespace tensor_ipc {

/// Tells living consumers from dead ones. The real one asks the kernel
/// (pool/producer.cpp).
class ConsumerLiveness {
public:
    virtual ~ConsumerLiveness() = default;

    /// Takes the lock of consumer `id` if nobody holds it.
    /// @return true when it was free, so its owner is gone; the caller then calls `unlock(id)`
    virtual bool lock_if_dead(std::uint32_t id) noexcept = 0;

    virtual void unlock(std::uint32_t id) noexcept = 0;

protected:
    ConsumerLiveness() = default;
    ConsumerLiveness(const ConsumerLiveness&) = default;
    ConsumerLiveness& operator=(const ConsumerLiveness&) = default;
};

/// Chooses slots to write and makes them readable. One per pool at a time.
///
/// Threads: `claim` belongs to one thread at a time; so do `commit` and what is about numbers, but
/// that may be another thread, as when the bytes are written by a device that says later that they
/// are there. A slot is committed or abandoned once, by a thread that synchronises with its claim.
class FrameWriter {
public:
    /// For so many claims nobody is asked twice whether it lives.
    static constexpr std::uint32_t kTrustedClaims = 16;

    /// Frames that come faster than this go round kRound slots.
    static constexpr std::uint64_t kBriskNs = 200'000;
    static constexpr std::uint32_t kRound = 4;

    /// Takes over what an earlier producer left: frames stay readable and numbers go on, slots that
    /// it was writing become free. `liveness` outlives the writer.
    FrameWriter(const RingMemory& memory, ConsumerLiveness& liveness) noexcept;

    /// Takes the next slot in ring order that no consumer pins; its bytes are then the caller's,
    /// until `commit` or `abandon`. Several slots may be claimed at once. Where frames need not lie
    /// in order, since nobody gets two of them as one array, and do not come within kBriskNs of
    /// each other, it begins with the two slots that were taken before the last one: their bytes
    /// are still in a cache. At a greater pace they would still be in that of their reader, from
    /// where it takes longer to get them back than from none; it then goes round kRound slots
    /// that are free.
    ///
    /// Never waits. The pins of the dead are taken back on the way: the first pin of a consumer
    /// that is met costs a probe of it, and for the next kTrustedClaims claims it is taken to live.
    /// Short of slots, everybody is asked again. The slot of the newest frame is taken only when
    /// there is no other.
    ///
    /// @return nothing when every slot is pinned by the living or claimed already
    [[nodiscard]] std::optional<std::uint32_t> claim() noexcept;

    /// Says how many rows of a claimed slot are a frame, where the extent varies. Before `commit`.
    void set_extent(std::uint32_t slot, std::uint64_t extent) noexcept
    {
        // sync frame-bytes (relaxed, before the release in commit): it comes with the bytes.
        memory_.slot(slot).extent.store(extent, std::memory_order_relaxed);
    }

    /// Makes the bytes of a claimed slot the newest frame.
    /// @return its number; numbers count from 0, without gaps but for those of `skip_to`
    std::uint64_t commit(std::uint32_t slot, std::uint64_t published_ns,
                         std::uint64_t captured_ns) noexcept;

    /// Gives a claimed slot back. Whatever frame it held is lost.
    void abandon(std::uint32_t slot) noexcept;

    /// Gives the next frame this number; no frame ever gets those in between. For frames that had
    /// numbers before they came here.
    /// @return false, and changes nothing, when the number was passed already or is so great that a
    ///         successor would take it for damage
    [[nodiscard]] bool skip_to(std::uint64_t frame) noexcept;

    /// Number of the next frame.
    [[nodiscard]] std::uint64_t next_frame() const noexcept { return next_frame_; }

private:
    enum class Claim : std::uint8_t { Taken, Pinned, Busy };
    enum class NewestSlot : std::uint8_t { LeftAlone, TakenToo };

    /// Two slots in one word: the one that `latest` names, and the one that it is about to name, or
    /// the same again.
    [[nodiscard]] static constexpr std::uint32_t pack_newest(std::uint32_t announced,
                                                             std::uint32_t next) noexcept
    {
        return announced << 16U | next;
    }

    [[nodiscard]] static constexpr std::uint32_t announced_in(std::uint32_t newest) noexcept
    {
        return newest >> 16U;
    }

    /// Whether a claim does not take `slot`, free or not. One that is about to be announced is
    /// never taken: consumers would be told of a frame that is gone.
    [[nodiscard]] bool is_left_alone(std::uint32_t slot, NewestSlot newest) const noexcept
    {
        const std::uint32_t word = newest_.load(std::memory_order_relaxed);
        const bool is_announced = slot == announced_in(word);
        return is_announced ? newest == NewestSlot::LeftAlone : slot == (word & 0xFFFFU);
    }

    static constexpr std::uint32_t kNoSlot = UINT16_MAX;

    std::optional<std::uint32_t> claim_free() noexcept;
    bool claim_known(std::uint32_t slot) noexcept;
    bool claim_from_dead_too(std::uint32_t slot, NewestSlot newest) noexcept;
    Claim try_claim(std::uint32_t slot, NewestSlot newest) noexcept;
    bool bury_dead(std::uint32_t slot) noexcept;

    void remember(std::uint32_t slot) noexcept;

    RingMemory memory_;
    ConsumerLiveness* liveness_;
    std::uint64_t next_frame_ = 0;
    std::uint32_t next_slot_ = 0;
    /// Slots taken last, each once, the last one first; where slots are in no order.
    std::array<std::uint32_t, kRound> taken_{kNoSlot, kNoSlot, kNoSlot, kNoSlot};
    std::uint64_t last_published_ns_ = 0;
    std::atomic<bool> is_brisk_{false};  ///< the last frame came within kBriskNs of the one before
    std::atomic<std::uint32_t> newest_{pack_newest(kNoSlot, kNoSlot)};
    std::uint64_t trusted_claims_left_ = kTrustedClaims;
    std::bitset<kConsumerCapacity> known_alive_;  ///< they held their locks when last asked
};

}  // namespace tensor_ipc
