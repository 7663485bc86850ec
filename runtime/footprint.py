"""How much memory a run holds, counted from the arrays themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Sequence[NDArray[Any] | None]


@dataclass(frozen=True)
class Held:
    """Arrays that some part of a run holds, by what they are for; see ``Memory``. None: not there."""

    spikes: Arrays = ()
    states: Arrays = ()
    events: Arrays = ()
    traces: Arrays = ()
    adjoints: Arrays = ()
    gradients: Arrays = ()
    scratch: Arrays = ()


@dataclass(frozen=True)
class Memory:
    """What a run holds, in bytes: what is allocated, room for spikes that did not come included.

    A sample takes O(spikes + events); with the event engine whatever T is: each spike its time, its neuron
    and the states just before it, each event its time, row and dL/dt, each neuron its states at T. The clock
    adds a count of events and one of spikes for each of its steps. Traces are O(times · neurons), and there
    only if they are asked for. Gradients are added up once for each chunk of samples, of which there are 8
    at most; scratch is a thread's. Neither grows with the batch, so ``per_sample`` leaves both out.

    Room for spikes at least doubles when it does not suffice, and stays for the next runs. Weights and
    parameters are the network's, and are not counted; nor is what lives only during a call, such as
    dL/dx(T). What the first backward run makes is zero before it.

    Attributes:
        batch: number of samples.
        spikes: times, neurons, slopes and order of the spikes of all populations.
        states: saved at spikes, and at T; maxima over time.
        events: what the populations hear: input spikes, trains merged into one, delayed arrivals, the clock's
            steps of them.
        traces: states and adjoints at sample times and probes.
        adjoints: dL/dt of spikes and events.
        gradients: sums over the samples of a chunk, of weights, delays and parameters.
        scratch: workspaces of all threads: propagators of a sample's stretches, candidates for a crossing,
            the network kernel's queue and tape, the clock's samples of a weight's gradient.
    """

    batch: int
    spikes: int
    states: int
    events: int
    traces: int
    adjoints: int
    gradients: int
    scratch: int

    @property
    def per_sample(self) -> float:
        """Bytes of a sample: all but gradients and scratch, over the batch."""
        return (self.total - self.gradients - self.scratch) / self.batch

    @property
    def total(self) -> int:
        """Bytes of all parts."""
        return sum(astuple(self)[1:])

    def __str__(self) -> str:
        parts = [f"{part.name} {_readable(getattr(self, part.name))}" for part in fields(Held)]
        return f"{_readable(self.total)} ({', '.join(parts)}); {_readable(self.per_sample)} a sample"


def measure(batch: int, parts: Iterable[Held]) -> Memory:
    """Counts each array once, as the first kind that it is named under; of views, what they are views of."""
    listed = list(parts)
    seen: set[int] = set()
    sizes = {
        kind.name: sum(_new(seen, (array for part in listed for array in getattr(part, kind.name))))
        for kind in fields(Held)
    }
    return Memory(batch, **sizes)


def _new(seen: set[int], arrays: Iterable[NDArray[Any] | None]) -> Iterator[int]:
    for array in arrays:
        if array is None:
            continue
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        if id(owner) not in seen:
            seen.add(id(owner))
            yield owner.nbytes


def _readable(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"
