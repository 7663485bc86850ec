"""A training step through Saltus's public interface."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from contestant import Outcome

import saltus


def repeated(
    net: saltus.Network, spikes: saltus.Spikes, labels: Any, wrt: Collection[str] | None
) -> Callable[[], Outcome]:
    """``network.run`` and ``network.gradients``; ``wrt``: None for all that is learned, and input times.

    Spikes are counted beforehand, as training does not ask for them.
    """
    fired = len(net.run(spikes, labels).spikes["hidden"].times)

    def step() -> Outcome:
        result = net.run(spikes, labels)
        found = net.gradients(result, wrt=wrt)
        return Outcome(float(result.loss), fired, found["input_hidden.weights"])

    return step
