"""Where a group's backward run starts from: derivatives by what its populations gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from saltus.runtime.trains import Train

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass
class Credits:
    """What is known of dL/dt for the spikes of one source: arrays laid out like them, and single entries."""

    whole: list[Array] = field(default_factory=list)
    some: list[tuple[Index, Array]] = field(default_factory=list)

    def add_to(self, total: Array, train: Train) -> Array:
        """Adds all of it to ``total``, laid out like the train."""
        for values in self.whole:
            packed = len(total) == train.count.sum()  # no place is empty
            at = slice(len(total)) if packed else train.cells.at
            total[at] += values[at]
        for index, values in self.some:
            total[index] += values
        return total

    def total(self, train: Train) -> Array:
        """All of it in a new array, laid out like the train, which has no empty places."""
        if not self.whole:
            return self.add_to(np.zeros(len(train.time)), train)
        first = self.whole[0][: len(train.time)].copy()
        rest = Credits(self.whole[1:], self.some)
        return rest.add_to(first, train) if rest else first

    def __bool__(self) -> bool:
        return bool(self.whole or self.some)


class Kick(NamedTuple):
    """dL/dx ``(batch, neurons, states)`` of the states at a time that each neuron has for itself."""

    times: Array
    values: Array


@dataclass
class Cotangent:
    """dL/d(what a population gave), summed over the batch's samples as they are.

    times: of its spikes; final, peaks: by state at T and by maximum, ``(batch, neurons)``; states: by state
    at its sample times, ``(batch, neurons, times)``; kicks: by the states at other times; parameters: what
    its parameters have gained where readouts were taken, ``(parameters, neurons)``.
    """

    times: Credits = field(default_factory=Credits)
    final: dict[str, Array] = field(default_factory=dict)
    peaks: dict[str, Array] = field(default_factory=dict)
    states: dict[str, Array] = field(default_factory=dict)
    kicks: list[Kick] = field(default_factory=list)
    parameters: Array | None = None
