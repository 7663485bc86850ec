"""``saltus bench``: the benchmarks of a checkout, all in one run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import typer

import saltus
from saltus.errors import InputError

NAME = "bench"


def command(context: typer.Context) -> None:
    """Measure Saltus beside hand-written kernels and other tools (options: those of benchmarks/bench.py)."""
    script = Path(saltus.__file__).resolve().parent.parent / "benchmarks" / "bench.py"
    if not script.is_file():
        raise InputError(
            "The benchmarks are not part of the installed package. Run `saltus bench` from a checkout of the "
            "repository, installed with `pip install -e .`."
        )
    raise typer.Exit(subprocess.run([sys.executable, str(script), *context.args], check=False).returncode)
