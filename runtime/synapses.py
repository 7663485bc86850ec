"""A projection as a user sees it: live weights and delays, in a matrix or one number a synapse."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saltus.errors import RunError

Array = NDArray[np.float64]
Index = NDArray[np.int64]


class Ends(NamedTuple):
    """The presynaptic and the postsynaptic neuron of each synapse, ``(synapses,)``."""

    pre: Index
    post: Index


@dataclass(frozen=True, eq=False)
class Synapses:
    """A projection.

    Dense, its arrays are ``(pre, post)``, zero where there is no synapse; sparse, they are ``(synapses,)``,
    in the order in which the synapses were given (row by row where a matrix or a probability was).

    Attributes:
        name: of the projection.
        pre, post: names of the populations (or of the input) that it joins.
        receptor: index into the receiving model's receptors.
        weights: live values.
        delays: the same in seconds; None: there are none.
        shape: numbers of neurons, ``(pre, post)``.
        mask: where synapses exist, ``(pre, post)``; None: everywhere, or sparse.
        ends: of each synapse; None: dense.
    """

    name: str
    pre: str
    post: str
    receptor: int
    weights: Array
    delays: Array | None
    shape: tuple[int, int]
    mask: NDArray[np.bool_] | None = None
    ends: Ends | None = None

    def all_ends(self) -> Ends:
        """Where each synapse begins and ends, row by row if it is dense."""
        if self.ends is not None:
            return self.ends
        exists = np.ones(self.shape, dtype=bool) if self.mask is None else self.mask
        return Ends(*(index.astype(np.int64) for index in np.nonzero(exists)))

    @property
    def has_gaps(self) -> bool:
        """Whether a mask leaves out a synapse."""
        return len(self._absent) > 0

    def flat(self, values: Array) -> Array:
        """One value for each synapse, from an array laid out like ``weights``."""
        return values.reshape(-1) if self.mask is None else values[self.mask]

    def arranged(self, flat: Array) -> Array:
        """The inverse of ``flat``, zero where there is no synapse."""
        if self.mask is None:
            return flat.reshape(self.weights.shape).copy()
        values = np.zeros(self.shape)
        values[self.mask] = flat
        return values

    def raise_weights(self, neurons: NDArray[np.bool_], amount: float) -> None:
        """Adds an amount to all weights into these neurons, ``(post,)``."""
        if self.ends is not None:
            self.weights[neurons[self.ends.post]] += amount
        else:
            exists = np.ones(self.shape, dtype=bool) if self.mask is None else self.mask
            self.weights[exists & neurons] += amount

    def check_mask(self) -> None:
        """Raises ``RunError`` for a weight where there is no synapse."""
        if self.mask is not None and self.weights.take(self._absent).any():
            wrong = (self.weights != 0.0) & ~self.mask
            self._refuse(
                "weights",
                wrong,
                "is not zero, and the mask has no synapse there",
                "Write zero, or unmask it.",
            )

    def check(self) -> None:
        """Raises ``RunError`` for a weight without synapse or not finite, or a delay that is no time."""
        self.check_mask()
        self.check_weights()
        self.check_delays()

    def check_weights(self, dtype: type[np.floating[Any]] = np.float64) -> None:
        """Raises ``RunError`` for a weight that is not finite in that type."""
        with np.errstate(over="ignore"):
            finite = np.isfinite(self.weights.astype(dtype, copy=False))
        if not finite.all():
            self._refuse("weights", ~finite, f"is not a finite number in {np.dtype(dtype).name}")

    def check_delays(self) -> None:
        """Raises ``RunError`` for a delay that is no time."""
        if self.delays is not None and not (np.isfinite(self.delays) & (self.delays >= 0.0)).all():
            wrong = ~(np.isfinite(self.delays) & (self.delays >= 0.0))
            self._refuse("delays", wrong, "is not a time: finite, and not negative")

    def clear_absent(self, values: Array) -> Array:
        """The same array, laid out like ``weights``, zero where a mask has no synapse."""
        if self.has_gaps:
            values.put(self._absent, 0.0)
        return values

    @functools.cached_property
    def _absent(self) -> Index:
        """Where a mask has no synapse: few places in most networks, so that to look at them costs little."""
        return np.flatnonzero(~self.mask) if self.mask is not None else np.zeros(0, dtype=np.int64)

    def _refuse(
        self,
        what: str,
        wrong: NDArray[np.bool_],
        why: str,
        remedy: str = "If learning led there, use a smaller learning rate.",
    ) -> None:
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        pre, post = place if self.ends is None else (int(index[place]) for index in self.ends)
        raise RunError(f"{self.name}.{what}: the one from neuron {pre} to {post} {why}. {remedy}")
