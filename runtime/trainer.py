"""Training by mini-batches: shuffling, validation, early stop, checkpoints, and a record of every epoch.

The order of the samples in an epoch depends on the seed and the epoch's number alone, and the gradient's bits
do not depend on the number of threads; so a run that was stopped and resumed ends with the bits of one that
was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from saltus.errors import ConfigError, InputError
from saltus.runtime.checkpoint import Checkpoint, load, require_same, save
from saltus.runtime.data.dataset import Dataset
from saltus.runtime.evaluation import Evaluation, Tally, evaluate
from saltus.runtime.history import Epoch, History
from saltus.runtime.optimiser import Array, Optimiser, OptimiserState
from saltus.runtime.progress import Progress, bar
from saltus.runtime.schedule import CONSTANT, Schedule

if TYPE_CHECKING:
    from saltus.runtime.network import Network


Augment = Callable[[Dataset, np.random.Generator], Dataset]
"""Random changes of training data, such as shifts."""


@dataclass(frozen=True)
class _State:
    """A run between two epochs: all that is needed to go on, in arrays of its own."""

    parameters: Mapping[str, Array]
    best: Mapping[str, Array]
    optimiser: OptimiserState
    history: History


class Trainer:
    """Fits a network's parameters to labelled spike trains.

    Args:
        net: the network; its ``parameters()`` are changed in place.
        optimiser: ``Adam(...)`` or ``SGD(...)``.
        batch_size: samples per step; the last batch of an epoch may be smaller.
        seed: of the shuffling.
        silent_boost: None, or how much each incoming weight of a neuron grows after a batch in which that
            neuron did not spike once. **This is a heuristic, not a gradient**: a silent neuron has none
            (source, eqs. 41-44). The paper's own code did it until May 2021 (``weight_increase_bump`` of
            github.com/eventprop/eventprop, for all weights of a layer with too many silent neurons); here it
            acts on the silent neurons alone, and the history counts each time as ``boosted``.
        schedule: factor of the learning rates for each epoch, counted from 0; constant by default.
        augment: what is done to each batch of training data before it is used; its random numbers depend on
            the seed and the step alone. A checkpoint knows a function by its name, else by its ``repr``.

    Raises:
        ConfigError: for a batch size, a boost or learning rates that make no sense.
    """

    def __init__(
        self,
        net: Network,
        optimiser: Optimiser,
        *,
        batch_size: int = 32,
        seed: int = 0,
        silent_boost: float | None = None,
        schedule: Schedule = CONSTANT,
        augment: Augment | None = None,
    ) -> None:
        if isinstance(optimiser, type) or not hasattr(optimiser, "start"):
            raise ConfigError(
                f"trainer: {optimiser!r} is no optimiser. Give one such as saltus.Adam(lr=1e-3)."
            )
        _check_whole("batch_size", batch_size)
        _check_whole("seed", seed)
        if batch_size < 1:
            raise ConfigError(f"trainer: batch_size = {batch_size} is not positive. Use one such as 32.")
        if seed < 0:
            raise ConfigError(f"trainer: seed = {seed} is negative. Give a whole number from 0 on.")
        if silent_boost is not None and not (np.isfinite(silent_boost) and silent_boost > 0):
            raise ConfigError(
                f"trainer: silent_boost = {silent_boost} is not positive. Use one such as 1e-3, or None."
            )
        self.net = net
        self.optimiser = optimiser
        self.batch_size = batch_size
        self.seed = seed
        self.silent_boost = silent_boost
        self.schedule = schedule
        self.augment = augment
        optimiser.start(net.parameters())  # a learning rate that fits nothing is found here, not after a run

    def fit(
        self,
        train: Dataset,
        validation: Dataset | None = None,
        *,
        epochs: int,
        early_stop: int | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: Progress = bar,
    ) -> History:
        """Trains, and leaves the result in the network.

        With ``early_stop`` the parameters of the best epoch by validation are put back at the end (highest
        accuracy, then lowest loss); without it those of the last epoch stay.

        Args:
            train, validation: the data.
            epochs: number of epochs in all, those of a resumed run included.
            early_stop: stop after so many epochs without a better validation result; None: run all epochs.
            checkpoint: file that holds the state after the last whole epoch; Ctrl-C and a full disk leave it
                whole.
            resume: go on from the checkpoint if there is one.
            progress: what is shown; ``saltus.runtime.progress.quiet`` for nothing.

        Returns:
            The history of all epochs.

        Raises:
            ConfigError: if the arguments contradict each other.
            InputError: if the checkpoint is damaged or is of another run.
            RunError: if the simulation, a gradient or the writing of the checkpoint fails.
            KeyboardInterrupt: after Ctrl-C, once the last whole epoch is saved.
        """
        for data in (train, validation):
            if data is not None and not isinstance(data, Dataset):
                raise InputError(
                    f"trainer: {type(data).__name__} is no data set. "
                    "Give saltus.runtime.data.Dataset(spikes, labels)."
                )
        path = None if checkpoint is None else Path(checkpoint)
        _check_fit(epochs, early_stop, validation, path, resume)
        state = self._start(train, validation, path, resume)
        self._write(state.parameters)
        identity = self._identity(train, validation)
        with _kept(path, identity, state) as keep, progress(epochs, len(state.history)) as report:
            while len(state.history) < epochs and not _stale(state.history, early_stop):
                state = self._epoch(state, train, validation)
                keep(state)
                report(state.history.epochs[-1])
        if early_stop is not None:
            self._write(state.best)
        return state.history

    def evaluate(self, data: Dataset) -> Evaluation:
        """Loss, accuracy and silent neurons over a data set, with the network as it is."""
        return evaluate(self.net, data)

    def _start(self, train: Dataset, validation: Dataset | None, path: Path | None, resume: bool) -> _State:
        if path is not None and resume and path.exists():
            found = load(path)
            require_same(path, found.identity, self._identity(train, validation))
            return _restored(found)
        parameters = self._read()
        return _State(parameters, parameters, self.optimiser.start(parameters), History())

    def _epoch(self, before: _State, train: Dataset, validation: Dataset | None) -> _State:
        """One pass over the training data; a function of the state before, whatever ran in between."""
        started = time.perf_counter()
        epoch = len(before.history)
        factor = self.schedule(epoch)
        if not (math.isfinite(factor) and factor >= 0.0):
            raise ConfigError(
                f"trainer: the schedule gives {factor} for epoch {epoch}. "
                "Give a factor of the learning rates."
            )
        order = np.random.default_rng((self.seed, epoch)).permutation(len(train))
        optimiser, tally, boosted = before.optimiser, Tally(), 0
        learned = tuple(self.net.parameters())
        watch = validation is None or self.silent_boost is not None  # who is silent is not free to find out
        for first in range(0, len(order), self.batch_size):
            batch = train.take(order[first : first + self.batch_size])
            if self.augment is not None:
                batch = self.augment(batch, np.random.default_rng((self.seed, epoch, first)))
            result = self.net.run(batch.spikes, batch.labels)
            silent = result.silent() if watch else {}
            tally.add(result, batch.labels, silent)
            optimiser = self._step(self.net.gradients(result, wrt=learned), optimiser, factor)
            boosted += self._boost(silent)
        after = tally.summary()
        checked = None if validation is None else self.evaluate(validation)
        record = Epoch(
            epoch=epoch + 1,
            train_loss=after.loss,
            train_accuracy=after.accuracy,
            validation_loss=None if checked is None else checked.loss,
            validation_accuracy=None if checked is None else checked.accuracy,
            missing=after.missing,
            silent=sum((checked or after).silent.values()),
            boosted=boosted,
            clipped=optimiser.clipped - before.optimiser.clipped,
            rate=factor,
            seconds=time.perf_counter() - started,
        )
        history = before.history.with_epoch(record)
        parameters = self._read()
        best = parameters if history.best in (None, epoch) else before.best
        return _State(parameters, best, optimiser, history)

    def _step(self, gradients: Mapping[str, Array], state: OptimiserState, factor: float) -> OptimiserState:
        values, after = self.optimiser.update(
            self.net.parameters(), gradients, state, self.net.positive(), factor
        )
        self._write(values)
        return after

    def _boost(self, silent: Mapping[str, NDArray[np.bool_]]) -> int:
        """The silent-neuron heuristic; returns the number of neurons it acted on."""
        if self.silent_boost is None:
            return 0
        return sum(self.net.boost(name, neurons, self.silent_boost) for name, neurons in silent.items())

    def _read(self) -> dict[str, Array]:
        return {name: np.array(value) for name, value in self.net.parameters().items()}

    def _write(self, values: Mapping[str, Array]) -> None:
        for name, view in self.net.parameters().items():
            view[...] = values[name]

    def _identity(self, train: Dataset, validation: Dataset | None) -> dict[str, str]:
        return {
            **{f"parameter {name}": str(value.shape) for name, value in self.net.parameters().items()},
            "network": self.net.fingerprint()[:16],
            "optimiser": repr(self.optimiser),
            "batch size": str(self.batch_size),
            "seed": str(self.seed),
            "silent boost": str(self.silent_boost),
            "schedule": getattr(self.schedule, "__qualname__", str(self.schedule)),
            "augmentation": getattr(self.augment, "__qualname__", repr(self.augment)),
            "training data": train.fingerprint(),
            "validation data": "none" if validation is None else validation.fingerprint(),
        }


@contextmanager
def _kept(
    path: Path | None, identity: Mapping[str, str], state: _State
) -> Iterator[Callable[[_State], None]]:
    """Saves each state it is given, and the first one if Ctrl-C comes before any other."""
    if path is None:
        yield lambda state: None
        return
    saved = False

    def keep(state: _State) -> None:
        nonlocal saved
        save(path, _checkpoint(identity, state))
        saved = True

    try:
        yield keep
    except KeyboardInterrupt:
        if not saved:
            keep(state)
        raise


def _checkpoint(identity: Mapping[str, str], state: _State) -> Checkpoint:
    arrays: dict[str, NDArray[np.generic]] = {}
    arrays |= {f"now/{name}": value for name, value in state.parameters.items()}
    arrays |= {f"best/{name}": value for name, value in state.best.items()}
    arrays |= {f"optimiser/{name}": value for name, value in state.optimiser.to_arrays().items()}
    return Checkpoint(identity, arrays, {"history": msgspec.to_builtins(state.history)})


def _restored(found: Checkpoint) -> _State:
    return _State(
        parameters=_floats(found.group("now")),
        best=_floats(found.group("best")),
        optimiser=OptimiserState.from_arrays(found.group("optimiser")),
        history=msgspec.convert(found.progress["history"], History),
    )


def _floats(arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, Array]:
    return {name: np.asarray(array, dtype=np.float64) for name, array in arrays.items()}


def _stale(history: History, early_stop: int | None) -> bool:
    return early_stop is not None and history.stale() >= early_stop


def _check_whole(name: str, given: object) -> None:
    if isinstance(given, bool) or not isinstance(given, int | np.integer):
        raise ConfigError(f"trainer: {name} = {given!r} is not a whole number. Give one.")


def _check_fit(
    epochs: int, early_stop: int | None, validation: Dataset | None, path: Path | None, resume: bool
) -> None:
    _check_whole("epochs", epochs)
    if epochs < 0:
        raise ConfigError(f"trainer: epochs = {epochs} is negative. Give the number of epochs in all.")
    if early_stop is not None and early_stop < 1:
        raise ConfigError(
            f"trainer: early_stop = {early_stop} is not positive. Give a number of epochs, or None."
        )
    if early_stop is not None and validation is None:
        raise ConfigError(
            "trainer: early_stop has no validation data to judge by. Give validation data, or None."
        )
    if resume and path is None:
        raise ConfigError("trainer: resume=True has no file to go on from. Give checkpoint= as well.")
