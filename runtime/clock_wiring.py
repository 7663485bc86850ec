"""What the clock kernel reads of a group, with the values of one time.

A ``ClockWiring`` holds copies of all values, so that a backward run is that of its forward run, whatever has
been assigned in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saltus.runtime import memory
from saltus.runtime.clock_rows import ClockFrame, Layout, Part, Ports, Steps, ports
from saltus.runtime.grid import Samples
from saltus.runtime.synapses import Synapses
from saltus.templates.context import stateful, timed

Array = NDArray[np.float64]

COLUMN = 1 << 16
"""Bytes of a column of what the weight gradient is summed up from at a time; see ``place_of``."""


@dataclass(frozen=True, eq=False)
class ClockWiring:
    """The C structs of a group with the values of one time; ``held`` keeps their arrays alive.

    delays: of the synapses of each projection, in steps; parameters: of each population, padded; samples:
    when states are read; above: the first neuron that starts at or above its threshold, or -1.
    """

    layout: Layout
    delays: tuple[Steps, ...]
    weights: NDArray[Any]
    parameters: tuple[Array, ...]
    samples: Samples
    struct: Any
    held: tuple[Any, ...]
    above: int

    def same(self, frame: ClockFrame, parameters: Sequence[Array]) -> bool:
        """Whether every value still is."""
        rows = zip(frame.synapses, self.layout.parts, strict=True)
        return all(map(np.array_equal, self.parameters, parameters)) and all(
            _same(frame, synapses, part, self.weights) for synapses, part in rows
        )


def read(frame: ClockFrame, layout: Layout) -> NDArray[Any]:
    """All weights as they are now, as the kernel reads them; ``RunError`` for one that is not finite."""
    found = memory.zeros(layout.size, dtype=frame.grid.dtype)
    for synapses, part in zip(frame.synapses, layout.parts, strict=True):
        if not _read(frame, synapses, part, found):
            synapses.check_weights(frame.grid.dtype)
    return found


def write(synapses: Synapses, part: Part, gradient: Array) -> Array:
    """A gradient of the kernel's weights in the shape of a projection's."""
    if part.places is not None:
        return synapses.arranged(gradient[part.places])
    rows = gradient[part.at : part.at + part.lanes * synapses.shape[0]].reshape(-1, part.lanes)
    return synapses.clear_absent(np.ascontiguousarray(rows[:, : synapses.shape[1]]))


def _same(frame: ClockFrame, synapses: Synapses, part: Part, weights: NDArray[Any]) -> bool:
    if part.places is not None:
        return np.array_equal(weights[part.places], _narrow(frame, synapses))
    return bool(frame.kernel.lib.saltus_clock_same(*_rows(frame, synapses, part, weights)))


def _read(frame: ClockFrame, synapses: Synapses, part: Part, weights: NDArray[Any]) -> bool:
    """Puts a projection's weights among the kernel's; whether all are finite."""
    if part.places is not None:
        weights[part.places] = _narrow(frame, synapses)
        return bool(np.isfinite(weights[part.places]).all())
    return bool(frame.kernel.lib.saltus_clock_read(*_rows(frame, synapses, part, weights)))


def _narrow(frame: ClockFrame, synapses: Synapses) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        return synapses.flat(synapses.weights).astype(frame.grid.dtype)


def _rows(frame: ClockFrame, synapses: Synapses, part: Part, weights: NDArray[Any]) -> tuple[Any, ...]:
    """The user's rows and the kernel's, as arguments."""
    kernel = frame.kernel
    given = np.ascontiguousarray(synapses.weights)
    return kernel.pointer(given), *synapses.shape, part.lanes, kernel.pointer(weights[part.at :])


def wire(
    frame: ClockFrame,
    layout: Layout,
    delays: tuple[Steps, ...],
    weights: NDArray[Any],
    parameters: tuple[Array, ...],
    samples: Samples,
) -> ClockWiring:
    """The structs for these values."""
    kernel, grid, where = frame.kernel, frame.grid, ports(frame)
    populations = kernel.ffi.new("saltus_clock_population[]", len(frame.populations))
    held = [populations, *_fill(populations, frame, parameters)]
    struct_ports = _ports(frame, where, layout, weights)
    population_of = np.repeat(np.arange(len(populations)), [p.count for p in populations]).astype(np.int32)
    port_lanes = max(int(where.lanes.sum()), 1)
    blocks = -(-(grid.steps + 1) // (COLUMN // memory.LINE))
    rows = layout.rows.view(np.uint8)
    last = populations[len(populations) - 1]
    struct = kernel.struct(
        "clock",
        channels=frame.channel_count,
        neurons=frame.neurons,
        lanes=last.first_lane + last.lanes,
        port_lanes=port_lanes,
        populations=len(populations),
        ports=len(where.lanes),
        classes=len(layout.delay),
        steps=grid.steps,
        samples=len(samples.times),
        plain=layout.plain,
        block=-(-(grid.steps + 1) // blocks),
        weights=layout.size,
        parameters=sum(block.size for block in parameters),
        moments=last.first_moment + kernel.lib.saltus_clock_moments(last.model) * last.lanes,
        dt=grid.dt,
        population=populations,
        port=struct_ports,
        row=kernel.ffi.cast("saltus_clock_row *", kernel.pointer(rows)),
        row_start=layout.start,
        delay=layout.delay,
        targets=layout.targets,
        weight=weights,
        population_of=population_of,
        sample_step=samples.step,
    )
    if any(timed(members.model.ir) for members in frame.populations.values()):
        struct.sample_since = kernel.pointer(samples.since)
    struct.at_end = _at_end(frame, populations[0], samples)
    tables = memory.zeros(kernel.lib.saltus_clock_tables(struct) if struct.at_end else 0, dtype=grid.dtype)
    struct.tables = kernel.pointer(tables)
    above = int(kernel.lib.saltus_clock_prepare(struct))
    held += [struct_ports, population_of, rows, tables]
    return ClockWiring(layout, delays, weights, parameters, samples, struct, tuple(held), above)


def _at_end(frame: ClockFrame, population: Any, samples: Samples) -> bool:
    """Whether no step needs to be taken: nothing spikes or is read on the way, and all neurons are alike."""
    (members, *others) = frame.populations.values()
    ir = members.model.ir
    silent = not (others or members.model.spikes or ir.peaks or ir.inputs or stateful(ir.flow, ir))
    return silent and bool(population.shared) and not len(samples.times)


def _fill(populations: Any, frame: ClockFrame, parameters: tuple[Array, ...]) -> list[NDArray[Any]]:
    """Fills the structs of the populations; returns the arrays for their values on the grid."""
    held = []
    lane = total = moments = first_port = 0
    for population, model, members, block in zip(
        populations, frame.models, frame.populations.values(), parameters, strict=True
    ):
        lanes = frame.grid.padded(members.size)
        held.append(memory.zeros(frame.kernel.lib.saltus_clock_values(model), lanes, dtype=frame.grid.dtype))
        population.model, population.first, population.count = model, members.first, members.size
        population.lanes, population.first_lane, population.first_port = lanes, lane, first_port
        population.shared = int((block[:, : members.size] == block[:, :1]).all())
        population.stride, population.parameters = block.shape[1], frame.kernel.pointer(block)
        population.first_parameter, population.first_moment = total, moments
        population.values = frame.kernel.pointer(held[-1])
        lane, total = lane + lanes, total + block.size
        first_port += len(members.model.ir.arrivals)
        moments += int(frame.kernel.lib.saltus_clock_moments(model)) * lanes
    return held


def _ports(frame: ClockFrame, where: Ports, layout: Layout, weights: NDArray[Any]) -> Any:
    structs = frame.kernel.ffi.new("saltus_clock_port[]", max(len(where.lanes), 1))
    for k in range(len(where.lanes)):
        port = structs[k]
        port.population, port.receptor = where.population[k], where.receptor[k]
        port.lanes, port.first_lane = where.lanes[k], where.first_lane[k]
        port.scattered, port.rows = layout.scattered[k], layout.dense[k]
        port.weight = frame.kernel.pointer(weights) + int(layout.weight_at[k])
    return structs
