"""``saltus doctor``: what this machine has, what is missing, what to do about it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from saltus.runtime.cli import output

NAME = "doctor"


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of findings for machines.")] = False,
) -> None:
    """Look at compiler, flags, OpenMP, cache, processor and versions, and say what is wrong."""
    from saltus.runtime.doctor import examine

    findings = examine()
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
