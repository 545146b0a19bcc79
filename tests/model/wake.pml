/* The wake-up protocol, step by step as in src/tensor_ipc/notify/wake_word.hpp: one producer that
 * publishes NEWS frames and ends in order, two sleepers that want each of them and then the end. No
 * wait has a deadline, so a lost wake-up is a process that waits for ever. Anyone may be killed
 * before every step, CRASHES times in all, and comes back.
 *
 * Steps and store buffers are those of frames.pml.
 */

#ifndef NEWS
#define NEWS 3
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#define SLEEPERS 2

byte committed;                 /* number + 1 of the newest frame that a slot holds */
byte latest;                    /* ... and of the one that was announced */
bool ended;
byte word;
bool waiting;
bool asleep[SLEEPERS];          /* in the futex call */
byte next[SLEEPERS];            /* number + 1 of the frame that each wants */

byte latest_on_its_way;         /* store buffers of one place */
bool flag_on_its_way[SLEEPERS];

byte crashes = CRASHES;

#define STEP(what) \
    if \
    :: atomic { crashes > 0 -> crashes--; goto died } \
    :: atomic { what } \
    fi

#define DRAINED (latest_on_its_way == 0)

inline futex_wake_all()
{
#ifndef MUTANT_NO_FUTEX_CALL
    STEP(asleep[0] = false; asleep[1] = false)
#else
    skip
#endif
}

/* WakeWord::wake; sync flag-vs-word, other end: Sleeper. */
inline wake()
{
#ifdef MUTANT_WORD_THEN_FLAG
    STEP(DRAINED -> word++);
    STEP(waiting = false);
#else
    STEP(DRAINED -> waiting = false);
#ifndef MUTANT_WORD_STAYS
    STEP(word++);
#endif
#endif
    futex_wake_all()
}

active proctype Producer()
{
    byte flag;

start:
#ifdef MUTANT_WAKES_BEFORE_IT_ANNOUNCES
    wake();
#endif
    /* FrameWriter::FrameWriter: announces what its predecessor only committed. */
    if
    :: committed > latest -> STEP(latest = committed)
    :: else -> skip
    fi;
#if !defined(MUTANT_WAKES_BEFORE_IT_ANNOUNCES) && !defined(MUTANT_TAKE_OVER_WAKES_NOBODY)
    wake();
#endif
    do
    :: committed < NEWS ->
        /* FrameWriter::commit, WakeWord::notify; sync sleep-vs-publish, other end: Sleeper. */
#ifdef MUTANT_LOOKS_THEN_PUBLISHES
        STEP(flag = waiting);
#endif
        STEP(DRAINED -> committed++);
#ifdef MUTANT_LATEST_RELEASE
        STEP(latest_on_its_way = committed);
#else
        STEP(latest = committed);
#endif
#ifndef MUTANT_LOOKS_THEN_PUBLISHES
        STEP(flag = waiting);
#endif
        if
        :: flag -> flag = false; wake()
        :: else -> skip
        fi
    :: else -> break
    od;
    /* segment/producer_segment.cpp, end_segment: wakes whether or not the flag is up. */
    /* The end must not help those whose wake-up was lost. */
    STEP(DRAINED && next[0] > latest && next[1] > latest -> ended = true);
    STEP(word++);
    futex_wake_all();
    goto through;

died:
    atomic { DRAINED; goto start };
through:
    skip
}

#define READY (ended || latest >= next[me])

/* WakeWord::wait, again and again. */
active [SLEEPERS] proctype Sleeper()
{
    byte seen;
    bool is_ready, was_ended;
    byte me;

    me = _pid - 1;
start:
    next[me] = 1;
    do
    :: true ->
        STEP(is_ready = READY);
        if
        :: !is_ready ->
            do
            :: !is_ready ->
#ifdef MUTANT_FLAG_THEN_WORD
                STEP(waiting = true);
                STEP(seen = word);
#else
                STEP(seen = word);
#ifdef MUTANT_FLAG_RELEASE
                STEP(!flag_on_its_way[me] -> flag_on_its_way[me] = true);
#else
                STEP(waiting = true);
#endif
#endif
#ifndef MUTANT_NO_SECOND_LOOK
                STEP(is_ready = READY);
#endif
                if
                :: !is_ready ->
                    /* futex wait: the kernel looks and puts to sleep under one lock; a system call
                     * leaves nothing in the store buffer for ever, but may go before it. */
                    STEP(asleep[me] = (word == seen));
                    STEP(!asleep[me] -> is_ready = READY; seen = 0)
                :: else -> skip
                fi
            :: else -> break
            od
        :: else -> skip
        fi;
        is_ready = false; seen = 0;
        STEP(was_ended = ended; next[me] = latest + 1);
        if
        :: was_ended -> break
        :: else -> skip
        fi
    od;
    goto through;

died:
    atomic { !flag_on_its_way[me]; asleep[me] = false; next[me] = 0; goto start };
through:
    skip
}

#if defined(MUTANT_LATEST_RELEASE) || defined(MUTANT_FLAG_RELEASE)
active proctype Buffers()
{
end:
    do
    :: d_step { latest_on_its_way != 0 -> latest = latest_on_its_way; latest_on_its_way = 0 }
    :: d_step { flag_on_its_way[0] -> waiting = true; flag_on_its_way[0] = false }
    :: d_step { flag_on_its_way[1] -> waiting = true; flag_on_its_way[1] = false }
    od
}
#endif
