"""Saltus on the Yin-Yang task, through its public interface; which engine and parameters come after the
others."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from contestant import Outcome, serve
from networks import feed_forward, own
from points import HIDDEN, OUTPUTS, Points
from saltus_step import repeated

import saltus

FIRST = {"spikes_kept": 1}
"""The outputs are followed to their first spike, as the kernel written by hand does."""
SHARED: dict[str, Any] = {"hidden": {}, "output": {}}
OWN: dict[str, Any] = {"hidden": own(HIDDEN, "theta", "v_reset"), "output": own(OUTPUTS, "theta")}
CLOCK: dict[str, Any] = {"engine": "clock", "dt": 1e-4}
WEIGHTS = ("input_hidden.weights", "hidden_output.weights")
VARIANTS: dict[str, tuple[dict[str, Any], tuple[str, ...] | None]] = {
    "event": (SHARED | {"output": FIRST}, WEIGHTS),
    "clock": (SHARED | CLOCK, WEIGHTS),
    "event-own": (OWN | {"output": OWN["output"] | FIRST}, None),
    "clock-own": (OWN | CLOCK, None),
}
"""What the network takes, and what gradients are of."""


def build(task: Points, batch: int, threads: int) -> Callable[[], Outcome]:
    options, wrt = VARIANTS[sys.argv[4]]
    net = feed_forward(task, threads, **options)
    spikes, labels = saltus.Spikes.from_times(task.times[:batch]), task.labels[:batch]
    return repeated(net, spikes, labels, wrt)


if __name__ == "__main__":
    serve(Points.load, build, "saltus")
