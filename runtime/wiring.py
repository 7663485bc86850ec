"""What the network kernel reads of a group: its populations, and its synapses by source and delay.

A ``Wiring`` holds copies of all values at one time, so that a backward run is that of its forward run,
whatever has been assigned in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saltus.runtime.kernel import Kernel
from saltus.runtime.members import Members
from saltus.runtime.synapses import Synapses

Array = NDArray[np.float64]


class Frame(NamedTuple):
    """What does not change.

    kernel: compiled for all models; models: of each population, an index into the kernel's; populations and
    synapses: of the group; channels: first channel of each source from elsewhere, and how many there are;
    tolerance: of numeric flows.
    """

    kernel: Kernel
    models: tuple[int, ...]
    populations: Mapping[str, Members]
    synapses: Sequence[Synapses]
    channels: Mapping[str, int]
    channel_count: int
    tolerance: float

    @property
    def neurons(self) -> int:
        """Of all populations."""
        return sum(members.size for members in self.populations.values())


class Row(NamedTuple):
    """The synapses of a projection by source, those of one source by delay; see ``saltus_projection``."""

    start: NDArray[np.int64]
    target: NDArray[np.int32]
    places: NDArray[np.int64]


class Values(NamedTuple):
    """What is learned or assigned: for each synapse of the group, and for each population's parameters."""

    weights: Array
    delays: Array
    parameters: tuple[Array, ...]

    def same(self, other: Values) -> bool:
        """Whether every bit is."""
        pairs = zip((*self[:2], *self.parameters), (*other[:2], *other.parameters), strict=True)
        return all(np.array_equal(one, two) for one, two in pairs)


@dataclass(frozen=True, eq=False)
class Wiring:
    """The C structs of a group with the values of one time; ``held`` keeps their arrays alive.

    parameters: size of the gradient of all parameters.
    """

    values: Values
    rows: tuple[Row, ...]
    struct: Any
    held: tuple[Any, ...]
    parameters: int


def read(frame: Frame) -> Values:
    """Copies of the values as they are now."""
    nothing = [np.empty(0)]
    weights = [synapses.flat(synapses.weights) for synapses in frame.synapses]
    delays = [
        np.zeros(len(flat)) if synapses.delays is None else synapses.flat(synapses.delays)
        for synapses, flat in zip(frame.synapses, weights, strict=True)
    ]
    parameters = (m.parameters.block[:, : m.size].copy() for m in frame.populations.values())
    return Values(np.concatenate(weights + nothing), np.concatenate(delays + nothing), tuple(parameters))


def wire(frame: Frame, values: Values, before: Wiring | None) -> Wiring:
    """The structs for these values; synapses are in the order of ``before`` where no delay has changed."""
    kept = before is not None and np.array_equal(before.values.delays, values.delays)
    rows = before.rows if before is not None and kept else _rows(frame, values.delays)
    kernel = frame.kernel
    populations = kernel.ffi.new("saltus_population[]", len(frame.populations))
    total = 0
    for i, (members, block) in enumerate(zip(frame.populations.values(), values.parameters, strict=True)):
        populations[i].model, populations[i].first = frame.models[i], members.first
        populations[i].count, populations[i].first_parameter = members.size, total
        populations[i].parameters = kernel.pointer(block)
        total += block.size
    population_of = np.repeat(np.arange(len(frame.populations)), [m.size for m in frame.populations.values()])
    population_of = population_of.astype(np.int32)
    projections = kernel.ffi.new("saltus_projection[]", max(len(rows), 1))
    names = list(frame.populations)
    for projection, synapses, row in zip(projections, frame.synapses, rows, strict=False):
        own = frame.populations.get(synapses.pre)
        projection.first_source = (
            frame.channels[synapses.pre] if own is None else frame.channel_count + own.first
        )
        projection.sources = synapses.shape[0]
        projection.population, projection.receptor = names.index(synapses.post), synapses.receptor
        projection.start, projection.target = kernel.pointer(row.start), kernel.pointer(row.target)
        projection.index, projection.weight = kernel.pointer(row.places), kernel.pointer(values.weights)
        projection.delay = kernel.array(None if synapses.delays is None else values.delays)
    struct = kernel.struct(
        "network",
        channels=frame.channel_count,
        neurons=frame.neurons,
        populations=len(frame.populations),
        projections=len(rows),
        synapses=len(values.weights),
        parameters=total,
        tolerance=frame.tolerance,
        population=populations,
        projection=projections,
        population_of=population_of,
    )
    return Wiring(values, rows, struct, (populations, projections, population_of), total)


def _rows(frame: Frame, delays: Array) -> tuple[Row, ...]:
    found = []
    first = 0
    for synapses in frame.synapses:
        pre, post = synapses.all_ends()
        order = np.lexsort((delays[first : first + len(pre)], pre))
        start = np.zeros(synapses.shape[0] + 1, dtype=np.int64)
        np.cumsum(np.bincount(pre, minlength=synapses.shape[0]), out=start[1:])
        found.append(Row(start, post[order].astype(np.int32), first + order.astype(np.int64)))
        first += len(pre)
    return tuple(found)
