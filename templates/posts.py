"""Arrivals at any time of a short span as arrivals at a few fixed times of it, its posts.

What an arrival comes to at the end of a span is, as a function of its time, a sum of exponentials and their
divided differences. But for a factor exp(c t), c the middle of all rates, these are of what the rates differ
from c by: over a span that is short against that, a polynomial, to rounding. So, by Lagrange's interpolation,
an arrival at u does what arrivals at the posts u_k do, with the shares

    exp(c h (u - u_k)) l_k(u),    l_k(u) = per_k prod over i != k of (u - u_i),    h: half a span,

of its weight, per_k = 1/prod over i != k of (u_k - u_i), and their propagators are known once for all spans.
Posts are the zeros of a Chebyshev polynomial, where the remainder is least, to ten bits: the same numbers
everywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

REACH = 0.1
"""Half a span, times how far the rates are from their middle, at most."""
LENGTH = 5 * 2.0**-4
"""Half a span, times the greatest rate, at most."""
REMAINDER = 5e-17


@dataclass(frozen=True)
class Posts:
    """at: where they are, the span being [-1, 1]; per: the factors of Lagrange's polynomials."""

    at: tuple[float, ...]
    per: tuple[float, ...]


def posts(more: int) -> Posts:
    """Posts for divided differences over ``more + 1`` nodes.

    The remainder over n posts, h^n s^(n - more) / (2^(n - 1) (n - more)! more!), where the rates are within s
    of their middle, is in units of what an arrival comes to within 1/r, r the greatest rate: a divided
    difference over m + 1 nodes is of the order of 1/(m! r^m) there. h s = REACH and h r = LENGTH at most.
    """
    n = next(n for n in range(more + 1, 64) if remainder(n, more) <= REMAINDER)
    at = [Fraction(round(1024 * math.cos((2 * k + 1) * math.pi / (2 * n))), 1024) for k in range(n)]
    per = [1 / math.prod(u - other for other in at if other != u) for u in at]
    return Posts(tuple(map(float, at)), tuple(map(float, per)))


def remainder(n: int, more: int) -> float:
    """The remainder of interpolation over n posts."""
    return REACH ** (n - more) * LENGTH**more / (2.0 ** (n - 1) * math.factorial(n - more))
