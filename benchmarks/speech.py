"""The recurrent task: 700 inputs, 256 recurrent LIF neurons, 20 leaky readouts, one second, 8,000 input
spikes.

Spikes are as many as in a spoken word of the Spiking Heidelberg Digits, and uniformly random: what is
timed is the work of a training step, not what can be learned. The loss is the cross-entropy of the
readouts' integrals.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

INPUTS, HIDDEN, CLASSES, EVENTS = 700, 256, 20, 8000
HORIZON, STEP = 1.0, 1e-3
TAU_MEM, TAU_SYN = 20e-3, 5e-3
SCALE = 1000.0
"""Of the loss: integrals are in seconds, and the softmax sees milliseconds."""


@dataclass(frozen=True)
class Speech:
    """Weights, presynaptic first, exact in float32; times (s), ascending, and channels: (samples, 8000)."""

    w_in: NDArray[np.float64]
    w_rec: NDArray[np.float64]
    w_out: NDArray[np.float64]
    times: NDArray[np.float64]
    channels: NDArray[np.integer]
    labels: NDArray[np.integer]

    def save(self, path: Path) -> None:
        np.savez(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> Speech:
        with np.load(path) as file:
            return cls(**file)

    def dense(self, batch: int) -> NDArray[np.float32]:
        """Spike counts on the grid, (steps, batch, inputs), for tools that step through time."""
        steps = round(HORIZON / STEP)
        counts = np.zeros((steps, batch, INPUTS), np.float32)
        at = np.minimum((self.times[:batch] / STEP + 0.5).astype(int), steps - 1)
        np.add.at(counts, (at, np.arange(batch)[:, None], self.channels[:batch]), 1.0)
        return counts


def draw(samples: int, binned: bool) -> Speech:
    """Draws a network and inputs; ``binned``: input spikes lie on a grid of 1 ms."""
    rng = np.random.default_rng(1)

    def normal(rows: int, columns: int, mean: float, std: float) -> NDArray[np.float64]:
        values = rng.normal(mean, std, (rows, columns))
        return np.rint(values * 2.0**21) * 2.0**-21  # sums of a few are exact in float32

    w_in, w_rec = normal(INPUTS, HIDDEN, 0.015, 0.2), normal(HIDDEN, HIDDEN, 0.0, 0.06)
    w_out = normal(HIDDEN, CLASSES, 0.0, 0.002)
    np.fill_diagonal(w_rec, 0.0)
    times = np.sort(rng.uniform(0.0, HORIZON - STEP, (samples, EVENTS)))
    if binned:
        times = np.rint(times / STEP) * STEP
    channels = rng.integers(0, INPUTS, (samples, EVENTS), dtype=np.int32)
    return Speech(w_in, w_rec, w_out, times, channels, rng.integers(0, CLASSES, samples, dtype=np.int32))
