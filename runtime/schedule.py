"""Schedules: from an epoch's index, counted from 0, to a factor of the learning rates.

Constant is the default: the source's section 8 warns against tapering aggressively (a factor 0.95 an epoch)
with an optimiser such as Adam, which adapts its steps already. A slow linear taper over the whole run is
mild, and pays where the exact gradients of rare, nearly tangential spikes keep shaking the weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from saltus.errors import ConfigError

Schedule: TypeAlias = Callable[[int], float]


class _Named(msgspec.Struct, frozen=True, tag_field="name", forbid_unknown_fields=True):
    """Read from a configuration by its ``name``."""


class Constant(_Named, frozen=True, tag="constant"):
    """No change."""

    def __call__(self, epoch: int) -> float:
        return 1.0


class Linear(_Named, frozen=True, tag="linear"):
    """From 1 in the first epoch down to 1/``epochs`` in the last one of ``epochs``, and there it stays."""

    epochs: int

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ConfigError(f"schedule: epochs = {self.epochs} is not positive. Give those of the run.")

    def __call__(self, epoch: int) -> float:
        return max(self.epochs - epoch, 1) / self.epochs


CONSTANT = Constant()


class Exponential(_Named, frozen=True, tag="exponential"):
    """Every epoch's factor is the one before times ``factor``."""

    factor: float

    def __post_init__(self) -> None:
        if not 0.0 < self.factor <= 1.0:
            raise ConfigError(
                f"schedule: factor = {self.factor} is outside (0, 1]. Use one near 1, such as 0.99."
            )

    def __call__(self, epoch: int) -> float:
        return float(self.factor**epoch)
