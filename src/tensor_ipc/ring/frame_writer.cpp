#include "tensor_ipc/ring/frame_writer.hpp"

#include "tensor_ipc/base/test_point.hpp"

namespace tensor_ipc {

namespace {

// A consumer that meets the writer backs off at once, so a second look finds the slot free.
constexpr int kClaimPasses = 4;

// Greater numbers in a leftover are taken for damage. Going on from them could use up the numbers
// that there are, and frames beyond those are seen by nobody.
constexpr std::uint64_t kBelievable = kFrameLimit / 2;  // 2^47 - 1

}  // namespace

FrameWriter::FrameWriter(const RingMemory& memory, ConsumerLiveness& liveness) noexcept
    : memory_(memory), liveness_(&liveness)
{
    std::uint32_t newest = kNoSlot;
    for (std::uint32_t slot = 0; slot < memory_.slot_count(); ++slot) {
        const std::uint64_t state = memory_.slot(slot).state.load(std::memory_order_acquire);
        if (state > kBelievable) {  // being written when its producer died, or damaged
            memory_.slot(slot).state.store(kNeverWritten, std::memory_order_release);
        } else if (state > next_frame_) {
            next_frame_ = state;  // state is frame number + 1
            newest = slot;
        }
    }
    newest_.store(pack_newest(newest, newest), std::memory_order_relaxed);
    if (newest != kNoSlot) {
        next_slot_ = memory_.geometry().next_slot(newest);
    }
    const std::optional<FramePlace> latest = memory_.latest();  // once: others may change it
    const bool is_damaged = latest && latest->frame >= kBelievable;
    const std::uint64_t announced = latest && !is_damaged ? latest->frame + 1 : 0;
    if (next_frame_ > announced || is_damaged) {
        // The dead producer was killed between `state` and `latest` in commit().
        memory_.header().latest.store(next_frame_ == 0 ? 0 : pack_latest(next_frame_ - 1, newest),
                                      std::memory_order_seq_cst);
    } else {
        // Or while it wrote over the newest frame, which is lost; no number is given twice.
        next_frame_ = announced;
    }
}

std::optional<std::uint32_t> FrameWriter::claim() noexcept
{
    if (--trusted_claims_left_ == 0) {
        trusted_claims_left_ = kTrustedClaims;
        known_alive_.reset();
    }
    for (int pass = 0; pass < kClaimPasses; ++pass) {
        const std::uint32_t newest = announced_in(newest_.load(std::memory_order_relaxed));
        if (const std::optional<std::uint32_t> slot = claim_free()) {
            return slot;
        }
        if (pass == 0 && known_alive_.any()) {
            known_alive_.reset();  // the pins of one that died since are needed now
            continue;
        }
        // Last resort: consumers then find no newest frame until this one is written. If another
        // was announced meanwhile, this slot is an ordinary one.
        if (newest != kNoSlot && claim_from_dead_too(newest, NewestSlot::TakenToo)) {
            return newest;
        }
    }
    return std::nullopt;
}

std::optional<std::uint32_t> FrameWriter::claim_free() noexcept
{
    const bool goes_round = is_brisk_.load(std::memory_order_relaxed);
    const std::uint32_t second = taken_[1];
    const std::uint32_t third = taken_[2];
    const std::uint32_t favourite = goes_round ? taken_[3] : second;
    if (claim_known(favourite)) {
        return favourite;
    }
    if (!goes_round && claim_known(third)) {
        return third;
    }
    std::uint32_t slot = next_slot_;
    for (std::uint32_t step = 0; step < memory_.slot_count(); ++step) {
        if (slot != favourite && slot != second && slot != third &&
            claim_from_dead_too(slot, NewestSlot::LeftAlone)) {
            return slot;
        }
        slot = memory_.geometry().next_slot(slot);
    }
    for (const std::uint32_t late : {third, second}) {
        if (goes_round && claim_known(late)) {
            return late;
        }
    }
    return std::nullopt;
}

bool FrameWriter::claim_known(std::uint32_t slot) noexcept
{
    return slot != kNoSlot && claim_from_dead_too(slot, NewestSlot::LeftAlone);
}

bool FrameWriter::claim_from_dead_too(std::uint32_t slot, NewestSlot newest) noexcept
{
    Claim claim = try_claim(slot, newest);
    if (claim == Claim::Pinned && bury_dead(slot)) {
        claim = try_claim(slot, newest);
    }
    if (claim == Claim::Pinned) {
        // Nobody else counts, so there is no need of a locked operation for each pinned slot.
        std::atomic<std::uint64_t>& skipped = memory_.header().skipped_slots;
        skipped.store(skipped.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    if (claim != Claim::Taken) {
        return false;
    }
    next_slot_ = memory_.geometry().next_slot(slot);
    if (!memory_.geometry().keeps_ring_order()) {
        remember(slot);
    }
    return true;
}

void FrameWriter::remember(std::uint32_t slot) noexcept
{
    static_assert(kRound == 4);
    if (slot == taken_[0]) {
        return;
    }
    if (slot == taken_[1]) {
        taken_ = {slot, taken_[0], taken_[2], taken_[3]};
    } else if (slot == taken_[2]) {
        taken_ = {slot, taken_[0], taken_[1], taken_[3]};
    } else {
        taken_ = {slot, taken_[0], taken_[1], taken_[2]};
    }
}

FrameWriter::Claim FrameWriter::try_claim(std::uint32_t slot, NewestSlot newest) noexcept
{
    std::atomic<std::uint64_t>& state = memory_.slot(slot).state;
    // sync newest-slot (acquire), other end: commit. Whoever sees a slot's new frame sees here that
    // it is about to be announced, if it was not announced meanwhile.
    const std::uint64_t before = state.load(std::memory_order_acquire);
    if (before == kBeingWritten || is_left_alone(slot, newest)) {
        return Claim::Busy;
    }
    if (memory_.is_pinned(slot)) {
        return Claim::Pinned;
    }
    TENSOR_IPC_TEST_POINT("claim:before-mark");
    // sync pin-vs-claim (seq_cst), other end: FrameReader::pin.
    // Each side stores its own mark and then reads the other's. With anything weaker both reads may
    // miss both stores, and producer and consumer would hold the slot together. The load of a pin
    // that is 0 also acquires what its last owner released: its reads of the old frame are over.
    state.store(kBeingWritten, std::memory_order_seq_cst);
    TENSOR_IPC_TEST_POINT("claim:marked");
    if (memory_.is_pinned(slot)) {
        // A consumer was faster and may be reading the old frame; its bytes are untouched.
        state.store(before, std::memory_order_release);
        return Claim::Pinned;
    }
    TENSOR_IPC_TEST_POINT("claim:taken");
    return Claim::Taken;
}

bool FrameWriter::bury_dead(std::uint32_t slot) noexcept
{
    bool is_kept = false;  // by one of the living
    const std::uint32_t limit = memory_.consumer_limit();
    for (std::uint32_t id = 0; id < limit; ++id) {
        if (memory_.pin(slot, id).load(std::memory_order_relaxed) == 0) {
            continue;
        }
        if (known_alive_[id]) {
            is_kept = true;
            continue;
        }
        if (!liveness_->lock_if_dead(id)) {
            known_alive_[id] = true;
            is_kept = true;
            continue;
        }
        TENSOR_IPC_TEST_POINT("bury:locked");
        memory_.clear_column(id);
        liveness_->unlock(id);
    }
    return !is_kept;
}

std::uint64_t FrameWriter::commit(std::uint32_t slot, std::uint64_t published_ns,
                                  std::uint64_t captured_ns) noexcept
{
    const std::uint64_t frame = next_frame_++;
    is_brisk_.store(published_ns - last_published_ns_ < kBriskNs, std::memory_order_relaxed);
    last_published_ns_ = published_ns;
    SlotHeader& header = memory_.slot(slot);
    header.published_ns.store(published_ns, std::memory_order_relaxed);
    // sync frame-times (release), other end: FrameReader::captured_ns. Whoever reads this time
    // without a pin sees that the slot was marked as being written before.
    header.captured_ns.store(captured_ns, std::memory_order_release);
    newest_.store(pack_newest(announced_in(newest_.load(std::memory_order_relaxed)), slot),
                  std::memory_order_relaxed);
    TENSOR_IPC_TEST_POINT("commit:before-state");
    // sync frame-bytes (release), other end: FrameReader::pin. Payload and times come first.
    // sync newest-slot (release), other end: try_claim.
    header.state.store(state_of_frame(frame), std::memory_order_release);
    TENSOR_IPC_TEST_POINT("commit:before-latest");
    // sync sleep-vs-publish (seq_cst), other end: WakeWord::wait. See WakeWord::notify.
    memory_.header().latest.store(pack_latest(frame, slot), std::memory_order_seq_cst);
    newest_.store(pack_newest(slot, slot), std::memory_order_relaxed);
    TENSOR_IPC_TEST_POINT("commit:done");
    return frame;
}

bool FrameWriter::skip_to(std::uint64_t frame) noexcept
{
    if (frame < next_frame_ || frame >= kBelievable) {
        return false;
    }
    next_frame_ = frame;
    return true;
}

void FrameWriter::abandon(std::uint32_t slot) noexcept
{
    memory_.slot(slot).state.store(kNeverWritten, std::memory_order_release);
}

}  // namespace tensor_ipc
