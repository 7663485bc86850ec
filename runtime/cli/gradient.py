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
    samples: Annotated[int, typer.Option(help="How many training samples to use.")] = 8,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison for machines.")] = False,
) -> None:
    """Check the gradient on the first samples; exit status 1 if it is wrong."""
    from saltus.runtime.experiment import check_gradient, load

    rows = check_gradient(load(config), samples)
    if as_json:
        output.json(rows)
    else:
        table = Table(box=None, pad_edge=False)
        for column in ("parameter", "entries", "largest error", ""):
            table.add_column(column)
        for row in rows:
            table.add_row(
                row.name, str(row.entries), f"{row.error:.1e}", "[green]ok[/]" if row.ok else "[red]WRONG[/]"
            )
        output.out().print(table)
    if not all(row.ok for row in rows):
        raise typer.Exit(1)
