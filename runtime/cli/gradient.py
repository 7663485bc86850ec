"""``saltus gradient CONFIG``: the gradient of a configuration's network against finite differences."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from saltus.runtime.cli import output

NAME = "gradient"


def command(
    config: Annotated[Path, typer.Argument(help="A training configuration (.toml).")],
    samples: Annotated[int, typer.Option(min=1, help="How many training samples to use.")] = 8,
    tolerance: Annotated[float, typer.Option(help="Largest relative error that passes.")] = 1e-6,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison for machines.")] = False,
) -> None:
    """Compare the exact gradient with central differences; exit status 1 if they differ."""
    from saltus.runtime.experiment import check_gradient, load

    check = check_gradient(load(config), samples)
    rows = [
        {
            "name": name,
            "error": found.error,
            "compared": found.compared,
            "left_out": found.left_out,
            "ok": found.compared > 0 and found.error <= tolerance,
        }
        for name, found in check.arrays.items()
    ]
    if as_json:
        output.json(rows)
    else:
        table = Table(box=None, pad_edge=False)
        for column in ("parameter", "compared", "left out", "largest relative error", ""):
            table.add_column(column)
        for row in rows:
            mark = "[green]ok[/]" if row["ok"] else "[red]WRONG[/]"
            table.add_row(
                str(row["name"]), str(row["compared"]), str(row["left_out"]), f"{row['error']:.1e}", mark
            )
        output.out().print(table)
    if not all(row["ok"] for row in rows):
        raise typer.Exit(1)
