"""What a forward run of the network kernel leaves: spikes, final states, and what was read on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saltus.runtime.failure import out_of_memory
from saltus.runtime.footprint import Held
from saltus.runtime.kernel import Kernel
from saltus.runtime.members import Members, Outcome
from saltus.runtime.trains import Merged, Train
from saltus.runtime.wiring import Wiring

Array = NDArray[np.float64]
Index = NDArray[np.int64]


class NetworkTape:
    """The part of one group of the network kernel.

    Attributes:
        wiring: the values that the run was made with.
        heard: the incoming events, and where each source's, the settings, samples and probes went.
        sources: the trains of spikes among them.
        values: what input states are set to, at each event.
        settings: where they are set, ``(batch, settings)``.
        setting_parts: where in a sample's settings those of a population and state begin.
        samples, probes: where states were read, ``(batch, times)``; sample_times: when the former were.
        final: states at the end, ``(batch, neurons, states)``.
        states, adjoints: after each event, ``(events, neurons, states)``; None unless they are asked for.
        outcomes: what each population did.
    """

    wiring: Wiring
    heard: Merged
    sources: Sequence[Train]
    input_struct: Any
    output_struct: Any
    values: Array | None = None
    settings: Index | None = None
    setting_parts: Mapping[tuple[str, str], int] = {}
    samples: Index | None = None
    probes: Index | None = None
    states: Array | None = None
    adjoints: Array | None = None
    sample_times: Array

    def __init__(self, name: str, states: int, peaks: int) -> None:
        self.name = name
        self.widths = states, peaks
        self.capacity = -1
        self.outcomes: dict[str, Outcome] = {}
        self.joined, self.tied = np.zeros((2, 0), dtype=np.int32)
        self._of_events: dict[int, Array] = {}

    def reserve(self, kernel: Kernel, batch: int, neurons: int, capacity: int) -> None:
        """Room for ``capacity`` spikes in each sample; what is there is lost if it must grow."""
        if self.capacity >= capacity:
            return
        states, peaks = self.widths
        try:
            self.time = np.empty(batch * capacity)
            self.neuron = np.empty(batch * capacity, dtype=np.int32)
            self.slope = np.empty(batch * capacity)
            self.final = np.empty((batch, neurons, states))
            self.peak, self.peak_time = np.empty((2, batch, neurons, peaks))
        except MemoryError:
            raise out_of_memory(self.name, capacity) from None
        self.count = np.zeros(batch, dtype=np.int32)
        self.joined, self.tied = np.zeros((2, batch), dtype=np.int32)
        self.capacity = capacity
        self.output_struct = kernel.struct(
            "output",
            capacity=capacity,
            count=self.count,
            time=self.time,
            neuron=self.neuron,
            slope=self.slope,
            joined=self.joined,
            tied=self.tied,
            peak=self.peak,
            peak_time=self.peak_time,
        )

    def finish(self, populations: Mapping[str, Members]) -> None:
        """Makes what the kernel wrote visible, each population's part to itself."""
        whole = Train(self.time, self.neuron, self.capacity * np.arange(len(self.count)), self.count)
        self.outcomes = {name: self._outcome(members, whole) for name, members in populations.items()}

    def events_at(self, times: ArrayLike) -> Index:
        """The events at some of the sample times, ``(batch, times)``."""
        assert self.samples is not None, "sampled"
        return self.samples[:, np.searchsorted(self.sample_times, times)]

    def no_kicks(self) -> Array:
        """Zero for the states at each event."""
        assert self.states is not None, "sampled"
        return np.zeros(self.states.shape)

    def adjoint_of_events(self, kind: int) -> Array:
        """Where the kernel writes dL/d(something) of each incoming event; until the next call."""
        events = len(self.heard.train.time)
        if kind not in self._of_events or len(self._of_events[kind]) < events:
            self._of_events[kind] = np.empty(events)
        return self._of_events[kind]

    def held(self) -> Held:
        """All arrays."""
        trains = [seen.out.arrays for seen in self.outcomes.values()]
        places = [seen.places for seen in self.outcomes.values()]
        own = (self.time, self.neuron, self.slope, self.count, self.joined, self.tied)
        return Held(
            spikes=(*own, *chain(*trains), *places),
            states=(self.final, self.peak, self.peak_time),
            events=(*self.heard.arrays, self.values, self.settings, self.samples, self.probes),
            traces=(self.states, self.adjoints),
            adjoints=tuple(self._of_events.values()),
        )

    def _outcome(self, members: Members, whole: Train) -> Outcome:
        own = slice(members.first, members.first + members.size)
        ir = members.model.ir
        out, places = (whole, None) if members.size == self.final.shape[1] else part(whole, own)
        return Outcome(
            out,
            places,
            self.slope if places is None else self.slope[places],
            self.final[:, own, : len(ir.states)].transpose(0, 2, 1),
            None,
            self.peak[:, own, : len(ir.peaks)],
            self.peak_time[:, own, : len(ir.peaks)],
            None if self.states is None else self.states[:, own].transpose(0, 2, 1),
            None if self.adjoints is None else self.adjoints[:, own].transpose(0, 2, 1),
            self.samples,
            self.sample_times,
        )


def part(whole: Train, own: slice) -> tuple[Train, Index]:
    """The spikes of some neurons, and where they lie in the whole."""
    sample, at = whole.cells
    neuron = whole.row[at]
    mine = (neuron >= own.start) & (neuron < own.stop)
    count = np.bincount(sample[mine], minlength=len(whole.count)).astype(np.int32)
    start = np.cumsum(count, dtype=np.int64) - count
    places = at[mine]
    return Train(whole.time[places], neuron[mine] - np.int32(own.start), start, count), places
