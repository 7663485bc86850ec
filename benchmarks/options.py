"""What options of a layer cost, beside the same layer with shared parameters and nothing but weights learned.

    python benchmarks/options.py [--rounds 9] [--batch 2] [--binned]

The network is that of speech.py, its input at arbitrary times or, binned, on a grid of 1 ms. What differs
between neurons does so by a millionth, and sparse synapses are all those of the matrix or a tenth of them, so
that a row makes the spikes of what it is compared with. In each round all networks are made anew, since where
one lies in memory can make a third of its time, and take a step in turn, after one to warm up. CPU times of
one thread, medians.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import speech
from networks import recurrent
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import saltus

TAUS = {"tau_mem": speech.TAU_MEM, "tau_syn": speech.TAU_SYN}


class Option(NamedTuple):
    """A way to make a network, and the name of what it is compared with."""

    make: Callable[[], saltus.Network]
    beside: str = "shared"


class Step(NamedTuple):
    """CPU seconds of a batch, and hidden spikes of a sample."""

    forward: float
    backward: float
    spikes: int


def step(net: saltus.Network, spikes: saltus.Spikes, labels: NDArray[np.int32]) -> Step:
    start = time.process_time()
    result = net.run(spikes, labels)
    middle = time.process_time()
    net.gradients(result)
    emitted = len(result.spikes["hidden"].times) // len(result)
    return Step(middle - start, time.process_time() - middle, emitted)


def options(task: speech.Speech) -> dict[str, Option]:
    rng = np.random.default_rng(0)

    def layer(own: tuple[str, ...] = (), learn: tuple[str, ...] = (), **more: Any) -> Option:
        values = {"theta": 1.0, **TAUS}
        params = {name: values[name] * (1.0 + 1e-6 * rng.standard_normal(speech.HIDDEN)) for name in own}
        hidden = {"params": params, "learn": ("weights", *learn), **more}
        return Option(lambda: recurrent(task, 1, hidden, {}))

    def thin(sparse: bool) -> saltus.Network:
        """A tenth of the synapses, three times as strong."""
        random = np.random.default_rng(1)
        projections = {}
        for name, weights in {"input_hidden": task.w_in, "hidden_hidden": task.w_rec}.items():
            mask = (random.random(weights.shape) < 0.1) & (weights != 0.0)
            ends = np.nonzero(mask)
            there = (
                {"weights": (*ends, 3.0 * weights[ends])}
                if sparse
                else {"weights": 3.0 * weights, "mask": mask}
            )
            pre, _, post = name.partition("_")
            projections[name] = {"pre": pre, "post": post, **there}
        projections["hidden_output"] = {"pre": "hidden", "post": "output", "weights": task.w_out}
        sizes = {"hidden": ("lif", speech.HIDDEN), "output": ("li", speech.CLASSES)}
        return saltus.Network(
            T=speech.HORIZON,
            threads=1,
            inputs={"input": speech.INPUTS},
            populations={name: {"model": model, "size": size} for name, (model, size) in sizes.items()},
            projections=projections,
            loss=saltus.loss("sum_cross_entropy", readout="sum_V", scale=speech.SCALE),
        )

    flow, pairs = tuple(TAUS), (speech.HIDDEN, speech.HIDDEN)
    return {
        "shared": layer(),
        "own time constants": layer(own=flow),
        "time constants learned": layer(learn=flow),
        "threshold learned": layer(learn=("theta",)),
        "own time constants, learned": layer(own=flow, learn=flow),
        "own time constants, threshold learned": layer(own=flow, learn=("theta",)),
        "own thresholds": layer(own=("theta",)),
        "a delay between neurons": layer(recurrent_delay=1e-3),
        "sixteen delays of each neuron": layer(recurrent_delay=5e-4 * rng.integers(1, 17, pairs)),
        "a delay of each synapse": layer(recurrent_delay=rng.uniform(1e-3, 5e-3, pairs)),
        "a tenth, masked": Option(lambda: thin(sparse=False), "a tenth, masked"),
        "a tenth, sparse": Option(lambda: thin(sparse=True), "a tenth, masked"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--binned", action="store_true")
    arguments = parser.parse_args()
    task = speech.draw(arguments.batch, arguments.binned)
    events = list(zip(task.times, task.channels, strict=True))
    spikes = saltus.Spikes.from_events(events, speech.INPUTS)
    made = options(task)
    steps: dict[str, list[Step]] = {name: [] for name in made}
    for _ in range(arguments.rounds):
        for name, net in [(name, option.make()) for name, option in made.items()]:
            step(net, spikes, task.labels)
            steps[name].append(step(net, spikes, task.labels))
    medians = {name: np.median(found, axis=0) for name, found in steps.items()}
    table = Table("option", "spikes", "forward, ms", "×", "backward, ms", "×")
    for name, (forward, backward, emitted) in medians.items():
        more, again, _ = medians[name] / medians[made[name].beside]
        times = [1e3 * seconds / arguments.batch for seconds in (forward, backward)]
        table.add_row(
            name, f"{emitted:.0f}", f"{times[0]:.2f}", f"{more:.2f}", f"{times[1]:.2f}", f"{again:.2f}"
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
