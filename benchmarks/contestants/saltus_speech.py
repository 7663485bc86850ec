"""Saltus on the recurrent task, through its public interface; which engine and parameters come after the
others."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from contestant import Outcome, serve
from networks import own, recurrent
from saltus_step import repeated
from speech import CLASSES, HIDDEN, INPUTS, STEP, Speech

import saltus

SHARED: dict[str, Any] = {"hidden": {}, "output": {}}
OWN: dict[str, Any] = {"hidden": own(HIDDEN, "theta", "v_reset"), "output": own(CLASSES)}
CLOCK: dict[str, Any] = {"engine": "clock", "dt": STEP}
WEIGHTS = ("input_hidden.weights", "hidden_hidden.weights", "hidden_output.weights")
VARIANTS: dict[str, tuple[dict[str, Any], tuple[str, ...] | None]] = {
    "event": (SHARED, WEIGHTS),
    "clock": (SHARED | CLOCK, WEIGHTS),
    "event-own": (OWN, None),
    "clock-own": (OWN | CLOCK, None),
}
"""What the network takes, and what gradients are of."""


def build(task: Speech, batch: int, threads: int) -> Callable[[], Outcome]:
    options, wrt = VARIANTS[sys.argv[4]]
    net = recurrent(task, threads, **options)
    events = zip(task.times[:batch], task.channels[:batch], strict=True)
    spikes, labels = saltus.Spikes.from_events(list(events), INPUTS), task.labels[:batch]
    return repeated(net, spikes, labels, wrt)


if __name__ == "__main__":
    serve(Speech.load, build, "saltus")
