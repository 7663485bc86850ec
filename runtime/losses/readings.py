"""What a head reads of a run: values, and where its derivatives by them go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from saltus.errors import ConfigError
from saltus.runtime.losses.evaluated import Array, Index, ReadoutSeeds, Seeds, StateSeeds, TimeSeeds
from saltus.runtime.trains import Train

if TYPE_CHECKING:
    from saltus.runtime.members import Members


class Reading(Protocol):
    """values: ``(batch, neurons)``, or ``(batch, neurons, times)``."""

    @property
    def values(self) -> Array: ...

    def seed(self, gradient: Array, population: str, seeds: Seeds) -> None:
        """Adds dH/d(values)."""


@dataclass(frozen=True, eq=False)
class Times:
    """Times of single spikes, inf for none, and where they lie."""

    values: Array
    at: Index

    def seed(self, gradient: Array, population: str, seeds: Seeds) -> None:
        """To the spikes that exist."""
        at, values = self.at.ravel(), gradient.ravel()
        if at.min(initial=0) < 0:
            exists = at >= 0
            at, values = at[exists], values[exists]
        seeds.times.append(TimeSeeds(population, at, values))


@dataclass(frozen=True, eq=False)
class Named:
    """A readout of the model, or a state at T."""

    name: str
    values: Array

    def seed(self, gradient: Array, population: str, seeds: Seeds) -> None:
        """To the readout."""
        seeds.readouts.append(ReadoutSeeds(population, self.name, gradient))


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A state at sample times."""

    name: str
    values: Array

    def seed(self, gradient: Array, population: str, seeds: Seeds) -> None:
        """To the state at these times."""
        seeds.states.append(StateSeeds(population, self.name, gradient))


@dataclass(frozen=True, eq=False)
class Count:
    """A sum over all spikes of each neuron; slope: its derivative by the time of each of ``cells``."""

    values: Array
    cells: Cells
    slope: Array

    def seed(self, gradient: Array, population: str, seeds: Seeds) -> None:
        """To every spike, by the chain rule."""
        each = np.repeat(gradient.ravel(), np.diff(self.cells.start))
        seeds.times.append(TimeSeeds(population, self.cells.at, each * self.slope))


class Cells(NamedTuple):
    """Spikes by sample and neuron: where each cell's begin, their times, and where they lie in the train."""

    start: Index
    time: Array
    at: Index


def check_all_spikes(loss: str, population: str, members: Members, kept: int | None) -> None:
    """Raises ``ConfigError`` if a population has no spikes, or does not keep all."""
    if not members.model.spikes or kept is not None:
        what = f"keeps {kept} spikes of a neuron" if members.model.spikes else "does not spike"
        raise ConfigError(
            f"loss: {loss} reads all spikes, and population {population!r} {what}. "
            "Name another population, or keep all."
        )


def cells(train: Train, batch: int, size: int) -> Cells:
    """The spikes of a population of ``size`` neurons, a cell after the other."""
    sample, at = train.cells
    cell = sample * size + train.row[at]
    order = np.argsort(cell, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=batch * size))]).astype(np.int64)
    return Cells(start, np.ascontiguousarray(train.time[at[order]]), at[order])


def count(kernel: Any, which: int, parameters: Array, train: Train, shape: tuple[int, int]) -> Count:
    """What readout ``which`` of a compiled head sums over all spikes; shape: ``(batch, neurons)``."""
    own = cells(train, *shape)
    values, slope = np.empty(shape), np.zeros(len(own.time))
    arrays = (parameters, own.start, own.time, values, slope)
    kernel.lib.saltus_head_spikes(which, values.size, *map(kernel.pointer, arrays))
    return Count(values, own, slope)
