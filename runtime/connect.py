"""Where a projection's synapses are, and the weights and delays they start with.

Dense: all to all, or a mask. Sparse: a SciPy sparse matrix or a triplet ``(pre, post, weight)`` as weights;
or ``connect``: a probability, ``{probability = 0.1, seed = 3}``, ``{pre = [...], post = [...]}``, or the
pattern of a SciPy sparse matrix.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saltus.errors import ConfigError
from saltus.runtime import initialise
from saltus.runtime.config import Projection
from saltus.runtime.synapses import Ends, Synapses

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_FORMS = (
    "Give a probability, {probability = ..., seed = ...}, {pre = [...], post = [...]}, or a SciPy sparse "
    "matrix."
)


class Pattern(NamedTuple):
    """Which pairs of neurons are joined: a mask (None for all), or the ends of each synapse."""

    shape: tuple[int, int]
    mask: Mask | None = None
    ends: Ends | None = None

    @property
    def synapses(self) -> Mask:
        """Where there is a synapse, in the layout of the weights."""
        if self.ends is not None:
            return np.ones(len(self.ends.pre), dtype=bool)
        return np.ones(self.shape, dtype=bool) if self.mask is None else self.mask

    @property
    def fan_in(self) -> NDArray[np.int64]:
        """Synapses into each one's target, in a shape that goes with the weights'."""
        if self.ends is None:
            per_target: NDArray[np.int64] = self.synapses.sum(axis=0)
            return per_target
        counts: NDArray[np.int64] = np.bincount(self.ends.post, minlength=self.shape[1])[self.ends.post]
        return counts


def synapses(
    name: str,
    projection: Projection,
    receptor: int,
    shape: tuple[int, int],
    random: np.random.Generator,
) -> Synapses:
    """The projection with its first values.

    Args:
        name, projection: what was asked for.
        receptor: index into the receiving model's receptors.
        shape: numbers of neurons, ``(pre, post)``.
        random: for what is drawn: first the synapses, then the weights, then the delays.

    Raises:
        ConfigError: for a shape, an index or a value that does not fit.
    """
    where = f"projections.{name}"
    pattern, given = _pattern(projection, shape, random, where)
    weights = initialise.weights(given, random, pattern.synapses, pattern.fan_in, where)
    delays = _delays(projection, pattern, random, where)
    place = (projection.pre, projection.post, receptor)
    return Synapses(name, *place, weights, delays, *pattern)


def _pattern(
    projection: Projection, shape: tuple[int, int], random: np.random.Generator, where: str
) -> tuple[Pattern, Any]:
    """Where synapses are, and what is said about their weights."""
    given = projection.weights
    listed = [
        entry
        for entry, there in (
            ("mask", projection.mask is not None),
            ("connect", projection.connect is not None),
            ("weights", _is_sparse(given) or _is_triplet(given)),
        )
        if there
    ]
    if len(listed) > 1:
        raise ConfigError(f"{where}: {' and '.join(listed)} both say where synapses are. Give one of them.")
    if _is_sparse(given):
        pre, post, values = _stored(given, shape, f"{where}.weights")
        return Pattern(shape, ends=Ends(pre, post)), values
    if _is_triplet(given):
        return Pattern(shape, ends=_ends(given[0], given[1], shape, f"{where}.weights")), given[2]
    if projection.connect is not None:
        return Pattern(shape, ends=_connected(projection.connect, shape, random, f"{where}.connect")), given
    return Pattern(shape, mask=_mask(projection.mask, shape, where)), given


def _connected(given: Any, shape: tuple[int, int], random: np.random.Generator, where: str) -> Ends:
    if _is_sparse(given):
        return Ends(*_stored(given, shape, where)[:2])
    if isinstance(given, Mapping) and set(given) == {"pre", "post"}:
        return _ends(given["pre"], given["post"], shape, where)
    if isinstance(given, Mapping) and "probability" in given and set(given) <= {"probability", "seed"}:
        seed = given.get("seed")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
            raise ConfigError(f"{where}: seed = {seed!r} is not a whole number from 0 on. Give one.")
        random = random if seed is None else np.random.default_rng(seed)
        given = given["probability"]
    if isinstance(given, bool) or not isinstance(given, int | float | np.floating):
        raise ConfigError(f"{where}: {given!r} does not say where synapses are. {_FORMS}")
    if not 0.0 < given <= 1.0:
        raise ConfigError(f"{where}: {given:g} is not a probability above 0. Give one up to 1.")
    return Ends(*(index.astype(np.int64) for index in np.nonzero(random.random(shape) < given)))


def _ends(pre: Any, post: Any, shape: tuple[int, int], where: str) -> Ends:
    ends = []
    for key, given, size in (("pre", pre, shape[0]), ("post", post, shape[1])):
        index = np.asarray(given)
        if index.ndim != 1 or (index.size and index.dtype.kind not in "iu"):
            raise ConfigError(f"{where}: {key} is not a list of neurons. Give one whole number a synapse.")
        if len(bad := index[(index < 0) | (index >= size)]):
            raise ConfigError(f"{where}: there is no {key} neuron {bad[0]}. There are 0 ... {size - 1}.")
        ends.append(index.astype(np.int64))
    if len(ends[0]) != len(ends[1]):
        raise ConfigError(
            f"{where}: {len(ends[0])} pre and {len(ends[1])} post neurons. Give one of each for a synapse."
        )
    return Ends(*ends)


def _stored(
    matrix: Any, shape: tuple[int, int], where: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """Row, column and value of the stored entries, row by row; entries given twice are added up."""
    if tuple(matrix.shape) != shape:
        raise ConfigError(
            f"{where}: a sparse matrix of shape {tuple(matrix.shape)} where (pre, post) = {shape}. "
            "Its rows are the presynaptic neurons; transpose it if yours are the others."
        )
    entries = matrix.tocsr().sorted_indices().tocoo()
    row, column = (np.asarray(index, dtype=np.int64) for index in (entries.row, entries.col))
    return row, column, np.asarray(entries.data, dtype=np.float64)


def _delays(
    projection: Projection, pattern: Pattern, random: np.random.Generator, where: str
) -> Array | None:
    """Seconds, laid out like the weights; None: no delays, and none to be learned.

    In a matrix, a place without a synapse holds the longest of the others, so that all are positive where
    those are.
    """
    where = f"{where}.delay"
    given = projection.delay
    if _is_sparse(given):
        if pattern.ends is None:
            raise ConfigError(
                f"{where}: a sparse matrix, but the weights are dense. Give an array (pre, post)."
            )
        row, column, given = _stored(given, pattern.shape, where)
        if not (np.array_equal(row, pattern.ends.pre) and np.array_equal(column, pattern.ends.post)):
            raise ConfigError(
                f"{where}: its entries are not where the weights' are. Give one delay for each synapse."
            )
    there = pattern.synapses
    if isinstance(given, list | tuple | np.ndarray):
        given = _filled(given, there)
    delays = initialise.weights(given, random, there, pattern.fan_in, where, "delays")
    if (delays < 0.0).any():
        raise ConfigError(f"{where}: {delays.min():g} s is negative. A spike arrives after it was sent.")
    if "delays" not in projection.learn and not delays.any():
        return None
    return np.where(there, delays, delays[there].max(initial=0.0))


def _filled(given: Any, there: Mask) -> Any:
    """A table with zeros where there is no synapse, whatever stood there (None, nan)."""
    try:
        values = np.array(given, dtype=np.float64)  # None becomes nan
    except (TypeError, ValueError):
        return given
    return np.where(there, values, 0.0) if values.shape == there.shape else values


def _mask(given: object, shape: tuple[int, int], where: str) -> Mask | None:
    if given is None:
        return None
    try:
        mask = np.asarray(given)
    except ValueError:  # rows of several lengths
        mask = np.empty(0)
    if mask.shape != shape or not np.isin(mask, (0, 1)).all():
        raise ConfigError(f"{where}.mask: not 0 or 1 for each of (pre, post) = {shape}. Give such an array.")
    return mask.astype(bool)


def _is_sparse(given: Any) -> bool:
    """A SciPy sparse matrix or array, without importing SciPy."""
    return hasattr(given, "tocsr") and hasattr(given, "shape")


def _is_triplet(given: Any) -> bool:
    return isinstance(given, tuple) and len(given) == 3
