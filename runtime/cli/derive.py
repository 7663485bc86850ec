"""``saltus derive MODEL``: the derivation as text or as a document, and how the model runs."""

from __future__ import annotations

import textwrap
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from saltus.runtime.cli import output

NAME = "derive"


class Format(StrEnum):
    """The forms that a derivation can be written in."""

    text = "text"
    latex = "latex"
    markdown = "markdown"
    html = "html"
    json = "json"


def command(
    model: Annotated[str, typer.Argument(help="A shipped model or loss, or the path of a .toml file.")],
    form: Annotated[
        Format,
        typer.Option(
            "--format", "-f", help="text: Table 2 alone, and how it runs; html: everything, with the C."
        ),
    ] = Format.text,
    file: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file.")] = None,
) -> None:
    """Derive a model's adjoint, or a loss's derivatives, and print it."""
    from saltus.derive.report import is_loss, write
    from saltus.runtime.listing import sources

    code = sources(model) if form is Format.html else ()
    written = write(model, form.value, code)
    if form is Format.text and not is_loss(model):
        written += f"\n\n{_how_it_runs(model)}"
    output.text(written, file)


def _how_it_runs(name: str) -> str:
    """Flow, kernel and short cuts, each with its reason, wrapped like the table above."""
    from saltus.derive.report_summary import WIDTH
    from saltus.runtime.doctor import paths
    from saltus.runtime.model import model

    heading = "How it runs (saltus doctor says what leads off the fast path, and the cost)"
    lines = [heading, "─" * len(heading)]
    for found in paths(model(name)):
        said = f"{found.name}: {found.value.rstrip('.')}. {found.remedy}".rstrip()
        lines += textwrap.wrap(said, WIDTH, subsequent_indent="    ", break_long_words=False)
    return "\n".join(lines)
