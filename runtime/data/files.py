"""Data sets in ``.npz`` files: what a configuration's ``[data] name = "files"`` reads.

The arrays are those of ``Spikes`` and ``Dataset``: ``times`` (seconds, sorted within a sample), ``neurons``,
``start`` (one entry more than samples), ``size`` (number of input neurons), ``labels``, maybe ``points``.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saltus.errors import InputError
from saltus.runtime.data.dataset import Dataset
from saltus.runtime.spikes import Spikes

_NEEDED = ("times", "neurons", "start", "size", "labels")


def save_dataset(path: str | Path, data: Dataset) -> None:
    """Writes a data set to ``path`` (with its ending as given).

    Raises:
        InputError: if the file cannot be written, with the system's reason.
    """
    spikes = data.spikes
    arrays: dict[str, NDArray[Any]] = {
        "times": spikes.times,
        "neurons": spikes.neurons,
        "start": spikes.start,
        "size": np.array(spikes.size),
        "labels": data.labels,
    }
    if data.points is not None:
        arrays["points"] = data.points
    try:
        with Path(path).open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}. Choose another path.") from error


def load_dataset(path: str | Path) -> Dataset:
    """Reads a data set.

    Raises:
        InputError: if the file cannot be read, lacks an array, or its spikes or labels are wrong.
    """
    try:
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: no data set can be read here ({error}). Give a file that save_dataset wrote."
        ) from error
    if missing := [name for name in _NEEDED if name not in arrays]:
        raise InputError(f"{path}: there is no array {missing[0]!r}. It needs {', '.join(_NEEDED)}.")
    try:
        spikes = Spikes(arrays["times"], arrays["neurons"], arrays["start"], int(arrays["size"]))
        return Dataset(spikes, arrays["labels"], arrays.get("points"))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
