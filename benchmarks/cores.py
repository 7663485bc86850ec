"""Two cores against one: the same training step with one thread and with two, in turns.

    python benchmarks/cores.py [--rounds 20] [--patience 60] [--json FILE]

A round is as many steps as take a fifth of a second. It waits until the cores are idle, a second at most, and
counts if they did little else meanwhile, by /proc/stat. A case ends when so many rounds have counted, or its
patience in seconds is over; if none has counted, the medians are those of all rounds. Beside them stand the
share of a step that is outside the kernels' parallel loops, and what it allows two cores at most.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import points
from networks import feed_forward
from rich.console import Console
from rich.table import Table
from scaling import ENGINES, Engine, Point, Step

import saltus

ROUND = 0.2
"""Seconds."""
QUIET = 0.05
"""Of a round's wall time: what others, the hypervisor among them, may have had of the cores."""

Steps = Callable[[int], Any]
"""A number of threads to a step, which has ``net``."""


@dataclass(frozen=True)
class Row:
    """One case: medians in seconds of a step with one thread and with two.

    wall: of a step; cpu: of all threads; quiet: rounds that counted; serial: share of one thread's step that
    is outside the parallel loops.
    """

    name: str
    wall: tuple[float, float]
    cpu: tuple[float, float]
    quiet: tuple[int, int]
    serial: float

    @property
    def speedup(self) -> float:
        return self.wall[0] / self.wall[1]

    @property
    def bound(self) -> float:
        """By Amdahl's law."""
        return 1.0 / (self.serial + (1.0 - self.serial) / 2.0)


@dataclass(frozen=True)
class Round:
    """Seconds of a step: wall, CPU of all threads, in parallel loops; CPU of others over the wall time."""

    wall: float
    cpu: float
    parallel: float
    others: float


class YinYang:
    """A training step of 5-120-3 (points.py) on 512 samples."""

    def __init__(self, threads: int, output: dict[str, Any], **options: Any) -> None:
        task = points.draw(512)
        self.spikes, self.labels = saltus.Spikes.from_times(task.times), task.labels
        self.net = feed_forward(task, threads, hidden={}, output=output, **options)

    def __call__(self) -> None:
        result = self.net.run(self.spikes, self.labels)
        self.net.gradients(result, wrt=self.net.learnable)


def speech(engine: Engine) -> Steps:
    return lambda threads: Step(Point(batch=32), engine, threads)


CASES: dict[str, Steps] = {
    "Yin-Yang, batch 512, event": lambda threads: YinYang(threads, {"spikes_kept": 1}),
    "Yin-Yang, batch 512, clock": lambda threads: YinYang(threads, {}, engine="clock", dt=1e-4),
    **{f"speech, batch 32, {engine.name}": speech(engine) for engine in ENGINES},
}


def parallel(net: saltus.Network) -> float:
    """Seconds that the last step spent in the kernels' loops over samples."""
    return sum(group._forward.seconds + group._backward.seconds for group in net.groups.values())


def busy() -> float:
    """Seconds that all cores together have worked, or were kept from it, since the machine started."""
    user, nice, system, _idle, _wait, *rest = Path("/proc/stat").read_text().split("\n")[0].split()[1:9]
    ticks = sum(map(int, (user, nice, system, *rest)))
    return ticks / os.sysconf("SC_CLK_TCK")


def wait_until_idle() -> None:
    """Looks for a tenth of a second without work, ten times at most."""
    for _ in range(10):
        before = busy()
        time.sleep(0.1)
        if busy() - before < QUIET * 0.1 * len(os.sched_getaffinity(0)):
            return


def one_round(step: Any, repeats: int) -> Round:
    loops = 0.0
    wall, cpu, all_cpu = time.perf_counter(), time.process_time(), busy()
    for _ in range(repeats):
        step()
        loops += parallel(step.net)
    wall, cpu, all_cpu = time.perf_counter() - wall, time.process_time() - cpu, busy() - all_cpu
    return Round(wall / repeats, cpu / repeats, loops / repeats, (all_cpu - cpu) / wall)


def measure(name: str, make: Steps, rounds: int, patience: float) -> Row:
    """One thread and two, in turns."""
    steps = [make(1), make(2)]
    for step in steps * 3:
        step()
    repeats = max(1, round(ROUND / one_round(steps[0], 1).cpu))
    taken: list[list[Round]] = [[], []]
    quiet: list[list[Round]] = [[], []]
    until = time.monotonic() + patience
    while not taken[0] or (min(map(len, quiet)) < rounds and time.monotonic() < until):
        for step, own, good in zip(steps, taken, quiet, strict=True):
            wait_until_idle()
            step()
            own.append(one_round(step, repeats))
            if own[-1].others < QUIET:
                good.append(own[-1])
    one, two = (good or own for good, own in zip(quiet, taken, strict=True))
    return Row(
        name,
        (_median(r.wall for r in one), _median(r.wall for r in two)),
        (_median(r.cpu for r in one), _median(r.cpu for r in two)),
        (len(quiet[0]), len(quiet[1])),
        _median(1.0 - r.parallel / r.wall for r in one),
    )


def _median(values: Iterable[float]) -> float:
    return float(np.median(list(values)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--patience", type=float, default=60.0)
    parser.add_argument("--json", type=Path, help="write everything to this file")
    arguments = parser.parse_args()
    rows = [measure(name, make, arguments.rounds, arguments.patience) for name, make in CASES.items()]
    load = os.getloadavg()[0]
    table = Table(title=f"ms a step with one thread and with two; load {load:.1f}")
    for column in ("", "wall", "CPU", "speedup", "quiet rounds", "serial", "at most"):
        table.add_column(column, justify="right")
    for row in rows:
        wall, cpu = (f"{a * 1e3:.2f}, {b * 1e3:.2f}" for a, b in (row.wall, row.cpu))
        quiet = f"{row.quiet[0]}, {row.quiet[1]}"
        bound = f"{row.bound:.2f}"
        table.add_row(row.name, wall, cpu, f"{row.speedup:.2f}", quiet, f"{row.serial:.1%}", bound)
    Console(width=120).print(table)
    if arguments.json:
        report = [asdict(row) | {"speedup": row.speedup} for row in rows]
        arguments.json.write_text(json.dumps({"load": load, "rows": report}, indent=1) + "\n")


if __name__ == "__main__":
    main()
