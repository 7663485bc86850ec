"""Where the commands write: results to standard output, everything else to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from saltus.errors import InputError


def out() -> Console:
    """Standard output, for people."""
    return Console(highlight=False, soft_wrap=False)


def error(message: str) -> None:
    """A message in red on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(message, style="red"))


def note(message: str) -> None:
    """A message on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(message))


def json(value: Any) -> None:
    """A value on standard output, as JSON for machines."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
    sys.stdout.flush()


def text(value: str, file: Path | None) -> None:
    """A text on standard output, or in a file."""
    if not value.endswith("\n"):
        value += "\n"
    if file is None:
        sys.stdout.write(value)
        sys.stdout.flush()
        return
    with _into(file, "Choose another path with -o."):
        file.write_text(value, encoding="utf-8")


def writable(file: Path) -> None:
    """Raises ``InputError`` if a file cannot be written; what is in it stays."""
    there = file.exists()
    with _into(file, "Choose another path."):
        file.open("ab").close()
        if not there:
            file.unlink()


@contextmanager
def _into(file: Path, remedy: str) -> Iterator[None]:
    """Makes the file's folder; says what to do where a file cannot be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as problem:
        raise InputError(f"{file} cannot be written: {problem.strerror}. {remedy}") from problem


@contextmanager
def busy(what: str) -> Iterator[None]:
    """A spinner on standard error while something takes long; nothing unless that is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(what):
        yield
