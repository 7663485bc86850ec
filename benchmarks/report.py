"""What a benchmark found: rows, as a table on the screen, in Markdown, and as bars."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from yardstick import processor

HEADINGS = ("", "setting", "CPU", "quartiles", "wall", "speed", "loss", "spikes", "cosine", "MB")
MARKS = "<!-- saltus bench -->", "<!-- /saltus bench -->"


@dataclass(frozen=True)
class Spread:
    """Median and quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: NDArray[Any]) -> Spread:
        low, median, high = np.percentile(values, [25, 50, 75])
        return cls(float(median), float(low), float(high))


@dataclass(frozen=True)
class Row:
    """What one contestant needed for a sample: times in ms, loss, hidden spikes; and peak memory in MB.

    speed: the time of the kernel written by hand over this one's; cosine: between its gradient of the input
    weights and that of the first in the same setting.
    """

    name: str
    setting: str
    by_hand: bool
    cpu: Spread
    wall: Spread
    loss: float
    spikes: float
    memory: float
    speed: float | None = None
    cosine: float | None = None

    def cells(self) -> tuple[str, ...]:
        return (
            self.name,
            self.setting,
            _short(self.cpu.median),
            f"{_short(self.cpu.low)} to {_short(self.cpu.high)}",
            _short(self.wall.median),
            "" if self.speed is None else f"{self.speed:.2g}",
            f"{self.loss:.6f}",
            f"{self.spikes:.1f}",
            "" if self.cosine is None else f"{self.cosine:.4f}",
            f"{self.memory:.0f}",
        )


@dataclass(frozen=True)
class Report:
    """All rows of a task, and the versions of what took part."""

    title: str
    rows: list[Row]
    versions: dict[str, str]


@dataclass(frozen=True)
class Machine:
    """Where and how it was measured."""

    processor: str
    compiler: str
    load: tuple[float, float, float]
    threads: int
    batch: int
    rounds: int

    @classmethod
    def here(cls, threads: int, batch: int, rounds: int) -> Machine:
        command = shlex.split(os.environ.get("CC", "cc"))
        number = subprocess.run([*command, "-dumpversion"], capture_output=True, text=True, check=True).stdout
        name = "gcc" if Path(command[0]).name in ("cc", "gcc") else Path(command[0]).name
        return cls(processor(), f"{name} {number.strip()}", os.getloadavg(), threads, batch, rounds)

    def with_reports(self, reports: Sequence[Report]) -> dict[str, Any]:
        return asdict(self) | {"tasks": [asdict(report) for report in reports]}


def show(report: Report) -> None:
    table = Table(title=f"{report.title}: ms a sample, forward and backward")
    for column in HEADINGS:
        table.add_column(column, justify="left" if column in HEADINGS[:2] else "right", no_wrap=True)
    for row in report.rows:
        table.add_row(*row.cells())
    Console(width=130).print(table)


def insert(machine: Machine, reports: Sequence[Report], path: Path) -> None:
    """Puts the tables between the marks in a Markdown file, in place of what is there."""
    text = path.read_text()
    before, opening, rest = text.partition(MARKS[0])
    _, closing, after = rest.partition(MARKS[1])
    if not (opening and closing):
        raise SystemExit(f"{path} has no lines {MARKS[0]} and {MARKS[1]}. Write them where tables belong.")
    path.write_text(f"{before}{opening}\n{_markdown(machine, reports)}\n{closing}{after}")


def _markdown(machine: Machine, reports: Sequence[Report]) -> str:
    versions = {name: number for report in reports for name, number in report.versions.items()}
    listed = ", ".join(f"{name} {number}" for name, number in sorted(versions.items()))
    lines = [
        f"{machine.processor}, {machine.compiler}; {machine.threads} thread(s), batch {machine.batch}, "
        f"medians of {machine.rounds} rounds; load {machine.load[0]:.1f} when it began.",
        f"{listed}.",
    ]
    for report in reports:
        lines += ["", f"**{report.title}**; CPU and wall time in ms a sample", ""]
        lines += [_line(HEADINGS), _line("---" if h in HEADINGS[:2] else "---:" for h in HEADINGS)]
        lines += [_line(row.cells()) for row in report.rows]
    return "\n".join(lines)


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def _short(milliseconds: float) -> str:
    """Three digits."""
    return f"{milliseconds:.3g}"


def draw_bars(reports: Sequence[Report], path: Path) -> None:
    """CPU time a sample, on logarithmic axes, a panel for each task."""
    import matplotlib.pyplot as plt

    heights = [len(report.rows) + 1 for report in reports]
    figure, panels = plt.subplots(
        len(reports),
        figsize=(8, 0.35 * sum(heights)),
        layout="constrained",
        squeeze=False,
        height_ratios=heights,
    )
    for axes, report in zip(panels[:, 0], reports, strict=True):
        names = [f"{row.name}; {row.setting}" for row in report.rows]
        colours = ["C0" if "Saltus" in row.name else "0.3" if row.by_hand else "0.7" for row in report.rows]
        bars = axes.barh(names, [row.cpu.median for row in report.rows], color=colours)
        axes.bar_label(bars, [_short(row.cpu.median) for row in report.rows], padding=3)
        axes.set(xscale="log", xlabel="CPU time of a sample's training step (ms)", title=report.title)
        axes.invert_yaxis()
        axes.margins(x=0.15)
    figure.savefig(path, dpi=120)
