"""``saltus check [MODEL...]``: every equation of the source and every rule of the models, proved again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Table

from saltus.runtime.cli import output

NAME = "check"


def command(
    models: Annotated[
        list[str] | None, typer.Argument(help="Models to check; all shipped ones if none.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of {id, status, ...}.")] = False,
) -> None:
    """Prove each line again; exit status 1 if one fails."""
    from saltus.derive.verify import check

    rows = check(tuple(models or ()))
    if as_json:
        output.json(rows)
    else:
        _show(rows)
    if not all(row.ok for row in rows):
        raise typer.Exit(1)


def _show(rows: Sequence[Any]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("id", "status", "", "equation"):
        table.add_column(column, overflow="fold")
    for row in rows:
        mark = "[green]ok[/]" if row.ok else "[red]FAILS[/]"
        table.add_row(row.id, row.status, mark, row.title)
    console = output.out()
    console.print(table)
    failed = sum(not row.ok for row in rows)
    console.print(
        f"{len(rows)} lines, {failed} failed." if failed else f"{len(rows)} lines, all proved again."
    )
