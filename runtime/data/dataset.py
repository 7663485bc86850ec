"""Spike trains with a class label each, and their division for training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saltus.errors import InputError
from saltus.runtime.spikes import LARGEST, Spikes


@dataclass(frozen=True)
class Dataset:
    """Samples for training or evaluation.

    Attributes:
        spikes: the input spikes of each sample.
        labels: the class of each sample, ``(samples,)``.
        points: where the samples came from, ``(samples, anything)``, for plots; not used in training.

    Raises:
        InputError: if the numbers of samples differ, or labels are not whole numbers >= 0.
    """

    spikes: Spikes
    labels: NDArray[np.int32]
    points: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.spikes, Spikes):
            raise InputError(
                f"data set: spikes as {type(self.spikes).__name__}. "
                "Give saltus.Spikes, such as saltus.Spikes.from_times(...)."
            )
        labels = np.asarray(self.labels)
        if labels.ndim != 1 or labels.dtype.kind not in "iu" or (labels.size and labels.min() < 0):
            raise InputError(
                f"data set: labels of shape {labels.shape} and type {labels.dtype} are not classes. "
                "Give one whole number from 0 upwards for each sample."
            )
        if labels.size and labels.max() > LARGEST:
            raise InputError(f"data set: the label {labels.max()} is no class. Count classes from 0.")
        object.__setattr__(self, "labels", np.ascontiguousarray(labels, dtype=np.int32))
        for name, length in (("labels", len(labels)), ("points", _length(self.points, len(labels)))):
            if length != len(self.spikes):
                raise InputError(
                    f"data set: {len(self.spikes)} samples of spikes but {length} {name}. "
                    "Give one of each for every sample."
                )

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, samples: Sequence[int] | NDArray[np.integer[Any]]) -> Dataset:
        """The data set of these samples, in this order."""
        points = None if self.points is None else self.points[samples]
        return Dataset(self.spikes.take(samples), self.labels[samples], points)

    def fingerprint(self) -> str:
        """A name for exactly this data: the number of samples and a hash of spikes and labels."""
        digest = hashlib.sha256()
        for array in (self.spikes.times, self.spikes.neurons, self.spikes.start, self.labels):
            digest.update(np.ascontiguousarray(array).tobytes())
        return f"{len(self)} samples {digest.hexdigest()[:16]}"


class Split(NamedTuple):
    """A data set in three parts; unpack it as ``train, validation, test``."""

    train: Dataset
    validation: Dataset
    test: Dataset


def _length(array: ArrayLike | None, default: int) -> int:
    return default if array is None else len(np.asarray(array))
