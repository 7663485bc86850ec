"""Arrays as the kernels want them: float64, zeroed, starting on a cache line."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

LINE = 64
LANES = 8
"""Arrays over neurons are padded to a multiple of this many."""


def padded(size: int) -> int:
    """``size`` rounded up to a multiple of ``LANES``."""
    return -(-size // LANES) * LANES


def zeros(*shape: int) -> NDArray[np.float64]:
    """A float64 array of zeros that starts on a cache line."""
    length = math.prod(shape)
    raw = np.zeros(length + LINE // 8, dtype=np.float64)
    first = (-raw.ctypes.data % LINE) // 8
    return raw[first : first + length].reshape(shape)
