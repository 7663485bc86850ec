"""``saltus train CONFIG``: a training run from one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from saltus.errors import InputError
from saltus.runtime.cli import output

NAME = "train"


def command(
    config: Annotated[Path, typer.Argument(help="A training configuration (.toml).")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the configuration's checkpoint.")
    ] = False,
    epochs: Annotated[int | None, typer.Option(help="Instead of the configuration's number.")] = None,
    history: Annotated[Path | None, typer.Option(help="Write one JSON record per epoch here.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Write all parameters here (.npz).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results for machines.")] = False,
) -> None:
    """Train the network of a configuration, and report loss and accuracy on its test data."""
    from saltus.runtime.experiment import load, run

    experiment = load(config)
    for path in (history, weights):
        if path is not None:
            output.writable(path)  # not found out after a long run
    outcome = run(experiment, resume=resume, epochs=epochs)
    if history is not None:
        output.text(outcome.history.to_json().decode(), history)
    if weights is not None:
        _save(weights, outcome.net.all_parameters())
    if as_json:
        output.json({"history": outcome.history, "test": outcome.test})
        return
    test = outcome.test
    right = "" if test.accuracy is None else f", accuracy {100 * test.accuracy:.2f} %"
    count = len(outcome.history)
    output.out().print(
        f"{count} epoch{'' if count == 1 else 's'}; test loss {test.loss:.4g}{right} ({test.samples} samples)"
    )


def _save(path: Path, parameters: Mapping[str, NDArray[np.float64]]) -> None:
    """Parameters by name, as ``Network.all_parameters`` has them."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **parameters)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}. Choose another path.") from error
