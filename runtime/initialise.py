r"""Where weights start: laws to draw them from.

Every draw takes a ``numpy.random.Generator``; there is no hidden state.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from saltus.errors import ConfigError

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
"""Of weights that nobody gave: with the shipped time constants, about one spike for one of each input."""


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
