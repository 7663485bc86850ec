"""``saltus derive MODEL``: the derivation as text or as a document."""

from __future__ import annotations

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
        typer.Option("--format", "-f", help="text: Table 2 alone; html: everything, with the C."),
    ] = Format.text,
    file: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file.")] = None,
) -> None:
    """Derive a model's adjoint, or a loss's derivatives, and print it."""
    from saltus.derive.report import write
    from saltus.runtime.listing import sources

    code = sources(model) if form is Format.html else ()
    output.text(write(model, form.value, code), file)
