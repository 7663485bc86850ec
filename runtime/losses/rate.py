"""A pull of firing rates towards a target, which is not the gradient of anything."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from saltus.errors import ConfigError
from saltus.runtime.losses.data import Data
from saltus.runtime.losses.evaluated import Evaluated, Seeds, TimeSeeds

if TYPE_CHECKING:
    from saltus.runtime.members import Members
    from saltus.runtime.result import Result


@dataclass(frozen=True, eq=False)
class RateHeuristic:
    """Half the square of (spikes - target), with a made-up derivative by the spike times.

    A number of spikes has derivative zero wherever it has one, so there is no gradient to descend. Instead
    each spike of a neuron with too many is pushed later, and of one with too few earlier:
    dL/dt = (target - spikes) * ``strength``. That often makes a last spike vanish or another one appear;
    nothing promises it. A silent neuron has no spike to push: see the trainer's boost of silent neurons.

    ``net.check_gradient`` disagrees with it, rightly. Use it as a small term beside a loss.

    Attributes:
        target: spikes of each neuron in a sample.
        strength: of the push, 1 over seconds.
        population: whose spikes; None: the network's only population without outgoing projections.
    """

    target: float
    strength: float = 1.0
    population: str | None = None
    labelled: bool = False
    target_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("target", "strength"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value < math.inf:
                raise ConfigError(f"rate_heuristic: {name} = {value!r} is not a number >= 0. Give one.")

    def check(self, population: str, members: Members, kept: int | None) -> None:
        """Raises ``ConfigError`` if the population has no spikes, or does not keep all."""
        if not members.model.spikes or kept is not None:
            what = f"keeps {kept} spikes of a neuron" if members.model.spikes else "does not spike"
            raise ConfigError(
                f"loss: rate_heuristic counts spikes, and population {population!r} {what}. "
                "Name another population, or keep all."
            )

    def evaluate(self, result: Result, population: str, data: Data) -> Evaluated:
        """The penalty of each sample, the sum over the neurons, and the push."""
        size, batch = result.net.populations[population].size, len(result)
        out = result.outcomes[population].out
        cell = out.cells.sample * size + out.row[out.cells.at]
        excess = np.bincount(cell, minlength=batch * size) - self.target
        losses = 0.5 * (excess**2).reshape(batch, size).sum(axis=1)
        push = -self.strength * excess[cell]
        return Evaluated(losses, Seeds([TimeSeeds(population, out.cells.at, push)]))

    def predictions(self, result: Result, population: str) -> NDArray[np.int64] | None:
        """None: it knows no classes."""
        return None

    def identity(self) -> bytes:
        """All that makes this term what it is."""
        return repr(("rate_heuristic", self.target, self.strength, self.population)).encode()


def rate_heuristic(target: float, strength: float = 1.0, population: str | None = None) -> RateHeuristic:
    """A term for ``saltus.loss([...])`` that pulls firing rates towards a target; see ``RateHeuristic``.

    Raises:
        ConfigError: for a target or a strength that is no number >= 0.
    """
    return RateHeuristic(target, strength, population)
