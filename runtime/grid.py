"""The time steps of the clock engine."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saltus.errors import ConfigError
from saltus.runtime import memory
from saltus.runtime.spikes import LARGEST

GRAIN = 1e-6
"""Share of a step by which a time may miss a multiple of dt: what rounding does to one."""

NUMBERS: dict[str, tuple[type[np.floating[Any]], str]] = {
    "float32": (np.float32, "float"),
    "float64": (np.float64, "double"),
}
"""NumPy's and C's name of each type of states and weights."""


class Samples(NamedTuple):
    """Times at which states are read, ascending: the grid point before each, and how long after it."""

    times: NDArray[np.float64]
    step: NDArray[np.int32]
    since: NDArray[np.float64]


class Grid(NamedTuple):
    """Times 0, dt, ... steps * dt = horizon. dtype: of states and weights; number: the same in C."""

    dt: float
    steps: int
    dtype: type[np.floating[Any]]
    number: str
    horizon: float

    def at(self, times: ArrayLike, where: str) -> NDArray[np.int32]:
        """The steps at which these times are; raises ``ConfigError`` for a time between two.

        Whatever is beyond the horizon is at ``steps + 1``.
        """
        values = np.atleast_1d(np.asarray(times, dtype=np.float64))
        found = np.rint(values / self.dt)
        if len(wrong := values[np.abs(values / self.dt - found) > GRAIN]):
            raise ConfigError(
                f"{where}: {wrong[0]:g} s is no multiple of dt = {self.dt:g} s. Use multiples, "
                'another dt, or engine = "event".'
            )
        return np.minimum(found, self.steps + 1).astype(np.int32)

    def between(self, times: NDArray[np.float64]) -> Samples:
        """Where these times are; those that are grid points but for rounding are such."""
        steps = times / self.dt
        near = np.abs(steps - np.rint(steps)) <= GRAIN
        step = np.where(near, np.rint(steps), np.floor(steps))
        return Samples(times, step.astype(np.int32), np.where(near, 0.0, times - step * self.dt))

    def padded(self, size: int) -> int:
        """``size`` numbers rounded up to whole cache lines."""
        lanes = memory.LINE // np.dtype(self.dtype).itemsize
        return -(-size // lanes) * lanes


def grid(dt: float | None, horizon: float, dtype: str) -> Grid:
    """The grid from 0 to ``horizon``.

    Raises:
        ConfigError: if there is no dt, T is no multiple of it, or the type is not known.
    """
    if dt is None:
        raise ConfigError(
            'dt: missing, and engine = "clock" goes through time in steps. Give one, e.g. dt = 1e-3.'
        )
    if not (math.isfinite(dt) and 0.0 < dt <= horizon):
        raise ConfigError(f"dt = {dt}: not a step in (0, T = {horizon:g}]. Give one such as 1e-3.")
    if dtype not in NUMBERS:
        raise ConfigError(f"dtype = {dtype!r}: not known. Use any of {', '.join(NUMBERS)}.")
    if horizon / dt > LARGEST:
        raise ConfigError(
            f"dt = {dt:g}: {horizon / dt:.3g} steps are more than {LARGEST}. Take a longer one."
        )
    found = Grid(dt, round(horizon / dt), *NUMBERS[dtype], horizon)
    found.at(horizon, "T")
    return found
