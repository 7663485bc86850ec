"""What a forward run of the clock kernel leaves: spikes and states, in memory that is used again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saltus.runtime.clock_input import Lists, Stepped, stepped
from saltus.runtime.clock_wiring import ClockWiring
from saltus.runtime.currents import Settings
from saltus.runtime.failure import out_of_memory
from saltus.runtime.footprint import Held
from saltus.runtime.kernel import Kernel
from saltus.runtime.members import Members, Outcome
from saltus.runtime.network_tape import part
from saltus.runtime.trains import Merged, Train, merge

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ClockTrain(Train):
    """A train that is known step by step.

    step: at which each event acts; first: first event of each step and the one after the last,
    ``(batch, steps + 2)``; dt: of these steps.
    """

    step: NDArray[np.int32]
    first: NDArray[np.int32]
    dt: float


class ClockTape:
    """The part of one group of the clock kernel.

    Attributes:
        wiring: the values that the run was made with.
        heard: the incoming events, and where each source's went.
        sources: the trains of spikes among them.
        stepped: the incoming events on the grid.
        final: states at the end, ``(batch, neurons, states)``.
        sampled: states at the ``sample_times``, ``(batch, samples, neurons, states)``; sampled_from: where
            readouts have times of their own, those at the start of the step.
        summits: maxima over time, ``(batch, neurons, maxima)`` records; see ``saltus_clock_summit``.
        outcomes: what each population did.
        settings, setting_parts: what input states are set to, by the place of each in the kernel's order,
            ``(batch, settings)``, and the first of each population's state; None and nothing where none is.
        until, released: where a model has phases, of each spike the step at which its phase ends, and the
            states just before.
        tangents: how many numbers say what parameters of the flow do to a neuron's states; 0: they are not
            carried; moved: how the time of each spike moves with them; final_tangent: and states at the end.
        joined, tied: zeros; on the grid, what comes together is added up.
    """

    wiring: ClockWiring
    heard: Merged
    sources: Sequence[Train]
    stepped: Stepped
    sampled: Array
    input_struct: Any
    output_struct: Any

    def __init__(
        self,
        name: str,
        states: int,
        peaks: int,
        phased: bool,
        timed: bool,
        dtype: type[np.floating[Any]],
    ) -> None:
        self.name = name
        self.capacity, self.tangents = -1, 0
        self.outcomes: dict[str, Outcome] = {}
        self.joined, self.tied = np.zeros((2, 0), dtype=np.int32)
        self._states, self._peaks, self._phased, self._dtype = states, peaks, phased, dtype
        self._timed = timed
        self._event_times = np.empty(0)
        self._listens_to: Train | None = None
        self._sorted: tuple[Lists, Any] | None = None
        self.settings: Index | None = None
        self._set: tuple[Any, ...] = ()
        self.setting_parts: dict[tuple[str, str], int] = {}

    def listen(self, kernel: Kernel, heard: Merged, sources: Sequence[Train], steps: int, dt: float) -> None:
        """Points the kernel at these events; they are put into steps if they were not already."""
        self.heard, self.sources = heard, sources
        train = heard.train
        if self._listens_to is train:
            return
        if isinstance(train, ClockTrain) and train.dt == dt:
            self.stepped = Stepped(train.step, train.first)
        else:
            self.stepped = stepped(kernel, train, steps, dt)
        fields = {"start": train.start, "count": train.count, "channel": train.row}
        self.input_struct = kernel.struct(
            "clock_input", step=self.stepped.step, first=self.stepped.first, **fields
        )
        self._listens_to, self._sorted = train, None

    def keep_sorted(self, kernel: Kernel, channels: int, block: int) -> None:
        """Room for the incoming spikes by channel, where they are the user's own and may be run again."""
        if self.heard.places or isinstance(self.heard.train, ClockTrain):
            return
        lists = self.stepped.by_channel(kernel, channels, block)
        if self._sorted is None or self._sorted[0] is not lists:
            self._sorted = (lists, kernel.struct("clock_sorted", **lists))
            self.input_struct.sorted = self._sorted[1]

    def set_inputs(self, kernel: Kernel, given: Settings | None, batch: int, steps: int, dt: float) -> None:
        """Points the kernel at what input states are set to."""
        self.settings, self.setting_parts, self._set = None, {}, ()
        self.input_struct.settings = kernel.null
        if given is None:
            return
        self.setting_parts = given.parts
        merged = merge([given.train], [0], batch)
        train, self.settings = merged.train, merged.places[0].reshape(batch, -1)
        neuron, state = np.divmod(-2 - train.row, self._states)
        value = np.empty(len(train.time))
        value[self.settings.ravel()] = given.values
        first, step = np.empty((batch, steps + 2), dtype=np.int32), np.empty(len(train.time), dtype=np.int32)
        arrays = (train.start, train.count, train.time, step, first)
        kernel.lib.saltus_clock_bin(batch, steps, dt, *(kernel.pointer(array) for array in arrays))
        fields = {"start": train.start, "neuron": neuron, "state": state, "value": value, "first": first}
        self._set = (kernel.struct("clock_settings", **fields), *fields.values())
        self.input_struct.settings = self._set[0]

    def reserve(
        self,
        kernel: Kernel,
        batch: int,
        neurons: int,
        steps: int,
        samples: int,
        capacity: int,
        tangents: int,
    ) -> None:
        """Room for ``capacity`` spikes in each sample; what is there is lost if it must grow."""
        if self.capacity >= capacity and self.sampled.shape[1] == samples and self.tangents == tangents:
            return
        capacity = max(capacity, self.capacity)
        try:
            self.time = np.empty(batch * capacity)
            self.neuron, self.step = np.empty((2, batch * capacity), dtype=np.int32)
            self.slope = np.empty(batch * capacity)
            self.state = np.empty(batch * capacity * self._states, dtype=self._dtype)
            self.final = np.empty((batch, neurons, self._states))
            self.moved = np.empty(batch * capacity * tangents, dtype=self._dtype)
            self.final_tangent = np.empty((batch, neurons, tangents))
            self.sampled = np.empty((batch, samples, neurons, self._states))
            self.sampled_from = np.empty_like(self.sampled) if self._timed else np.empty(0)
            self.summits = np.zeros((batch, neurons, self._peaks), dtype=_summit(self._states))
            kept = batch * capacity * self._phased
            self.until = np.empty(kept, dtype=np.int32)
            self.released = np.empty(kept * self._states, dtype=self._dtype)
        except MemoryError:
            raise out_of_memory(self.name, capacity) from None
        self.count = np.zeros(batch, dtype=np.int32)
        self.recorded = np.zeros((batch, steps + 2), dtype=np.int32)
        self.joined, self.tied = np.zeros((2, batch), dtype=np.int32)
        self.capacity, self.tangents = capacity, tangents
        self.output_struct = kernel.struct(
            "clock_output",
            capacity=capacity,
            count=self.count,
            first=self.recorded,
            step=self.step,
            time=self.time,
            neuron=self.neuron,
            slope=self.slope,
            state=self.state,
            final=self.final,
            sampled=self.sampled,
        )
        if tangents:
            self.output_struct.moved = kernel.pointer(self.moved)
            self.output_struct.final_tangent = kernel.pointer(self.final_tangent)
        if self._peaks:
            place = kernel.pointer(self.summits.reshape(-1).view(np.uint8))
            self.output_struct.summit = kernel.ffi.cast("saltus_clock_summit *", place)
        if self._timed:
            self.output_struct.sampled_from = kernel.pointer(self.sampled_from)
        if self._phased:
            self.output_struct.until = kernel.pointer(self.until)
            self.output_struct.released = kernel.pointer(self.released)

    def event_times(self) -> Array:
        """Where the kernel writes dL/dt of each incoming event; until the next call."""
        if len(self._event_times) < len(self.heard.train.time):
            self._event_times = np.empty(len(self.heard.train.time))
        return self._event_times

    @property
    def together(self) -> int:
        """Incoming events of one sample in one step, at most."""
        return int(np.diff(self.stepped.first, axis=1).max(initial=0))

    @property
    def sample_times(self) -> Array:
        """At which states are read."""
        return self.wiring.samples.times

    def finish(self, populations: Mapping[str, Members], dt: float) -> None:
        """Makes what the kernel wrote visible, each population's part to itself."""
        start = self.capacity * np.arange(len(self.count))
        whole = ClockTrain(self.time, self.neuron, start, self.count, self.step, self.recorded, dt)
        self.outcomes = {name: self._outcome(members, whole) for name, members in populations.items()}

    def held(self) -> Held:
        """All arrays."""
        trains = [seen.out.arrays for seen in self.outcomes.values()]
        places = [seen.places for seen in self.outcomes.values()]
        own = (self.time, self.neuron, self.step, self.slope, self.count, self.recorded)
        stepped = () if self._listens_to is None else self.stepped.arrays
        return Held(
            spikes=(*own, *chain(*trains), *places, self.joined, self.tied),
            states=(
                self.state,
                self.final,
                self.moved,
                self.final_tangent,
                self.summits,
                self.until,
                self.released,
            ),
            events=(*self.heard.arrays, *stepped, self.settings, *self._set[1:]),
            traces=(self.sampled, self.sampled_from),
            adjoints=(self._event_times,),
        )

    def _outcome(self, members: Members, whole: Train) -> Outcome:
        own = slice(members.first, members.first + members.size)
        states = len(members.model.ir.states)
        out, places = (whole, None) if members.size == self.final.shape[1] else part(whole, own)
        batch, samples = self.sampled.shape[:2]
        read = self.sampled.reshape(batch * samples, *self.sampled.shape[2:])[:, own, :states]
        reached = self.summits[:, own, : len(members.model.ir.peaks)]
        return Outcome(
            out,
            places,
            self.slope if places is None else self.slope[places],
            self.final[:, own, :states].transpose(0, 2, 1),
            None,
            reached["value"],
            reached["time"],
            states=read.transpose(0, 2, 1),
            samples=np.arange(batch * samples).reshape(batch, samples),
            sample_times=self.sample_times,
        )


def _summit(states: int) -> np.dtype[np.void]:
    """``saltus_clock_summit``, for models with up to so many states."""
    numbers = [(name, np.float64) for name in ("value", "time", "since")]
    places = [(name, np.int32) for name in ("step", "where", "spike", "bound", "phase")]
    return np.dtype(
        [*numbers, *places, ("start", np.float64, states), ("state", np.float64, states)], align=True
    )
