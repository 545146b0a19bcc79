#include "tensor_ipc/ring/frame_reader.hpp"

#include "tensor_ipc/base/test_point.hpp"

namespace tensor_ipc {

PinOutcome FrameReader::pin(FramePlace place, std::uint8_t limit) const noexcept
{
    std::atomic<std::uint8_t>& mine = memory_.pin(place.slot, id_);
    TENSOR_IPC_TEST_POINT("pin:before-mark");
    // sync pin-vs-claim (seq_cst), other end: FrameWriter::try_claim.
    const std::uint8_t before = mine.fetch_add(1, std::memory_order_seq_cst);
    if (before == 0) {
        slots_held_.fetch_add(1, std::memory_order_relaxed);
    }
    TENSOR_IPC_TEST_POINT("pin:marked");
    if (before >= limit) {
        unpin(place.slot);
        return PinOutcome::Saturated;
    }
    // sync frame-bytes (acquire, as part of seq_cst), other end: FrameWriter::commit.
    if (memory_.slot(place.slot).state.load(std::memory_order_seq_cst) ==
        state_of_frame(place.frame)) {
        TENSOR_IPC_TEST_POINT("pin:held");
        return before == 0 ? PinOutcome::Pinned : PinOutcome::PinnedAgain;
    }
    unpin(place.slot);
    return PinOutcome::Overwritten;
}

void FrameReader::unpin(std::uint32_t slot) const noexcept
{
    // sync unpin (release), other end: FrameWriter::try_claim. Our reads come before the next
    // write.
    TENSOR_IPC_TEST_POINT("unpin:before");
    if (memory_.pin(slot, id_).fetch_sub(1, std::memory_order_release) == 1) {
        slots_held_.fetch_sub(1, std::memory_order_relaxed);
    }
}

std::optional<std::uint64_t> FrameReader::captured_ns(FramePlace place) const noexcept
{
    const SlotHeader& slot = memory_.slot(place.slot);
    const std::uint64_t wanted = state_of_frame(place.frame);
    // sync frame-bytes (acquire), other end: FrameWriter::commit. The time is this frame's or a
    // later one's, not an earlier one's.
    if (slot.state.load(std::memory_order_acquire) != wanted) {
        return std::nullopt;
    }
    TENSOR_IPC_TEST_POINT("times:state-read");
    // sync frame-times (acquire), other end: FrameWriter::commit. If the time is a later frame's,
    // the mark of its claim is seen by the second look, which comes after.
    const std::uint64_t captured_ns = slot.captured_ns.load(std::memory_order_acquire);
    if (slot.state.load(std::memory_order_relaxed) != wanted) {
        return std::nullopt;
    }
    return captured_ns;
}

std::optional<FramePlace> FrameReader::find(std::uint64_t frame) const noexcept
{
    if (frame >= kFrameLimit) {
        return std::nullopt;  // state_of_frame() is then no state of a frame
    }
    for (std::uint32_t slot = 0; slot < memory_.slot_count(); ++slot) {
        if (memory_.slot(slot).state.load(std::memory_order_acquire) == state_of_frame(frame)) {
            return FramePlace{frame, slot};
        }
    }
    return std::nullopt;
}

std::optional<FramePlace> FrameReader::newest_readable() const noexcept
{
    std::optional<FramePlace> newest;
    for (std::uint32_t slot = 0; slot < memory_.slot_count(); ++slot) {
        const std::uint64_t state = memory_.slot(slot).state.load(std::memory_order_acquire);
        if (holds_frame(state) && (!newest || state - 1 > newest->frame)) {
            newest = FramePlace{state - 1, slot};
        }
    }
    return newest;
}

bool FrameReader::leaves_room(std::uint32_t newest_slot, std::uint32_t wanted) const noexcept
{
    std::uint32_t slot = newest_slot;
    for (std::uint32_t step = 0; step < memory_.slot_count(); ++step) {
        slot = memory_.geometry().next_slot(slot);
        if (!memory_.is_pinned(slot) && --wanted == 0) {
            return true;
        }
    }
    return false;
}

}  // namespace tensor_ipc
