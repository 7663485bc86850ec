"""A group of the clock kernel: populations on a grid of time steps, with the projections among and into them.

Its interface is that of ``group.Group``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saltus.errors import InputError
from saltus.runtime import clock_rows, clock_wiring, memory
from saltus.runtime.clock_tape import ClockTape
from saltus.runtime.config import Population
from saltus.runtime.cotangent import Cotangent
from saltus.runtime.currents import settings
from saltus.runtime.failure import CAPACITY, STARTS_ABOVE, WORKSPACE, out_of_memory
from saltus.runtime.footprint import Held
from saltus.runtime.grid import Grid, Samples
from saltus.runtime.group import DELAYS, FLOW, PARAMETERS, TIMES, VALUES, WEIGHTS, Run
from saltus.runtime.kernel import clock_kernel
from saltus.runtime.model import Model
from saltus.runtime.network_group import channels_of, distinct, failure_in, members_of
from saltus.runtime.probes import Probes
from saltus.runtime.synapses import Synapses
from saltus.runtime.threads import Schedule
from saltus.runtime.trains import Merged, Train, merge
from saltus.templates.context import flow_parameters, timed

Array = NDArray[np.float64]


FEW = 1 << 14
"""Weights whose gradient is not worth the start of several threads."""


@dataclass(frozen=True, eq=False)
class ClockGradient:
    """Gradients over the batch, as the kernel lays them out; see ``saltus_clock_gradient``."""

    wiring: clock_wiring.ClockWiring
    weights: Array | None
    delays: Array | None
    parameters: Array | None
    times: Array | None
    values: Array | None


class ClockGroup:
    """Populations with all projections among and into them, in steps of dt.

    Attributes:
        name: the populations' names, joined.
        populations: by name.
        explanation: which kernel runs it.
        synapses: all projections into it.
        listens: the sources elsewhere, once each.
        offers: names of the gradients that it can give, and what a backward run must want for them.
    """

    def __init__(
        self,
        models: Mapping[str, Model],
        configs: Mapping[str, Population],
        into: Sequence[Synapses],
        grid: Grid,
    ) -> None:
        self.name = "+".join(models)
        self.grid = grid
        self.explanation = f"clock kernel: steps of {grid.dt:g} s, {np.dtype(grid.dtype).name}."
        self.synapses = list(into)
        self.populations = members_of(models, configs)
        kinds = distinct([model.ir for model in models.values()])
        self._states = max(len(ir.states) for ir in kinds.compiled)
        self._peaks = max(len(ir.peaks) for ir in kinds.compiled)
        self._phased = any(ir.modes for ir in kinds.compiled)
        self._driven = any(ir.inputs for ir in kinds.compiled)
        self._timed = any(map(timed, kinds.compiled))
        self._flow_learned = any(
            not set(flow_parameters(models[name].ir)).isdisjoint(config.learn)
            for name, config in configs.items()
        )
        channels, count = channels_of(models, into)
        self.listens = tuple(channels)
        self.kernel = clock_kernel(kinds.compiled, grid.number)
        for name, members in self.populations.items():
            grid.at(members.sample_times, f"{name}.sample_times")
        self.frame = clock_rows.ClockFrame(
            self.kernel, grid, kinds.index, self.populations, self.synapses, channels, count
        )
        self.offers = {f"{s.name}.weights": WEIGHTS for s in into}
        self.offers |= {f"{s.name}.delays": DELAYS for s in into if s.delays is not None}
        self.offers |= {
            f"{name}.{key}": PARAMETERS | (FLOW if key in flow_parameters(members.model.ir) else 0)
            for name, members in self.populations.items()
            for key in members.parameters.names
        }
        self._layout: clock_rows.Layout | None = None
        self._wiring: clock_wiring.ClockWiring | None = None
        self._forward, self._backward, self._sum = (Schedule(self.kernel.openmp) for _ in range(3))
        self._capacity = 4 * self.frame.neurons + 16 if any(m.spikes for m in models.values()) else 0
        self._workspace = memory.place(0)
        self._sums: dict[int, NDArray[Any]] = {}

    def new_tape(self) -> ClockTape:
        """Memory for a run."""
        return ClockTape(self.name, self._states, self._peaks, self._phased, self._timed, self.grid.dtype)

    def refresh(self) -> None:
        """Reads the user's values; raises ``RunError`` for bad ones."""
        for members in self.populations.values():
            members.parameters.refresh()
        for synapses in self.synapses:
            synapses.check_mask()
            synapses.check_delays()
        delays = clock_rows.delay_steps(self.frame)
        before = self._wiring
        if before is None or not all(
            old is new or np.array_equal(old, new) for old, new in zip(before.delays, delays, strict=True)
        ):
            self._layout = clock_rows.lay_out(self.frame, delays)
            before = None
        assert self._layout is not None, "laid out"
        parameters = tuple(members.parameters.block for members in self.populations.values())
        if before is None or not before.same(self.frame, parameters):
            weights = clock_wiring.read(self.frame, self._layout)
            copies = tuple(block.copy() for block in parameters)
            samples = self._samples()
            self._wiring = clock_wiring.wire(self.frame, self._layout, delays, weights, copies, samples)

    def forward(self, tape: ClockTape, sources: Sequence[Train], run: Run) -> None:
        """Simulates all samples; what came out is in the tape.

        Args:
            tape: filled here.
            sources: the spikes of each of ``listens``.
            run: batch, horizon and threads.

        Raises:
            InputError: for probes, which it does not have.
            RunError: if the simulation cannot go on.
        """
        assert self._wiring is not None, "refreshed"
        if run.probes is not None:
            raise InputError(
                "trace: the clock engine records no adjoints. Give its populations sample_times, or use "
                'engine = "event".'
            )
        tape.wiring = self._wiring
        if tape.wiring.above >= 0:
            start = self.kernel.struct("status", code=STARTS_ABOVE, sample=0, neuron=tape.wiring.above)
            raise failure_in(self.populations, start)
        self._listen(tape, sources, run)
        kernel = self.kernel
        size = len(tape.wiring.samples.times)
        tangents = kernel.lib.saltus_clock_tangents(tape.wiring.struct) if self._flow_learned else 0
        while True:
            tape.reserve(
                kernel, run.batch, self.frame.neurons, self.grid.steps, size, self._capacity, tangents
            )
            call = self._call(kernel.lib.saltus_clock_forward, tape, ())
            status = self._run(self._forward, call, tape, run, kernel.null)
            if status is None:
                break
            self._capacity = max(int(status.needed), 2 * self._capacity)
        tape.finish(self.populations, self.grid.dt)

    def backward(
        self, tape: ClockTape, run: Run, want: int, cotangents: Mapping[str, Cotangent]
    ) -> ClockGradient:
        """The vector-Jacobian product, with the values of the forward run.

        Args:
            tape: of the forward run.
            run: as there.
            want: bits of ``WEIGHTS``, ``DELAYS``, ``PARAMETERS``, ``TIMES``, ``VALUES`` and ``FLOW``.
            cotangents: where it starts from, by population.

        Raises:
            RunError: if memory does not suffice.
        """
        kernel, net = self.kernel, tape.wiring.struct
        try:
            seeds = self._cotangent(tape, run, cotangents)
            wide, real = np.float64, self.grid.dtype
            sums = {
                bit: memory.room(self._sums, bit, run.chunks, size, dtype)
                for bit, size, dtype in (
                    (WEIGHTS, net.weights, real),
                    (DELAYS, net.weights, real),
                    (PARAMETERS, net.parameters, wide),
                    (FLOW, net.moments, wide),
                )
                if want & bit and not (bit == FLOW and tape.tangents)
            }
            times = tape.event_times() if want & TIMES else None
            count = 0 if tape.settings is None else tape.settings.size
            values = np.empty(count) if want & VALUES and count else None
        except MemoryError:
            raise out_of_memory(self.name, self._capacity) from None
        cotangent, gradient = kernel.struct("clock_cotangent"), kernel.struct("clock_gradient")
        for key, array in zip(("time", "final", "sampled", "peak"), seeds, strict=True):
            if array is not None:
                setattr(cotangent, key, kernel.pointer(array))
        gradient.weights, gradient.delays = kernel.array(sums.get(WEIGHTS)), kernel.array(sums.get(DELAYS))
        gradient.parameters = kernel.array(sums.get(PARAMETERS))
        gradient.moments, gradient.event_time = kernel.array(sums.get(FLOW)), kernel.array(times)
        if values is not None:
            gradient.value = kernel.pointer(values)
        tape.keep_sorted(kernel, net.channels, net.block)
        call = self._call(kernel.lib.saltus_clock_backward, tape, (cotangent, gradient))
        self._run(self._backward, call, tape, run, gradient)
        kernel.lib.saltus_clock_reduce(net, gradient)
        weights, delays = (self._total(net, sums.get(bit), run) for bit in (WEIGHTS, DELAYS))
        parameters = sums[PARAMETERS][0] if PARAMETERS in sums else None
        return ClockGradient(tape.wiring, weights, delays, parameters, times, values)

    def collect(self, gradient: ClockGradient, names: Sequence[str]) -> dict[str, Array]:
        """Copies of some of ``offers``, in the user's shapes."""
        found = {}
        wiring = gradient.wiring
        for synapses, part in zip(self.synapses, wiring.layout.parts, strict=True):
            if (name := f"{synapses.name}.weights") in names and gradient.weights is not None:
                found[name] = clock_wiring.write(synapses, part, gradient.weights)
            if (name := f"{synapses.name}.delays") in names and gradient.delays is not None:
                found[name] = clock_wiring.write(synapses, part, gradient.delays * wiring.weights)
        first = 0
        for (name, members), block in zip(self.populations.items(), wiring.parameters, strict=True):
            own = slice(first, first + block.size)
            first = own.stop
            for key in members.parameters.names:
                if f"{name}.{key}" in names and gradient.parameters is not None:
                    values = gradient.parameters[own].reshape(block.shape)
                    found[f"{name}.{key}"] = members.parameters.gradient(key, values)
        return found

    def _total(self, net: Any, sums: NDArray[Any] | None, run: Run) -> Array | None:
        """The sum over chunks, ``(weights,)``."""
        if sums is None:
            return None
        kernel, total = self.kernel, np.empty(net.weights)
        arrays = (net, kernel.pointer(sums), kernel.pointer(total))
        pieces = int(kernel.lib.saltus_clock_pieces(net))

        def call(first: int, last: int, threads: int, _place: int) -> int:
            return int(kernel.lib.saltus_clock_sum(*arrays, first, last, threads))

        self._sum.run(call, pieces, run.threads if net.weights > FEW else 1)
        return total

    def held(self) -> Held:
        """Gradients and workspaces."""
        return Held(gradients=tuple(self._sums.values()), scratch=(self._workspace,))

    def _samples(self) -> Samples:
        """The sample times of all populations, and the times of readouts that have their own."""
        listed = [np.array(members.sample_times) for members in self.populations.values()]
        own = [
            times
            for members in self.populations.values()
            if timed(members.model.ir)
            for times in Probes.of(members, self.grid.horizon).times.values()
        ]
        return self.grid.between(np.unique(np.concatenate([*listed, *own])))

    def _listen(self, tape: ClockTape, sources: Sequence[Train], run: Run) -> None:
        """Points the kernel at its incoming events: the source's own arrays, or all of them merged."""
        heard = (
            Merged(sources[0], [])
            if len(sources) == 1
            else merge(sources, list(self.frame.channels.values()), run.batch)
        )
        tape.listen(self.kernel, heard, sources, self.grid.steps, self.grid.dt)
        if self._driven:
            given = settings(run.currents, self.populations, run.batch, self._states)
            tape.set_inputs(self.kernel, given, run.batch, self.grid.steps, self.grid.dt)

    def _cotangent(
        self, tape: ClockTape, run: Run, cotangents: Mapping[str, Cotangent]
    ) -> tuple[Array | None, Array | None, Array | None, Array | None]:
        """dL/dt of each spike, dL/dx(T), dL/dx at the sample times, dL/dmaximum, as the kernel reads them."""
        final = sampled = peak = None
        time = self._times(tape, cotangents)
        for name, members in self.populations.items():
            given = cotangents[name]
            own = slice(members.first, members.first + members.size)
            states = [state.name for state in members.model.ir.states]
            for key, values in given.final.items():
                final = np.zeros_like(tape.final) if final is None else final
                final[:, own, states.index(key)] = values
            for key, values in given.states.items():
                sampled = np.zeros_like(tape.sampled) if sampled is None else sampled
                at = np.searchsorted(tape.sample_times, members.sample_times)
                sampled[:, :, own, states.index(key)][:, at] = values.transpose(0, 2, 1)
            for kick in given.kicks:
                sampled = np.zeros_like(tape.sampled) if sampled is None else sampled
                at, neuron = np.searchsorted(tape.sample_times, kick.times), np.arange(own.start, own.stop)
                sampled[:, at, neuron, : len(states)] += kick.values
            for key, values in given.peaks.items():
                peak = np.zeros(tape.summits.shape) if peak is None else peak
                peak[:, own, [p.name for p in members.model.ir.peaks].index(key)] = values
        return time, final, sampled, peak

    def _times(self, tape: ClockTape, cotangents: Mapping[str, Cotangent]) -> Array | None:
        """dL/dt of each spike; in place where there is one source of it."""
        given = {name: cotangents[name].times for name in self.populations if cotangents[name].times}
        if not given:
            return None
        credits = next(iter(given.values()))
        if len(self.populations) == 1 and len(credits.whole) == 1 and not credits.some:
            return credits.whole[0]
        time = np.zeros(len(tape.time))
        for name, credits in given.items():
            seen = tape.outcomes[name]
            if seen.places is None:
                credits.add_to(time, seen.out)
            else:
                time[seen.places] = credits.add_to(np.zeros(len(seen.out.time)), seen.out)
        return time

    def _call(
        self, function: Any, tape: ClockTape, arrays: tuple[Any, ...]
    ) -> Callable[[int, int, int, int], int]:
        def call(first: int, last: int, threads: int, place: int) -> int:
            return int(
                function(
                    tape.wiring.struct, tape.input_struct, tape.output_struct, *arrays, first, last, threads,
                    self._place + place * self._bytes, self._bytes, self._events, self._status + place,
                )
            )  # fmt: skip

        return call

    def _run(self, schedule: Schedule, call: Any, tape: ClockTape, run: Run, gradient: Any) -> Any:
        """Runs the kernel; the status if the spikes did not fit, else None."""
        net = tape.wiring.struct
        net.batch, net.chunks = run.batch, run.chunks
        self._events = int(tape.heard.train.count.max(initial=0))
        rows = tape.wiring.layout
        if not rows.plain:
            per_source = int(np.diff(rows.start, axis=1).max(initial=0)) * len(rows.delay)
            net.most = tape.together * max(per_source, 1) + len(rows.rows) + self.frame.neurons
        self._reserve(net, tape.capacity, gradient, run.threads)
        self._status = self.kernel.ffi.new("saltus_status[]", run.threads)
        if not schedule.run(call, run.chunks, run.threads):
            return None
        failed = [self._status[i] for i in range(run.threads) if self._status[i].code]
        status = min(failed, key=lambda status: int(status.sample))
        assert status.code != WORKSPACE, "reserved"
        if status.code == CAPACITY:
            return status
        raise failure_in(self.populations, status)

    def _reserve(self, net: Any, capacity: int, gradient: Any, threads: int) -> None:
        """Workspace for each thread."""
        needed = int(self.kernel.lib.saltus_clock_workspace(net, capacity, self._events, gradient))
        self._bytes = -(-needed // memory.LINE) * memory.LINE
        if len(self._workspace) < self._bytes * threads:
            try:
                self._workspace = memory.place(self._bytes * threads)
            except MemoryError:
                raise out_of_memory(self.name, capacity) from None
            self._place = self.kernel.ffi.cast("char *", self._workspace.ctypes.data)
