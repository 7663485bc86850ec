"""Weights scaled so that a population fires at a given rate on sample data."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from saltus.errors import InputError, RunError

if TYPE_CHECKING:
    from saltus.runtime.network import Network

LARGEST = 1024.0
"""A factor is looked for between its inverse and this."""


def scale_to_rate(
    net: Network, population: str, spikes: Any, rate: float, *, tolerance: float = 0.05
) -> float:
    """Scales the weights of all projections from elsewhere into a population until it fires at a rate.

    Finds the factor by doubling or halving, then by bisection of its logarithm; the population's recurrent
    weights stay as they are.

    Args:
        net: the network, whose weights are changed.
        population: whose rate it is.
        spikes: sample input, as for ``Network.run``.
        rate: target, in spikes a neuron and second.
        tolerance: relative difference of rates that is good enough.

    Returns:
        The factor.

    Raises:
        InputError: if the population does not exist or cannot spike, or the rate is not positive.
        RunError: if no factor reaches the rate; the weights are then as before.
    """
    if not (math.isfinite(rate) and rate > 0.0):
        raise InputError(
            f"scale_to_rate: rate = {rate} is not positive. Give spikes a neuron and second, such as 20."
        )
    views = net.incoming(population)
    if population not in net.run(spikes).spikes:
        raise InputError(f"scale_to_rate: population {population!r} does not spike. Name one that does.")
    start = [view.copy() for view in views]

    def scale(factor: float) -> None:
        for view, weight in zip(views, start, strict=True):
            view[...] = factor * weight

    def excess(factor: float) -> float:
        """Relative difference of the rate from the target."""
        scale(factor)
        found = net.run(spikes).spikes[population]
        return len(found.times) / (len(found) * found.size * net.horizon) / rate - 1.0

    factor = _solve(excess, tolerance)
    if factor is None:
        scale(1.0)
        raise RunError(
            f"scale_to_rate: population {population!r} fires at {rate:g} spikes a second for no factor up "
            f"to {LARGEST:g}. Give it positive weights on average, more samples, or a larger tolerance."
        )
    return factor


def _solve(excess: Callable[[float], float], tolerance: float) -> float | None:
    """A factor whose excess is within the tolerance, for an excess that rises; None if there is none."""
    factor = 1.0
    low, high = 0.0, math.inf
    for _ in range(100):
        found = excess(factor)
        if abs(found) <= tolerance:
            return factor
        low, high = (factor, high) if found < 0.0 else (low, factor)
        if low >= LARGEST or high <= 1.0 / LARGEST:
            return None
        if math.isinf(high):
            factor = 2.0 * low
        elif low == 0.0:
            factor = 0.5 * high
        else:
            factor = math.sqrt(low * high)
    return None
