"""Everything in one run on one machine: Saltus, kernels written by hand, and the tools that people use today.

    saltus bench [--batch 32] [--rounds 10] [--peers] [--json FILE] [--plot FILE] [--into docs/speed.md]

Tasks and contestants are those of tasks.py: training steps (forward, backward, gradients of all weights).
Contestants are processes of their own and step in turns, so that a busy machine slows all of them. Times
are medians over the rounds with quartiles; loss, spike counts and the cosine between gradients stand beside
them, to show what is the same work. Kernels written by hand know one thread, one ratio of time constants
and one size, and need AVX-512.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import peers
from numpy.typing import NDArray
from report import Machine, Report, Row, Spread, draw_bars, insert, show
from rich.progress import Progress
from tasks import TASKS, Contestant, Task
from yardstick import has_avx512

FOLDER = Path(__file__).parent


class Runner:
    """A contestant's process."""

    def __init__(self, contestant: Contestant, task: Path, batch: int, threads: int) -> None:
        self.contestant, self.batch = contestant, batch
        interpreter = sys.executable if contestant.peer is None else str(peers.python(contestant.peer))
        script = FOLDER / "contestants" / contestant.script
        self.process = subprocess.Popen(
            [interpreter, str(script), str(task), str(batch), str(threads), *contestant.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | _surroundings(threads),
        )
        self.gradient_path = task.with_name(f"{self.process.pid}.npy")
        self.answers: list[dict[str, Any]] = []
        self.versions: dict[str, str] = self._read()["versions"]

    def step(self) -> None:
        assert self.process.stdin is not None, "a pipe"
        self.process.stdin.write("step\n")
        self.process.stdin.flush()
        self.answers.append(self._read())

    def finish(self) -> tuple[Row, NDArray[Any]]:
        """Times for each sample, and the gradient of the input weights; the process ends."""
        self.process.communicate()
        last = self.answers[-1]
        row = Row(
            self.contestant.name,
            self.contestant.setting,
            self.contestant.by_hand,
            cpu=self._times("cpu"),
            wall=self._times("wall"),
            loss=last["loss"],
            spikes=last["spikes"] / self.batch,
            memory=last["memory"] / 2**20,
        )
        return row, np.load(self.gradient_path).ravel().astype(float)

    def _times(self, clock: str) -> Spread:
        return Spread.of(np.array([answer[clock] for answer in self.answers]) / self.batch * 1e3)

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None, "a pipe"
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.contestant.script} stopped. Start it by hand to see why.")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _surroundings(threads: int) -> dict[str, str]:
    """Variables that hold libraries to a number of threads; XLA calls it NPROC."""
    return {
        "PYTHONPATH": str(FOLDER),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": str(threads),
        "NPROC": str(threads),
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="saltus bench", description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--peers", action="store_true", help="install the other tools and measure them too")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    parser.add_argument("--plot", type=Path, help="draw the times into this file")
    parser.add_argument("--into", type=Path, help="put the tables between the marks in this Markdown file")
    arguments = parser.parse_args()
    if arguments.peers:
        for peer in peers.REQUIREMENTS:
            peers.install(peer)
    machine = Machine.here(arguments.threads, arguments.batch, arguments.rounds)
    reports = []
    for name in arguments.tasks:
        task = TASKS[name]
        reports.append(race(task, task.batch or arguments.batch, arguments.threads, arguments.rounds))
        show(reports[-1])
    if arguments.json:
        arguments.json.write_text(json.dumps(machine.with_reports(reports), indent=1) + "\n")
    if arguments.plot:
        draw_bars(reports, arguments.plot)
    if arguments.into:
        insert(machine, reports, arguments.into)


def race(task: Task, batch: int, threads: int, rounds: int) -> Report:
    """Lets everybody step in turns."""
    contestants = [c for c in task.contestants if _can_run(c, threads)]
    with tempfile.TemporaryDirectory(prefix="saltus-bench-") as folder, Progress(transient=True) as progress:
        paths = {setting: Path(folder) / f"{i}.npz" for i, setting in enumerate(task.settings)}
        for setting, drawn in task.settings.items():
            drawn(batch).save(paths[setting])
        runners = [Runner(c, paths[c.setting], batch, threads) for c in contestants]
        for _ in progress.track(range(rounds), description=task.title):
            for runner in runners:
                runner.step()
        rows = compared([runner.finish() for runner in runners])
    versions = {name: number for runner in runners for name, number in runner.versions.items()}
    return Report(task.title, rows, versions)


def _can_run(contestant: Contestant, threads: int) -> bool:
    if contestant.by_hand:
        return has_avx512() and threads == 1
    return contestant.peer is None or peers.python(contestant.peer).exists()


def compared(found: Sequence[tuple[Row, NDArray[Any]]]) -> list[Row]:
    """Each with its speed beside the kernel by hand above it, and its gradient's cosine with its setting's
    first."""
    rows, first, by_hand = [], dict[str, NDArray[Any]](), None
    for row, gradient in found:
        by_hand = row if row.by_hand else by_hand
        speed = by_hand.cpu.median / row.cpu.median if by_hand else None
        exact = first.setdefault(row.setting, gradient)
        cosine = float(exact @ gradient / np.linalg.norm(exact) / np.linalg.norm(gradient))
        rows.append(replace(row, speed=speed, cosine=None if exact is gradient else cosine))
    return rows


if __name__ == "__main__":
    main()
