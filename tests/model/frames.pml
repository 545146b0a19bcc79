/* The frame protocol, step by step as in src/tensor_ipc/ring/: one producer, two consumers with held
 * views, three slots that all hold a frame at first. Anyone may be killed before every step, CRASHES
 * times in all. A killed producer is followed by another one; a killed consumer's id goes to its
 * next owner, or nobody comes back for it.
 *
 * Each STEP is one atomic operation of the code. All of them take effect at once and in one order,
 * which is what seq_cst promises. A store that is weaker waits in its process's store buffer, which
 * empties at any time, but before the next store of that process: so does x86-64 (TSO). What weaker
 * processors do besides is for the other model, explorer.hpp.
 *
 * Left out: the high water of ids (both columns are always looked at), loans, and counts above 1.
 */

#ifndef PUTS
#define PUTS 2
#endif
#ifndef GETS
#define GETS 2
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#define SLOTS 3
#define IDS 2
#define PASSES 2                /* the code has 4; the third and fourth do the same again */

#define WRITING 255
#define HALF 254
#define NONE 9

#define FREE 0
#define CONSUMER 1
#define PRODUCER 2

byte state[SLOTS];              /* frame number + 1, 0 never written, WRITING */
byte payload[SLOTS];            /* number + 1 of the frame whose bytes are there, HALF */
byte latest = SLOTS;            /* number + 1 ... */
byte latest_at = SLOTS - 1;     /* ... and slot: one word in the code */
byte pin[SLOTS * IDS];
byte lock[IDS];                 /* who holds the kernel's lock of an id */

/* Seen by the properties only. */
byte viewed[IDS * 2] = NONE;    /* slots whose frame a consumer validated and still reads */
byte greatest = SLOTS;          /* state that any slot ever had */
byte gone;                      /* consumers that are through, or dead for good */

/* Store buffers of one place: 0 when empty, else slot + 1. */
byte mark_on_its_way;           /* the producer's WRITING */
byte pin_on_its_way[IDS];       /* a consumer's pin */

byte crashes = CRASHES;
byte puts_left = PUTS;
byte gets_left[IDS] = GETS;

#define STEP(what) \
    if \
    :: atomic { crashes > 0 -> crashes--; goto died } \
    :: atomic { what } \
    fi

#define IS_VIEWED(slot) \
    (viewed[0] == slot || viewed[1] == slot || viewed[2] == slot || viewed[3] == slot)

/* FrameWriter::commit, FrameWriter::try_claim. `result`: 0 taken, 1 pinned, 2 busy. */
inline try_claim(slot)
{
    id = 0;
    STEP(before = state[slot]);
    result = 2;
    if
    :: before == WRITING -> skip
    :: else ->
        result = 0; id = 0;
        do
        :: id < IDS && result == 0 -> STEP(result = (pin[slot * IDS + id] != 0 -> 1 : 0)); id++
        :: else -> break
        od;
        if
        :: result == 1 -> skip
        :: else ->
            /* sync pin-vs-claim, other end: Consumer. */
#ifdef MUTANT_MARK_RELEASE
            STEP(mark_on_its_way == 0 -> mark_on_its_way = slot + 1);
#else
            STEP(state[slot] = WRITING);
#endif
#ifndef MUTANT_NO_SECOND_LOOK
            id = 0;
            do
            :: id < IDS && result == 0 ->
                STEP(result = (pin[slot * IDS + id] != 0 -> 1 : 0)); id++
            :: else -> break
            od;
#endif
            if
#ifndef MUTANT_NO_RESTORE
            :: result == 1 -> STEP(mark_on_its_way == 0 -> state[slot] = before)
#endif
            :: else -> skip
            fi
        fi
    fi
}

/* FrameWriter::bury_dead. Sets `any`. */
inline bury_dead(slot)
{
    any = false; grave = 0;
    do
    :: grave < IDS ->
        STEP(is_dead = (pin[slot * IDS + grave] != 0));
        if
        :: is_dead ->
#ifdef MUTANT_BURY_THE_LIVING
            skip;
#else
            STEP(is_dead = (lock[grave] == FREE); lock[grave] = (is_dead -> PRODUCER : lock[grave]));
#endif
            if
            :: is_dead ->
                at = 0;
                do
                :: at < SLOTS ->
#ifndef MUTANT_BURY_CLEARS_NOTHING
                    STEP(mark_on_its_way == 0 -> pin[at * IDS + grave] = 0);
#endif
                    at++
                :: else -> break
                od;
#if !defined(MUTANT_BURY_KEEPS_LOCK) && !defined(MUTANT_BURY_THE_LIVING)
                STEP(lock[grave] = FREE);
#endif
                any = true
            :: else -> skip
            fi
        :: else -> skip
        fi;
        grave++
    :: else -> break
    od
}

inline claim_from_dead_too(slot)
{
    try_claim(slot);
    if
    :: result == 1 ->
        bury_dead(slot);
        if
        :: any -> try_claim(slot)
        :: else -> skip
        fi
    :: else -> skip
    fi
}

/* FrameWriter::claim. Leaves the slot in `taken`, NONE when there is none. */
inline claim()
{
    taken = NONE; pass = 0;
    do
    :: pass < PASSES && taken == NONE ->
        slot = next_slot; round = 0;
        do
        :: round < SLOTS && taken == NONE ->
            if
            :: slot != newest -> claim_from_dead_too(slot); taken = (result == 0 -> slot : NONE)
            :: else -> skip
            fi;
            slot = (slot + 1) % SLOTS; round++
        :: else -> break
        od;
        if
        :: taken == NONE && newest != NONE ->
            claim_from_dead_too(newest); taken = (result == 0 -> newest : NONE)
        :: else -> skip
        fi;
        pass++
    :: else -> break
    od;
    if
    :: taken != NONE -> next_slot = (taken + 1) % SLOTS
    :: else -> skip
    fi;
    slot = 0; result = 0; round = 0; pass = 0; any = false; is_dead = false; grave = 0; at = 0
}

proctype Producer()
{
    byte slot, before, result, id, grave, at, round, pass, taken, next, newest, next_slot;
    bool any, is_dead;

start:
    /* FrameWriter::FrameWriter */
    next = 0; newest = NONE; slot = 0;
    do
    :: slot < SLOTS ->
        STEP(before = state[slot]);
        if
#ifndef MUTANT_LEAVES_HALF_WRITTEN
        :: before == WRITING -> STEP(state[slot] = 0)
#endif
        :: before != WRITING && before > next -> next = before; newest = slot
        :: else -> skip
        fi;
        slot++
    :: else -> break
    od;
    next_slot = (newest == NONE -> 0 : (newest + 1) % SLOTS);
    STEP(before = latest);
    if
    :: next > before -> STEP(latest = next; latest_at = newest)
#ifndef MUTANT_USES_A_LOST_NUMBER
    :: else -> next = before
#else
    :: else -> skip
#endif
    fi;
    d_step {
        assert(latest >= next);         /* a new producer announces every frame */
        assert(next >= greatest);       /* no frame number is given twice */
        assert(state[0] != WRITING && state[1] != WRITING && state[2] != WRITING)
    };

    do
    :: puts_left > 0 ->
        puts_left--;
        claim();
        if
        :: taken != NONE ->
            STEP(assert(!IS_VIEWED(taken)); payload[taken] = HALF);
            STEP(assert(!IS_VIEWED(taken)); payload[taken] = next + 1);
            next++;
            /* sync frame-bytes, other end: Consumer. */
            STEP(mark_on_its_way == 0 -> assert(next > greatest); greatest = next; state[taken] = next);
            STEP(latest = next; latest_at = taken);
            newest = taken
        :: else -> skip
        fi
    :: else -> break
    od;

    /* Nothing stays pinned by the dead: all slots can be had once the consumers are gone. */
    gone == IDS;
    round = 0;
    claim(); assert(taken != NONE);
    claim(); assert(taken != NONE);
    claim(); assert(taken != NONE);
    goto through;

died:
    /* The kernel drops the locks; the next producer starts at any time. */
    atomic {
        mark_on_its_way == 0;
        if :: lock[0] == PRODUCER -> lock[0] = FREE :: else -> skip fi;
        if :: lock[1] == PRODUCER -> lock[1] = FREE :: else -> skip fi
    };
    goto start;
through:
    skip
}

inline forget()
{
    if
    :: viewed[me * 2] == held -> viewed[me * 2] = NONE
    :: else -> viewed[me * 2 + 1] = NONE
    fi
}

/* Lets go of the older view: FrameReader::unpin; sync unpin, other end: try_claim. */
inline unpin()
{
#ifdef MUTANT_UNPINS_THEN_READS
    STEP(pin_on_its_way[me] == 0 -> pin[held * IDS + me]--);
    STEP(assert(payload[held] == held_frame); forget());
#else
    STEP(assert(payload[held] == held_frame); forget());
    STEP(pin_on_its_way[me] == 0 -> pin[held * IDS + me]--);
#endif
    held = NONE
}

proctype Consumer(byte me)
{
    byte slot, frame, seen, held, held_frame;

start:
    held = NONE;
    /* pool/attachment.cpp: takes the id, clears its column. */
    STEP(lock[me] == FREE -> lock[me] = CONSUMER);
#ifndef MUTANT_INHERITS_PINS
    slot = 0;
    do
    :: slot < SLOTS -> STEP(pin[slot * IDS + me] = 0); slot++
    :: else -> break
    od;
#endif

    do
    :: gets_left[me] > 0 ->
        gets_left[me]--;
        STEP(frame = latest; slot = latest_at);
        if
        :: true -> skip
        :: frame >= SLOTS ->    /* the oldest of a whole ring, which the producer takes next */
            frame = frame - (SLOTS - 1); slot = (slot + 1) % SLOTS
        fi;
        /* FrameReader::pin; sync pin-vs-claim, other end: try_claim. */
#ifdef MUTANT_LOOKS_THEN_PINS
        STEP(seen = state[slot]);
#endif
#ifdef MUTANT_PIN_RELEASE
        STEP(pin_on_its_way[me] == 0 -> pin_on_its_way[me] = slot + 1);
#else
        STEP(pin[slot * IDS + me]++);
#endif
#ifdef MUTANT_NO_LOOK
        seen = frame;
#endif
#if !defined(MUTANT_LOOKS_THEN_PINS) && !defined(MUTANT_NO_LOOK)
        STEP(seen = state[slot];
             viewed[me * 2 + (viewed[me * 2] == NONE -> 0 : 1)] = (seen == frame -> slot : NONE));
#else
        viewed[me * 2 + (viewed[me * 2] == NONE -> 0 : 1)] = (seen == frame -> slot : NONE);
#endif
        if
        :: seen == frame ->
            assert(payload[slot] == frame);
            if
            :: held != NONE -> unpin()
            :: else -> skip
            fi;
            held = slot; held_frame = frame; seen = 0; frame = 0; slot = 0
        :: else ->
            /* Overwritten */
#ifndef MUTANT_STAYS_PINNED
            STEP(pin_on_its_way[me] == 0 -> pin[slot * IDS + me]--)
#else
            skip
#endif
        fi
    :: else -> break
    od;
    if
    :: held != NONE -> unpin()
    :: else -> skip
    fi;
    assert(pin_on_its_way[me] != 0 ||
           (pin[0 + me] == 0 && pin[IDS + me] == 0 && pin[2 * IDS + me] == 0));
    STEP(lock[me] = FREE);
    goto through;

died:
    atomic {
        pin_on_its_way[me] == 0;
        if :: lock[me] == CONSUMER -> lock[me] = FREE :: else -> skip fi;
        viewed[me * 2] = NONE; viewed[me * 2 + 1] = NONE;
        if
        :: goto start                   /* the next owner of the id */
        :: skip                         /* nobody comes back */
        fi
    };
through:
    gone++
}

/* Store buffers empty when they like. */
#if defined(MUTANT_MARK_RELEASE) || defined(MUTANT_PIN_RELEASE)
active proctype Buffers()
{
end:
    do
    :: d_step { mark_on_its_way != 0 -> state[mark_on_its_way - 1] = WRITING; mark_on_its_way = 0 }
    :: d_step { pin_on_its_way[0] != 0 -> pin[(pin_on_its_way[0] - 1) * IDS]++; pin_on_its_way[0] = 0 }
    :: d_step { pin_on_its_way[1] != 0 -> pin[(pin_on_its_way[1] - 1) * IDS + 1]++; pin_on_its_way[1] = 0 }
    od
}
#endif

init {
    atomic {
        state[0] = 1; state[1] = 2; state[2] = 3;
        payload[0] = 1; payload[1] = 2; payload[2] = 3;
        run Producer();
        run Consumer(0);
        run Consumer(1)
    }
}
