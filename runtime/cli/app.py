"""The command line: one application that knows how to fail.

Exit codes: 0 all is well; 1 something was checked and is not so; 2 a mistake in the call, a spec, a
configuration or the machine, told in one line; 130 Ctrl-C.
"""

from __future__ import annotations

import errno
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import saltus
from saltus.errors import SaltusError
from saltus.runtime.cli import bench, check, derive, doctor, emit, gradient, output, train


class _Group(TyperGroup):
    """Tells a user's mistake in one line instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except SaltusError as mistake:
            output.error(str(mistake))
            raise typer.Exit(2) from mistake
        except MemoryError as problem:
            output.error(f"Out of memory ({problem}). Use smaller sizes or batches.")
            raise typer.Exit(2) from problem
        except OSError as problem:
            if problem.errno != errno.ENOSPC:
                raise
            output.error("The output cannot be written: the disk is full. Free space, or write elsewhere.")
            raise typer.Exit(2) from problem
        except KeyboardInterrupt:
            output.error("Stopped.")
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"saltus {saltus.__version__}")
        raise typer.Exit


@app.callback()
def saltus_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Exact, proved gradients for systems that flow and jump."""


for _module in (derive, check, emit, train, gradient, doctor):
    app.command(_module.NAME)(_module.command)
app.command(
    bench.NAME,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)(bench.command)
