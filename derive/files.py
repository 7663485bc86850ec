"""Spec files: the shipped ones by name, a person's own by path, and TOML with an error that says where."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

from saltus.errors import SpecError


def shipped(folder: str) -> tuple[str, ...]:
    """Names of the shipped specs: ``folder`` is ``models`` or ``losses``."""
    entries = resources.files(f"saltus.derive.{folder}").iterdir()
    return tuple(sorted(entry.name[:-5] for entry in entries if entry.name.endswith(".toml")))


def read(folder: str, spec: str | Path) -> tuple[str, str]:
    """The text of a spec file (a path to .toml, or a shipped name) and what to call it in messages.

    Raises:
        SpecError: if there is no such file, or it is not UTF-8 text.
    """
    path = Path(spec)
    if path.suffix != ".toml":
        return _shipped_text(folder, str(spec)), f"{spec}.toml"
    try:
        return path.read_text(encoding="utf-8"), path.name
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SpecError(f"{path} cannot be read: {reason}.\nGive the path of a spec file in TOML.") from None


def toml(text: str, origin: str) -> dict[str, object]:
    """The content of a TOML text; raises ``SpecError`` with the line where it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(
            f"{origin} is not TOML: {error}.\nCorrect it there; https://toml.io has the grammar."
        ) from None


def _shipped_text(folder: str, name: str) -> str:
    names = shipped(folder)
    if name not in names:
        raise SpecError(
            f'"{name}" is not among the shipped {folder}.\n'
            f"Give a path that ends in .toml, or one of: {', '.join(names)}."
        )
    return resources.files(f"saltus.derive.{folder}").joinpath(f"{name}.toml").read_text(encoding="utf-8")
