"""What is measured: tasks, and who takes part in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import points
import speech


class Drawn(Protocol):
    """A network and its data, as a file that contestants read."""

    def save(self, path: Path) -> None: ...


@dataclass(frozen=True)
class Contestant:
    """Who steps: its script, what that takes, the setting of the task, and the environment it lives in.

    Where contestants share a setting, the gradient of the first of them is what the others' are compared
    with; the speed of each is compared with the last kernel by hand above it.
    """

    name: str
    script: str
    setting: str
    arguments: tuple[str, ...] = ()
    peer: str | None = None
    by_hand: bool = False


@dataclass(frozen=True)
class Task:
    """A training step: its settings by name, each drawn for a number of samples.

    batch: how many they are, where it is not for the user to say.
    """

    title: str
    settings: Mapping[str, Callable[[int], Drawn]]
    contestants: tuple[Contestant, ...]
    batch: int | None = None


ANY, GRID, ANY_OWN, GRID_OWN = "any time", "1 ms grid", "any time, own τ", "1 ms grid, own τ"
SHARED, OWN, TWICE = "τ_m = 4 τ_s", "own τ", "τ_m = 2 τ_s"

HAND = Contestant("by hand, exact", "by_hand_points.py", SHARED, by_hand=True)
EVENT = Contestant("Saltus event", "saltus_points.py", SHARED, ("event",))
EVENT_OWN = Contestant("Saltus event, all gradients", "saltus_points.py", OWN, ("event-own",))
CLOCK = Contestant("Saltus clock, 0.1 ms", "saltus_points.py", SHARED, ("clock",))
CLOCK_OWN = Contestant("Saltus clock, all gradients", "saltus_points.py", OWN, ("clock-own",))
"""Who takes the steps of Yin-Yang, with few samples and with many."""

TASKS = {
    "speech": Task(
        "700-256r-20, one second, 8,000 input spikes",
        {
            ANY: partial(speech.draw, binned=False),
            ANY_OWN: partial(speech.draw, binned=False),
            GRID: partial(speech.draw, binned=True),
            GRID_OWN: partial(speech.draw, binned=True),
        },
        (
            Contestant("by hand, exact", "by_hand_speech.py", ANY, ("c",), by_hand=True),
            Contestant("Saltus event", "saltus_speech.py", ANY, ("event",)),
            Contestant("Saltus event, all gradients", "saltus_speech.py", ANY_OWN, ("event-own",)),
            Contestant("by hand, exact", "by_hand_speech.py", GRID, ("d",), by_hand=True),
            Contestant("Saltus event", "saltus_speech.py", GRID, ("event",)),
            Contestant("Saltus event, all gradients", "saltus_speech.py", GRID_OWN, ("event-own",)),
            Contestant("by hand, clock", "by_hand_speech.py", GRID, ("a",), by_hand=True),
            Contestant("Saltus clock", "saltus_speech.py", GRID, ("clock",)),
            Contestant("Saltus clock, all gradients", "saltus_speech.py", GRID_OWN, ("clock-own",)),
            Contestant("Norse", "norse_surrogate.py", GRID, peer="norse"),
            Contestant("snnTorch", "snntorch_surrogate.py", GRID, peer="snntorch"),
        ),
    ),
    "yin-yang": Task(
        "Yin-Yang, 5-120-3, 60 ms",
        {
            SHARED: points.draw,
            OWN: points.draw,
            TWICE: partial(points.draw, tau_syn=points.TAU_MEM / 2, scale=0.57),
        },
        (
            HAND,
            Contestant("Saltus event, kernels alone", "saltus_kernels.py", SHARED, ("event",)),
            EVENT,
            Contestant("Saltus event, kernels alone", "saltus_kernels.py", OWN, ("event-own",)),
            EVENT_OWN,
            CLOCK,
            CLOCK_OWN,
            Contestant(
                "Eventax, Euler 0.05 ms", "eventax_eventprop.py", SHARED, ("Euler", "0.05"), "eventax"
            ),
            Contestant("Eventax, Heun 0.1 ms", "eventax_eventprop.py", SHARED, ("Heun", "0.1"), "eventax"),
            Contestant("Saltus event", "saltus_points.py", TWICE, ("event",)),
            Contestant("jaxsnn", "jaxsnn_eventprop.py", TWICE, peer="jaxsnn"),
        ),
    ),
    "yin-yang-512": Task(
        "The same, 512 samples a step",
        {SHARED: points.draw, OWN: points.draw},
        (HAND, EVENT, EVENT_OWN, CLOCK, CLOCK_OWN),
        batch=512,
    ),
}
