"""The Promela models, and the mutants of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """One run of SPIN."""

    name: str
    file: str
    defines: tuple[str, ...] = ()
    is_mutant: bool = False


def mutants(file: str, names: list[str], *bounds: str) -> list[Model]:
    return [Model(f"{file}: {name}", file, (f"MUTANT_{name}", *bounds), True) for name in names]


# Part of an assertion as SPIN prints it, and the property that it is.
PROPERTIES = {
    "viewed[0]": "no byte of a pinned frame is written",
    "payload[": "no reader validates a half-written frame",
    "taken!=9": "nothing stays pinned by the dead, and no slot is lost",
    "pin_on_its_way": "a consumer that is through pins nothing",
    "state[0]!=255": "a new producer takes back what the dead one was writing",
    "latest>=next": "a new producer announces every frame",
    "greatest": "no frame number is given twice",
    "invalid end state": "nobody waits for ever",
}

FRAMES_MUTANTS = [
    "MARK_RELEASE",
    "PIN_RELEASE",
    "NO_SECOND_LOOK",
    "NO_RESTORE",
    "NO_LOOK",
    "LOOKS_THEN_PINS",
    "STAYS_PINNED",
    "UNPINS_THEN_READS",
    "BURY_THE_LIVING",
    "BURY_CLEARS_NOTHING",
    "BURY_KEEPS_LOCK",
    "INHERITS_PINS",
    "LEAVES_HALF_WRITTEN",
    "USES_A_LOST_NUMBER",
]
WAKE_MUTANTS = [
    "LATEST_RELEASE",
    "FLAG_RELEASE",
    "LOOKS_THEN_PUBLISHES",
    "NO_SECOND_LOOK",
    "FLAG_THEN_WORD",
    "WORD_THEN_FLAG",
    "WORD_STAYS",
    "NO_FUTEX_CALL",
    "WAKES_BEFORE_IT_ANNOUNCES",
    "TAKE_OVER_WAKES_NOBODY",
]

FRAMES_BOUNDS = ("PUTS=1", "GETS=1", "CRASHES=1")
WAKE_BOUNDS = ("NEWS=2", "CRASHES=1")


def sound(file: str, *bounds: str) -> Model:
    return Model(f"{file}: {' '.join(bounds)}", file, bounds)


QUICK = [sound("frames.pml", *FRAMES_BOUNDS), sound("wake.pml", *WAKE_BOUNDS)]
DEEP = [
    sound("frames.pml", "PUTS=2", "GETS=2", "CRASHES=1"),
    sound("frames.pml", "PUTS=1", "GETS=1", "CRASHES=2"),
    sound("wake.pml", "NEWS=3", "CRASHES=1"),
    sound("wake.pml", "NEWS=2", "CRASHES=2"),
]
MUTANTS = [
    *mutants("frames.pml", FRAMES_MUTANTS, *FRAMES_BOUNDS),
    *mutants("wake.pml", WAKE_MUTANTS, *WAKE_BOUNDS),
]
