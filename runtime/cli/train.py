"""``saltus train CONFIG``: a training run from one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from saltus.runtime.cli import output

NAME = "train"


def command(
    config: Annotated[Path, typer.Argument(help="A training configuration (.toml).")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the configuration's checkpoint.")
    ] = False,
    epochs: Annotated[int | None, typer.Option(help="Instead of the configuration's number.")] = None,
    history: Annotated[Path | None, typer.Option(help="Write one JSON record per epoch here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results for machines.")] = False,
) -> None:
    """Train the network of a configuration, and report loss and accuracy on its test data."""
    from saltus.runtime.experiment import load, run

    outcome = run(load(config), resume=resume, epochs=epochs)
    if history is not None:
        output.text(outcome.history.to_json().decode(), history)
    if as_json:
        output.json(outcome)
        return
    test = outcome.test
    right = "" if test.accuracy is None else f", accuracy {100 * test.accuracy:.2f} %"
    output.out().print(
        f"{len(outcome.history)} epochs; test loss {test.loss:.4g}{right} ({test.samples} samples)"
    )
