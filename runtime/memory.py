"""Arrays as the kernels want them: zeroed, starting on a cache line."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

LINE = 64
LANES = 8
"""Arrays over neurons are padded to a multiple of this many."""


def padded(size: int) -> int:
    """``size`` rounded up to a multiple of ``LANES``."""
    return -(-size // LANES) * LANES


def zeros(*shape: int, dtype: type[np.floating[Any]] = np.float64) -> NDArray[Any]:
    """An array of zeros that starts on a cache line."""
    length, size = math.prod(shape), np.dtype(dtype).itemsize
    raw = np.zeros(length + LINE // size, dtype=dtype)
    first = (-raw.ctypes.data % LINE) // size
    return raw[first : first + length].reshape(shape)
