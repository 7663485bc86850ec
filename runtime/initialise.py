r"""Where weights start: laws to draw them from.

Every draw takes a ``numpy.random.Generator``; there is no hidden state.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from saltus.errors import ConfigError

Array: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.integer[Any]]


class _Law(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="init"):
    pass


class FanIn(_Law, frozen=True, tag="fan_in"):
    r"""Normal, with mean and standard deviation divided by :math:`\sqrt{\text{fan-in}}`.

    The fan-in of a neuron is its number of synapses in the projection, so that the standard deviation of the
    summed input does not depend on how many there are.
    """

    mean: float
    std: float

    def draw(self, random: np.random.Generator, shape: tuple[int, ...], fan_in: Counts) -> Array:
        """Weights of this shape; fan_in: synapses into the target of each."""
        drawn: Array = (self.mean + self.std * random.standard_normal(shape)) / np.sqrt(np.maximum(fan_in, 1))
        return drawn


class Normal(_Law, frozen=True, tag="normal"):
    """Normal with this mean and standard deviation."""

    mean: float
    std: float

    def draw(self, random: np.random.Generator, shape: tuple[int, ...], fan_in: Counts) -> Array:
        """Weights of this shape."""
        return self.mean + self.std * random.standard_normal(shape)


class Uniform(_Law, frozen=True, tag="uniform"):
    """Uniform in ``[low, high)``."""

    low: float
    high: float

    def draw(self, random: np.random.Generator, shape: tuple[int, ...], fan_in: Counts) -> Array:
        """Weights of this shape."""
        return random.uniform(self.low, self.high, shape)


Law = FanIn | Normal | Uniform
DEFAULT = FanIn(mean=4.0, std=2.0)
"""Of weights that nobody gave: with the shipped time constants, about one spike for one of each input."""


def weights(
    given: Any,
    random: np.random.Generator,
    synapses: NDArray[np.bool_],
    fan_in: Counts,
    where: str,
    what: str = "weights",
) -> Array:
    """Weights from a law, a number, an array, or a table such as ``{"init": "normal", ...}``.

    Args:
        given: what is asked for.
        random: to draw from.
        synapses: where there is one, ``(pre, post)`` or ``(synapses,)``; elsewhere the weight is zero.
        fan_in: number of synapses into the target of each.
        where: begins the messages.
        what: they are called there.

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
    if not isinstance(given, Law):
        return np.where(synapses, _array(given, synapses.shape, where, what), 0.0)
    _check(given, where)
    return np.where(synapses, given.draw(random, synapses.shape, fan_in), 0.0)


def _check(law: Law, where: str) -> None:
    """Raises ``ConfigError`` for a law with numbers from which nothing can be drawn."""
    given = msgspec.structs.asdict(law)
    for name, value in given.items():
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float | np.integer | np.floating)
            or not math.isfinite(value)
        ):
            raise ConfigError(f"{where}: {name} = {value!r} is not a finite number. Give one.")
    if isinstance(law, Uniform):
        if not (law.low <= law.high and math.isfinite(float(law.high) - float(law.low))):
            raise ConfigError(
                f"{where}: from low = {law.low:g} to high = {law.high:g} is no range. Give one."
            )
    elif law.std < 0:
        raise ConfigError(f"{where}: std = {law.std:g} is negative. Give one from 0 on.")


def _array(given: ArrayLike, shape: tuple[int, ...], where: str, what: str) -> Array:
    if isinstance(given, np.ma.MaskedArray):
        raise ConfigError(f"{where}: a masked array hides {what}. Give an array, and mask = 0 or 1 for each.")
    try:
        if np.iscomplexobj(given):
            raise TypeError("half of each would be lost")
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError(f"{where}: {given!r} are no {what}. Give a number, an array or a law.") from None
    if array.ndim != 0 and array.shape != shape and len(shape) == 1:
        raise ConfigError(
            f"{where}: {what} of shape {array.shape} where there are {shape[0]} synapses. Give one for each."
        )
    if array.shape not in ((), shape):
        raise ConfigError(
            f"{where}: {what} of shape {array.shape} where (pre, post) = {shape}. "
            "The first index is the presynaptic neuron; transpose them if yours is the second."
        )
    if not np.isfinite(array).all():
        raise ConfigError(f"{where}: there are {what} that are not finite. Use a mask for missing synapses.")
    return array
