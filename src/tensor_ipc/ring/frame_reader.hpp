/// A consumer's side of the frame protocol.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "tensor_ipc/ring/ring_memory.hpp"

namespace tensor_ipc {

enum class PinOutcome : std::uint8_t {
    Pinned,       ///< the slot is held, and was not held by this consumer before
    PinnedAgain,  ///< the slot is held once more
    Overwritten,  ///< the producer was faster; nothing is held
    Saturated,    ///< this consumer holds the slot as often as it may; nothing is held
};

/// Pins frames for the consumer `id`. All calls are lock-free, make no system call and may come
/// from any thread of the process that owns `id`.
class FrameReader {
public:
    /// A pin is a byte that counts the views of one consumer on one slot. What is left above is for
    /// copies under way, and for threads between counting up and looking whether that was allowed.
    static constexpr std::uint8_t kMaxPinsOfSlot = 127;
    static constexpr std::uint8_t kMaxPinsOfSlotForCopies = 191;

    FrameReader(const RingMemory& memory, std::uint32_t id) noexcept : memory_(memory), id_(id) {}

    /// Keeps the producer out of `slot` for as long as it holds `frame`.
    ///
    /// Wait-free. Undone by `unpin()`, or by the producer (FrameWriter::bury_dead) if this process
    /// dies first. Source: hazard pointers, M. Michael, IEEE TPDS 15(6), 2004.
    ///
    /// @param limit  pins of this consumer on the slot beyond which it is `Saturated`
    [[nodiscard]] PinOutcome pin(FramePlace place,
                                 std::uint8_t limit = kMaxPinsOfSlot) const noexcept;

    /// Undoes one `pin()`.
    void unpin(std::uint32_t slot) const noexcept;

    /// The newest frame as the producer announced it.
    [[nodiscard]] std::optional<FramePlace> latest() const noexcept { return memory_.latest(); }

    /// When the frame that lies there was captured, without pinning it; nothing when it does not
    /// lie there any more.
    [[nodiscard]] std::optional<std::uint64_t> captured_ns(FramePlace place) const noexcept;

    /// Looks through all slots for a frame. Used where ring order does not tell.
    [[nodiscard]] std::optional<FramePlace> find(std::uint64_t frame) const noexcept;

    /// Looks through all slots for the newest readable frame: the answer while the producer writes
    /// over the slot of `latest` because all others are pinned.
    [[nodiscard]] std::optional<FramePlace> newest_readable() const noexcept;

    /// Whether at least `wanted` slots are pinned by nobody. Starts behind `newest`, where the
    /// producer goes on, so it usually looks at `wanted` slots only.
    ///
    /// Consumers ask this after pinning and give back what does not leave room. Since pins are
    /// seq_cst, of two consumers that take the last room together at least one sees the other.
    [[nodiscard]] bool leaves_room(std::uint32_t newest_slot, std::uint32_t wanted) const noexcept;

    /// Whether this consumer holds `slot`.
    [[nodiscard]] bool holds(std::uint32_t slot) const noexcept
    {
        return memory_.pin(slot, id_).load(std::memory_order_relaxed) != 0;
    }

    /// How many different slots this consumer holds.
    [[nodiscard]] std::uint32_t slots_held() const noexcept
    {
        return slots_held_.load(std::memory_order_relaxed);
    }

    [[nodiscard]] const RingMemory& memory() const noexcept { return memory_; }

    [[nodiscard]] std::uint32_t id() const noexcept { return id_; }

private:
    RingMemory memory_;
    std::uint32_t id_ = 0;
    mutable std::atomic<std::uint32_t> slots_held_{0};  ///< pins of ours that are not 0
};

}  // namespace tensor_ipc
