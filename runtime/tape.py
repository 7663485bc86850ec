"""What a forward run leaves for the backward run: events, spikes and states, in memory that is used again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from saltus.runtime import memory
from saltus.runtime.failure import out_of_memory
from saltus.runtime.footprint import Held
from saltus.runtime.kernel import Kernel
from saltus.runtime.lines import Arrived, Rows
from saltus.runtime.members import Outcome
from saltus.runtime.trains import Merged, Train

Array = NDArray[np.float64]


class Echoes(NamedTuple):
    """All events of a group whose spikes come back to it; see ``saltus_spikes``."""

    train: Train
    origin: NDArray[np.int64]

    @property
    def incoming(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The events that came in: where they are, and where they were."""
        at = self.train.cells.at
        outside = at[self.origin[at] < 0]
        return outside, ~self.origin[outside]

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """All that it holds in memory."""
        return (*self.train.arrays, self.origin)


class GroupTape:
    """The part of one group.

    Attributes:
        rows: of weights, that the events act through.
        heard: the incoming events as the kernel reads them, and where each source's events went (nothing if
            they are read in place).
        sources: the trains that they come from, one for each projection.
        echoes: these events and the arrivals of its own spikes, where there are any; all_events: the same,
            or ``heard``, as the kernel reads it backward.
        out: the outgoing spikes.
        outcomes: what the population did, by its name.
        slope: the guard's time derivative at each of them, laid out like them.
        final: states at the end, ``(batch, states, padded)``.
        states, adjoints: at each incoming event, ``(events, states, padded)``; None unless there are probes.
        nearest_miss, joined: see the kernel's header, ``(batch,)``.
        tied: zeros; no arrival that this kernel takes makes a spike or ends a phase.
    """

    rows: Rows
    heard: Merged | Arrived
    sources: Sequence[Train]
    out: Train
    outcomes: dict[str, Outcome]
    events_struct: Any
    spikes_struct: Any
    all_events: Any
    echoes: Echoes | None = None
    states: Array | None = None
    adjoints: Array | None = None

    def __init__(self, name: str) -> None:
        self.name = name
        self.capacity = -1
        self.final = memory.zeros(0, 0, 0)
        self._read: Train | None = None
        self._event_times = np.empty(0)
        self._d_time = np.empty(0)

    def listen(self, kernel: Kernel, heard: Merged | Arrived, sources: Sequence[Train]) -> None:
        """Points the kernel at these events."""
        self.sources = sources
        self.heard = heard
        train, before = heard.train, self._read
        self._read = train
        if before is None or train.time is not before.time or train.start is not before.start:
            self.events_struct = kernel.struct(
                "events", time=train.time, row=train.row, start=train.start, count=train.count
            )
        self.all_events = self.events_struct

    def reserve(self, kernel: Kernel, batch: int, states: int, size: int, capacity: int) -> None:
        """Room for ``capacity`` spikes in each sample; what is there is lost if it must grow."""
        if self.capacity >= capacity:
            return
        try:
            self._allocate(batch, states, size, capacity)
        except MemoryError:
            raise out_of_memory(self.name, capacity) from None
        self.capacity = capacity
        self.spikes_struct = kernel.struct(
            "spikes",
            capacity=capacity,
            time=self.time,
            neuron=self.neuron,
            after=self.after,
            state=self.state,
            slope=self.slope,
            start=self.start,
            count=self.count,
            nearest_miss=self.nearest_miss,
            joined=self.joined,
        )

    def reserve_events(self, kernel: Kernel, lines: int) -> None:
        """Room for the events that come in, and for so many arrivals of each spike that there is room for."""
        room = self.heard.train.count + np.int64(lines * self.capacity)
        start, total = np.cumsum(room) - room, int(room.sum())
        train = Train(np.empty(total), np.empty(total, np.int32), start, np.zeros(len(room), np.int32))
        self.echoes = Echoes(train, np.empty(total, np.int64))
        for name, array in zip(
            ("time", "row", "start", "count"), (train.time, train.row, start, train.count), strict=True
        ):
            setattr(self.spikes_struct, f"event_{name}", kernel.pointer(array))
        self.spikes_struct.event_origin = kernel.pointer(self.echoes.origin)
        self.all_events = kernel.struct(
            "events",
            time=train.time,
            row=train.row,
            start=start,
            count=train.count,
            origin=self.echoes.origin,
        )

    def records(self) -> Array | None:
        """Where the kernel writes the adjoints at each event, if it is to."""
        if self.adjoints is None or self.echoes is None:
            return self.adjoints
        return memory.zeros(len(self.echoes.train.time), *self.adjoints.shape[1:])

    def from_outside(self, times: Array | None, records: Array | None) -> Array | None:
        """dL/dt of the events that came in, laid out like them; their adjoints go to ``adjoints``."""
        if self.echoes is None:
            return times
        at, place = self.echoes.incoming
        if records is not None and self.adjoints is not None:
            self.adjoints[place] = records[at]
        if times is None:
            return None
        own = np.zeros(len(self.heard.train.time))
        own[place] = times[at]
        return own

    def finish(self) -> None:
        """Makes the spikes that the kernel wrote visible."""
        self.out = Train(self.time, self.neuron, self.start, self.count)
        seen = Outcome(
            self.out,
            None,
            self.slope,
            self.final,
            self.nearest_miss,
            states=self.states,
            adjoints=self.adjoints,
        )
        self.outcomes = {self.name: seen}

    def event_times(self) -> Array:
        """Where the kernel writes dL/dt of each incoming event."""
        events = len((self.echoes or self.heard).train.time)
        if len(self._event_times) < events:
            self._event_times = np.zeros(events)
        return self._event_times

    def no_cotangent(self) -> Array:
        """dL/dt = 0 for each outgoing spike, to be added to."""
        if len(self._d_time) < len(self.time):
            self._d_time = np.empty(len(self.time))
        self._d_time.fill(0.0)
        return self._d_time

    def held(self) -> Held:
        """All arrays."""
        return Held(
            spikes=(*self.out.arrays, self.after, self.slope, self.nearest_miss, self.joined, self.tied),
            states=(self.state, self.final),
            events=(*self.heard.arrays, *(self.echoes.arrays if self.echoes else ())),
            traces=(self.states, self.adjoints),
            adjoints=(self._event_times, self._d_time),
        )

    def _allocate(self, batch: int, states: int, size: int, capacity: int) -> None:
        self.time = np.empty(batch * capacity)
        self.neuron = np.empty(batch * capacity, dtype=np.int32)
        self.after = np.empty(batch * capacity, dtype=np.int32)
        self.state = np.empty(states * batch * capacity)
        self.slope = np.empty(batch * capacity)
        self.start = np.zeros(batch, dtype=np.int64)
        self.count = np.zeros(batch, dtype=np.int32)
        self.nearest_miss = np.full(batch, np.inf)
        self.joined, self.tied = np.zeros((2, batch), dtype=np.int32)
        self.final = memory.zeros(batch, states, memory.padded(size))


class AnyTape(Protocol):
    """A group's part of a tape.

    heard, sources: the events that it heard, and the trains that they come from; outcomes: what its
    populations did; joined: pairs of neurons that are joined without delay and spiked together; tied: pairs
    of events of one neuron at one time, whose order makes a difference; ``(batch,)``.
    """

    heard: Merged | Arrived
    sources: Sequence[Train]
    outcomes: dict[str, Outcome]
    joined: NDArray[np.int32]
    tied: NDArray[np.int32]

    def held(self) -> Held:
        """All arrays."""


class Tape:
    """A run's memory, a part for each group, for a fixed number of samples."""

    def __init__(self, groups: dict[str, Any], batch: int) -> None:
        self.batch = batch
        self.groups = groups

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """What each population did."""
        return {name: seen for group in self.groups.values() for name, seen in group.outcomes.items()}


class TapePool:
    """Tapes that no result uses any more, for the next runs with as many samples.

    Growing memory costs more than a small kernel: a training loop goes back and forth between two tapes.
    """

    def __init__(self, new: Callable[[], dict[str, Any]], kept: int = 4) -> None:
        self._new = new
        self._kept = kept
        self._free: list[Tape] = []

    def take(self, batch: int) -> Tape:
        """A free tape, or a new one."""
        for i, tape in enumerate(self._free):
            if tape.batch == batch:
                return self._free.pop(i)
        return Tape(self._new(), batch)

    def give_back(self, tape: Tape) -> None:
        """For the next run; the oldest goes if there are too many."""
        self._free.append(tape)
        del self._free[: -self._kept]
