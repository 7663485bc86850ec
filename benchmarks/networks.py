"""The networks of the benchmark's tasks in Saltus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import points
import speech
from points import Points
from speech import Speech

import saltus


def recurrent(
    task: Speech, threads: int, hidden: Mapping[str, Any], output: Mapping[str, Any], **options: Any
) -> saltus.Network:
    """The network of speech.py, with as many neurons as the task has.

    ``hidden``, ``output``: more for the layers; ``options``: for the whole, which may have another T.
    """
    layers = [
        saltus.Layer(
            "lif",
            len(task.w_rec),
            inputs=speech.INPUTS,
            recurrent=True,
            weights=task.w_in,
            recurrent_weights=task.w_rec,
            name="hidden",
            **hidden,
        ),
        saltus.Layer("li", speech.CLASSES, weights=task.w_out, name="output", **output),
    ]
    loss = saltus.loss("sum_cross_entropy", readout="sum_V", scale=speech.SCALE)
    return saltus.Network(layers, **{"T": speech.HORIZON, "threads": threads, "loss": loss} | options)


def feed_forward(
    task: Points, threads: int, hidden: Mapping[str, Any], output: Mapping[str, Any], **options: Any
) -> saltus.Network:
    """The network of points.py, in the same way."""
    first, second = ({"params": {"tau_syn": task.tau_syn}} | dict(more) for more in (hidden, output))
    layers = [
        saltus.Layer(
            "lif", points.HIDDEN, inputs=points.INPUTS, weights=task.weights_1, name="hidden", **first
        ),
        saltus.Layer("lif", points.OUTPUTS, weights=task.weights_2, name="output", **second),
    ]
    loss = saltus.loss(
        "first_spike_cross_entropy",
        tau_0=points.TAU_0,
        tau_1=points.TAU_1,
        alpha=points.ALPHA,
        missing=points.HORIZON,
    )
    return saltus.Network(layers, T=points.HORIZON, threads=threads, loss=loss, **options)


def own(neurons: int, *also: str) -> dict[str, Any]:
    """For a layer: time constants of each neuron's own, and all parameters learned, ``also`` these."""
    rng = np.random.default_rng(neurons)
    constants = {"tau_mem": rng.uniform(15e-3, 25e-3, neurons), "tau_syn": rng.uniform(4e-3, 6e-3, neurons)}
    names = ("V0", "I0", *also)
    return {"params": constants, "per_neuron": names, "learn": ("weights", *constants, *names)}
