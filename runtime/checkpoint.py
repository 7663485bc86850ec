"""Checkpoints: named arrays and a JSON record in one ``.npz`` file, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from saltus.errors import InputError, RunError

FORMAT = "saltus-checkpoint-1"
_RECORD = "record"
_DAMAGE = (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile, msgspec.MsgspecError)


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a run needs to go on.

    Attributes:
        identity: what the run is: a checkpoint goes on only where these agree, key by key.
        arrays: parameters, best parameters and the optimiser's state, by name.
        progress: random state, history and whatever else is JSON.
    """

    identity: Mapping[str, str]
    arrays: Mapping[str, NDArray[np.generic]]
    progress: Mapping[str, Any]

    def group(self, prefix: str) -> dict[str, NDArray[np.generic]]:
        """The arrays whose name starts with ``prefix/``, without it."""
        start = prefix + "/"
        return {name[len(start) :]: array for name, array in self.arrays.items() if name.startswith(start)}


class _Record(msgspec.Struct, frozen=True):
    format: str
    identity: dict[str, str]
    progress: dict[str, Any]


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint beside ``path``, then moves it there in one step.

    A reader sees the old file or the new one; a crash, a full disk or Ctrl-C in between leaves the old one.

    Raises:
        RunError: if the file cannot be written, with the system's reason.
    """
    record = _Record(FORMAT, dict(checkpoint.identity), dict(checkpoint.progress))
    text = np.frombuffer(msgspec.json.encode(record), dtype=np.uint8)
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
        with os.fdopen(descriptor, "wb") as file:
            np.savez(file, allow_pickle=False, **{_RECORD: text}, **checkpoint.arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 (the temporary name is a string)
    except OSError as error:
        kept = "The checkpoint before it is whole" if path.exists() else "There is no checkpoint yet"
        raise RunError(
            f"{path}: the checkpoint could not be written: {error.strerror or error}. {kept}; "
            "free space or choose another path, then go on with resume=True."
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink(missing_ok=True)


def load(path: Path) -> Checkpoint:
    """Reads a checkpoint.

    Raises:
        InputError: if the file is not a checkpoint, is damaged, or is of another version.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        record = msgspec.json.decode(arrays.pop(_RECORD).tobytes(), type=_Record)
    except _DAMAGE as error:
        raise InputError(
            f"{path}: this is no whole checkpoint ({type(error).__name__}: {error}). "
            "Give the path of one that a trainer wrote, or move this file away to start afresh."
        ) from error
    if record.format != FORMAT:
        raise InputError(
            f'{path}: the checkpoint has the format "{record.format}", this version reads "{FORMAT}". '
            "Use the version of Saltus that wrote it, or start afresh."
        )
    return Checkpoint(record.identity, arrays, record.progress)


def require_same(path: Path, found: Mapping[str, str], expected: Mapping[str, str]) -> None:
    """Raises ``InputError`` that names each thing in which a checkpoint differs from its run."""
    differences = [
        f"{key} is {found.get(key, 'absent')} there, {expected.get(key, 'absent')} here"
        for key in [*expected, *(key for key in found if key not in expected)]
        if found.get(key) != expected.get(key)
    ]
    if differences:
        raise InputError(
            f"{path}: the checkpoint is of another run: {'; '.join(differences)}. "
            "Make them equal to go on, or give another path to start afresh."
        )
