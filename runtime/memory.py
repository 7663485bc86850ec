"""Arrays as the kernels want them: zeroed, starting on a cache line."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

LINE = 64
HUGE = 1 << 21
LARGE = 1 << 18
"""Bytes; from here on, arrays lie on huge pages if the system has them."""

LANES = 8
"""Arrays over neurons are padded to a multiple of this many."""


def padded(size: int) -> int:
    """``size`` rounded up to a multiple of ``LANES``."""
    return -(-size // LANES) * LANES


def zeros(*shape: int, dtype: type[np.floating[Any]] = np.float64) -> NDArray[Any]:
    """An array of zeros that starts on a cache line."""
    length = math.prod(shape)
    return place(length * np.dtype(dtype).itemsize).view(dtype)[:length].reshape(shape)


def room(
    kept: dict[int, NDArray[Any]], key: int, rows: int, size: int, dtype: type[np.floating[Any]] = np.float64
) -> NDArray[Any]:
    """Rows to be written into, ``(rows or more, size)``: those kept under this key, if they suffice."""
    if key not in kept or kept[key].shape[0] < rows or kept[key].shape[1] != size:
        kept[key] = zeros(rows, size, dtype=dtype)
    return kept[key]


def place(size: int) -> NDArray[np.uint8]:
    """Zeroed bytes that start on a cache line, those of large arrays on a huge page.

    Rows that are read in no order need an address translation each; a huge page is one for all of them. NumPy
    asks for such pages where an array has four megabytes; what is not touched costs nothing.
    """
    line = LINE if size < LARGE else HUGE
    whole = -(-size // LINE) * LINE
    raw = np.zeros(whole + line if size < LARGE else max(whole + line, 2 * HUGE), dtype=np.uint8)
    first = -raw.ctypes.data % line
    return raw[first : first + whole]
