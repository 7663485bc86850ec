"""Handwritten digits, 8 x 8 pixels (Alpaydin & Kaynak 1998), and their code in spike times.

The 1,797 images that come with scikit-learn, the test set of the UCI repository's "Optical Recognition of
Handwritten Digits". Nothing is downloaded. Each pixel is a whole number v from 0 to 16 and becomes one spike
at ``t_late - v/16 (t_late - t_early)``: bright pixels are early, dark ones late.

scikit-learn gives no split of these images. The one here is stratified: of the images of each digit, in an
order drawn from ``seed``, the first go to the test set and the next to the validation set. A thousand images
are few; the training set may hold moved copies of its images as well.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saltus.errors import InputError
from saltus.runtime.data.dataset import Dataset, Split
from saltus.runtime.spikes import Spikes

SIDE = 8
BRIGHTEST = 16


@dataclass(frozen=True)
class Latency:
    """How brightness becomes spikes; times in seconds.

    Attributes:
        t_early, t_late: spike times of the brightest and of a black pixel.
    """

    t_early: float = 0.0
    t_late: float = 10e-3

    def __post_init__(self) -> None:
        if not 0.0 <= self.t_early < self.t_late < np.inf:
            raise InputError(
                f"digits: t_early = {self.t_early} and t_late = {self.t_late} do not satisfy "
                "0 <= t_early < t_late. Give times in seconds, such as 0 and 10e-3."
            )

    def spikes(self, images: NDArray[np.float64]) -> Spikes:
        """One spike a pixel, of images ``(images, 64)`` with values from 0 to 16."""
        return Spikes.from_times(self.t_late - images / BRIGHTEST * (self.t_late - self.t_early))


def digits(
    shares: tuple[float, float, float] = (0.6, 0.2, 0.2),
    seed: int = 0,
    encoding: Latency | None = None,
    copies: int = 0,
    shift: float = 0.5,
) -> Split:
    """Training, validation and test set; ``points`` holds the images, ``(samples, 64)``.

    Args:
        shares: of the images of each digit; they add up to 1. Without a share of validation the training set
            has those images too, and the test set is the same.
        seed: of the split, and of the copies.
        encoding: times of the spikes; None: ``Latency()``.
        copies: of each training image, see ``moved``; validation and test set have none.
        shift: how far, at most, in pixels.

    Raises:
        InputError: without scikit-learn, for shares that are no division, or copies that make no sense.
    """
    train_share, validation_share, test_share = shares
    if min(train_share, test_share) <= 0.0 or validation_share < 0.0 or abs(sum(shares) - 1.0) > 1e-9:
        raise InputError(
            f"digits: shares {shares} are not a division into three sets. Give positive numbers that add up "
            "to 1; that of the validation set may be 0."
        )
    if copies < 0 or not 0.0 <= shift <= 1.0:
        raise InputError(
            f"digits: copies = {copies} and shift = {shift} make no copies. Give a number of copies from 0, "
            "and a shift between 0 and 1 pixel."
        )
    if seed < 0:
        raise InputError(f"digits: the seed {seed} is negative. Give a whole number from 0 on.")
    images, labels = load()
    random = np.random.default_rng(seed)
    train, validation, test = split(labels, shares, random)
    more = [moved(images[train], shift, random) for _ in range(copies)]

    def encoded(images: NDArray[np.float64], labels: NDArray[np.int32]) -> Dataset:
        return Dataset((encoding or Latency()).spikes(images), labels, images)

    return Split(
        encoded(np.concatenate([images[train], *more]), np.tile(labels[train], 1 + copies)),
        encoded(images[validation], labels[validation]),
        encoded(images[test], labels[test]),
    )


def load() -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """All images ``(1797, 64)``, row by row, and their labels; raises ``InputError`` without scikit-learn."""
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError:
        raise InputError(
            "digits: scikit-learn, which holds the images, is not installed. Install it with: "
            'pip install "saltus[data]".'
        ) from None
    images, labels = load_digits(return_X_y=True)
    return np.asarray(images, dtype=np.float64), np.asarray(labels, dtype=np.int32)


def split(
    labels: NDArray[np.int32], shares: tuple[float, float, float], random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the training, validation and test set, each in ascending order."""
    train: list[NDArray[np.int64]] = []
    validation: list[NDArray[np.int64]] = []
    test: list[NDArray[np.int64]] = []
    for label in np.unique(labels):
        order = random.permutation(np.flatnonzero(labels == label))
        ends = [round(share * len(order)) for share in itertools.accumulate(shares[:0:-1])]
        for part, indices in zip((test, validation, train), np.split(order, ends), strict=True):
            part.append(indices)
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(validation)), np.sort(np.concatenate(test))


def moved(images: NDArray[np.float64], shift: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Each image ``(images, 64)`` moved by up to ``shift <= 1`` pixels along both axes.

    Linear interpolation, rounded to whole grey values; black comes in from the edge.
    """
    found = images.reshape(-1, SIDE, SIDE)
    for axis in (1, 2):
        by = random.uniform(-shift, shift, (len(images), 1, 1))
        padded = np.pad(found, [(0, 0) if other != axis else (1, 1) for other in range(3)])
        before, after = (np.take(padded, np.arange(SIDE) + first, axis) for first in (0, 2))
        found = (1.0 - abs(by)) * found + np.maximum(by, 0.0) * before + np.maximum(-by, 0.0) * after
    return np.rint(found).reshape(images.shape)
