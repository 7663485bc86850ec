"""``saltus doctor``: what this machine has and lacks; with a model, which kernel and flow it takes."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from saltus.runtime.cli import output

NAME = "doctor"


def command(
    model: Annotated[
        str | None, typer.Argument(help="Say which kernel and flow this model takes, and why.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of findings for machines.")] = False,
) -> None:
    """Look at compiler, flags, OpenMP, cache, processor and versions, or at a model: what is wrong?"""
    from saltus.runtime.doctor import examine, examine_model

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
            table.add_row(finding.name, mark, finding.value + remedy)
        output.out().print(table)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)
