"""Cost of a training step against its work: neurons, time, spikes and batch, one after the other.

    python benchmarks/scaling.py [--rounds 7] [--json FILE] [--plot FILE]

The network is that of speech.py with other sizes: 700 inputs, N recurrent LIF neurons, 20 readouts. Each
sweep changes one of N, T, the rate of input spikes, the batch and the grid that input spikes lie on, around a
base point. The points of a sweep step in turns, so that a busy machine slows all of them, as often each time
as makes 20 ms; times are CPU times of one thread, medians over the rounds. Recurrent weights go as 1/sqrt(N),
so that a neuron's rate does not depend on N.

The work of the event engine is (events + spikes) N: each of them is a pass over all neurons. That of the
clock is (steps + events + spikes) N. An exponent is the slope of log(time) against log(work), by least
squares; the steepest is that between two neighbouring points.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path
from typing import Any

import networks
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from speech import CLASSES, HIDDEN, INPUTS, STEP, Speech

import saltus

WARM = 20e-3
"""Seconds; steps that are shorter are taken again until they take so long, the first of them untimed."""

WEIGHTS = ("input_hidden.weights", "hidden_hidden.weights", "hidden_output.weights")


@dataclass(frozen=True)
class Point:
    """Hidden neurons, simulated seconds, input spikes a second, samples, and what input times are multiples
    of in seconds: 0: of nothing, None: as the engine says.
    """

    neurons: int = HIDDEN
    horizon: float = 1.0
    rate: int = 8000
    batch: int = 4
    grid: float | None = None


@dataclass(frozen=True)
class Engine:
    """What runs: what input times are multiples of, and its options."""

    name: str
    grid: float
    options: dict[str, Any]


EVENT = Engine("event", 0.0, {})
ENGINES = (
    EVENT,
    Engine("event, 1 ms input", STEP, {}),
    Engine("clock, 1 ms", STEP, {"engine": "clock", "dt": STEP}),
)


@dataclass(frozen=True)
class Sweep:
    """One variable, by the name of its field and in words; ``scale``: of its values as they are shown."""

    variable: str
    words: str
    values: tuple[float, ...]
    scale: float = 1.0
    base: Point = Point()
    engines: tuple[Engine, ...] = ENGINES

    @property
    def points(self) -> list[Point]:
        changes: list[dict[str, Any]] = [{self.variable: value} for value in self.values]
        return [replace(self.base, **change) for change in changes]


DRAWN = (
    Sweep("neurons", "hidden neurons", (64, 128, 256, 512, 1024, 2048, 4096), base=Point(batch=2)),
    Sweep("horizon", "simulated time (ms)", (0.1, 0.3, 1.0, 3.0, 10.0), 1e3),
    Sweep("rate", "input spikes a second", (2500, 4000, 8000, 14000, 25000)),
    Sweep("batch", "samples in a batch", (1, 2, 4, 8, 16, 64, 256, 512)),
)
SWEEPS = (
    *DRAWN,
    Sweep("grid", "grid of the input (ms)", (0.5e-3, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3), 1e3, engines=(EVENT,)),
)


@dataclass(frozen=True)
class Row:
    """One point of one engine: spikes of a sample, work and CPU seconds (median, quartiles) of a batch."""

    engine: str
    value: float
    events: float
    spikes: float
    work: float
    cpu: float
    quartiles: tuple[float, float]
    memory: int


@dataclass(frozen=True)
class Fit:
    """Slopes of log(CPU time): against the variable, against work, and the steepest between neighbours; the
    latter two are None where the work stays the same.
    """

    variable: float
    work: float | None
    steepest: float | None


class Step:
    """A training step through the public interface."""

    def __init__(self, point: Point, engine: Engine, threads: int = 1) -> None:
        rng = np.random.default_rng(1)
        size = point.neurons
        recurrent = rng.normal(0.0, 0.06 * np.sqrt(HIDDEN / size), (size, size))
        np.fill_diagonal(recurrent, 0.0)
        weights = rng.normal(0.015, 0.2, (INPUTS, size)), recurrent, rng.normal(0.0, 0.002, (size, CLASSES))
        shape = (point.batch, round(point.rate * point.horizon))
        times = np.sort(rng.uniform(0.0, point.horizon - STEP, shape))
        grid = engine.grid if point.grid is None else point.grid
        times = np.floor(times / grid) * grid if grid else times
        channels = rng.integers(0, INPUTS, shape)
        self.spikes = saltus.Spikes.from_events(list(zip(times, channels, strict=True)), INPUTS)
        self.labels = rng.integers(0, CLASSES, point.batch)
        task = Speech(*weights, times, channels, self.labels)
        self.net = networks.recurrent(task, threads, {}, {}, T=point.horizon, **engine.options)
        self.point, self.events = point, shape[1]
        self.steps = round(point.horizon / STEP) if engine.options else 0
        self.times: list[float] = []
        self()
        self.repeats = int(WARM / self.timed())

    def __call__(self) -> saltus.Result:
        result = self.net.run(self.spikes, self.labels)
        self.net.gradients(result, wrt=WEIGHTS)
        return result

    def timed(self) -> float:
        """CPU seconds of one step."""
        before = time.process_time()
        self()
        return time.process_time() - before

    def measure(self) -> None:
        """One round."""
        if self.repeats:
            self()
        self.times.append(float(np.mean([self.timed() for _ in range(max(self.repeats, 1))])))

    def row(self, engine: str, value: float) -> Row:
        """What was measured."""
        result = self()
        spikes = len(result.spikes["hidden"].times) / len(result)
        passes = self.steps + self.events + spikes
        low, median, high = np.percentile(self.times, [25, 50, 75])
        work = passes * self.point.neurons * self.point.batch
        quartiles = float(low), float(high)
        memory = result.memory.total
        return Row(engine, value, self.events, spikes, work, float(median), quartiles, memory)


def measure(sweep: Sweep, rounds: int, watch: Callable[[Iterable[int]], Iterable[int]]) -> list[Row]:
    """All points of all engines, in turns."""
    made = [
        (engine.name, value, Step(point, engine))
        for value, point in zip(sweep.values, sweep.points, strict=True)
        for engine in sweep.engines
    ]
    for _ in watch(range(rounds)):
        for _, _, step in made:
            step.measure()
    return [step.row(name, value) for name, value, step in made]


def fits(rows: list[Row]) -> dict[str, Fit]:
    """By engine."""
    found = {}
    for name in dict.fromkeys(row.engine for row in rows):
        own = [row for row in rows if row.engine == name]
        values, work, cpu = (
            np.log(np.array([getattr(row, key) for row in own])) for key in ("value", "work", "cpu")
        )
        found[name] = Fit(_slope(values, cpu), None, None)
        if np.all(np.diff(work) > 0.1):
            steepest = float(np.max(np.diff(cpu) / np.diff(work)))
            found[name] = replace(found[name], work=_slope(work, cpu), steepest=steepest)
    return found


def _slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    return float(np.polyfit(x, y, 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write everything to this file")
    parser.add_argument("--plot", type=Path, help="draw four panels into this file")
    arguments = parser.parse_args()
    found: dict[str, list[Row]] = {}
    load = [os.getloadavg()[0]]
    with Progress(transient=True) as progress:
        for sweep in SWEEPS:
            watch = lambda it, sweep=sweep: progress.track(it, description=sweep.words)  # noqa: E731
            found[sweep.variable] = measure(sweep, arguments.rounds, watch)
            load.append(os.getloadavg()[0])
    show(found)
    if arguments.json:
        report = {"load": load, "rounds": arguments.rounds, "base": asdict(Point())}
        for sweep in SWEEPS:
            rows = found[sweep.variable]
            own = {name: asdict(fit) for name, fit in fits(rows).items()}
            report[sweep.variable] = {"fits": own, "rows": [asdict(row) for row in rows]}
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    if arguments.plot:
        draw(found, arguments.plot)


def show(found: dict[str, list[Row]]) -> None:
    console = Console(width=110)
    summary = Table(title="exponents of CPU time, and the steepest between neighbours (against work)")
    for column in ("", "engine", "in the variable", "in work", "steepest"):
        summary.add_column(column)
    for sweep in SWEEPS:
        rows = found[sweep.variable]
        table = Table(title=f"{sweep.words}: CPU time of a sample's step")
        for column in (sweep.words, "engine", "events", "spikes", "ms", "quartiles", "ns/work", "MB"):
            table.add_column(column, justify="right")
        for row in rows:
            batch = row.value if sweep.variable == "batch" else sweep.base.batch
            low, high = (q / batch * 1e3 for q in row.quartiles)
            table.add_row(
                f"{row.value * sweep.scale:g}",
                row.engine,
                f"{row.events:.0f}",
                f"{row.spikes:.0f}",
                f"{row.cpu / batch * 1e3:.3f}",
                f"{low:.3f} to {high:.3f}",
                f"{row.cpu / row.work * 1e9:.2f}",
                f"{row.memory / 1e6:.0f}",
            )
        console.print(table)
        for name, fit in fits(rows).items():
            slopes = ("" if slope is None else f"{slope:.2f}" for slope in astuple(fit))
            summary.add_row(sweep.words, name, *slopes)
    console.print(summary)


def draw(found: dict[str, list[Row]], path: Path) -> None:
    """CPU time of a step against each variable, with the exponents in work."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(2, 2, figsize=(9, 6.6), layout="constrained")
    for sweep, axes in zip(DRAWN, panels.flat, strict=True):
        rows = found[sweep.variable]
        for name, fit in fits(rows).items():
            own = [row for row in rows if row.engine == name]
            x = [row.value * sweep.scale for row in own]
            label = f"{name}: work$^{{{fit.work:.2f}}}$"
            (line,) = axes.loglog(x, [row.cpu * 1e3 for row in own], "o", label=label)
            scale = np.exp(np.mean([np.log(row.cpu / row.work) for row in own]))
            axes.loglog(x, [row.work * scale * 1e3 for row in own], ":", color=line.get_color())
        axes.set(xlabel=sweep.words, ylabel="CPU time of a step (ms)")
        axes.legend(fontsize="small")
        axes.minorticks_off()
        axes.set_xticks([value * sweep.scale for value in sweep.values])
        axes.xaxis.set_major_formatter("{x:g}")
    figure.suptitle("Dotted: proportional to the work", fontsize="medium")
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
