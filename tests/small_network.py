"""Networks and inputs for the runtime's tests: small, but with several spikes a neuron."""

from __future__ import annotations

from typing import Any

import numpy as np

import saltus

T = 0.06
LOSS = saltus.loss("first_spike_cross_entropy", tau_0=5e-3, tau_1=20e-3, alpha=0.01, missing=0.1)


def layers(recurrent: bool = False, **changes: Any) -> saltus.Network:
    """4 inputs, 9 hidden neurons, 3 outputs."""
    hidden = saltus.Layer(
        "lif",
        9,
        inputs=4,
        recurrent=recurrent,
        weights=saltus.Normal(2.0, 0.7),
        recurrent_weights=saltus.Normal(0.2, 0.4),
        learn=("weights", "tau_mem", "theta"),
    )
    output = saltus.Layer("lif", 3, weights=saltus.Normal(0.8, 0.5))
    options = {"T": T, "loss": LOSS, "seed": 1, **changes}
    return saltus.Network([hidden, output], **options)


def content(**changes: Any) -> dict[str, Any]:
    """4 inputs, 6 hidden neurons, 3 outputs; names such as ``populations__hid__size`` say what to change."""
    random = np.random.default_rng(3)
    found: dict[str, Any] = {
        "populations": {"hid": {"model": "lif", "size": 6}, "out": {"model": "lif", "size": 3}},
        "projections": {
            "in_hid": {"pre": "in", "post": "hid", "weights": random.normal(2.0, 0.5, (4, 6))},
            "hid_out": {"pre": "hid", "post": "out", "weights": random.normal(1.0, 0.5, (6, 3))},
        },
        "inputs": {"in": 4},
        "T": T,
        "loss": LOSS,
    }
    for place, change in changes.items():
        part = found
        *path, last = place.split("__")
        for key in path:
            part = part[key]
        part[last] = change
    return found


def build(**changes: Any) -> saltus.Network:
    """The network of ``content``."""
    return saltus.Network(**content(**changes))


def spikes(samples: int = 3, inputs: int = 4, seed: int = 0, each: int = 4) -> saltus.Spikes:
    """Random input spikes in the first half of the time."""
    random = np.random.default_rng(seed)
    times = np.sort(random.uniform(0.0, T / 2, (samples, inputs, each)), axis=2)
    return saltus.Spikes.from_times([list(sample) for sample in times])


def labels(samples: int = 3) -> np.ndarray:
    """Classes 0, 1, 2, 0, ..."""
    return np.arange(samples) % 3
