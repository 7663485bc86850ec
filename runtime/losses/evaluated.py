"""What losses give: a number for each sample, and the derivatives by what they read."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from saltus.runtime.losses.data import Data

if TYPE_CHECKING:
    from saltus.runtime.members import Members
    from saltus.runtime.result import Result

Array = NDArray[np.float64]
Index = NDArray[np.int64]


class TimeSeeds(NamedTuple):
    """dL/dt of some spikes: the population, where they lie in its tape, and the derivatives."""

    population: str
    at: Index
    values: Array


class ReadoutSeeds(NamedTuple):
    """dL/d(readout), or by a state at the end: population, name, and ``(batch, neurons)``; for what is read
    at each sample time ``(batch, neurons, times)``.
    """

    population: str
    name: str
    values: Array


class StateSeeds(NamedTuple):
    """dL/d(state at the sample times): population, name, and ``(batch, neurons, times)``."""

    population: str
    name: str
    values: Array


@dataclass(frozen=True, eq=False)
class Seeds:
    """Where the backward run starts from; each sample's own, not divided by the batch."""

    times: list[TimeSeeds] = field(default_factory=list)
    readouts: list[ReadoutSeeds] = field(default_factory=list)
    states: list[StateSeeds] = field(default_factory=list)

    @property
    def arrays(self) -> list[NDArray[Any]]:
        """All that it holds in memory."""
        times = chain.from_iterable((seed.at, seed.values) for seed in self.times)
        read = (seed.values for seeds in (self.readouts, self.states) for seed in seeds)
        return [*times, *read]

    def add(self, other: Seeds, weight: float) -> None:
        """Adds ``weight`` times another one's."""
        self.times.extend(seed._replace(values=weight * seed.values) for seed in other.times)
        self.readouts.extend(seed._replace(values=weight * seed.values) for seed in other.readouts)
        self.states.extend(seed._replace(values=weight * seed.values) for seed in other.states)


@dataclass(frozen=True, eq=False)
class Evaluated:
    """The loss of each sample.

    losses: ``(batch,)``; seeds: its derivatives; missing: samples without a spike that the loss needs.
    """

    losses: Array
    seeds: Seeds
    missing: int = 0


class Objective(Protocol):
    """A loss, of whatever kind.

    population: whose readouts; None: the network's only population without outgoing projections;
    labelled: whether it needs labels; target_names: the targets that a run must be given.
    """

    @property
    def population(self) -> str | None: ...
    @property
    def labelled(self) -> bool: ...
    @property
    def target_names(self) -> tuple[str, ...]: ...

    def check(self, population: str, members: Members, kept: int | None) -> None:
        """Raises ``ConfigError`` if the population cannot give what the loss reads."""

    def evaluate(self, result: Result, population: str, data: Data) -> Evaluated:
        """The loss of each sample of a run."""

    def predictions(self, result: Result, population: str) -> NDArray[np.int64] | None:
        """The class that each sample is taken for, -1 for none; None if the loss says nothing about it."""

    def identity(self) -> bytes:
        """All that makes this loss what it is."""
