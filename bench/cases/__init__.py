"""The cases by name, in the order in which they are run."""

from collections.abc import Callable

from bench.cases import (
    behind,
    comeback,
    fairness,
    fanout,
    hostile,
    idle,
    ingest,
    interests,
    latency,
    queues,
    recording,
    replays,
    resume,
    slow,
    storm,
    workers,
)
from bench.rows import Row
from bench.setting import Setting

CASES: dict[str, Callable[[Setting], list[Row]]] = {
    "F1": fanout.run_f1,
    "F2": fanout.run_f2,
    "F3": fanout.run_f3,
    "F4": idle.run_f4,
    "F5": ingest.run_f5,
    "F6": interests.run_f6,
    "F7": storm.run_f7,
    "F8": latency.run_f8,
    "F9": fairness.run_f9,
    "F10": workers.run_f10,
    "H1": hostile.run_h1,
    "R1": resume.run_r1,
    "R2": recording.run_r2,
    "R3": recording.run_r3,
    "R4": replays.run_r4,
    "R5": replays.run_r5,
    "R6": comeback.run_r6,
    "R7": behind.run_r7,
    "R8": idle.run_r8,
    "R9": replays.run_r9,
    "slow": slow.run_slow,
    "queues": queues.run_queues,
    "instances": recording.run_instances,
}

LONG = {"R4", "R5", "R9", "instances"}
"""They take minutes, and are run when they are asked for."""
