"""What the clock makes of incoming spikes: the step at which each acts, and lists of them by channel.

Both depend on the spikes and the grid alone, so they are kept with the spikes for the next runs, those of the
last grid.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saltus.runtime.kernel import Kernel
from saltus.runtime.trains import Train

Lists = dict[str, NDArray[Any]]
"""The arrays of ``saltus_clock_sorted``, which backward runs fill."""


@dataclass(eq=False)
class Stepped:
    """Spikes of a batch on a grid.

    step: at which each acts; first: the first spike of each step and the one after the last,
    ``(batch, steps + 2)``; lists: for each number of channels and steps of a block.
    """

    step: NDArray[np.int32]
    first: NDArray[np.int32]
    lists: dict[tuple[int, int], Lists] = field(default_factory=dict)

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """All that it holds in memory."""
        lists = [array for each in self.lists.values() for array in each.values()]
        return (self.step, self.first, *lists)

    def by_channel(self, kernel: Kernel, channels: int, block: int) -> Lists:
        """For a backward run; what is not done yet, it does."""
        key = (channels, block)
        if key not in self.lists:
            batch, steps = self.first.shape
            blocks = -(-(steps - 1) // block)
            order, size = np.empty((2, batch, blocks, channels), dtype=np.int32)
            self.lists[key] = {
                "order": order,
                "size": size,
                "end": np.empty((batch, blocks, kernel.lib.SALTUS_CLOCK_MANY + 1), dtype=np.int32),
                "at": np.empty(len(self.step), dtype=np.uint16),
                "done": np.zeros((batch, blocks), dtype=np.uint8),
            }
        return self.lists[key]


def stepped(kernel: Kernel, train: Train, steps: int, dt: float) -> Stepped:
    """Spikes on a grid."""
    key = (steps, dt)
    if key not in train.kept:
        step = np.empty(len(train.time), dtype=np.int32)
        first = np.empty((len(train.count), steps + 2), dtype=np.int32)
        arrays = (train.start, train.count, train.time, step, first)
        kernel.lib.saltus_clock_bin(len(train.count), steps, dt, *(kernel.pointer(array) for array in arrays))
        train.kept.clear()
        train.kept[key] = Stepped(step, first)
    found: Stepped = train.kept[key]
    return found
