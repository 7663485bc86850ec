"""What a training run did, epoch by epoch."""

from __future__ import annotations

from pathlib import Path

import msgspec

from saltus.errors import InputError


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """One pass over the training data.

    Attributes:
        epoch: counted from 1.
        train_loss, train_accuracy: means over the epoch's batches, each before its own update (so they trail
            the weights by half an epoch); accuracy in [0, 1], None if the network does not classify.
        validation_loss, validation_accuracy: after the epoch; None without validation data.
        missing: label neurons that did not spike, over all training samples of the epoch.
        silent: neurons that did not spike over the validation data (the training data without one).
        boosted: how many times the silent-neuron heuristic raised a neuron's incoming weights.
        clipped: steps whose gradient was clipped.
        rate: factor of the learning rates (1 unless there is a schedule).
        seconds: wall-clock time, validation included.
    """

    epoch: int
    train_loss: float
    train_accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    missing: int
    silent: int
    boosted: int
    clipped: int
    rate: float
    seconds: float


class History(msgspec.Struct, frozen=True):
    """The epochs of a run, oldest first.

    Attributes:
        epochs: the records.
        best: index of the epoch with the best validation result; None without validation.
    """

    epochs: tuple[Epoch, ...] = ()
    best: int | None = None

    def __len__(self) -> int:
        return len(self.epochs)

    def column(self, name: str) -> list[float | None]:
        """One entry for each epoch; raises ``InputError`` for a name that is no column."""
        if name not in Epoch.__struct_fields__:
            raise InputError(
                f'history: there is no column "{name}". Use one of {", ".join(Epoch.__struct_fields__)}.'
            )
        return [getattr(epoch, name) for epoch in self.epochs]

    def with_epoch(self, epoch: Epoch) -> History:
        """The history with one epoch more, which is the best one if it beats the best so far.

        Best is the highest validation accuracy, then the lowest validation loss; the lowest loss where the
        network does not classify.
        """
        best = self.best
        if epoch.validation_loss is not None and (best is None or _merit(epoch) > _merit(self.epochs[best])):
            best = len(self.epochs)
        return History((*self.epochs, epoch), best)

    def stale(self) -> int:
        """Number of epochs since the best one."""
        return 0 if self.best is None else len(self.epochs) - 1 - self.best

    def to_json(self) -> bytes:
        """The epochs as a JSON list of objects."""
        return msgspec.json.format(msgspec.json.encode(self.epochs), indent=2) + b"\n"

    def save(self, path: Path) -> None:
        """Writes ``to_json()`` to a file."""
        path.write_bytes(self.to_json())


def _merit(epoch: Epoch) -> tuple[float, float]:
    """Larger is better."""
    accuracy = epoch.validation_accuracy
    loss = epoch.validation_loss
    return (0.0 if accuracy is None else accuracy, float("-inf") if loss is None else -loss)
