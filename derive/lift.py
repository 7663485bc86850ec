r"""Integrals of polynomials of the states, in closed form: monomials of a linear system obey a linear system.

Let :math:`\dot y = A y + b` be triangular and :math:`\dot Q = q(y)` with a polynomial q. A monomial
:math:`m = \prod_i y_i^{n_i}` has

.. math:: \dot m = \Big(\sum_i n_i A_{ii}\Big) m + \sum_i n_i \frac{m}{y_i}
          \Big(\sum_{j \ne i} A_{ij} y_j + b_i\Big),

so monomials form a triangular linear system whose rates are sums of rates, and over a time dt

.. math:: Q(dt) = Q(0) + \sum_m K_m(dt)\, m(y(0))

with :math:`K_m` a sum over the paths from m to Q, as every entry of a triangular flow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Matrix, Poly, Symbol

from saltus.derive.divided_differences import exp_dd

Monomial = tuple[int, ...]
"""Exponents of the states."""
MAX_NODES = 5
"""Longest divided difference of a flow: its derivative in a parameter has one node more; kernels have 8."""
MAX_PATHS = 400
"""Most paths from monomials to one integral: beyond, a numerical flow costs less."""


class TooLargeError(Exception):
    """The closed form has more or longer terms than kernels take."""


@dataclass(frozen=True)
class Lift:
    """K_m over dt for each monomial m of the states: Q(dt) = Q(0) + sum K_m m(x(0)).

    entries: from the monomial's expression in the states, which may be shifted (1 + clock), to K_m.
    names: from each node that occurs to the product that decays with it, such as ``V_V``.
    """

    entries: Mapping[Expr, Expr]
    names: Mapping[Expr, str]


def lift(q: Expr, states: Matrix, generator: Matrix, drive: Matrix, dt: Symbol) -> Lift:
    """The closed form of the integral of q over dt, for a triangular ``generator``.

    A state that relaxes to a number by itself is measured from there, which removes its constant.

    Raises:
        TooLargeError: if that needs more paths, or longer ones, than ``MAX_PATHS`` and ``MAX_NODES``.
        PolynomialError: if q is not a polynomial in the states.
    """
    rest = Matrix([_resting_value(generator, drive, i) for i in range(states.rows)])
    system = _Monomials(generator, (drive + generator * rest).applyfunc(sympy.cancel))
    shifted = q.xreplace({x: x + r for x, r in zip(states, rest, strict=True)})
    found: dict[Monomial, list[Expr]] = {}
    names: dict[Expr, str] = {}
    for count, (coefficient, path) in enumerate(system.paths(_terms(shifted, states))):
        if count >= MAX_PATHS or len(path) + 1 > MAX_NODES:
            raise TooLargeError
        nodes = [system.rate(m) * dt for m in path]
        names |= {n: _name(m, states) for n, m in zip(nodes, path, strict=True)}
        found.setdefault(path[-1], []).append(
            coefficient * dt ** len(path) * exp_dd(sympy.Integer(0), *nodes)
        )
    at = [x - r for x, r in zip(states, rest, strict=True)]
    entries = {
        sympy.Mul(*(y**n for y, n in zip(at, m, strict=True))): sympy.Add(*terms)
        for m, terms in sorted(found.items(), reverse=True)
    }
    return Lift(entries, names)


@dataclass(frozen=True)
class _Monomials:
    """The linear system of the monomials."""

    generator: Matrix
    drive: Matrix
    _known: dict[Monomial, dict[Monomial, Expr]] = field(default_factory=dict)

    def rate(self, m: Monomial) -> Expr:
        """Its own factor in its time derivative."""
        return sympy.expand(sum((n * self.generator[i, i] for i, n in enumerate(m)), sympy.Integer(0)))

    def sources(self, m: Monomial) -> Mapping[Monomial, Expr]:
        """The other monomials in its time derivative."""
        if m not in self._known:
            found: dict[Monomial, Expr] = {}
            for i, n in enumerate(m):
                if n == 0:
                    continue
                for j in range(self.generator.cols):
                    if j != i and self.generator[i, j] != 0:
                        other = _changed(m, i, j)
                        found[other] = found.get(other, sympy.Integer(0)) + n * self.generator[i, j]
                if self.drive[i] != 0:
                    other = _changed(m, i, None)
                    found[other] = found.get(other, sympy.Integer(0)) + n * self.drive[i]
            self._known[m] = found
        return self._known[m]

    def paths(self, start: Mapping[Monomial, Expr]) -> Iterator[tuple[Expr, tuple[Monomial, ...]]]:
        """All chains from the monomials of q to what drives them, each with the product of its couplings."""
        for m, coefficient in start.items():
            yield from self._onward(coefficient, (m,))

    def _onward(
        self, coefficient: Expr, path: tuple[Monomial, ...]
    ) -> Iterator[tuple[Expr, tuple[Monomial, ...]]]:
        yield coefficient, path
        for other, coupling in self.sources(path[-1]).items():
            yield from self._onward(coefficient * coupling, (*path, other))


def _resting_value(generator: Matrix, drive: Matrix, i: int) -> Expr:
    """Where a state rests that depends on itself alone, if that is a number; otherwise 0."""
    alone = all(generator[i, j] == 0 for j in range(generator.cols) if j != i)
    if not alone or generator[i, i] == 0:
        return sympy.Integer(0)
    value = sympy.cancel(-drive[i] / generator[i, i])
    return value if value.is_Rational else sympy.Integer(0)


def _terms(q: Expr, states: Matrix) -> dict[Monomial, Expr]:
    polynomial = Poly(q, *states)
    if any(c.has(*states) for c in polynomial.coeffs()):
        raise sympy.PolynomialError(f"{q} is not a polynomial")
    return dict(polynomial.terms())


def _changed(m: Monomial, minus: int, plus: int | None) -> Monomial:
    return tuple(n - (i == minus) + (i == plus) for i, n in enumerate(m))


def _name(m: Monomial, states: Matrix) -> str:
    return "_".join(str(x) for x, n in zip(states, m, strict=True) for _ in range(n)) or "constant"
