"""Loss, accuracy and silent neurons of a network over a data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from saltus.errors import InputError
from saltus.runtime.data.dataset import Dataset
from saltus.runtime.network import Network, Result

CHUNK = 500
"""Samples simulated at once: enough for every thread, little memory."""


@dataclass(frozen=True)
class Evaluation:
    """Means over a data set.

    Attributes:
        samples: how many.
        loss: mean over the samples.
        accuracy: share of the samples whose predicted class is the label; None if the network does not
            classify.
        missing: samples whose label's neuron did not spike.
        silent: for each population that can spike, the number of its neurons that spiked in no sample.
    """

    samples: int
    loss: float
    accuracy: float | None
    missing: int
    silent: Mapping[str, int]


@dataclass
class Tally:
    """Collects the results of batches."""

    samples: int = 0
    loss: float = 0.0
    correct: int | None = 0
    missing: int = 0
    silent: dict[str, NDArray[np.bool_]] = field(default_factory=dict)

    def add(self, result: Result, labels: NDArray[np.int32], silent: Mapping[str, NDArray[np.bool_]]) -> None:
        """Adds one batch; ``silent``: which neurons of each population it left silent."""
        self.samples += len(labels)
        self.loss += float(result.loss) * len(labels)
        self.missing += result.missing
        predicted = result.predictions()
        if predicted is None or self.correct is None:
            self.correct = None
        else:
            self.correct += int(np.count_nonzero(predicted == labels))
        for name, neurons in silent.items():
            self.silent[name] = self.silent[name] & neurons if name in self.silent else neurons

    def summary(self) -> Evaluation:
        """The means; raises ``InputError`` if there was nothing to average."""
        if not self.samples:
            raise InputError("data set: there are no samples. Give at least one.")
        return Evaluation(
            samples=self.samples,
            loss=self.loss / self.samples,
            accuracy=None if self.correct is None else self.correct / self.samples,
            missing=self.missing,
            silent={name: int(np.count_nonzero(neurons)) for name, neurons in self.silent.items()},
        )


def evaluate(net: Network, data: Dataset) -> Evaluation:
    """Runs every sample once, forward only."""
    tally = Tally()
    for first in range(0, len(data), CHUNK):
        batch = data.take(np.arange(first, min(first + CHUNK, len(data))))
        result = net.run(batch.spikes, batch.labels)
        tally.add(result, batch.labels, result.silent())
    return tally.summary()


def confusion(net: Network, data: Dataset) -> NDArray[np.int64]:
    """How many samples of each label are taken for each class, ``(labels, classes)``.

    Samples without a prediction are left out, so a row adds up to what was classified.

    Raises:
        InputError: if the network does not classify.
    """
    classes = int(data.labels.max(initial=0)) + 1
    found = np.zeros((classes, classes), dtype=np.int64)
    for first in range(0, len(data), CHUNK):
        batch = data.take(np.arange(first, min(first + CHUNK, len(data))))
        predicted = net.run(batch.spikes, batch.labels).predictions()
        if predicted is None:
            raise InputError("confusion: the network does not classify. Give one whose loss has labels.")
        size = max(len(found), int(predicted.max(initial=0)) + 1)
        found = np.pad(found, (0, size - len(found)))
        np.add.at(found, (batch.labels[predicted >= 0], predicted[predicted >= 0]), 1)
    return found
