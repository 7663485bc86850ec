r"""Where weights start: laws to draw them from, and a scale found from a target rate.

Every draw takes a ``numpy.random.Generator``; there is no hidden state.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from saltus.errors import ConfigError, InputError, RunError

if TYPE_CHECKING:
    from saltus.runtime.network import Network

Array: TypeAlias = NDArray[np.float64]


class _Law(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="init"):
    pass


class FanIn(_Law, frozen=True, tag="fan_in"):
    r"""Normal, with mean and standard deviation divided by :math:`\sqrt{\text{fan-in}}`.

    The fan-in of a neuron is its number of synapses in the projection, so that the standard deviation of the
    summed input does not depend on how many there are.
    """

    mean: float
    std: float

    def draw(self, random: np.random.Generator, synapses: NDArray[np.bool_]) -> Array:
        """Weights ``(pre, post)``; synapses: where there is one."""
        fan_in = np.maximum(synapses.sum(axis=0), 1)
        drawn: Array = (self.mean + self.std * random.standard_normal(synapses.shape)) / np.sqrt(fan_in)
        return drawn


class Normal(_Law, frozen=True, tag="normal"):
    """Normal with this mean and standard deviation."""

    mean: float
    std: float

    def draw(self, random: np.random.Generator, synapses: NDArray[np.bool_]) -> Array:
        """Weights ``(pre, post)``; synapses: where there is one."""
        return self.mean + self.std * random.standard_normal(synapses.shape)


class Uniform(_Law, frozen=True, tag="uniform"):
    """Uniform in ``[low, high)``."""

    low: float
    high: float

    def draw(self, random: np.random.Generator, synapses: NDArray[np.bool_]) -> Array:
        """Weights ``(pre, post)``; synapses: where there is one."""
        return random.uniform(self.low, self.high, synapses.shape)


Law = FanIn | Normal | Uniform
DEFAULT = FanIn(mean=4.0, std=2.0)
"""Of weights that nobody gave: with the shipped constants, neurons whose inputs spike once spike about once."""


def weights(given: Any, random: np.random.Generator, synapses: NDArray[np.bool_], where: str) -> Array:
    """Weights ``(pre, post)`` from a law, a number, an array, or a table such as ``{"init": "normal", ...}``.

    There is none where ``synapses`` is False: zero.

    Raises:
        ConfigError: for a wrong shape, a weight that is not finite, or a law that does not exist.
    """
    if isinstance(given, dict):
        try:
            given = msgspec.convert(given, type=Law)
        except msgspec.ValidationError as error:
            raise ConfigError(
                f'{where}: {error}. Use init = "fan_in" or "normal" with mean and std, '
                'or "uniform" with low and high.'
            ) from None
    drawn = given.draw(random, synapses) if isinstance(given, Law) else _array(given, synapses.shape, where)
    return np.where(synapses, drawn, 0.0)


def scale_to_rate(
    net: Network,
    population: str,
    spikes: Any,
    rate: float,
    *,
    tolerance: float = 0.05,
    largest: float = 1e3,
) -> float:
    """Scales the weights of all projections from elsewhere into a population until it fires at a rate.

    Finds the factor by bisection of its logarithm; the population's recurrent weights stay as they are.

    Args:
        net: the network, whose weights are changed.
        population: whose rate it is.
        spikes: sample input, as for ``Network.run``.
        rate: target, in spikes a neuron and second.
        tolerance: relative difference of rates that is good enough.
        largest: the factor is looked for between ``1 / largest`` and ``largest``.

    Returns:
        The factor.

    Raises:
        InputError: if the population does not exist or the rate is not positive.
        RunError: if no factor reaches the rate.
    """
    if not (math.isfinite(rate) and rate > 0.0):
        raise InputError(
            f"scale_to_rate: rate = {rate} is not positive. Give spikes a neuron and second, such as 20."
        )
    views = net.incoming(population)
    start = [view.copy() for view in views]

    def rate_at(factor: float) -> float:
        for view, weight in zip(views, start, strict=True):
            view[...] = factor * weight
        found = net.run(spikes).spikes[population]
        return len(found.times) / (max(len(found), 1) * found.size * net.horizon)

    low, high = 1.0 / largest, largest
    if rate_at(high) < rate * (1.0 - tolerance):
        _restore(views, start)
        raise RunError(
            f"scale_to_rate: population {population!r} does not reach {rate:g} spikes a second with weights "
            f"{largest:g} times as large. Give it positive weights on average, or a lower rate."
        )
    for _ in range(100):
        factor = math.sqrt(low * high)
        found = rate_at(factor)
        if abs(found - rate) <= tolerance * rate:
            return factor
        low, high = (factor, high) if found < rate else (low, factor)
    _restore(views, start)
    raise RunError(
        f"scale_to_rate: population {population!r} jumps over {rate:g} spikes a second, to {found:g}. "
        "Give more samples or a larger tolerance."
    )


def _restore(views: Sequence[Array], start: Sequence[Array]) -> None:
    for view, weight in zip(views, start, strict=True):
        view[...] = weight


def _array(given: ArrayLike, shape: tuple[int, ...], where: str) -> Array:
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError(f"{where}: {given!r} are no weights. Give a number, an array or a law.") from None
    if array.shape not in ((), shape):
        raise ConfigError(
            f"{where}: weights of shape {array.shape} where (pre, post) = {shape}. "
            "The first index is the presynaptic neuron; transpose them if yours is the second."
        )
    if not np.isfinite(array).all():
        raise ConfigError(f"{where}: there are weights that are not finite. Use a mask for missing synapses.")
    return array
