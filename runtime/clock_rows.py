"""Rows of synapses for the clock kernel: all that one source sends with one delay to one receptor.

Dense projections keep a weight for each lane of the receptor, so that a row is added as it is; sparse ones,
and those with several delays, list their targets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saltus.errors import ConfigError, RunError
from saltus.runtime.grid import Grid
from saltus.runtime.kernel import Kernel
from saltus.runtime.members import Members
from saltus.runtime.synapses import Synapses

Index = NDArray[np.int64]
Steps = NDArray[np.int32]

STRUCT = np.dtype(
    [("at", np.int64), ("target", np.int64), ("count", np.int32), ("port", np.int32)], align=True
)
"""``saltus_clock_row``."""


AT_ONCE: Steps = np.zeros(1, dtype=np.int32)
"""The delay of a projection that has none."""


class ClockFrame(NamedTuple):
    """What does not change; see ``wiring.Frame``."""

    kernel: Kernel
    grid: Grid
    models: tuple[int, ...]
    populations: Mapping[str, Members]
    synapses: Sequence[Synapses]
    channels: Mapping[str, int]
    channel_count: int

    @property
    def neurons(self) -> int:
        """Of all populations."""
        return sum(members.size for members in self.populations.values())

    def source(self, name: str) -> int:
        """The first source of a population or an input."""
        own = self.populations.get(name)
        return self.channels[name] if own is None else self.channel_count + own.first


class Ports(NamedTuple):
    """The receptors of all populations, those of one population side by side; each array ``(ports,)``."""

    population: Index
    receptor: Index
    lanes: Index
    first_lane: Index


class Part(NamedTuple):
    """Where a projection's weights are in the kernel's: ``(pre, lanes)`` from ``at`` on, or one at each
    of ``places``, as the synapses are ordered there.
    """

    at: int
    lanes: int
    places: Index | None


class Layout(NamedTuple):
    """Rows of weights.

    rows: ``STRUCT``, by class of delays, then by source; start: ``(classes, sources + 1)``; delay: of each
    class in steps; targets: lanes; weight_at: first weight of each port; dense: rows there; scattered: of
    each port, whether sparse rows end there; parts: of each projection; size: number of weights; plain: see
    the header.
    """

    rows: NDArray[Any]
    start: Index
    delay: Steps
    targets: Steps
    weight_at: Index
    dense: Index
    scattered: NDArray[np.bool_]
    parts: tuple[Part, ...]
    size: int
    plain: int


def ports(frame: ClockFrame) -> Ports:
    """A port for each receptor of each population."""
    rows = [
        (k, receptor, frame.grid.padded(members.size))
        for k, members in enumerate(frame.populations.values())
        for receptor in range(len(members.model.ir.arrivals))
    ]
    population, receptor, lanes = (np.array([row[i] for row in rows], dtype=np.int64) for i in range(3))
    return Ports(population, receptor, lanes, np.cumsum(lanes) - lanes)


def delay_steps(frame: ClockFrame) -> tuple[Steps, ...]:
    """The delay of each synapse of each projection in steps; raises ``RunError`` for one between two."""
    found = []
    for synapses in frame.synapses:
        if synapses.delays is None:
            found.append(AT_ONCE)
            continue
        try:
            found.append(frame.grid.at(synapses.flat(synapses.delays), f"{synapses.name}.delays"))
        except ConfigError as error:
            raise RunError(str(error)) from None
    return tuple(found)


def lay_out(frame: ClockFrame, delays: Sequence[Steps]) -> Layout:
    """Rows for these delays, in steps: each port's dense ones first, in the order of their sources."""
    where = ports(frame)
    order = sorted(range(len(frame.synapses)), key=lambda k: frame.source(frame.synapses[k].pre))
    to = [_port(frame, where, synapses) for synapses in frame.synapses]
    dense = [k for k in order if _is_dense(frame.synapses[k], delays[k])]
    weight_at, rows_at = np.zeros((2, len(where.lanes)), dtype=np.int64)
    scattered = np.zeros(len(where.lanes), dtype=bool)
    parts: dict[int, Part] = {}
    pieces = [_Piece.none()]
    size = used = 0
    for port, lanes in enumerate(where.lanes.tolist()):
        weight_at[port] = size
        for k in [k for k in dense if to[k] == port]:
            parts[k] = Part(size, lanes, None)
            pieces.append(_dense(frame, k, delays[k], port, size, lanes, int(rows_at[port])))
            rows_at[port] += frame.synapses[k].shape[0]
            size += lanes * frame.synapses[k].shape[0]
    for k in [k for k in order if k not in dense]:
        piece, places = _sparse(frame, k, delays[k], to[k], size, used)
        parts[k] = Part(size, 0, size + places)
        scattered[to[k]] |= len(places) > 0
        pieces.append(piece)
        size, used = size + len(places), used + len(places)
    whole = _Piece(*(np.concatenate(columns) for columns in zip(*pieces, strict=True)))
    delay, kind = np.unique(whole.lag, return_inverse=True)
    if not len(delay):  # without rows there is one class, too: the kernel reads where its last row ends
        delay = np.zeros(1, dtype=np.int64)
    by_source = np.lexsort((whole.owner, kind))
    rows, owner = whole.rows[by_source], whole.owner[by_source]
    return Layout(
        rows,
        _starts(kind, whole.owner, len(delay), frame.channel_count + frame.neurons),
        delay.astype(np.int32),
        whole.targets,
        weight_at,
        rows_at,
        scattered,
        tuple(parts[k] for k in range(len(frame.synapses))),
        frame.grid.padded(size),
        _plain(frame, rows, owner, delay, len(where.lanes)),
    )


class _Piece(NamedTuple):
    """Rows, with the source and the delay in steps of each, and what ``targets`` of ``Layout`` gets."""

    rows: NDArray[Any]
    owner: Index
    lag: Index
    targets: Steps

    @classmethod
    def none(cls) -> _Piece:
        nothing = np.zeros(0, dtype=np.int64)
        return cls(np.zeros(0, dtype=STRUCT), nothing, nothing, np.zeros(0, dtype=np.int32))


def _dense(frame: ClockFrame, k: int, delay: Steps, port: int, at: int, lanes: int, number: int) -> _Piece:
    """Projection k from weight ``at`` on; ``number``: dense rows of the port before it."""
    synapses = frame.synapses[k]
    each = np.arange(synapses.shape[0])
    rows = np.zeros(len(each), dtype=STRUCT)
    rows["at"], rows["target"], rows["count"], rows["port"] = at + lanes * each, -1, number + each, port
    lag = np.full(len(each), delay.flat[0] if delay.size else 0, dtype=np.int64)
    return _Piece(rows, frame.source(synapses.pre) + each, lag, np.zeros(0, dtype=np.int32))


def _sparse(frame: ClockFrame, k: int, delay: Steps, port: int, at: int, target: int) -> tuple[_Piece, Index]:
    """Projection k from weight ``at`` and target ``target`` on, and where each synapse went from there."""
    synapses = frame.synapses[k]
    pre, post = synapses.all_ends()
    lag = np.broadcast_to(delay, pre.shape).astype(np.int64)
    order = np.lexsort((lag, pre))
    sender, late = pre[order], lag[order]
    new = np.ones(len(pre), dtype=bool)
    new[1:] = (np.diff(sender) != 0) | (np.diff(late) != 0)
    first = np.flatnonzero(new)
    rows = np.zeros(len(first), dtype=STRUCT)
    rows["at"], rows["target"], rows["port"] = at + first, target + first, port
    rows["count"] = np.diff(np.append(first, len(pre)))
    piece = _Piece(
        rows, frame.source(synapses.pre) + sender[first], late[first], post[order].astype(np.int32)
    )
    return piece, np.argsort(order)


def _starts(kind: Index, owner: Index, kinds: int, sources: int) -> Index:
    """First row of each source in each class of delays, and the end, ``(classes, sources + 1)``."""
    count = np.bincount(kind * sources + owner, minlength=kinds * sources)
    ends = np.cumsum(count).reshape(kinds, sources)
    start = np.zeros((kinds, sources + 1), dtype=np.int64)
    start[:, 1:] = ends
    start[1:, 0] = ends[:-1, -1]
    return start


def _is_dense(synapses: Synapses, delay: Steps) -> bool:
    return synapses.ends is None and bool((delay == delay[:1]).all())


def _port(frame: ClockFrame, where: Ports, synapses: Synapses) -> int:
    population = list(frame.populations).index(synapses.post)
    found = np.flatnonzero((where.population == population) & (where.receptor == synapses.receptor))
    return int(found[0])


def _plain(frame: ClockFrame, rows: NDArray[Any], owner: Index, delay: Index, count: int) -> int:
    """1: row s is the only one of channel s, neurons have none; 2: neurons have one, too; 0: otherwise."""
    sources = frame.channel_count + frame.neurons
    simple = count == 1 and len(delay) == 1 and delay[0] == 0 and bool((rows["target"] < 0).all())
    if not simple or not len(owner) or not np.array_equal(owner, np.arange(len(owner))):
        return 0
    return {frame.channel_count: 1, sources: 2}.get(len(owner), 0)
