"""How far gradients are off, by the tolerance, for every shipped model that is integrated.

    python benchmarks/tolerance_curve.py [PLOT]

All derivatives of a small recurrent network with delays against the tests' oracle (28 digits, Taylor
series): the largest relative error of an entry, taken as a thousandth of its array's largest at least.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
from rich.console import Console
from rich.table import Table

from saltus.runtime.plot import COLOURS, FAINT

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from tolerance import INTEGRATED, Reference

TOLERANCES = [10.0**-k for k in range(3, 13)]


def main() -> None:
    errors = {}
    for name in INTEGRATED:
        reference = Reference(name)
        errors[name] = [reference.error(tolerance) for tolerance in TOLERANCES]
    table = Table("tolerance", *errors, title="largest relative error of a derivative")
    for tolerance, row in zip(TOLERANCES, zip(*errors.values(), strict=True), strict=True):
        table.add_row(f"{tolerance:.0e}", *(f"{error:.1e}" for error in row))
    Console(width=110).print(table)
    if len(sys.argv) > 1:
        draw(errors, Path(sys.argv[1]))


def draw(errors: dict[str, list[float]], path: Path) -> None:
    """Both axes logarithmic; grey: the error is the tolerance."""
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    axes.plot(TOLERANCES, TOLERANCES, color=FAINT, linewidth=1.0, label="error = tolerance")
    markers = "osD^vP"
    for (name, error), colour, marker in zip(errors.items(), COLOURS, markers, strict=False):
        axes.plot(TOLERANCES, error, color=colour, marker=marker, markersize=4, linewidth=1.4, label=name)
    axes.set(xscale="log", yscale="log", xlabel="tolerance", ylabel="largest relative error of a derivative")
    axes.invert_xaxis()
    axes.grid(color=FAINT, linewidth=0.4)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
