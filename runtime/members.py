"""A population of a group: what it is, and what it did in a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from saltus.runtime.model import Model
from saltus.runtime.parameters import Parameters
from saltus.runtime.trains import Train

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Members:
    """A population.

    Attributes:
        name, model, size: of the population.
        parameters: its parameters and initial values.
        group: the name of the group that it runs in.
        first: its first neuron among the group's.
        sample_times: at which its states are read, in seconds.
    """

    name: str
    model: Model
    size: int
    parameters: Parameters
    group: str
    first: int = 0
    sample_times: tuple[float, ...] = ()


class Outcome(NamedTuple):
    """What a population did in a run.

    Attributes:
        out: its spikes.
        places: where each of them lies in the arrays of its group, in order; None: laid out the same.
        slope: the guard's time derivative at each spike, laid out like ``out``.
        final: states at the end, ``(batch, states, neurons or more)``.
        nearest_miss: see the kernel's header, ``(batch,)``; None: not known.
        peaks, peak_times: maxima over time and where they are attained, ``(batch, neurons, peaks)``.
        states, adjoints: at each event that the group heard, ``(events, states, neurons or more)``; None
            unless they were asked for.
        samples: the events at which its states are read, ``(batch, times)``; sample_times: when that is.
    """

    out: Train
    places: Index | None
    slope: Array
    final: Array
    nearest_miss: Array | None
    peaks: Array | None = None
    peak_times: Array | None = None
    states: Array | None = None
    adjoints: Array | None = None
    samples: Index | None = None
    sample_times: Array | None = None

    def at(self, times: Array) -> Array:
        """The states at some of the sample times, ``(batch, times, states, neurons or more)``."""
        assert self.states is not None, "it has sample times"
        assert self.samples is not None and self.sample_times is not None
        place = np.searchsorted(self.sample_times, times)
        return self.states[np.asarray(self.samples)[:, place]]
