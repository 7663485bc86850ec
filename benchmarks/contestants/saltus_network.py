"""The network of the recurrent task in Saltus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contestant import Outcome
from speech import CLASSES, HIDDEN, HORIZON, INPUTS, SCALE, Speech

import saltus

WEIGHTS = ("input_hidden.weights", "hidden_hidden.weights", "hidden_output.weights")


def network(task: Speech, threads: int, **options: Any) -> saltus.Network:
    """The network; ``options``: the engine and what it takes."""
    hidden = saltus.Layer(
        "lif",
        HIDDEN,
        inputs=INPUTS,
        recurrent=True,
        weights=task.w_in,
        recurrent_weights=task.w_rec,
        name="hidden",
    )
    output = saltus.Layer("li", CLASSES, weights=task.w_out, name="output")
    loss = saltus.loss("sum_cross_entropy", readout="sum_V", scale=SCALE)
    return saltus.Network([hidden, output], T=HORIZON, threads=threads, loss=loss, **options)


def saltus_step(task: Speech, batch: int, threads: int, **options: Any) -> Callable[[], Outcome]:
    """One step of ``network.run`` and ``network.gradients``."""
    net = network(task, threads, **options)
    events = zip(task.times[:batch], task.channels[:batch], strict=True)
    spikes, labels = saltus.Spikes.from_events(list(events), INPUTS), task.labels[:batch]

    def step() -> Outcome:
        result = net.run(spikes, labels)
        net.gradients(result, wrt=WEIGHTS)
        return float(result.loss), len(result.spikes["hidden"].times)

    return step
