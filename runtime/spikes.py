"""Spike trains of a batch, checked once and packed: what goes into a network and what comes out.

Nothing is dropped, clipped or rounded: a time that cannot be simulated is an error that names its place.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saltus.errors import InputError
from saltus.runtime.trains import Train

Times = NDArray[np.float64]
Neurons = NDArray[np.int32]

LARGEST = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Layout:
    """How the user wrote the spikes down, so that gradients go back in the same form.

    order: position of each packed spike in the user's flat order; lengths: of the user's innermost lists;
    neurons: how many of those make a sample, or None where a sample is one list;
    shape: of the user's array, or None where there were lists.
    """

    order: NDArray[np.int64]
    lengths: NDArray[np.int64]
    neurons: int | None
    shape: tuple[int, int] | None = None

    @functools.cached_property
    def in_order(self) -> bool:
        """Whether the packed spikes are in the user's order."""
        return bool((self.order == np.arange(len(self.order))).all())

    def arrange(self, values: Times) -> list[Any] | Times:
        """Values of the packed spikes, in the user's order and nesting; may be views of them."""
        flat = values if self.in_order else np.empty_like(values)
        if not self.in_order:
            flat[self.order] = values
        if self.shape is not None:
            return flat.reshape(self.shape)
        inner = np.split(flat, np.cumsum(self.lengths)[:-1]) if len(self.lengths) else []
        if self.neurons is None:
            return inner
        return [inner[i : i + self.neurons] for i in range(0, len(inner), self.neurons)]


@dataclass(frozen=True, eq=False)
class Spikes:
    """Spikes of ``len(spikes)`` samples, sorted by time within a sample.

    Attributes:
        times: in seconds, ``(total,)``.
        neurons: which neuron spiked, ``(total,)``.
        start: the spikes of sample b are ``start[b]:start[b + 1]``, ``(samples + 1,)``.
        size: number of neurons.

    Raises:
        InputError: for shapes that do not belong together, a time that is not finite, negative or out of
            order, or a neuron that does not exist.
    """

    times: Times
    neurons: Neurons
    start: NDArray[np.int64]
    size: int
    layout: Layout | None = None

    def __post_init__(self) -> None:
        times = np.ascontiguousarray(_numbers(self.times, "spikes"))
        neurons = _whole("neurons", self.neurons, np.int32)
        start = _whole("start", self.start, np.int64)
        if times.ndim != 1 or times.shape != neurons.shape:
            raise InputError(
                f"spikes: times of shape {times.shape} and neurons of shape {neurons.shape} do not belong "
                "together. Give one time and one neuron for each spike."
            )
        if (
            start.ndim != 1
            or start[:1].tolist() != [0]
            or start[-1] != len(times)
            or np.any(np.diff(start) < 0)
        ):
            raise InputError(
                f"spikes: start does not divide {len(times)} spikes into samples. "
                "It must rise from 0 to the number of spikes, with one entry more than there are samples."
            )
        for name, array in (("times", times), ("neurons", neurons), ("start", start)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        self._check()

    @classmethod
    def from_times(cls, samples: NDArray[Any] | Sequence[Sequence[ArrayLike]]) -> Spikes:
        """Spikes given as ``samples[sample][neuron]``: a list of ascending times, or one time.

        An array ``(samples, neurons)`` is one spike for each neuron.
        """
        if isinstance(samples, np.ndarray):
            return cls._from_array(samples)
        if not all(isinstance(sample, Sequence | np.ndarray) for sample in samples):
            raise InputError(
                "spikes: a list of numbers is no list of samples. Give samples[sample][neuron], a list each."
            )
        rows = [
            [
                np.atleast_1d(_numbers(train, f"spikes, sample {b}, neuron {n}"))
                for n, train in enumerate(sample)
            ]
            for b, sample in enumerate(samples)
        ]
        size = len(rows[0]) if rows else 0
        for b, row in enumerate(rows):
            if len(row) != size:
                raise InputError(
                    f"spikes, sample {b}: {len(row)} neurons where sample 0 has {size}. "
                    "Give a list of times for every neuron, an empty one for a silent neuron."
                )
            for n, train in enumerate(row):
                if train.ndim != 1 or np.any(np.diff(train) < 0):
                    raise InputError(
                        f"spikes, sample {b}, neuron {n}: the times are not in ascending order. Sort them."
                    )
        lengths = np.array([len(train) for row in rows for train in row], dtype=np.int64)
        times = np.concatenate([train for row in rows for train in row]) if lengths.size else np.empty(0)
        neurons = np.repeat(np.tile(np.arange(size), len(rows)), lengths)
        samples_of = np.repeat(np.arange(len(rows)).repeat(size), lengths)
        return cls._sorted(times, neurons, samples_of, (size, lengths, size))

    @classmethod
    def from_pairs(cls, samples: Sequence[ArrayLike], size: int) -> Spikes:
        """Spikes given as ``samples[sample] = [[neuron, time], ...]``, in any order; ``size``: of neurons."""
        tables = [_pairs(b, pairs).reshape(-1, 2) for b, pairs in enumerate(samples)]
        table = np.concatenate(tables) if tables else np.empty((0, 2))
        lengths = np.array([len(part) for part in tables], dtype=np.int64)
        samples_of = np.repeat(np.arange(len(tables)), lengths)
        neurons = table[:, 0]
        if len(bad := np.flatnonzero((neurons != np.floor(neurons)) | (np.abs(neurons) > LARGEST))):
            raise InputError(
                f"spikes, sample {samples_of[bad[0]]}: {neurons[bad[0]]:g} is not a neuron. "
                "Give pairs [neuron, time] with a whole number first."
            )
        return cls._sorted(table[:, 1], neurons, samples_of, (size, lengths, None))

    @classmethod
    def from_events(cls, samples: Sequence[tuple[ArrayLike, ArrayLike]], size: int) -> Spikes:
        """Spikes given as ``samples[sample] = (times, neurons)``, times ascending; ``size``: of neurons."""
        if short := [b for b, sample in enumerate(samples) if len(sample) != 2]:
            raise InputError(f"spikes, sample {short[0]}: not (times, neurons). Give two arrays a sample.")
        times = [
            np.atleast_1d(_numbers(sample[0], f"spikes, sample {b}")) for b, sample in enumerate(samples)
        ]
        neurons = [
            np.atleast_1d(_whole(f"neurons of sample {b}", sample[1], np.int32))
            for b, sample in enumerate(samples)
        ]
        for b, (t, n) in enumerate(zip(times, neurons, strict=True)):
            if t.shape != n.shape or t.ndim != 1:
                raise InputError(
                    f"spikes, sample {b}: times of shape {t.shape} and neurons of shape {n.shape} do not "
                    "belong together. Give one time and one neuron for each spike."
                )
        lengths = np.array([len(t) for t in times], dtype=np.int64)
        start = np.concatenate([[0], np.cumsum(lengths)])
        flat = np.concatenate(times) if times else np.empty(0)
        which = np.concatenate(neurons) if neurons else np.empty(0, np.int32)
        return cls(flat, which, start, size, Layout(np.arange(len(flat)), lengths, None))

    @functools.cached_property
    def as_train(self) -> Train:
        """The same as the kernels read it."""
        return Train(self.times, self.neurons, self.start[:-1], np.diff(self.start).astype(np.int32))

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """All that it holds in memory."""
        layout = () if self.layout is None else (self.layout.order, self.layout.lengths)
        train: Train | None = self.__dict__.get("as_train")
        return (self.times, self.neurons, self.start, *layout, *(() if train is None else train.arrays))

    @functools.cached_property
    def last(self) -> float:
        """The largest time; 0 without spikes."""
        return float(self.times.max(initial=0.0))

    def __len__(self) -> int:
        """The number of samples."""
        return len(self.start) - 1

    def sample(self, sample: int) -> tuple[Times, Neurons]:
        """Times and neurons of one sample."""
        part = slice(self.start[sample], self.start[sample + 1])
        return self.times[part], self.neurons[part]

    def train(self, sample: int, neuron: int) -> Times:
        """The spike times of one neuron in one sample."""
        times, neurons = self.sample(sample)
        chosen: Times = times[neurons == neuron]
        return chosen

    def to_times(self) -> list[list[Times]]:
        """``[sample][neuron]`` to times: the inverse of ``from_times``."""
        return [[self.train(b, n) for n in range(self.size)] for b in range(len(self))]

    def counts(self) -> NDArray[np.int64]:
        """The number of spikes of each neuron, ``(samples, neurons)``."""
        place = self.samples() * self.size + self.neurons
        counts: NDArray[np.int64] = np.bincount(place, minlength=len(self) * self.size)
        return counts.reshape(len(self), self.size)

    def first(self, k: int = 0) -> Times:
        """The time of spike ``k``, counted from 0, of each neuron, ``(samples, neurons)``; inf where none."""
        times = np.full((len(self), self.size), np.inf)
        chosen = self.ranks() == k
        times[self.samples()[chosen], self.neurons[chosen]] = self.times[chosen]
        return times

    def samples(self) -> NDArray[np.int64]:
        """The sample of each spike, ``(total,)``."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))

    def ranks(self) -> NDArray[np.int64]:
        """The number of earlier spikes of the same neuron in the same sample, ``(total,)``."""
        place = self.samples() * self.size + self.neurons
        order = np.argsort(place, kind="stable")
        begins = np.concatenate([[0], np.cumsum(np.bincount(place, minlength=1))])
        ranks = np.empty(len(place), dtype=np.int64)
        ranks[order] = np.arange(len(place)) - begins[place[order]]
        return ranks

    def take(self, samples: Sequence[int] | NDArray[np.integer[Any]]) -> Spikes:
        """The spikes of these samples, in this order; raises ``InputError`` for one that there is not."""
        chosen = np.asarray(samples)
        if not chosen.size:
            chosen = chosen.astype(np.int64)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise InputError("spikes: samples are taken by a list of their numbers. Give whole numbers.")
        if len(bad := chosen[(chosen < -len(self)) | (chosen >= len(self))]):
            raise InputError(f"spikes: sample {bad[0]} is taken where there are {len(self)}. Count from 0.")
        counts = np.diff(self.start)[chosen]
        start = np.zeros(len(chosen) + 1, dtype=np.int64)
        np.cumsum(counts, out=start[1:])
        index = np.repeat(self.start[:-1][chosen] - start[:-1], counts) + np.arange(start[-1])
        return _trusted(self.times[index], self.neurons[index], start, self.size)

    def arrange(self, values: Times) -> Any:
        """One value for each spike, in the form the spikes were given in; packed spikes: the array itself."""
        return values if self.layout is None else self.layout.arrange(values)

    def _check(self) -> None:
        """Raises for the first spike that is wrong."""
        times, neurons = self.times, self.neurons
        later = np.ones(len(times), dtype=bool)
        later[1:] = times[1:] >= times[:-1]
        later[self.start[:-1][np.diff(self.start) > 0]] = True
        rules = (
            (np.isfinite(times), "is not finite", "Leave out spikes that do not happen"),
            (times >= 0.0, "is negative", "Time starts at 0"),
            (
                (neurons >= 0) & (neurons < self.size),
                f"is of a neuron outside 0 ... {self.size - 1}",
                "Check the size",
            ),
            (later, "comes before the spike in front of it", "Sort the spikes of each sample by time"),
        )
        for holds, wrong, remedy in rules:
            if not holds.all():
                i = int(np.argmin(holds))
                sample = int(np.searchsorted(self.start, i, side="right")) - 1
                raise InputError(
                    f"spikes, sample {sample}, neuron {neurons[i]}: "
                    f"the spike at t = {times[i]:.9g} s {wrong}. {remedy}."
                )

    @classmethod
    def _sorted(
        cls,
        times: Times,
        neurons: NDArray[Any],
        samples: NDArray[np.int64],
        layout: tuple[int, NDArray[np.int64], int | None],
    ) -> Spikes:
        """Sorted by sample, time and neuron; layout: number of neurons, then what ``Layout`` needs."""
        size, lengths, group = layout
        batch = len(lengths) if group is None else len(lengths) // max(group, 1)
        order = np.lexsort((neurons, times, samples))
        start = np.concatenate([[0], np.cumsum(np.bincount(samples, minlength=batch))])
        return cls(times[order], neurons[order].astype(np.int32), start, size, Layout(order, lengths, group))

    @classmethod
    def _from_array(cls, samples: NDArray[Any]) -> Spikes:
        if samples.ndim != 2:
            raise InputError(
                f"spikes: an array of shape {samples.shape} is not one time for each sample and neuron. "
                "Give shape (samples, neurons), or lists of times."
            )
        batch, size = samples.shape
        samples = _numbers(samples, "spikes")
        order = np.argsort(samples, axis=1, kind="stable")
        flat = (order + size * np.arange(batch)[:, None]).ravel()
        layout = Layout(flat, np.full(batch * size, 1, dtype=np.int64), size, (batch, size))
        times = samples.ravel()[flat]
        return cls(times, order.ravel().astype(np.int32), size * np.arange(batch + 1), size, layout)


def as_spikes(given: Any, size: int, where: str) -> Spikes:
    """Spikes in any of the accepted forms, checked against the number of neurons.

    Args:
        given: ``Spikes``, an array ``(samples, neurons)``, or for each sample a list of times per neuron or a
            tuple ``(times, neurons)``.
        size: number of neurons they belong to.
        where: the input's name, for messages.
    """
    spikes = given if isinstance(given, Spikes) else _convert(given, size)
    if spikes.size != size and len(spikes):
        raise InputError(
            f"spikes of {where!r}: {spikes.size} neurons where the network has {size}. "
            "Give a list of times for each neuron; for [neuron, time] pairs use saltus.Spikes.from_pairs."
        )
    return spikes


def check_horizon(spikes: Spikes, horizon: float, where: str) -> Spikes:
    """The same spikes; raises ``InputError`` for one after the end of the simulation."""
    if spikes.last > horizon:
        i = int(np.argmax(spikes.times))
        raise InputError(
            f"spikes of {where!r}, sample {spikes.samples()[i]}, neuron {spikes.neurons[i]}: "
            f"the spike at t = {spikes.last:.9g} s is beyond the end, T = {horizon:.9g} s. "
            "Raise T, or leave the spike out."
        )
    return spikes


def _convert(given: Any, size: int) -> Spikes:
    if isinstance(given, np.ndarray):
        return Spikes.from_times(given)
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise InputError(
            f"spikes: {type(given).__name__} is none of the accepted forms. "
            "Give saltus.Spikes, or for each sample a list of times for each neuron."
        )
    if given and all(isinstance(sample, tuple) and len(sample) == 2 for sample in given):
        return Spikes.from_events(given, size)
    return Spikes.from_times(given)


def _numbers(given: ArrayLike, where: str) -> Times:
    """Times as an array; whatever would lose something on the way to one is refused."""
    if isinstance(given, np.ma.MaskedArray):
        raise InputError(f"{where}: a masked array hides spikes. Give lists of the times that there are.")
    try:
        array = np.asarray(given)
        if array.dtype.kind in "iufO":
            return array.astype(np.float64, copy=False)
    except (TypeError, ValueError):
        pass
    raise InputError(f"{where}: these are not times. Give numbers, in seconds.")


def _pairs(b: int, pairs: ArrayLike) -> Times:
    array = _numbers(pairs, f"spikes, sample {b}")
    if array.size and (array.ndim != 2 or array.shape[1] != 2):
        raise InputError(
            f"spikes, sample {b}: shape {array.shape} is not a list of pairs. Give [[neuron, time], ...]."
        )
    return array


def _whole(name: str, given: ArrayLike | Iterable[int], kind: type[np.integer[Any]]) -> NDArray[Any]:
    """An array of whole numbers; floats are refused, even whole ones, but empty lists are not."""
    array = np.asarray(given)
    if array.size and array.dtype.kind not in "iu":
        raise InputError(f"spikes: {name} of type {array.dtype} are not whole numbers. Give integers.")
    if array.size and max(array.max(), -int(array.min())) > np.iinfo(kind).max:
        raise InputError(f"spikes: {name} hold a number beyond {np.iinfo(kind).max}. Count from 0.")
    return np.ascontiguousarray(array, dtype=kind)


def pack(train: Train, size: int) -> Spikes:
    """A copy of what a kernel wrote, without gaps."""
    start = np.zeros(len(train.count) + 1, dtype=np.int64)
    np.cumsum(train.count, out=start[1:])
    at = train.cells.at
    return _trusted(train.time[at], train.row[at], start, size)


def _trusted(times: Times, neurons: Neurons, start: NDArray[np.int64], size: int) -> Spikes:
    """Spikes that are known to be right, without checking them again."""
    spikes = object.__new__(Spikes)
    fields = {"times": times, "neurons": neurons, "start": start, "size": size, "layout": None}
    for name, value in fields.items():
        object.__setattr__(spikes, name, value)
    return spikes
