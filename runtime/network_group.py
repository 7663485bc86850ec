"""A group of the network kernel: one or more populations that project to one another, of any models.

Sparse and delayed projections, phases, inputs that are given, maxima and states at given times are this
kernel's. Its interface is that of ``group.Group``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from saltus.runtime import memory, wiring
from saltus.runtime.config import Population
from saltus.runtime.cotangent import Cotangent
from saltus.runtime.currents import settings
from saltus.runtime.failure import CAPACITY, WORKSPACE, failure, out_of_memory
from saltus.runtime.footprint import Held
from saltus.runtime.group import DELAYS, PARAMETERS, TIMES, VALUES, WEIGHTS, Run
from saltus.runtime.kernel import network_kernel
from saltus.runtime.members import Members
from saltus.runtime.model import Model
from saltus.runtime.network_tape import NetworkTape
from saltus.runtime.parameters import Parameters
from saltus.runtime.probes import Probes
from saltus.runtime.synapses import Synapses
from saltus.runtime.threads import Schedule
from saltus.runtime.trains import Merged, Train, merge
from saltus.templates.context import timed
from saltus.templates.ir import ModelIR

Array = NDArray[np.float64]

ENTRIES = 4096
"""Of a thread's tape to begin with; it grows with what a sample needs."""


@dataclass(frozen=True, eq=False)
class NetworkGradient:
    """Gradients over the batch: of each synapse, of all parameters one after the other, of each event.

    values: dL/d(what input states are set to), like the events.
    """

    weights: Array | None
    delays: Array | None
    parameters: Array | None
    times: Array | None
    values: Array | None


class NetworkGroup:
    """Populations with all projections among and into them.

    Attributes:
        name: the populations' names, joined.
        populations: by name.
        explanation: which kernel runs it, and why.
        synapses: all projections into it.
        listens: the sources elsewhere, once each.
        offers: names of the gradients that it can give, and what a backward run must want for them.
    """

    def __init__(
        self,
        models: Mapping[str, Model],
        configs: Mapping[str, Population],
        into: Sequence[Synapses],
        tolerance: float,
        explanation: str,
    ) -> None:
        self.name = "+".join(models)
        self.explanation = explanation
        self.synapses = list(into)
        self.populations = members_of(models, configs)
        kinds = distinct([model.ir for model in models.values()])
        self._states = max(len(ir.states) for ir in kinds.compiled)
        self._peaks = max(1, *(len(ir.peaks) for ir in kinds.compiled))
        channels, count = channels_of(models, into)
        self.listens = tuple(channels)
        self.kernel = network_kernel(kinds.compiled)
        self.frame = wiring.Frame(
            self.kernel, kinds.index, self.populations, self.synapses, channels, count, tolerance
        )
        self.offers = {f"{s.name}.weights": WEIGHTS for s in into}
        self.offers |= {f"{s.name}.delays": DELAYS for s in into if s.delays is not None}
        self.offers |= {
            f"{n}.{key}": PARAMETERS for n, m in self.populations.items() for key in m.parameters.names
        }
        self._wiring: wiring.Wiring | None = None
        self._forward, self._backward = Schedule(self.kernel.openmp), Schedule(self.kernel.openmp)
        self._capacity = 4 * self.frame.neurons + 16 if any(m.spikes for m in models.values()) else 0
        self._entries = ENTRIES
        self._workspace = np.empty(0, dtype=np.int8)
        self._sums: dict[int, NDArray[Any]] = {}

    def new_tape(self) -> NetworkTape:
        """Memory for a run."""
        return NetworkTape(self.name, self._states, self._peaks)

    def refresh(self) -> None:
        """Reads the user's values; raises ``RunError`` for bad ones."""
        for members in self.populations.values():
            members.parameters.refresh()
        for synapses in self.synapses:
            synapses.check()
        values = wiring.read(self.frame)
        if self._wiring is None or not values.same(self._wiring.values):
            self._wiring = wiring.wire(self.frame, values, self._wiring)

    def forward(self, tape: NetworkTape, sources: Sequence[Train], run: Run) -> None:
        """Simulates all samples; what came out is in the tape.

        Args:
            tape: filled here.
            sources: the spikes of each of ``listens``.
            run: batch, horizon, threads, probes and what input states are set to.

        Raises:
            RunError: if the simulation cannot go on.
        """
        assert self._wiring is not None, "refreshed"
        tape.wiring = self._wiring
        tape.sample_times = self._sample_times(run)
        self._listen(tape, sources, run)
        kernel = self.kernel
        while True:
            tape.reserve(kernel, run.batch, self.frame.neurons, self._capacity)
            arrays = kernel.pointer(tape.final), kernel.array(tape.states)
            call = self._call(kernel.lib.saltus_network_forward, tape, arrays)
            status = self._run(self._forward, call, tape, run)
            if status is None:
                break
            self._capacity = max(int(status.needed), 2 * self._capacity)
        tape.finish(self.populations)

    def backward(
        self, tape: NetworkTape, run: Run, want: int, cotangents: Mapping[str, Cotangent]
    ) -> NetworkGradient:
        """The vector-Jacobian product, with the values of the forward run.

        Args:
            tape: of the forward run.
            run: as there.
            want: bits of ``WEIGHTS``, ``DELAYS``, ``PARAMETERS``, ``TIMES`` and ``VALUES``.
            cotangents: where it starts from, by population.

        Raises:
            RunError: if memory does not suffice.
        """
        kernel, net = self.kernel, tape.wiring.struct
        try:
            seeds = self._cotangent(tape, run, cotangents)
            sizes = {WEIGHTS: net.synapses, DELAYS: net.synapses, PARAMETERS: net.parameters}
            sums = {b: memory.room(self._sums, b, run.chunks, n) for b, n in sizes.items() if want & b}
            events = {bit: tape.adjoint_of_events(bit) for bit in (TIMES, VALUES) if want & bit}
        except MemoryError:
            raise out_of_memory(self.name, self._capacity) from None
        fields = zip(("time", "final", "probe", "peak"), seeds, strict=True)
        cotangent = kernel.struct(
            "network_cotangent", **{key: array for key, array in fields if array is not None}
        )
        gradient = kernel.struct("network_gradient")
        gradient.weights, gradient.delays = kernel.array(sums.get(WEIGHTS)), kernel.array(sums.get(DELAYS))
        gradient.parameters = kernel.array(sums.get(PARAMETERS))
        gradient.event_time = kernel.array(events.get(TIMES))
        gradient.event_value = kernel.array(events.get(VALUES))
        arrays = cotangent, gradient, kernel.array(tape.adjoints)
        call = self._call(kernel.lib.saltus_network_backward, tape, arrays)
        self._run(self._backward, call, tape, run)
        kernel.lib.saltus_network_reduce(net, gradient)
        weights, delays, parameters = (sums[bit][0] if bit in sums else None for bit in sizes)
        return NetworkGradient(weights, delays, parameters, events.get(TIMES), events.get(VALUES))

    def collect(self, gradient: NetworkGradient, names: Sequence[str]) -> dict[str, Array]:
        """Copies of some of ``offers``, in the user's shapes."""
        found = {}
        first = 0
        for synapses in self.synapses:
            own = slice(first, first + len(synapses.flat(synapses.weights)))
            first = own.stop
            for what, flat in (("weights", gradient.weights), ("delays", gradient.delays)):
                if (name := f"{synapses.name}.{what}") in names and flat is not None:
                    found[name] = synapses.arranged(flat[own])
        first = 0
        for name, members in self.populations.items():
            keys = members.parameters.names
            own = slice(first, first + len(keys) * members.size)
            first = own.stop
            for key in keys:
                if f"{name}.{key}" in names and gradient.parameters is not None:
                    block = gradient.parameters[own].reshape(len(keys), members.size)
                    found[f"{name}.{key}"] = members.parameters.gradient(key, block)
        return found

    def held(self) -> Held:
        """Gradients and workspaces."""
        return Held(gradients=tuple(self._sums.values()), scratch=(self._workspace,))

    def _sample_times(self, run: Run) -> Array:
        """When states are read: at the sample times, and at those of readouts."""
        listed = [np.array(members.sample_times) for members in self.populations.values()]
        own = [
            time
            for members in self.populations.values()
            if timed(members.model.ir)
            for time in Probes.of(members, run.horizon).times.values()
        ]
        return np.unique(np.concatenate([*listed, *own]))

    def _listen(self, tape: NetworkTape, sources: Sequence[Train], run: Run) -> None:
        """Points the kernel at its incoming events: the source's own arrays, or all of them merged."""
        given = settings(run.currents, self.populations, run.batch, self._states)
        extra = {
            "settings": None if given is None else given.train,
            "samples": probes(tape.sample_times, run.batch) if len(tape.sample_times) else None,
            "probes": run.probes,
        }
        tape.sources = sources
        tape.settings = tape.samples = tape.probes = tape.values = tape.states = tape.adjoints = None
        tape.setting_parts = {} if given is None else given.parts
        more = {key: train for key, train in extra.items() if train is not None}
        if len(sources) == 1 and not more:
            tape.heard = Merged(sources[0], [])
        else:
            first = [*self.frame.channels.values(), *(0 if key == "settings" else -1 for key in more)]
            tape.heard = merge([*sources, *more.values()], first, run.batch)
            for key, places in zip(more, tape.heard.places[len(sources) :], strict=True):
                setattr(tape, key, places.reshape(run.batch, -1))
        events = len(tape.heard.train.time)
        try:
            if given is not None and tape.settings is not None:
                tape.values = np.zeros(events)
                tape.values[tape.settings.ravel()] = given.values
            if tape.samples is not None or tape.probes is not None:
                tape.states = np.empty((events, self.frame.neurons, self._states))
            if tape.probes is not None:
                tape.adjoints = np.zeros((events, self.frame.neurons, self._states))
        except MemoryError:
            raise out_of_memory(self.name, self._capacity) from None
        train = tape.heard.train
        fields = {"time": train.time, "channel": train.row, "start": train.start, "count": train.count}
        tape.input_struct = self.kernel.struct("input", **fields)
        tape.input_struct.value = self.kernel.array(tape.values)

    def _cotangent(
        self, tape: NetworkTape, run: Run, cotangents: Mapping[str, Cotangent]
    ) -> tuple[Array, Array | None, Array | None, Array | None]:
        """dL/dt of each spike, dL/dx(T), dL/dx at each event, dL/dmaximum, as the kernel reads them."""
        time = np.zeros(run.batch * tape.capacity)
        final = probe = peak = None
        for name, members in self.populations.items():
            given, seen = cotangents[name], tape.outcomes[name]
            own = slice(members.first, members.first + members.size)
            states = [state.name for state in members.model.ir.states]
            if given.times and seen.places is None:
                given.times.add_to(time, seen.out)
            elif given.times:
                time[seen.places] = given.times.add_to(np.zeros(len(seen.out.time)), seen.out)
            for key, values in given.final.items():
                final = np.zeros_like(tape.final) if final is None else final
                final[:, own, states.index(key)] = values
            for key, values in given.peaks.items():
                peak = np.zeros_like(tape.peak) if peak is None else peak
                peak[:, own, [p.name for p in members.model.ir.peaks].index(key)] = values
            for key, values in given.states.items():
                probe = tape.no_kicks() if probe is None else probe
                at = tape.events_at(members.sample_times)
                probe[at, own, states.index(key)] += values.transpose(0, 2, 1)
            for kick in given.kicks:
                probe = tape.no_kicks() if probe is None else probe
                at, neuron = tape.events_at(kick.times), np.arange(own.start, own.stop)
                probe[at, neuron, : len(states)] += kick.values
        return time, final, probe, peak

    def _call(
        self, function: Any, tape: NetworkTape, arrays: tuple[Any, ...]
    ) -> Callable[[int, int, int, int], int]:
        def call(first: int, last: int, threads: int, place: int) -> int:
            return int(
                function(
                    tape.wiring.struct, tape.input_struct, tape.output_struct, *arrays, first, last, threads,
                    self._place + place * self._bytes, self._bytes, self._entries, self._status + place,
                )
            )  # fmt: skip

        return call

    def _run(self, schedule: Schedule, call: Any, tape: NetworkTape, run: Run) -> Any:
        """Runs the kernel until its workspace suffices; the status if the spikes did not fit, else None."""
        net = tape.wiring.struct
        net.batch, net.chunks, net.horizon = run.batch, run.chunks, run.horizon
        while True:
            self._reserve(net, run.threads)
            self._status = self.kernel.ffi.new("saltus_status[]", run.threads)
            if not schedule.run(call, run.chunks, run.threads):
                return None
            failed = [self._status[i] for i in range(run.threads) if self._status[i].code]
            status = min(failed, key=lambda status: int(status.sample))
            if status.code == CAPACITY:
                return status
            if status.code != WORKSPACE:
                raise failure_in(self.populations, status)
            self._entries = max(int(status.needed), 2 * self._entries)

    def _reserve(self, net: Any, threads: int) -> None:
        """Workspace for each thread."""
        self._bytes = (
            -(-int(self.kernel.lib.saltus_network_workspace(net, self._entries)) // memory.LINE) * memory.LINE
        )
        if len(self._workspace) < self._bytes * threads:
            try:
                self._workspace = np.empty(self._bytes * threads, dtype=np.int8)
            except MemoryError:
                raise out_of_memory(self.name, self._entries) from None
        self._place = self.kernel.ffi.cast("char *", self._workspace.ctypes.data)


def members_of(models: Mapping[str, Model], configs: Mapping[str, Population]) -> dict[str, Members]:
    """The populations of a group, whose name is theirs, joined."""
    found: dict[str, Members] = {}
    first = 0
    for name, model in models.items():
        config = configs[name]
        parameters = Parameters(model.ir, config, f"populations.{name}")
        times = tuple(config.sample_times)
        found[name] = Members(name, model, config.size, parameters, "+".join(models), first, times)
        first += config.size
    return found


def channels_of(models: Collection[str], into: Sequence[Synapses]) -> tuple[dict[str, int], int]:
    """The first channel of each source outside a group, and how many channels there are."""
    sizes = {s.pre: s.shape[0] for s in into if s.pre not in models}
    bounds = np.cumsum([0, *sizes.values()]).tolist()
    return dict(zip(sizes, bounds, strict=False)), bounds[-1]


def failure_in(populations: Mapping[str, Members], status: Any) -> Exception:
    """The error of a status of a group, naming the population of its neuron."""
    own = next(m for m in populations.values() if m.first <= status.neuron < m.first + m.size)
    return failure(own.name, status, own.first)


@dataclass(frozen=True)
class Kinds:
    """The models that a kernel is compiled for, and which of them each population has."""

    compiled: tuple[ModelIR, ...]
    index: tuple[int, ...]


def distinct(irs: Sequence[ModelIR]) -> Kinds:
    """Each model once; models that differ but have one name get different ones, which functions in C need."""
    kinds = list(dict.fromkeys(irs))
    names: list[str] = []
    for ir in kinds:
        name, number = ir.name, 2
        while name in names:
            name, number = f"{ir.name}_{number}", number + 1
        names.append(name)
    compiled = tuple(
        ir if ir.name == name else msgspec.structs.replace(ir, name=name)
        for ir, name in zip(kinds, names, strict=True)
    )
    return Kinds(compiled, tuple(kinds.index(ir) for ir in irs))


def probes(times: Array, batch: int) -> Train:
    """Events without an arrival, the same in each sample."""
    start = len(times) * np.arange(batch)
    count = np.full(batch, len(times), dtype=np.int32)
    return Train(np.tile(times, batch), np.zeros(len(times) * batch, dtype=np.int32), start, count)
