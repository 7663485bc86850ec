"""When two results are the same: spikes one by one, gradients entry by entry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

SPIKE_TOLERANCE = 1e-12
"""In seconds."""

GRADIENT_TOLERANCE = 1e-9
"""Relative to the entry, or to ``FLOOR`` times the array's largest where that is more."""

FLOOR = 1e-3


def assert_spikes(
    found: Mapping[str, Any], expected: Mapping[str, Any], tolerance: float = SPIKE_TOLERANCE
) -> None:
    """The same number of spikes of each neuron of each population, at the same times."""
    for population, trains in expected.items():
        assert [len(train) for train in found[population]] == [len(train) for train in trains], population
        for neuron, train in enumerate(trains):
            late = np.abs(np.array(found[population][neuron], float) - np.array(train, float))
            assert np.all(late <= tolerance), f"{population}, neuron {neuron}: off by {late.max():.1e} s"


def assert_gradients(found: Any, expected: Any, tolerance: float = GRADIENT_TOLERANCE) -> None:
    """Every array of ``expected``, wherever it lies in the nest of dicts."""
    for place, array in leaves(expected):
        other = found
        for key in place:
            other = other[key]
        assert_gradient(other, array, ".".join(place), tolerance)


def leaves(tree: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What is not a dict in a nest of dicts, with its keys."""
    if not isinstance(tree, Mapping):
        yield (), tree
        return
    for key, value in tree.items():
        for place, leaf in leaves(value):
            yield (key, *place), leaf


def assert_gradient(found: Any, expected: Any, place: str, tolerance: float = GRADIENT_TOLERANCE) -> None:
    """Two nested lists of numbers; None (no synapse) agrees with None alone."""
    a, b = np.array(found, dtype=float), np.array(expected, dtype=float)
    np.testing.assert_array_equal(np.isnan(a), np.isnan(b), err_msg=f"{place}: synapses")
    scale = np.maximum(np.abs(b), FLOOR * np.nanmax(np.abs(b), initial=0.0))
    beyond = np.abs(a - b) - tolerance * scale
    if np.nanmax(beyond, initial=-1.0) > 0:
        i = np.unravel_index(np.nanargmax(beyond), beyond.shape)
        raise AssertionError(f"{place}{list(map(int, i))}: {a[i]!r} where {b[i]!r} is right")
