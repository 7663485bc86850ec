"""A group of the fast kernel: one population, the projections into it, and its vector-Jacobian product.

Forward it is a function from incoming spike trains to outgoing spikes and final states; backward from
``dL/dt`` of the outgoing spikes and ``dL/dx(T)`` to the gradients of its weights, its parameters and the
incoming times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saltus.runtime import memory
from saltus.runtime.config import Population
from saltus.runtime.cotangent import Cotangent, Credits
from saltus.runtime.currents import Currents
from saltus.runtime.failure import CAPACITY, WORKSPACE, failure, out_of_memory
from saltus.runtime.footprint import Held
from saltus.runtime.kernel import GroupKind, event_kernel
from saltus.runtime.lines import Arrived, Rows
from saltus.runtime.members import Members
from saltus.runtime.model import Model
from saltus.runtime.parameters import Parameters, moving_parameters
from saltus.runtime.synapses import Synapses
from saltus.runtime.tape import GroupTape
from saltus.runtime.threads import Schedule
from saltus.runtime.trains import Merged, Train, merge

Array = NDArray[np.float64]

CHUNKS = 8
"""Chunks of a batch at most, whatever the number of threads: sums over samples have one order."""

WEIGHTS, TIMES, PARAMETERS, DELAYS, VALUES, FLOW = 1, 2, 4, 8, 16, 32
"""What a backward run is to give. The network kernel alone knows values; ``FLOW`` goes with ``PARAMETERS``,
for those that move the states while spikes keep their times: a pass of its own."""


@dataclass(frozen=True, eq=False)
class GroupGradient:
    """Gradients over the batch, padded: views of the group's workspace, good until its next call.

    rows: those that the weights were in; weights, delays: ``(rows, padded)``; recurrent:
    ``(neurons, padded)``; parameters: ``(parameters, padded)``; times: of each incoming event, in the layout
    of the train that the kernel read.
    """

    rows: Rows
    weights: Array | None
    delays: Array | None
    recurrent: Array | None
    parameters: Array | None
    times: Array | None


class Group:
    """A population with its incoming projections.

    Attributes:
        name, model, size: of the population.
        parameters: its parameters and initial values.
        populations: the population, as in other kinds of groups.
        explanation: which kernel runs it, and why.
        inputs: projections from elsewhere; recurrent: the one from itself without delays, or None; loops:
            those from itself with delays.
        listens: the source of each of ``inputs``.
        offers: names of the gradients that it can give, and what a backward run must want for them.
    """

    def __init__(
        self,
        name: str,
        model: Model,
        config: Population,
        into: Sequence[Synapses],
        explanation: str,
    ) -> None:
        self.name = name
        self.model = model
        self.size = config.size
        self.parameters = Parameters(model.ir, config, f"populations.{name}")
        self.populations = {name: Members(name, model, config.size, self.parameters, name)}
        self.explanation = explanation
        own = [synapses for synapses in into if synapses.pre == name]
        self.loops = [synapses for synapses in own if synapses.delays is not None]
        recurrent = own[0] if own and not self.loops else None
        kind = GroupKind(not self.parameters.flow_may_differ, recurrent is not None, bool(self.loops))
        self.kernel = event_kernel(model.ir, kind)
        inputs = [synapses for synapses in into if synapses.pre != name]
        self._rows = Rows.of([*inputs, *self.loops], model.ir, config.size)
        self._lay_out(inputs, recurrent)
        self.listens = tuple(synapses.pre for synapses in self.inputs)
        self._masked = [synapses for synapses in self.synapses if synapses.mask is not None]
        self.offers = {f"{synapses.name}.weights": WEIGHTS for synapses in self.synapses}
        self.offers |= {f"{synapses.name}.delays": DELAYS for synapses in into if synapses.delays is not None}
        moving = moving_parameters(model.ir)
        self.offers |= {
            f"{name}.{key}": PARAMETERS | (FLOW if key in moving else 0) for key in self.parameters.names
        }
        self.struct = self.kernel.struct(
            "group",
            n=self.size,
            n_pad=memory.padded(self.size),
            max_spikes=config.spikes_kept or 0,
            parameters=self.parameters.block,
        )
        if self.recurrent is not None:
            self.struct.recurrent = self.kernel.pointer(self._recurrent)
            self.struct.recurrent_mask = self.kernel.pointer(self._recurrent_mask)
            self.struct.recurrent_receptor = self.recurrent.receptor
        self._forward, self._backward = Schedule(self.kernel.openmp), Schedule(self.kernel.openmp)
        self._capacity = 4 * self.size + 16 if model.spikes else 0
        self._workspace = np.empty(0, dtype=np.int8)
        self._gradient_arrays: tuple[Array, Array, Array] | None = None
        self._gradient = self._cotangent = self.kernel.struct("cotangent")
        self._status, self._statuses, self._bytes = self.kernel.null, 0, 0
        self._pointed_at: Rows | None = None  # what the struct holds

    @property
    def synapses(self) -> list[Synapses]:
        """The projections into the group, those from itself last."""
        return [*self.inputs, *self.loops, *([] if self.recurrent is None else [self.recurrent])]

    @property
    def delays(self) -> int:
        """Different ones of one source at most."""
        pairs = zip(self._rows.lines, self._rows.delays, strict=True)
        return max((lines.most for lines, delays in pairs if delays is not None), default=0)

    def new_tape(self) -> GroupTape:
        """Memory for a run."""
        return GroupTape(self.name)

    def forward(self, tape: GroupTape, sources: Sequence[Train], run: Run) -> None:
        """Simulates all samples; what came out is in the tape.

        Args:
            tape: filled here.
            sources: the spikes that each of ``inputs`` carries.
            run: batch, horizon, threads and probes; with probes the states at all events are recorded.

        Raises:
            RunError: if the simulation cannot go on.
        """
        self._begin(self._rows, run)
        self._listen(tape, sources, run)
        while True:
            tape.reserve(self.kernel, run.batch, len(self.model.ir.states), self.size, self._capacity)
            if self.loops:
                tape.reserve_events(self.kernel, int(self.struct.most_lines))
            status = self._attempt(tape, run)
            if status is None:
                break
            self._capacity = max(int(status.needed), 2 * self._capacity)
        tape.finish()

    def backward(
        self,
        tape: GroupTape,
        run: Run,
        want: int,
        cotangents: Mapping[str, Cotangent],
    ) -> GroupGradient:
        """The vector-Jacobian product.

        Args:
            tape: of the forward run.
            run: as there.
            want: bits of ``WEIGHTS``, ``TIMES``, ``PARAMETERS``, ``DELAYS`` and ``FLOW``.
            cotangents: where it starts from, by population.

        Raises:
            RunError: if memory does not suffice.
        """
        self._begin(tape.rows, run)
        d_time = _total(cotangents[self.name].times, tape)
        d_final = self._final(cotangents[self.name].final, run.batch)
        kernel, struct = self.kernel, self.struct
        weights, recurrent, parameters = self._gradients(tape.rows, run.chunks)
        delays = memory.zeros(run.chunks, *tape.rows.block.shape) if want & DELAYS else None
        times = tape.event_times() if want & TIMES else None
        records = tape.records()
        gradient, cotangent = self._gradient, self._cotangent
        gradient.want, gradient.delays = want, kernel.array(delays)
        gradient.event_time = kernel.array(times)
        cotangent.time = kernel.pointer(d_time)
        cotangent.final = kernel.array(d_final)
        recorded = kernel.array(records)

        def call(first: int, last: int, threads: int, place: int) -> int:
            return int(
                kernel.lib.saltus_backward(
                    struct, tape.all_events, tape.spikes_struct, cotangent, gradient, recorded, first,
                    last, threads, self._place + place * self._bytes, self._bytes, self._status + place,
                )
            )  # fmt: skip

        self._run(self._backward, call, run)
        kernel.lib.saltus_reduce(struct, gradient)
        return GroupGradient(
            tape.rows,
            weights[0] if want & WEIGHTS else None,
            None if delays is None else delays[0],
            recurrent[0] if want & WEIGHTS and self.recurrent is not None else None,
            parameters[0] if want & PARAMETERS else None,
            tape.from_outside(times, records),
        )

    def collect(self, gradient: GroupGradient, names: Sequence[str]) -> dict[str, Array]:
        """Copies of some of ``offers``, in the user's shapes."""
        block = None if gradient.parameters is None else gradient.parameters.copy()
        return {name: self._collected(gradient, block, *name.split(".")) for name in names}

    def _collected(self, gradient: GroupGradient, block: Array | None, owner: str, key: str) -> Array:
        """A copy of one: of the population's parameters, in ``block``, its weights from itself, or what its
        rows hold.
        """
        if owner == self.name and key in self.parameters.names:
            assert block is not None, "asked for"
            return self.parameters.in_block(key, block)
        if self.recurrent is not None and owner == self.recurrent.name:
            assert gradient.recurrent is not None, "asked for"
            return self.recurrent.clear_absent(gradient.recurrent[:, : self.size].copy())
        rows = gradient.weights if key == "weights" else gradient.delays
        assert rows is not None, "asked for"
        return gradient.rows.collected(rows, owner)

    def refresh(self) -> None:
        """Brings what the kernel reads up to date with the user's values; ``RunError`` for bad ones."""
        self.struct.flow_shared = self.parameters.refresh()
        for synapses in self._masked:
            synapses.check_mask()
        if self._rows.late:
            if not self._rows.current:
                self._rows = Rows.of([*self.inputs, *self.loops], self.model.ir, self.size)
            self._rows.fill()
        for weights in (self._rows.block, self._recurrent):
            if weights.size and not np.isfinite(weights).all():  # no BLAS: its threads spin
                for synapses in self.synapses:
                    synapses.check()

    def held(self) -> Held:
        """Gradients and workspaces."""
        return Held(gradients=self._gradient_arrays or (), scratch=(self._workspace,))

    def _final(self, final: Mapping[str, Array], batch: int) -> Array | None:
        """dL/dx(T) as the kernel reads it, ``(batch, states, padded)``; None: zero."""
        if not final:
            return None
        states = [state.name for state in self.model.ir.states]
        values = memory.zeros(batch, len(states), memory.padded(self.size))
        for name, given in final.items():
            values[:, states.index(name), : self.size] = given
        return values

    def _lay_out(self, inputs: Sequence[Synapses], recurrent: Synapses | None) -> None:
        """Weights from elsewhere, the projections one below the other, and from the population itself."""
        pad = memory.padded(self.size)
        self.inputs = list(inputs)
        self._rows.fill()
        if not self._rows.late:  # the rows never change, and a user writes into them
            self.inputs = [replace(s, weights=own) for s, own in zip(inputs, self._rows.views, strict=True)]
            self._rows = replace(self._rows, projections=self.inputs)
        self._recurrent: Array = memory.zeros(self.size if recurrent else 0, pad)
        self._recurrent_mask: NDArray[np.uint8] = np.zeros(
            (self.size if recurrent else 0, pad), dtype=np.uint8
        )
        self.recurrent: Synapses | None = None
        if recurrent is not None:
            view = self._recurrent[:, : self.size]
            view[...] = recurrent.weights
            self._recurrent_mask[:, : self.size] = 1 if recurrent.mask is None else recurrent.mask
            self.recurrent = replace(recurrent, weights=view)

    def _begin(self, rows: Rows, run: Run) -> None:
        """Rows of weights, batch, horizon and one status a thread."""
        if rows is not self._pointed_at:
            self._point_at(rows)
        self.struct.batch, self.struct.chunks, self.struct.horizon = run.batch, run.chunks, run.horizon
        if self._statuses < run.threads:
            self._status = self.kernel.ffi.new("saltus_status[]", run.threads)
            self._statuses = run.threads
            self._bytes = 0

    def _point_at(self, rows: Rows) -> None:
        """Points the kernel at rows of weights."""
        pointer, self.struct.rows = self.kernel.pointer, len(rows.receptor)
        self.struct.weights, self.struct.receptor = pointer(rows.block), pointer(rows.receptor)
        if self.loops:
            loop = rows.loop
            self.struct.line, self.struct.line_delay = pointer(loop.first), pointer(loop.delay)
            self.struct.line_row, self.struct.most_lines = pointer(loop.row), loop.most
        self._pointed_at = rows

    def _listen(self, tape: GroupTape, sources: Sequence[Train], run: Run) -> None:
        """Points the kernel at its incoming events: the source's own arrays, or what comes of all sources."""
        tape.rows, probes = self._rows, run.probes
        heard: Merged | Arrived
        if self._rows.delayed(len(sources)):
            heard = self._rows.heard(sources, probes, run.batch, run.horizon)
        elif len(sources) == 1 and probes is None:
            heard = Merged(sources[0], [])
        else:
            more, before = ([], []) if probes is None else ([probes], [-1])
            first = self._rows.first[: len(sources)]
            heard = merge([*sources, *more], [*first, *before], run.batch)
        tape.listen(self.kernel, heard, sources)
        tape.states = tape.adjoints = None
        if probes is not None:
            shape = (len(heard.train.time), len(self.model.ir.states), memory.padded(self.size))
            tape.states, tape.adjoints = memory.zeros(*shape), memory.zeros(*shape)

    def _attempt(self, tape: GroupTape, run: Run) -> Any:
        """One forward run; the status if the spikes did not fit, else None."""
        kernel = self.kernel
        final, record = kernel.pointer(tape.final), kernel.array(tape.states)

        def call(first: int, last: int, threads: int, place: int) -> int:
            return int(
                kernel.lib.saltus_forward(
                    self.struct, tape.events_struct, tape.spikes_struct, final, record, first, last,
                    threads, self._place + place * self._bytes, self._bytes, self._status + place,
                )
            )  # fmt: skip

        return self._run(self._forward, call, run)

    def _run(self, schedule: Schedule, call: Any, run: Run) -> Any:
        """Runs a kernel until its workspace suffices; the status if the spikes did not fit, else None."""
        if not self._bytes:
            self._reserve(0)
        for i in range(self._statuses):
            self._status[i].code = 0
        while schedule.run(call, run.chunks, run.threads):
            failed = [self._status[i] for i in range(self._statuses) if self._status[i].code]
            status = min(failed, key=lambda status: int(status.sample))
            if status.code == CAPACITY:
                return status
            if status.code != WORKSPACE:
                raise failure(self.name, status)
            self._reserve(int(status.needed))
            for i in range(self._statuses):
                self._status[i].code = 0
        return None

    def _reserve(self, needed: int) -> None:
        """At least so many bytes of workspace for each thread."""
        self._bytes = needed // memory.LINE * memory.LINE + 2 * memory.LINE
        try:
            self._workspace = np.empty(self._bytes * self._statuses, dtype=np.int8)
        except MemoryError:
            raise out_of_memory(self.name, self._capacity) from None
        self._place = self.kernel.ffi.cast("char *", self._workspace.ctypes.data)

    def _gradients(self, rows: Rows, chunks: int) -> tuple[Array, Array, Array]:
        """Where the kernel adds up gradients: for each chunk weights, recurrent weights and parameters."""
        kept = self._gradient_arrays
        if kept is not None and len(kept[0]) >= chunks and kept[0].shape[1:] == rows.block.shape:
            return kept
        shapes = (rows.block.shape, self._recurrent.shape, self.parameters.block.shape)
        weights, recurrent, parameters = (memory.zeros(chunks, *shape) for shape in shapes)
        self._gradient_arrays = weights, recurrent, parameters
        self._gradient = self.kernel.struct("gradient", weights=weights, parameters=parameters)
        self._gradient.recurrent = self.kernel.array(recurrent if self.recurrent else None)
        return self._gradient_arrays


@dataclass(frozen=True, eq=False)
class Run:
    """What all groups share in a run: samples, end of the simulation, threads, probes for a trace, and the
    input states that are set.
    """

    batch: int
    horizon: float
    threads: int
    probes: Train | None = None
    currents: Currents = field(default_factory=dict)

    @cached_property
    def chunks(self) -> int:
        """Chunks of samples; never a function of the number of threads."""
        return min(self.batch, CHUNKS)


def _total(credits: Credits, tape: GroupTape) -> Array:
    """dL/dt of each outgoing spike, in place where there is one source of it."""
    if len(credits.whole) == 1 and not credits.some:
        return credits.whole[0]
    total = tape.no_cotangent()
    return credits.add_to(total, tape.out) if credits else total
