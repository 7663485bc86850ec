"""How far the clock's gradient is from the exact one, against dt: a table, and a plot for the documentation.

    python benchmarks/clock_distance.py [--batch 16] [--plot FILE]

The networks are those of speech.py (700 inputs, 256 LIF neurons, 20 readouts, one second, 8,000 input spikes
on a grid of 1 ms), with and without recurrence, and a small feed-forward one. Compared are the gradients of
the weights into the hidden neurons, summed over the batch: their cosine, and the norm of their difference
over the norm of the exact one.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from networks import recurrent
from numpy.typing import NDArray
from speech import CLASSES, INPUTS, STEP, draw

import saltus

STEPS = STEP / np.array([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000])
Gradient = Callable[..., tuple[NDArray[np.float64], int]]
"""Options of a network to its gradient and number of hidden spikes."""


@dataclass(frozen=True)
class Distance:
    """Of one step: cosine, relative error, and hidden spikes beside the exact number."""

    dt: float
    cosine: float
    error: float
    spikes: int


def speech(batch: int, feedback: bool) -> Gradient:
    """The gradient of the recurrent task, or of the same without recurrence."""
    task = draw(batch, binned=True)
    if not feedback:
        task.w_rec[...] = 0.0
    events = list(zip(task.times, task.channels, strict=True))
    spikes = saltus.Spikes.from_events(events, INPUTS)
    labels = np.arange(batch) % CLASSES

    def gradient(**options: Any) -> tuple[NDArray[np.float64], int]:
        net = recurrent(task, threads=1, hidden={}, output={}, **options)
        result = net.run(spikes, labels)
        found = net.gradients(result, wrt=("input_hidden.weights",))
        return found["input_hidden.weights"].ravel(), len(result.spikes["hidden"].times)

    return gradient


def small(batch: int) -> Gradient:
    """The gradient of two small layers, the network of the tests."""
    random = np.random.default_rng(4)
    first, second, out = (
        random.normal(1.8, 0.5, (4, 8)),
        random.normal(0.9, 0.3, (8, 6)),
        random.normal(size=(6, 2)),
    )
    steps = np.sort(np.random.default_rng(0).integers(1, 30, (batch, 4, 4)), axis=2)
    spikes = saltus.Spikes.from_times([list(sample * STEP) for sample in steps])

    def gradient(**options: Any) -> tuple[NDArray[np.float64], int]:
        layers = [
            saltus.Layer("lif", 8, inputs=4, weights=first, name="first"),
            saltus.Layer("lif", 6, weights=second, name="second"),
            saltus.Layer("li", 2, weights=out, name="out"),
        ]
        net = saltus.Network(layers, T=0.05, threads=1, **options)
        result = net.run(spikes)
        found = net.gradients(result, d_readouts={"out": {"sum_V": np.ones((batch, 2))}}, wrt=net.learnable)
        flat = np.concatenate([found["input_first.weights"].ravel(), found["first_second.weights"].ravel()])
        return flat, len(result.spikes["first"].times)

    return gradient


def distances(gradient: Gradient) -> tuple[int, list[Distance]]:
    """The exact number of hidden spikes, and the distance for each step, in float64."""
    exact, spikes = gradient()
    found = []
    for dt in STEPS:
        other, count = gradient(engine="clock", dt=float(dt), dtype="float64")
        cosine = float(exact @ other / np.linalg.norm(exact) / np.linalg.norm(other))
        error = float(np.linalg.norm(other - exact) / np.linalg.norm(exact))
        found.append(Distance(float(dt), cosine, error, count))
    return spikes, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--plot", type=Path, help="draw into this file")
    arguments = parser.parse_args()
    cases = {
        "14 neurons, feed-forward": small(arguments.batch),
        "256 neurons, feed-forward": speech(arguments.batch, feedback=False),
        "256 neurons, recurrent": speech(arguments.batch, feedback=True),
    }
    found = {name: distances(gradient) for name, gradient in cases.items()}
    print(
        "| dt (ms) | " + " | ".join(f"{name} ({exact} spikes)" for name, (exact, _) in found.items()) + " |"
    )
    print("| --- |" + " --- |" * len(found))
    for i, dt in enumerate(STEPS):
        cells = (f"{d[i].cosine:.3f}, {d[i].error:.3f} ({d[i].spikes})" for _, d in found.values())
        print(f"| {dt * 1e3:g} | " + " | ".join(cells) + " |")
    if arguments.plot:
        draw_lines({name: rows for name, (_, rows) in found.items()}, arguments.plot)


def draw_lines(found: dict[str, list[Distance]], path: Path) -> None:
    """Relative error and 1 - cosine against dt, with a line of the first order."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharex=True)
    milliseconds = STEPS * 1e3
    for name, rows in found.items():
        left.loglog(milliseconds, [row.error for row in rows], "o-", label=name)
        right.loglog(milliseconds, [1.0 - row.cosine for row in rows], "o-", label=name)
    left.loglog(milliseconds, 0.1 * milliseconds, "k:", label="first order")
    left.set(xlabel="dt (ms)", ylabel="relative error of the gradient")
    right.set(xlabel="dt (ms)", ylabel="1 - cosine with the exact gradient")
    left.legend(fontsize="small")
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
