"""Delays on the fast path: what a source sends with one delay is a row of weights of its own.

A line carries the spikes of one source to those of its targets whose synapses share a delay. What arrives
through it is an event like any other, at a later time, that acts through a row of weights which is zero
where the line does not lead; the gradient of the event's time is that of the spike's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saltus.errors import RunError
from saltus.runtime import memory
from saltus.runtime.kernel import arrivals_kernel
from saltus.runtime.synapses import Synapses
from saltus.runtime.trains import Train
from saltus.templates.ir import ModelIR

Array = NDArray[np.float64]


class Lines(NamedTuple):
    """The lines of a projection, by source and then by delay.

    first: of each source, and how many there are, ``(pre + 1,)``; delay: ``(lines,)``, in seconds;
    whole: whether each source has one line, and so one row of weights; post, line: of each synapse, if not
    whole.
    """

    first: NDArray[np.int32]
    delay: Array
    post: NDArray[np.int64]
    line: NDArray[np.int64]
    whole: bool

    @property
    def most(self) -> int:
        """Lines of one source at most."""
        return int(np.diff(self.first).max(initial=0))


class Loop(NamedTuple):
    """Lines from a population to itself: those of each neuron, ``(neurons + 1,)``, by delay; their rows."""

    first: NDArray[np.int32]
    delay: Array
    row: NDArray[np.int32]

    @property
    def most(self) -> int:
        """Lines of one neuron at most."""
        return int(np.diff(self.first).max(initial=0))


def lines_of(synapses: Synapses) -> Lines:
    """One line for each source and distinct delay; for each source, where there are no delays."""
    nobody = np.empty(0, dtype=np.int64)
    if synapses.delays is None:
        sources = synapses.shape[0]
        one_each = np.arange(sources + 1, dtype=np.int32)
        return Lines(one_each, np.zeros(sources), nobody, nobody, True)
    (pre, post), delays = synapses.all_ends(), synapses.flat(synapses.delays)
    order = np.lexsort((delays, pre))
    source, delay = pre[order], delays[order]
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = (np.diff(source) != 0) | (np.diff(delay) != 0.0)
    line = np.empty(len(order), dtype=np.int64)
    line[order] = np.cumsum(begins) - 1
    each = np.bincount(source[begins], minlength=synapses.shape[0])
    first = np.concatenate([[0], np.cumsum(each)]).astype(np.int32)
    if (each == 1).all():
        return Lines(first, delay[begins], nobody, nobody, True)
    return Lines(first, delay[begins], post, line, False)


@dataclass(frozen=True, eq=False)
class Arrived:
    """All that arrives in one train, as ``Merged`` of what was sent, of which nothing need arrive just once.

    sender, sent: of each event, the train that it came from and its event there; senders: how many trains.
    """

    train: Train
    sender: NDArray[np.int32]
    sent: NDArray[np.int64]
    senders: int

    @cached_property
    def places(self) -> list[NDArray[np.int64]]:
        """Where the events of each sender went."""
        at = self.train.cells.at
        return [at[self.sender[at] == k] for k in range(self.senders)]

    def total(self, worth: Array, number: int, source: Train) -> Array:
        """What a sender's events are worth by what arrived of them, laid out like its train."""
        total, train, kernel = np.zeros(len(source.time)), self.train, arrivals_kernel()
        arrays: tuple[NDArray[Any], ...] = (train.start, train.count, self.sender, self.sent, worth, total)
        kernel.lib.saltus_worth(len(train.count), number, *map(kernel.pointer, arrays))
        return total

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """All that it holds in memory."""
        return (*self.train.arrays, self.sender, self.sent, *self.__dict__.get("places", ()))


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of weights of all projections into a population, those of each line one below the other.

    projections: as a user sees them; lines: of each; first: row of each; channels: of the first neuron of
    each one's source, among all sources; block: ``(rows, padded neurons)``, brought up to date by ``fill``;
    receptor: ``(rows,)``; delays: copies, of what the lines were made of.
    """

    projections: Sequence[Synapses]
    lines: tuple[Lines, ...]
    first: tuple[int, ...]
    channels: tuple[int, ...]
    block: Array
    receptor: NDArray[np.int32]
    delays: tuple[Array | None, ...]

    @classmethod
    def of(cls, projections: Sequence[Synapses], ir: ModelIR, size: int) -> Rows:
        """As the delays are now; ``RunError`` for one that is none, or for rows that may not have gaps."""
        for synapses in projections:
            synapses.check_delays()
        lines = tuple(map(lines_of, projections))
        for synapses, own in zip(projections, lines, strict=True):
            if not (own.whole or ir.arrivals[synapses.receptor].additive):
                raise RunError(
                    f"{synapses.name}.delays: several of one source, and to {ir.name} a spike without weight "
                    "is not as if there were none. Give the network these delays from the beginning."
                )
        sizes = {synapses.pre: synapses.shape[0] for synapses in projections}
        begin = dict(zip(sizes, np.cumsum([0, *sizes.values()]).tolist(), strict=False))
        counts = [len(own.delay) for own in lines]
        receptor = np.repeat([synapses.receptor for synapses in projections], counts).astype(np.int32)
        return cls(
            projections,
            lines,
            tuple(np.cumsum([0, *counts])[:-1].tolist()),
            tuple(begin[synapses.pre] for synapses in projections),
            memory.zeros(sum(counts), memory.padded(size)),
            receptor,
            tuple(None if s.delays is None else s.delays.copy() for s in projections),
        )

    @cached_property
    def late(self) -> bool:
        """Whether there is a delay anywhere."""
        return any(delays is not None for delays in self.delays)

    def delayed(self, count: int) -> bool:
        """Whether there is a delay in the first so many projections."""
        return self.late and any(delays is not None for delays in self.delays[:count])

    @property
    def views(self) -> list[Array]:
        """The weights of each projection within the block, if each of them is whole, ``(pre, post)``."""
        return [
            self.block[first : first + len(lines.delay), : synapses.shape[1]]
            for synapses, lines, first in zip(self.projections, self.lines, self.first, strict=True)
        ]

    @property
    def current(self) -> bool:
        """Whether the delays are still those that the lines were made of."""
        pairs = zip(self.projections, self.delays, strict=True)
        return all(
            before is None or (s.delays is not None and np.array_equal(s.delays, before))
            for s, before in pairs
        )

    def fill(self) -> None:
        """Writes the weights as they are now."""
        for synapses, lines, first in zip(self.projections, self.lines, self.first, strict=True):
            if lines.whole:
                self.block[first : first + len(lines.delay), : synapses.shape[1]] = synapses.weights
            else:
                self.block[first + lines.line, lines.post] = synapses.flat(synapses.weights)

    def collected(self, block: Array, name: str) -> Array:
        """What rows like ``block`` hold for a projection, laid out like its weights."""
        synapses, lines, first = self._by_name[name]
        if lines.whole:
            own = block[first : first + len(lines.delay), : synapses.shape[1]].copy()
            return synapses.clear_absent(own)
        return synapses.arranged(block[first + lines.line, lines.post])

    @cached_property
    def _by_name(self) -> dict[str, tuple[Synapses, Lines, int]]:
        parts = zip(self.projections, self.lines, self.first, strict=True)
        return {part[0].name: part for part in parts}

    @cached_property
    def loop(self) -> Loop:
        """The lines that lead from the population to itself."""
        own = [k for k, synapses in enumerate(self.projections) if synapses.pre == synapses.post]
        sources = [
            np.repeat(np.arange(len(self.lines[k].first) - 1), np.diff(self.lines[k].first)) for k in own
        ]
        delay = np.concatenate([self.lines[k].delay for k in own])
        row = np.concatenate([self.first[k] + np.arange(len(self.lines[k].delay)) for k in own])
        order = np.lexsort((delay, np.concatenate(sources)))
        first = np.asarray(sum(self.lines[k].first for k in own), dtype=np.int32)
        return Loop(first, delay[order], row[order].astype(np.int32))

    def heard(self, sources: Sequence[Train], probes: Train | None, batch: int, horizon: float) -> Arrived:
        """What arrives until the horizon of what the sources of the projections send, and the probes."""
        trains = [*sources, *([] if probes is None else [probes])]
        most = [lines.most for lines in self.lines[: len(sources)]] + [1] * (len(trains) - len(sources))
        room = np.zeros(batch, dtype=np.int64)
        for train, lines in zip(trains, most, strict=True):
            room += lines * train.count.astype(np.int64)
        start = np.cumsum(room) - room
        count = np.zeros(batch, dtype=np.int32)
        row, sender = np.empty((2, int(room.sum())), dtype=np.int32)
        time, sent = np.empty(len(row)), np.empty(len(row), dtype=np.int64)
        scratch = np.empty(10 * int(room.max(initial=0)))
        kernel = arrivals_kernel()
        senders = kernel.ffi.new("saltus_sender[]", max(len(trains), 1))
        for k, train in enumerate(trains):
            fields: dict[str, NDArray[Any]] = {
                "time": train.time,
                "row": train.row,
                "start": train.start,
                "count": train.count,
            }
            if k < len(sources):
                fields |= {"line": self.lines[k].first, "delay": self.lines[k].delay}
                senders[k].first_row, senders[k].channel = self.first[k], self.channels[k]
                senders[k].late = self.delays[k] is not None
            for name, array in fields.items():
                setattr(senders[k], name, kernel.pointer(array))
        arrays: tuple[NDArray[Any], ...] = (start, count, time, row, sender, sent, scratch)
        kernel.lib.saltus_arrivals(batch, horizon, len(trains), senders, *map(kernel.pointer, arrays))
        return Arrived(Train(time, row, start, count), sender, sent, len(trains))
