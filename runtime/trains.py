"""Spike trains as the kernels read them, and several of them merged into one.

A train is four arrays: event ``i`` of sample ``b`` is at ``start[b] + i``. Packed input spikes and the
spikes that a kernel wrote both have this form, so a population that listens to one projection reads its
source in place.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saltus.runtime.kernel import kth_spike_kernel

Times = NDArray[np.float64]
Index = NDArray[np.int64]


class Cells(NamedTuple):
    """The events that exist, in order: the sample of each and where it lies in the arrays."""

    sample: Index
    at: Index


class Kth(NamedTuple):
    """An event of each row: its time, inf where there is none, and its place, -1 there; ``(batch, rows)``."""

    time: Times
    at: Index


@dataclass(frozen=True, eq=False)
class Train:
    """Events of a batch, sorted by time in each sample.

    time: seconds; row: neuron, or row of weights; start: ``(batch,)``; count: ``(batch,)``.
    """

    time: Times
    row: NDArray[np.int32]
    start: Index
    count: NDArray[np.int32]

    @functools.cached_property
    def cells(self) -> Cells:
        """Where the events lie."""
        most = self.count.max(initial=0)
        sample, i = np.nonzero(np.arange(most) < self.count[:, None])
        return Cells(sample, self.start[sample] + i)

    @functools.cached_property
    def kept(self) -> dict[Any, Any]:
        """What a kernel derived from the events, for its next runs, by what else that depends on."""
        return {}

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """All that it holds in memory."""
        derived = [array for each in self.__dict__.get("kept", {}).values() for array in each.arrays]
        return (self.time, self.row, self.start, self.count, *self.__dict__.get("cells", ()), *derived)

    def kth(self, k: int, size: int) -> Kth:
        """The k-th event (from 0) of each row below ``size``."""
        kernel = kth_spike_kernel()
        found = Kth(np.empty((len(self.count), size)), np.empty((len(self.count), size), dtype=np.int64))
        seen = np.empty(size, dtype=np.int32)
        arrays: tuple[NDArray[Any], ...] = (self.start, self.count, self.time, self.row, seen, *found)
        kernel.lib.saltus_kth_spike(len(self.count), size, k, *map(kernel.pointer, arrays))
        return found


class Merged(NamedTuple):
    """One train of several, and for each of them where its events went: ``train.time[places[k]]``."""

    train: Train
    places: list[Index]

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """All that it holds in memory."""
        return (*self.train.arrays, *self.places)


def merge(trains: Sequence[Train], first_row: Sequence[int], batch: int) -> Merged:
    """All events in one train, sorted by time, then by row; a train's rows begin at its ``first_row``.

    A train whose first row is -1 holds probes: its rows are all -1.
    """
    cells = [train.cells for train in trains]
    nothing = [np.empty(0)]
    time = np.concatenate([train.time[c.at] for train, c in zip(trains, cells, strict=True)] + nothing)
    rows = [
        np.full(len(c.at), -1) if first < 0 else train.row[c.at] + first
        for train, c, first in zip(trains, cells, first_row, strict=True)
    ]
    row = np.concatenate(rows + nothing).astype(np.int32)
    sample = np.concatenate([c.sample for c in cells] + nothing).astype(np.int64)
    order = np.lexsort((row, time, sample))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    count = np.bincount(sample, minlength=batch).astype(np.int32)
    start = np.cumsum(count, dtype=np.int64) - count
    bounds = np.cumsum([0] + [len(c.at) for c in cells])
    places = [place[bounds[k] : bounds[k + 1]] for k in range(len(trains))]
    return Merged(Train(time[order], row[order], start, count), places)
