"""Yin-Yang and handwritten digits trained by the event engine and by the clock: their test accuracies.

    python benchmarks/clock_training.py [--tasks digits] [--seeds 3] [--steps 0.1 0.25] [--processes 2]

The configurations are those of examples/, with their epochs; a seed draws the first weights and the order of
the samples, and is the same for all engines, as is the test set. What the clock trained is tested on the
clock that trained it, and its weights are then tested by the event engine. Yin-Yang keeps the best epoch by
validation, on the engine that trains; digits the last epoch. Times are CPU times of training, one thread.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import msgspec
from yardstick import processor

from saltus.runtime.experiment import Experiment, load, prepare, run
from saltus.runtime.progress import quiet

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
TASKS = {"Yin-Yang": "yin_yang.toml", "digits": "digits_sum.toml"}


@dataclass(frozen=True)
class Job:
    """One training run; dt: the clock's step in ms, None for the event engine."""

    task: str
    dt: float | None
    seed: int


@dataclass(frozen=True)
class Score:
    """Of a trained network: test accuracy (%) on its own engine and on the event engine, CPU seconds."""

    own: float
    event: float
    seconds: float


def train(job: Job) -> Score:
    """Trains on the job's engine, and tests the weights there and on the event engine."""
    event = seeded(load(EXAMPLES / TASKS[job.task]), job.seed)
    started = time.process_time()
    outcome = run(event if job.dt is None else on_clock(event, job.dt), progress=quiet)
    seconds = time.process_time() - started
    ready = prepare(event)
    for name, values in ready.net.parameters().items():
        values[...] = outcome.net.parameters()[name]
    exact = ready.trainer.evaluate(ready.data.test)
    assert outcome.test.accuracy is not None and exact.accuracy is not None
    return Score(100 * outcome.test.accuracy, 100 * exact.accuracy, seconds)


def seeded(experiment: Experiment, seed: int) -> Experiment:
    """The same experiment from another seed, on one thread."""
    return msgspec.structs.replace(
        experiment,
        network={**experiment.network, "seed": seed, "threads": 1},
        training=msgspec.structs.replace(experiment.training, seed=seed),
    )


def on_clock(experiment: Experiment, dt: float) -> Experiment:
    """The same experiment on a grid of ``dt`` ms.

    ``spikes_kept`` goes: the clock follows all neurons to the end. Where it is set the loss looks at no later
    spikes, and no neuron hears them, so neither loss nor gradient changes.
    """
    layers = [
        {key: value for key, value in layer.items() if key != "spikes_kept"}
        for layer in experiment.network["layers"]
    ]
    network: dict[str, Any] = {**experiment.network, "layers": layers, "engine": "clock", "dt": dt * 1e-3}
    return msgspec.structs.replace(experiment, network=network)


def show(task: str, steps: Sequence[float | None], seeds: int, scores: dict[Job, Score]) -> None:
    """The rows of one task: accuracies, and the difference to the event engine, seed by seed."""
    exact = [scores[Job(task, None, seed)].own for seed in range(seeds)]
    for dt in steps:
        found = [scores[Job(task, dt, seed)] for seed in range(seeds)]
        own = [score.own for score in found]
        engine = "event" if dt is None else f"clock, {dt:g} ms"
        if dt is None:
            rest = ["", ""]
        else:
            apart = [x - y for x, y in zip(own, exact, strict=True)]
            rest = [spread([score.event for score in found]), spread(apart, "+")]
        seconds = f"{mean(score.seconds for score in found):.0f}"
        print("|", " | ".join([task, engine, str(seeds), spread(own), *rest, seconds]), "|", flush=True)


def spread(values: Sequence[float], sign: str = "") -> str:
    """Mean and standard deviation over seeds."""
    deviation = f" ± {stdev(values):.2f}" if len(values) > 1 else ""
    return f"{mean(values):{sign}.2f}{deviation}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=float, nargs="+", default=[0.1, 0.25], help="dt in ms")
    parser.add_argument("--processes", type=int, default=1)
    chosen = parser.parse_args()
    steps = [None, *chosen.steps]
    jobs = [Job(task, dt, seed) for task in chosen.tasks for seed in range(chosen.seeds) for dt in steps]
    scores: dict[Job, Score] = {}
    with ProcessPoolExecutor(chosen.processes, get_context("spawn")) as pool:
        for job, score in zip(jobs, pool.map(train, jobs), strict=True):
            scores[job] = score
            print(job, score, flush=True)
    print(f"\n{processor()} | load", *(f"{x:.1f}" for x in os.getloadavg()))
    print("| task | trained with | seeds | test accuracy (%) | by event | to event | CPU s |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for task in chosen.tasks:
        show(task, steps, chosen.seeds, scores)


if __name__ == "__main__":
    main()
