"""``saltus check [MODEL...]``: every equation of the source and every rule of the models, proved again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from saltus.runtime.cli import output

if TYPE_CHECKING:
    from saltus.derive.verify import Outcome

NAME = "check"


def command(
    models: Annotated[
        list[str] | None, typer.Argument(help="Models to check besides the source; all shipped if none.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of {id, status, ...}.")] = False,
) -> None:
    """Prove each line again; exit status 1 if one fails."""
    rows = _proved(tuple(models or ()))
    if as_json:
        output.json(rows)
    else:
        _show(rows)
    if not all(row.ok for row in rows):
        raise typer.Exit(1)


def _proved(models: Sequence[str]) -> list[Outcome]:
    from saltus.derive import verify
    from saltus.derive.files import shipped
    from saltus.derive.spec import load

    specs = [load(name) for name in models or shipped("models")]
    with output.busy("proving"):
        return [*verify.check_source(), *(row for spec in specs for row in verify.check_model(spec))]


def _show(rows: Sequence[Outcome]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("id", "status", "", "equation"):
        table.add_column(column, overflow="fold", no_wrap=column in ("id", "status"))
    for row in rows:
        mark = "[green]ok[/]" if row.ok else "[red]FAILS[/]"
        reason = f"\n[dim]{escape(row.reason)}[/]" if row.reason else ""
        table.add_row(escape(row.id), row.status, mark, escape(row.title) + reason)
    console = output.out()
    console.print(table)
    kinds = ", ".join(f"{count} {status}" for status, count in Counter(row.status for row in rows).items())
    failed = [row.id for row in rows if not row.ok]
    console.print(
        f"{len(rows)} lines: {kinds}; {'FAILED: ' + ', '.join(failed) if failed else 'none fails'}."
    )
