"""``saltus doctor``: what this machine has and lacks; with a model, how it runs and what would cost more."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from saltus.runtime.cli import output

NAME = "doctor"


def command(
    model: Annotated[
        str | None, typer.Argument(help="Say how this model runs, and what would cost more.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of findings for machines.")] = False,
) -> None:
    """Look at compiler, flags, cache, threads and versions, or at a model: what is wrong or slow?"""
    from saltus.runtime.doctor import examine, examine_model

    with output.busy("looking"):  # the first kernel takes a while
        findings = examine() if model is None else examine_model(model)
    if as_json:
        output.json(findings)
    else:
        table = Table(box=None, pad_edge=False)
        table.add_column("what")
        table.add_column("")
        table.add_column("found", overflow="fold")
        for finding in findings:
            mark = "[green]ok[/]" if finding.ok else "[red]wrong[/]"
            remedy = f"\n{finding.remedy}" if finding.remedy else ""
            table.add_row(escape(finding.name), mark, escape(finding.value + remedy))
        output.out().print(table)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)
