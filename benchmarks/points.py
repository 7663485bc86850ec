"""The Yin-Yang task: 5 inputs, 120 LIF neurons, 3 outputs, the cross-entropy of their first spikes, 60 ms.

A point has two coordinates; their spikes, those of their mirror images and one at 0 are the input. Points and
labels are random, as what is timed is the work of a training step, not what can be learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

INPUTS, HIDDEN, OUTPUTS = 5, 120, 3
HORIZON, LATEST = 60e-3, 30e-3
TAU_MEM, TAU_SYN = 20e-3, 5e-3
TAU_0, TAU_1, ALPHA = 0.5e-3, 6.4e-3, 3e-3
"""Of the loss: log-softmax of -t/TAU_0, and ALPHA (exp(t/TAU_1) - 1) for the label's t. Neurons without a
spike count as spiking at the horizon."""


@dataclass(frozen=True)
class Points:
    """Weights, presynaptic first; times (s) of the one spike of each input: (samples, 5); tau_syn (s)."""

    weights_1: NDArray[np.float64]
    weights_2: NDArray[np.float64]
    times: NDArray[np.float64]
    labels: NDArray[np.int32]
    tau_syn: float

    def save(self, path: Path) -> None:
        np.savez(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> Points:
        with np.load(path) as file:
            return cls(**{**file, "tau_syn": float(file["tau_syn"])})


def draw(samples: int, tau_syn: float = TAU_SYN, scale: float = 1.0) -> Points:
    """Draws a network, its weights ``scale`` times as large as usual, and points."""
    rng = np.random.default_rng(99)
    weights_1 = scale * rng.normal(2.2, 1.0, (INPUTS, HIDDEN))
    weights_2 = scale * rng.normal(0.25, 0.1, (HIDDEN, OUTPUTS))
    labels = rng.integers(0, OUTPUTS, samples, dtype=np.int32)
    xy = rng.uniform(size=(samples, 2))
    times = LATEST * np.hstack([xy, 1.0 - xy, np.zeros((samples, 1))])
    return Points(weights_1, weights_2, times, labels, tau_syn)
