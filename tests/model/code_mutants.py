"""Every atomic order and every check of the protocol's code, weakened or taken away.

Each mutant is one piece of text in one file that becomes another. `run_models.py` makes it in a
copy of the sources, builds the scheduler test with it, and expects a property to break.
"""

from __future__ import annotations

from dataclasses import dataclass

READER = "src/tensor_ipc/ring/frame_reader.cpp"
WRITER = "src/tensor_ipc/ring/frame_writer.cpp"
MEMORY = "src/tensor_ipc/ring/ring_memory.hpp"
WAKE = "src/tensor_ipc/notify/wake_word.hpp"
ATTACH = "tests/model/pool_model.cpp"
TAKE_OVER = "tests/model/wake_model.cpp"

FRAMES = "frames --puts 1 --gets 1,1 --crashes 0"
CRASH = "frames --puts 1 --gets 1,0 --crashes 1"
SCAN = "frames --puts 1 --gets 1,1 --crashes 0 --by-scan"
DEVICE = "frames --puts 2 --gets 0,1 --crashes 0 --device"
DEVICE_ALONE = "frames --puts 3 --gets 0,0 --crashes 0 --device"
ONE_FRAME = "frames --puts 2 --gets 1,0 --crashes 0 --one-frame"
ONE_FRAME_LOANS = "frames --puts 2 --gets 0,0 --crashes 0 --loans --one-frame"
LOANS = "frames --puts 2 --gets 1,0 --crashes 0 --loans"
SLEEP = "wake --puts 2 --crashes 0"
SLEEP_AND_CRASH = "wake --puts 1 --crashes 1"

SEQ_CST = "std::memory_order_seq_cst"
ACQ_REL = "std::memory_order_acq_rel"
ACQUIRE = "std::memory_order_acquire"
RELEASE = "std::memory_order_release"
RELAXED = "std::memory_order_relaxed"


@dataclass(frozen=True)
class Mutant:
    """One change of the code that must break a property."""

    name: str
    file: str
    old: str
    new: str
    scenario: str


def weaker(name: str, file: str, line: str, order: str, to: str, scenario: str) -> Mutant:
    """Return `line` with a weaker memory order."""
    return Mutant(name, file, line, line.replace(order, to), scenario)


RESTORE = "state.store(before, std::memory_order_release);"

MUTANTS = [
    # sync pin-vs-claim
    weaker("pin: mark acq_rel", READER, f"fetch_add(1, {SEQ_CST})", SEQ_CST, ACQ_REL, FRAMES),
    weaker(
        "pin: look at state acquire",
        READER,
        f"memory_.slot(place.slot).state.load({SEQ_CST})",
        SEQ_CST,
        ACQUIRE,
        FRAMES,
    ),
    weaker(
        "claim: mark release",
        WRITER,
        f"store(kBeingWritten, {SEQ_CST})",
        SEQ_CST,
        RELEASE,
        FRAMES,
    ),
    weaker(
        "claim: look at pins acquire",
        MEMORY,
        f"pin(slot, id).load({SEQ_CST})",
        SEQ_CST,
        ACQUIRE,
        FRAMES,
    ),
    weaker(
        "claim: look at high water acquire",
        MEMORY,
        f"consumer_high_water.load({SEQ_CST})",
        SEQ_CST,
        ACQUIRE,
        FRAMES,
    ),
    weaker(
        "attach: raise high water release",
        MEMORY,
        f"consumer + 1, {SEQ_CST}",
        SEQ_CST,
        RELEASE,
        FRAMES,
    ),
    Mutant(
        "pin: no look at the state",
        READER,
        "if (memory_.slot(place.slot).state.load(std::memory_order_seq_cst) ==\n"
        "        state_of_frame(place.frame)) {",
        "if (place.frame + 1 != 0) {",
        FRAMES,
    ),
    Mutant(
        "pin: looks, then marks",
        READER,
        "    const std::uint8_t before = mine.fetch_add(1, std::memory_order_seq_cst);\n",
        "    const bool is_there = memory_.slot(place.slot).state.load(std::memory_order_seq_cst) ==\n"
        "                          state_of_frame(place.frame);\n"
        "    const std::uint8_t before = mine.fetch_add(1, std::memory_order_seq_cst);\n"
        "    if (is_there) {\n"
        "        return before == 0 ? PinOutcome::Pinned : PinOutcome::PinnedAgain;\n"
        "    }\n",
        FRAMES,
    ),
    Mutant(
        "pin: stays when overwritten",
        READER,
        "    unpin(place.slot);\n    return PinOutcome::Overwritten;",
        "    return PinOutcome::Overwritten;",
        FRAMES,
    ),
    Mutant(
        "claim: no second look at the pins",
        WRITER,
        "if (memory_.is_pinned(slot)) {\n        // A consumer was faster",
        "if (slot > memory_.slot_count()) {\n        // A consumer was faster",
        FRAMES,
    ),
    Mutant(
        "claim: keeps the mark when it backs off", WRITER, f"        {RESTORE}\n", "", FRAMES
    ),
    Mutant(
        "claim: forgets the frame when it backs off",
        WRITER,
        RESTORE,
        RESTORE.replace("before", "kNeverWritten"),
        FRAMES,
    ),
    Mutant(
        "claim: takes what is on loan",
        WRITER,
        "if (before == kBeingWritten ||",
        "if (before == kBeingWritten - 1 ||",
        LOANS,
    ),
    Mutant(
        "claim: newest slot not last",
        WRITER,
        "            claim_from_dead_too(slot, NewestSlot::LeftAlone)) {\n            return slot;\n        }\n        slot =",
        "            claim_from_dead_too(slot, NewestSlot::TakenToo)) {\n            return slot;\n        }\n        slot =",
        LOANS,
    ),
    Mutant(
        "claim: newest slot not last among those taken before",
        WRITER,
        "return slot != kNoSlot && claim_from_dead_too(slot, NewestSlot::LeftAlone);",
        "return slot != kNoSlot && claim_from_dead_too(slot, NewestSlot::TakenToo);",
        ONE_FRAME_LOANS,
    ),
    Mutant(
        "claim: never the newest slot",
        WRITER,
        "if (newest != kNoSlot && claim_from_dead_too(",
        "if (newest == kNoSlot && claim_from_dead_too(",
        LOANS,
    ),
    # sync newest-slot
    weaker(
        "claim: state relaxed",
        WRITER,
        f"before = state.load({ACQUIRE})",
        ACQUIRE,
        RELAXED,
        DEVICE,
    ),
    Mutant(
        "claim: newest slot is the one announced last",
        WRITER,
        "        if (newest != kNoSlot && claim_from_dead_too(newest, NewestSlot::TakenToo)) {\n"
        "            return newest;\n",
        "        const std::uint32_t now = announced_in(newest_.load(std::memory_order_relaxed));\n"
        "        if (now != kNoSlot && claim_from_dead_too(now, NewestSlot::TakenToo)) {\n"
        "            return now;\n",
        DEVICE,
    ),
    Mutant(
        "commit: does not say what it is about to announce",
        WRITER,
        "    newest_.store(pack_newest(announced_in(newest_.load(std::memory_order_relaxed)), slot),\n"
        "                  std::memory_order_relaxed);\n",
        "",
        DEVICE,
    ),
    Mutant(
        "commit: forgets the newest slot before it announces the next",
        WRITER,
        "pack_newest(announced_in(newest_.load(std::memory_order_relaxed)), slot)",
        "pack_newest(slot, slot)",
        DEVICE_ALONE,
    ),
    Mutant(
        "commit: does not say what it announced",
        WRITER,
        "    newest_.store(pack_newest(slot, slot), std::memory_order_relaxed);\n",
        "",
        LOANS,
    ),
    # sync frame-bytes
    weaker(
        "commit: state relaxed",
        WRITER,
        f"state.store(state_of_frame(frame), {RELEASE})",
        RELEASE,
        RELAXED,
        SCAN,
    ),
    Mutant(
        "commit: state before the bytes",
        "tests/model/frames_model.cpp",
        "    write_payload(slot, writer.next_frame());\n    writer.commit(slot, now_ns, 1);\n",
        "    const std::uint64_t frame = writer.next_frame();\n"
        "    writer.commit(slot, now_ns, 1);\n    write_payload(slot, frame);\n",
        FRAMES,
    ),
    # sync unpin
    weaker("unpin: relaxed", READER, f"fetch_sub(1, {RELEASE})", RELEASE, RELAXED, LOANS),
    weaker("clear column: relaxed", MEMORY, f"store(0, {RELEASE})", RELEASE, RELAXED, CRASH),
    # the dead
    Mutant(
        "bury: without asking who lives",
        WRITER,
        "if (!liveness_->lock_if_dead(id)) {",
        "if (!liveness_->lock_if_dead(id) && false) {",
        FRAMES,
    ),
    Mutant("bury: clears nothing", WRITER, "        memory_.clear_column(id);\n", "", CRASH),
    Mutant("bury: keeps the lock", WRITER, "        liveness_->unlock(id);\n", "", CRASH),
    Mutant(
        "bury: unlocks, then clears",
        WRITER,
        "        memory_.clear_column(id);\n        liveness_->unlock(id);\n",
        "        liveness_->unlock(id);\n        memory_.clear_column(id);\n",
        "frames --puts 1 --gets 1,1 --crashes 1",
    ),
    Mutant(
        "claim: does not bury",
        WRITER,
        "claim == Claim::Pinned && bury_dead(slot)",
        "false",
        CRASH,
    ),
    Mutant(
        "claim: trusts those who lived once, for ever",
        WRITER,
        "if (pass == 0 && known_alive_.any()) {",
        "if (false) {",
        CRASH,
    ),
    Mutant(
        "claim: asks again, and takes the newest slot first",
        WRITER,
        "            continue;\n        }\n        // Last resort",
        "        }\n        // Last resort",
        CRASH,
    ),
    Mutant(
        "clear column: leaves slot 0",
        MEMORY,
        "std::uint32_t slot = 0; slot < geometry_",
        "std::uint32_t slot = 1; slot < geometry_",
        CRASH,
    ),
    Mutant("attach: inherits pins", ATTACH, "    shared.clear_column(id);\n", "", CRASH),
    Mutant(
        "attach: no high water",
        ATTACH,
        '    require(shared.raise_high_water(id), "the high water can be raised");\n',
        "",
        FRAMES,
    ),
    # a new producer
    Mutant(
        "take over: leaves half-written slots",
        WRITER,
        "memory_.slot(slot).state.store(kNeverWritten, std::memory_order_release);\n        } else",
        "} else",
        CRASH,
    ),
    Mutant(
        "take over: numbers from 0",
        WRITER,
        "            next_frame_ = state;  // state is frame number + 1\n",
        "",
        CRASH,
    ),
    Mutant(
        "take over: does not announce",
        WRITER,
        "memory_.header().latest.store("
        "next_frame_ == 0 ? 0 : pack_latest(next_frame_ - 1, newest),\n"
        "                                      std::memory_order_seq_cst);",
        "",
        CRASH,
    ),
    Mutant(
        "take over: uses a lost number again",
        WRITER,
        "        next_frame_ = announced;\n",
        "",
        "frames --puts 2 --gets 1,0 --crashes 1 --loans",
    ),
    # sync sleep-vs-publish
    weaker(
        "commit: latest release",
        WRITER,
        f"pack_latest(frame, slot), {SEQ_CST}",
        SEQ_CST,
        RELEASE,
        SLEEP,
    ),
    weaker("news: latest acquire", MEMORY, f"latest.load({SEQ_CST})", SEQ_CST, ACQUIRE, SLEEP),
    weaker("notify: flag acquire", WAKE, f"waiting_->load({SEQ_CST})", SEQ_CST, ACQUIRE, SLEEP),
    weaker(
        "wait: flag release", WAKE, f"waiting_->store(1, {SEQ_CST})", SEQ_CST, RELEASE, SLEEP
    ),
    Mutant(
        "wait: no look between flag and sleep",
        WAKE,
        '            TENSOR_IPC_TEST_POINT("wait:flag-raised");\n            if (ready()) {',
        "            if (false) {",
        SLEEP,
    ),
    # sync flag-vs-word
    Mutant(
        "wait: raises the flag, then reads the word",
        WAKE,
        "            const std::uint32_t seen = word_->load(std::memory_order_seq_cst);\n"
        "            waiting_->store(1, std::memory_order_seq_cst);\n",
        "            waiting_->store(1, std::memory_order_seq_cst);\n"
        "            const std::uint32_t seen = word_->load(std::memory_order_seq_cst);\n",
        SLEEP,
    ),
    Mutant(
        "wake: changes the word, then lowers the flag",
        WAKE,
        "        waiting_->store(0, std::memory_order_seq_cst);\n"
        '        TENSOR_IPC_TEST_POINT("wake:flag-fallen");\n'
        "        word_->fetch_add(1, std::memory_order_seq_cst);\n",
        "        word_->fetch_add(1, std::memory_order_seq_cst);\n"
        "        waiting_->store(0, std::memory_order_seq_cst);\n",
        SLEEP,
    ),
    Mutant(
        "wake: the word stays",
        WAKE,
        "        word_->fetch_add(1, std::memory_order_seq_cst);\n",
        "",
        SLEEP,
    ),
    Mutant("wake: no futex call", WAKE, "        os::futex_wake_all(*word_);\n", "", SLEEP),
    Mutant(
        "take over: wakes before it announces",
        TAKE_OVER,
        "    FrameWriter writer(ring_memory(), liveness);\n"
        "    const WakeWord wake_word(header.wake_word, header.waiting);\n    wake_word.wake();\n",
        "    const WakeWord wake_word(header.wake_word, header.waiting);\n    wake_word.wake();\n"
        "    FrameWriter writer(ring_memory(), liveness);\n",
        SLEEP_AND_CRASH,
    ),
    Mutant(
        "take over: wakes nobody", TAKE_OVER, "    wake_word.wake();\n", "", SLEEP_AND_CRASH
    ),
]

# The sound code, in the bounds of CI and in larger ones.
QUICK = [FRAMES, CRASH, SCAN, LOANS, DEVICE, ONE_FRAME, SLEEP, SLEEP_AND_CRASH]
DEEP = [
    "frames --puts 2 --gets 1,1 --crashes 0",
    "frames --puts 1 --gets 2,1 --crashes 0",
    "frames --puts 2 --gets 1,1 --crashes 1",
    "frames --puts 2 --gets 1,1 --crashes 0 --by-scan",
    "frames --puts 1 --gets 1,1 --crashes 1 --loans",
    "frames --puts 2 --gets 0,1 --crashes 0 --device --loans",
    "frames --puts 2 --gets 0,2 --crashes 0 --device --by-scan",
    "frames --puts 3 --gets 1,0 --crashes 0 --one-frame",
    "frames --puts 1 --gets 1,1 --crashes 1 --one-frame",
    "frames --puts 2 --gets 1,0 --crashes 0 --loans --one-frame",
    "frames --puts 3 --gets 1,0 --crashes 0 --one-frame --brisk",
    "frames --puts 2 --gets 0,1 --crashes 0 --device --one-frame",
    "wake --puts 2 --crashes 1",
    "wake --puts 1 --crashes 2",
]
