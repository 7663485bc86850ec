"""Losses over all spikes of a population, against target spike trains."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from saltus.errors import InputError
from saltus.runtime.kernel import Kernel, train_kernel
from saltus.runtime.losses.data import Data
from saltus.runtime.losses.evaluated import Array, Evaluated, Seeds, TimeSeeds
from saltus.runtime.losses.readings import cells, check_all_spikes
from saltus.runtime.spikes import as_spikes
from saltus.templates.ir import TrainIR, dump

if TYPE_CHECKING:
    from saltus.runtime.members import Members
    from saltus.runtime.result import Result


@dataclass(frozen=True, eq=False)
class TrainLoss:
    """The distance of each neuron's spike train from a target train, added up over a population.

    The targets of a run are spike trains in any form that ``net.run`` takes for inputs. A neuron without
    spikes has a distance, and no gradient: the loss cannot make the first spike appear. Where a spike and a
    target coincide the distance has a kink; the gradient leaves that pair out.

    Attributes:
        trains: the kernel of pairs of spikes.
        parameters: value of each of its parameters.
        population: whose spikes; None: the network's only population without outgoing projections.
    """

    trains: TrainIR
    parameters: Mapping[str, float]
    population: str | None = None
    labelled: bool = False

    @functools.cached_property
    def kernel(self) -> Kernel:
        """The compiled sum over pairs."""
        return train_kernel(self.trains)

    @functools.cached_property
    def values(self) -> Array:
        """The parameters in the order of ``trains``."""
        return np.array([self.parameters[parameter.name] for parameter in self.trains.parameters])

    @property
    def target_names(self) -> tuple[str, ...]:
        """The target trains."""
        return (self.trains.target,)

    def check(self, population: str, members: Members, kept: int | None) -> None:
        """Raises ``ConfigError`` if the population has no spikes, or does not keep all."""
        check_all_spikes(self.trains.name, population, members, kept)

    def evaluate(self, result: Result, population: str, data: Data) -> Evaluated:
        """The distance of each sample, the sum over the neurons.

        Raises:
            InputError: for targets that are no spike trains of these neurons.
        """
        size, batch = result.net.populations[population].size, len(result)
        target = as_spikes(data.targets[self.trains.target], size, f"targets[{self.trains.target!r}]")
        if len(target) != batch:
            raise InputError(
                f"targets[{self.trains.target!r}]: {len(target)} samples, and the run has {batch}. "
                "Give spike trains for each."
            )
        own = cells(result.outcomes[population].out, batch, size)
        wanted = cells(target.as_train, batch, size)
        distance, gradient = np.empty(batch * size), np.zeros(len(own.time))
        pointer = self.kernel.pointer
        arrays = (self.values, own.start, own.time, wanted.start, wanted.time, distance, gradient)
        self.kernel.lib.saltus_trains(batch * size, *map(pointer, arrays))
        seeds = Seeds([TimeSeeds(population, own.at, gradient)])
        return Evaluated(distance.reshape(batch, size).sum(axis=1), seeds)

    def predictions(self, result: Result, population: str) -> NDArray[np.int64] | None:
        """None: it knows no classes."""
        return None

    def identity(self) -> bytes:
        """All that makes this loss what it is."""
        return dump(self.trains) + repr((dict(self.parameters), self.population)).encode()
