"""What a loss compares a run with: labels and targets, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saltus.errors import InputError

Array = NDArray[np.float64]
Labels = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Data:
    """Labels ``(batch,)``, or None; targets by name, in the form in which they were given."""

    labels: Labels | None = None
    targets: Mapping[str, Any] = field(default_factory=dict)

    def numbers(self, name: str, shape: tuple[int, ...]) -> Array:
        """A target of finite numbers of this shape; raises ``InputError`` if it is something else."""
        values = numbers(self.targets[name], f"targets[{name!r}]")
        if values.shape != shape:
            raise InputError(
                f"targets[{name!r}]: shape {values.shape} where the loss reads {shape}. Give one number each."
            )
        return values


def numbers(given: ArrayLike, where: str) -> Array:
    """An array of finite float64; raises ``InputError`` for anything else."""
    values = np.ascontiguousarray(floats(given))
    if not np.isfinite(values).all():
        raise InputError(f"{where}: not finite numbers. Give an array of them.")
    return values


def floats(given: ArrayLike) -> Array:
    """An array of float64; one NaN for what is none, or would lose something on the way."""
    try:
        if np.iscomplexobj(given) or isinstance(given, np.ma.MaskedArray):
            raise TypeError("something would be lost")
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        return np.array(np.nan)


def check_labels(given: ArrayLike, batch: int, classes: int) -> Labels:
    """Labels as an array ``(batch,)``.

    Raises:
        InputError: for a wrong number of labels, or one that is no class.
    """
    if isinstance(given, np.ma.MaskedArray):
        raise InputError("labels: a masked array hides some. Leave those samples out.")
    labels = np.asarray(given)
    if labels.shape != (batch,):
        raise InputError(
            f"labels: shape {labels.shape} where there are {batch} samples. Give one label for each."
        )
    if batch and labels.dtype.kind not in "iu":
        raise InputError(f"labels: type {labels.dtype} is not whole numbers. Give the class as an integer.")
    if batch and not 0 <= np.minimum.reduce(labels) <= np.maximum.reduce(labels) < classes:
        bad = np.flatnonzero((labels < 0) | (labels >= classes))
        raise InputError(
            f"labels, sample {bad[0]}: {labels[bad[0]]} is not one of the {classes} classes. "
            "Count them from 0."
        )
    return np.ascontiguousarray(labels, dtype=np.int32)


def check_targets(given: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Targets by name; ``given`` may be the only one itself.

    Raises:
        InputError: if one is missing, or is not known.
    """
    if given is None:
        given = {}
    elif not isinstance(given, Mapping):
        if len(names) != 1:
            raise InputError(
                f"targets: the loss takes {', '.join(names) or 'none'}. Give a dict by these names."
            )
        given = {names[0]: given}
    if set(given) != set(names):
        raise InputError(
            f"targets: given are {', '.join(map(str, given)) or 'none'}, and the loss takes "
            f"{', '.join(names) or 'none'}. Give these."
        )
    return dict(given)
