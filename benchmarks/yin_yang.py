"""Throughput of training steps, 5-120-3 on Yin-Yang-like data, against a kernel written by hand for it.

    python benchmarks/yin_yang.py [--json] [--rounds 400]

One core, float64, forward and backward, gradients of the weights alone. The hand-written kernel
(hand_written/) and Saltus are given the same network and data (points.py) and do the same work: loss, spike
counts and gradients are compared before anything is timed. Steps of all contestants alternate, so
that a busy machine slows all of them; times are CPU times of the calling thread, medians with quartiles.

`kernels` are Saltus's compiled functions alone, called again and again with the pointers of one step; `step`
is what a user calls: `network.run` and `network.gradients`. A ratio is the hand-written kernel's time over
the contestant's, the median over the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from networks import feed_forward
from points import Points, draw
from yardstick import Yardstick, processor

import saltus
from saltus.runtime.kernel import head_kernel

WEIGHTS = ("input_hidden.weights", "hidden_output.weights")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--batches", type=int, nargs="+", default=[32, 512])
    arguments = parser.parse_args()
    task = draw(max(arguments.batches))
    yardstick = Yardstick(task)
    reports = [measure(yardstick, task, batch, arguments.rounds) for batch in arguments.batches]
    if arguments.json:
        print(json.dumps({"machine": processor(), "load": os.getloadavg(), "reports": reports}, indent=1))
    else:
        show(reports)


def measure(yardstick: Yardstick, task: Points, batch: int, rounds: int) -> dict[str, Any]:
    """Checks that both do the same work on the first ``batch`` samples, then times them in turns."""
    step = Step(network(task), task, batch)
    agreement = compare(yardstick, step, batch)
    contestants = {"hand-written": lambda: yardstick.step(batch), "kernels": step.kernels(), "step": step}
    times = alternate(contestants, rounds)
    return {
        "batch": batch,
        **agreement,
        "us_per_sample": {name: summary(t / batch * 1e6) for name, t in times.items()},
        "ratio": {name: float(np.median(times["hand-written"] / t)) for name, t in times.items()},
    }


def network(task: Points) -> saltus.Network:
    """The outputs are followed to their first spike, as by the yardstick."""
    return feed_forward(task, threads=1, hidden={}, output={"spikes_kept": 1})


class Step:
    """One training step's forward and backward pass through the public interface."""

    def __init__(
        self, net: saltus.Network, task: Points, batch: int, wrt: tuple[str, ...] | None = WEIGHTS
    ) -> None:
        self.net, self.wrt = net, wrt
        self.spikes = saltus.Spikes.from_times(task.times[:batch])
        self.labels = task.labels[:batch]

    def __call__(self) -> tuple[saltus.Result, dict[str, Any]]:
        result = self.net.run(self.spikes, self.labels)
        return result, self.net.gradients(result, wrt=self.wrt)

    def kernels(self) -> Callable[[], None]:
        """The compiled functions that a step calls, with the very arguments, and nothing around them."""
        calls: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        used = {id(kernel): kernel for kernel in (group.kernel for group in self.net.groups.values())}
        used[0] = head_kernel(self.net.loss.head)
        self()  # buffers have their sizes from here on
        libraries = {key: kernel.lib for key, kernel in used.items()}
        for key, kernel in used.items():
            kernel.lib = _Recorder(libraries[key], calls)
        held = self()
        for key, kernel in used.items():
            kernel.lib = libraries[key]

        def replay(held: Any = held) -> None:
            for function, arguments in calls:
                function(*arguments)

        return replay


@dataclass
class _Recorder:
    """Stands in for a library and writes down what is called."""

    library: Any
    calls: list[tuple[Callable[..., Any], tuple[Any, ...]]]

    def __getattr__(self, name: str) -> Any:
        function = getattr(self.library, name)

        def call(*arguments: Any) -> Any:
            self.calls.append((function, arguments))
            return function(*arguments)

        return call


def compare(yardstick: Yardstick, step: Step, batch: int) -> dict[str, Any]:
    """Loss, spikes and gradients of both; raises if they are not the same."""
    loss = yardstick.step(batch)
    result, gradients = step()
    spikes = {
        "hand-written": yardstick.spikes.tolist(),
        "saltus": [len(result.spikes[name].times) for name in ("hidden", "output")],
    }
    off = [
        float(np.abs(found - expected).max() / np.abs(expected).max())
        for found, expected in zip(
            (gradients[name] for name in WEIGHTS), (yardstick.gradient_1, yardstick.gradient_2), strict=True
        )
    ]
    if abs(result.loss - loss) > 1e-10 * loss or max(off) > 1e-7:
        raise SystemExit(f"Not the same work: loss {loss} and {result.loss}, gradients off by {off}.")
    return {"loss": loss, "loss_saltus": result.loss, "spikes": spikes, "gradients_off_by": off}


def alternate(contestants: dict[str, Callable[[], Any]], rounds: int) -> dict[str, np.ndarray]:
    """CPU seconds of each contestant's step in each round."""
    times = {name: np.empty(rounds) for name in contestants}
    for i in range(-10, rounds):
        for name, contestant in contestants.items():
            start = time.thread_time_ns()
            contestant()
            elapsed = time.thread_time_ns() - start
            if i >= 0:
                times[name][i] = elapsed * 1e-9
    return times


def summary(microseconds: np.ndarray) -> dict[str, float]:
    low, median, high = np.percentile(microseconds, [25, 50, 75])
    return {"median": median, "quartiles": [low, high], "best": float(microseconds.min())}


def show(reports: list[dict[str, Any]]) -> None:
    print(processor(), "| load", *(f"{x:.1f}" for x in os.getloadavg()))
    for report in reports:
        hidden, output = report["spikes"]["hand-written"]
        print(
            f"\nbatch {report['batch']}: {hidden} hidden and {output} output spikes by hand, "
            f"{report['spikes']['saltus'][0]} and {report['spikes']['saltus'][1]} in Saltus; "
            f"gradients agree to {max(report['gradients_off_by']):.0e}"
        )
        print(f"{'':14}{'us a sample':>12}{'quartiles':>16}{'best':>8}{'ratio':>8}")
        for name, times in report["us_per_sample"].items():
            low, high = times["quartiles"]
            print(
                f"{name:14}{times['median']:12.2f}{low:8.2f}{high:8.2f}{times['best']:8.2f}{report['ratio'][name]:8.2f}"
            )


if __name__ == "__main__":
    main()
