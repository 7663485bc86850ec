"""The Yin-Yang task (Kriener, Göltz & Petrovici 2021), made by its formula, and its code in spike times.

A point of a disc belongs to *yin* (0), *yang* (1) or one of the two *dots* (2); no line separates the three,
so a network without a hidden layer stays near 64 % while a good one reaches about 98 to 99 % (the paper's
Table 1).

Each coordinate v of ``(x, y, 1 - x, 1 - y)`` becomes one input spike at ``t_early + v (t_late - t_early)``,
and a fifth input spikes at ``t_bias``. The defaults 0, 30 ms and 0 are those of Wunderlich & Pehle's own
experiment (``eventprop/yinyang.py`` of github.com/eventprop/eventprop), with which their network of 5-200-3
neurons reaches 98.1 %.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saltus.errors import InputError
from saltus.runtime.data.dataset import Dataset, Split
from saltus.runtime.spikes import LARGEST, Spikes

CLASSES = ("yin", "yang", "dot")
INPUTS = 5


@dataclass(frozen=True)
class Encoding:
    """How a point becomes spikes; times in seconds.

    Attributes:
        t_early, t_late: spike times of the coordinates 0 and 1.
        t_bias: spike time of the fifth input, the same for every sample.
    """

    t_early: float = 0.0
    t_late: float = 30e-3
    t_bias: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.t_early < self.t_late < np.inf:
            raise InputError(
                f"yin_yang: t_early = {self.t_early} and t_late = {self.t_late} do not satisfy "
                "0 <= t_early < t_late. Give times in seconds, such as 0 and 30e-3."
            )
        if not 0.0 <= self.t_bias < np.inf:
            raise InputError(f"yin_yang: t_bias = {self.t_bias} is not a time. Give seconds, such as 0.")

    def times(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Spike time of each input, ``(points, 5)``, of points ``(points, 2)``."""
        x, y = points.T
        values = np.stack([x, y, 1.0 - x, 1.0 - y], axis=1)
        times = np.empty((len(points), INPUTS))
        times[:, :4] = self.t_early + values * (self.t_late - self.t_early)
        times[:, 4] = self.t_bias
        return times

    def spikes(self, points: NDArray[np.float64]) -> Spikes:
        """The same, as the input of a network."""
        return Spikes.from_times(self.times(points))


def yin_yang(
    sizes: tuple[int, int, int] = (5000, 1000, 1000),
    seeds: tuple[int, int, int] = (42, 41, 40),
    encoding: Encoding | None = None,
) -> Split:
    """Training, validation and test set, each from its own seed.

    The seeds are the original's; the random generator is NumPy's ``default_rng``, so the points are not the
    original's, but of the same distribution.

    Args:
        sizes: number of samples of each set.
        seeds: seed of each set; equal seeds would put the same points into two sets and are refused.
        encoding: times of the spikes; None: ``Encoding()``.

    Raises:
        InputError: for an empty set or equal seeds.
    """
    if len(set(seeds)) < len(seeds):
        raise InputError(
            f"yin_yang: seeds {seeds} repeat, so two sets would share points. Give three different ones."
        )
    encode = (encoding or Encoding()).spikes
    return Split(*(_dataset(size, seed, encode) for size, seed in zip(sizes, seeds, strict=True)))


def _dataset(size: int, seed: int, encode: Callable[[NDArray[np.float64]], Spikes]) -> Dataset:
    points, labels = sample(size, seed)
    return Dataset(encode(points), labels, points)


def sample(
    size: int, seed: int, r_small: float = 0.1, r_big: float = 0.5
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Points and classes, with classes drawn uniformly first, then a point of that class by rejection.

    Args:
        size: number of points, at least 1.
        seed: of ``numpy.random.default_rng``.
        r_small, r_big: radius of a dot and of the disc.

    Returns:
        Points ``(size, 2)`` in the disc around ``(r_big, r_big)``, and labels ``(size,)``.
    """
    if size < 1:
        raise InputError(f"yin_yang: a set of {size} samples is empty. Ask for at least one.")
    if size > LARGEST:
        raise InputError(f"yin_yang: {size} samples are more than {LARGEST}. Ask for fewer.")
    if seed < 0:
        raise InputError(f"yin_yang: the seed {seed} is negative. Give whole numbers from 0 on.")
    random = np.random.default_rng(seed)
    wanted = random.integers(len(CLASSES), size=size, dtype=np.int32)
    points = np.empty((size, 2))
    missing = np.arange(size)
    while missing.size:  # every missing sample draws once a round; those that hit their class are done
        drawn = random.random((missing.size, 2)) * (2.0 * r_big)
        hit = inside(drawn, r_big) & (classify(drawn, r_small, r_big) == wanted[missing])
        points[missing[hit]] = drawn[hit]
        missing = missing[~hit]
    return points, wanted


def inside(points: NDArray[np.float64], r_big: float = 0.5) -> NDArray[np.bool_]:
    """Whether each point ``(..., 2)`` lies in the disc."""
    return _distance(points, (r_big, r_big)) <= r_big


def classify(points: NDArray[np.float64], r_small: float = 0.1, r_big: float = 0.5) -> NDArray[np.int32]:
    """Class of each point ``(..., 2)`` of the disc: 0 yin, 1 yang, 2 dot, as Kriener et al. define them.

    The dots have their centres at ``(r_big/2, r_big)`` and ``(3 r_big/2, r_big)``. Outside them, class 1 is
    the disc of radius ``r_big/2`` around the left centre, and the upper half without that around the right
    centre.
    """
    left = _distance(points, (0.5 * r_big, r_big))
    right = _distance(points, (1.5 * r_big, r_big))
    dot = (left < r_small) | (right < r_small)
    one = (
        (right <= r_small)
        | ((left > r_small) & (left <= 0.5 * r_big))
        | ((points[..., 1] > r_big) & (right > 0.5 * r_big))
    )
    return np.where(dot, 2, one).astype(np.int32)


def _distance(points: NDArray[np.float64], centre: tuple[float, float]) -> NDArray[np.float64]:
    return np.hypot(points[..., 0] - centre[0], points[..., 1] - centre[1])
