"""``saltus emit``: the committed C, made again or compared with what the derivation gives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from saltus.runtime.cli import output

NAME = "emit"


def command(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit status 1 on any drift.")
    ] = False,
    root: Annotated[
        Path | None, typer.Option(help="Folder to write to or compare; the package's generated/ if none.")
    ] = None,
) -> None:
    """Derive every shipped model and loss and write IR, C and derivation to generated/."""
    from saltus.runtime.emit import drift, generated, generated_root, write_generated

    folder = generated_root() if root is None else root
    if not check:
        for path in write_generated(folder, generated()):
            output.note(f"wrote {folder / path}")
        return
    differences = drift(folder, generated())
    for difference in differences:
        output.error(str(difference))
    if differences:
        output.error(f"{len(differences)} files differ. Run saltus emit and commit what it writes.")
        raise typer.Exit(1)
    output.note(f"{folder} is what the derivation gives.")
