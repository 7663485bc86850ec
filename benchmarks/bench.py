"""Everything in one run on one machine: Saltus, kernels written by hand, and the tools that people use today.

    saltus bench [--batch 32] [--rounds 10] [--peers] [--json FILE] [--plot FILE]

The task is a training step (forward, backward, gradients of all weights) of the network of speech.py.
Contestants are processes of their own and step in turns, so that a busy machine slows all of them. Times
are medians over the rounds with quartiles; loss and spike counts stand beside them, to show that it is the
same work. Kernels written by hand know one thread, one ratio of time constants and these sizes, and need
AVX-512.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import peers
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from speech import draw
from yardstick import has_avx512

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Contestant:
    """Who steps: its script, what that takes, the environment it lives in, and where input spikes lie."""

    name: str
    script: str
    binned: bool
    arguments: tuple[str, ...] = ()
    peer: str | None = None
    by_hand: bool = False


CONTESTANTS = (
    Contestant("by hand, exact", "by_hand.py", False, ("c",), by_hand=True),
    Contestant("Saltus event", "saltus_event.py", False),
    Contestant("by hand, exact", "by_hand.py", True, ("d",), by_hand=True),
    Contestant("Saltus event", "saltus_event.py", True),
    Contestant("by hand, clock", "by_hand.py", True, ("a",), by_hand=True),
    Contestant("Saltus clock", "saltus_clock.py", True),
    Contestant("Norse", "norse_surrogate.py", True, peer="norse"),
    Contestant("snnTorch", "snntorch_surrogate.py", True, peer="snntorch"),
)


@dataclass(frozen=True)
class Row:
    """What one contestant needed for a sample: medians and quartiles in ms, loss, spikes, peak MB."""

    name: str
    binned: bool
    cpu: float
    cpu_quartiles: tuple[float, float]
    wall: float
    wall_quartiles: tuple[float, float]
    loss: float
    spikes: float
    memory: float


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
            env=os.environ
            | {"PYTHONPATH": str(FOLDER), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": str(threads)},
        )
        self.answers: list[dict[str, Any]] = []
        self._read()

    def step(self) -> None:
        assert self.process.stdin is not None, "a pipe"
        self.process.stdin.write("step\n")
        self.process.stdin.flush()
        self.answers.append(self._read())

    def row(self) -> Row:
        """Times are for each sample; the process ends."""
        self.process.communicate()
        times = {key: np.array([a[key] for a in self.answers]) / self.batch * 1e3 for key in ("cpu", "wall")}
        last = self.answers[-1]
        return Row(
            self.contestant.name,
            self.contestant.binned,
            *(x for key in ("cpu", "wall") for x in (float(np.median(times[key])), _quartiles(times[key]))),
            loss=last["loss"],
            spikes=last["spikes"] / self.batch,
            memory=last["memory"] / 2**20,
        )

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None, "a pipe"
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.contestant.script} stopped. Start it by hand to see why.")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _quartiles(values: np.ndarray[Any, Any]) -> tuple[float, float]:
    low, high = np.percentile(values, [25, 75])
    return float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(prog="saltus bench", description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--peers", action="store_true", help="install the other tools and measure them too")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    parser.add_argument("--plot", type=Path, help="draw the times into this file")
    arguments = parser.parse_args()
    if arguments.peers:
        for peer in peers.REQUIREMENTS:
            peers.install(peer)
    chosen = [c for c in CONTESTANTS if _can_run(c, arguments.threads)]
    rows = race(chosen, arguments.batch, arguments.threads, arguments.rounds)
    show(rows, arguments.batch, arguments.threads)
    if arguments.json:
        about = {"batch": arguments.batch, "threads": arguments.threads, "load": os.getloadavg()}
        arguments.json.write_text(
            json.dumps(about | {"rows": [asdict(row) for row in rows]}, indent=1) + "\n"
        )
    if arguments.plot:
        draw_bars(rows, arguments.plot)


def _can_run(contestant: Contestant, threads: int) -> bool:
    if contestant.by_hand:
        return has_avx512() and threads == 1
    return contestant.peer is None or peers.python(contestant.peer).exists()


def race(contestants: list[Contestant], batch: int, threads: int, rounds: int) -> list[Row]:
    """Lets everybody step in turns."""
    with tempfile.TemporaryDirectory(prefix="saltus-bench-") as folder, Progress(transient=True) as progress:
        paths = {binned: Path(folder) / f"{'binned' if binned else 'any'}.npz" for binned in (False, True)}
        for binned, path in paths.items():
            draw(batch, binned).save(path)
        runners = [Runner(c, paths[c.binned], batch, threads) for c in contestants]
        for _ in progress.track(range(rounds), description="rounds"):
            for runner in runners:
                runner.step()
        return [runner.row() for runner in runners]


def show(rows: list[Row], batch: int, threads: int) -> None:
    table = Table(title=f"ms a sample, forward and backward; batch {batch}, {threads} thread(s)")
    for column in ("", "input", "CPU", "quartiles", "wall", "loss", "spikes", "MB"):
        table.add_column(column, justify="left" if column in ("", "input") else "right")
    for row in rows:
        table.add_row(
            row.name,
            "1 ms grid" if row.binned else "any time",
            f"{row.cpu:.2f}",
            f"{row.cpu_quartiles[0]:.2f} to {row.cpu_quartiles[1]:.2f}",
            f"{row.wall:.2f}",
            f"{row.loss:.6f}",
            f"{row.spikes:.1f}",
            f"{row.memory:.0f}",
        )
    Console(width=100).print(table)


def draw_bars(rows: list[Row], path: Path) -> None:
    """CPU time a sample, on a logarithmic axis."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 0.5 + 0.4 * len(rows)), layout="constrained")
    names = [f"{row.name}, {'1 ms grid' if row.binned else 'any time'}" for row in rows]
    colours = ["C0" if "Saltus" in row.name else "C7" for row in rows]
    bars = axes.barh(names, [row.cpu for row in rows], color=colours)
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.set(xscale="log", xlabel="CPU time for a sample's training step (ms)")
    axes.invert_yaxis()
    axes.margins(x=0.15)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
