"""The exact algebra that every derivation step uses: chain rule, normal form, and a readable form.

Nothing here searches for a nice form (no ``simplify``): the results are the same on every machine and in
every version of SymPy that agrees on ``cancel`` and ``expand``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sympy
from sympy import Expr, Integral, Matrix, Symbol


def total(expression: Expr, rates: Mapping[Symbol, Expr]) -> Expr:
    r"""The derivative of ``expression`` e along a direction: :math:`\sum_s \partial_s e \cdot \dot s`.

    With the time derivatives of the symbols as ``rates`` this is d/dt, with their derivatives with respect
    to a parameter it is d/dp: one chain rule for both.
    """
    free = sorted(expression.free_symbols & set(rates), key=str)
    return sympy.Add(*(expression.diff(symbol) * rates[symbol] for symbol in free))


def reduced(expression: Expr) -> Expr:
    r"""The normal form by which an identity is proved: zero just for what is zero.

    Integrals over the same range are joined first (:math:`a\int f + b\int g = \int (af + bg)`), since two
    of them are equal as soon as their integrands are.
    """
    expression = sympy.expand(expression)
    integrals = expression.atoms(Integral)
    if not integrals:
        return sympy.cancel(sympy.together(expression))
    ranges: dict[tuple[object, ...], Expr] = {}
    rest = expression
    for integral in sorted(integrals, key=str):
        factor = expression.coeff(integral)
        rest = rest - factor * integral
        ranges[integral.limits] = ranges.get(integral.limits, sympy.S.Zero) + factor * integral.function
    joined = [
        Integral(integrand, *limits)
        for limits, integrand in ((k, reduced(v)) for k, v in ranges.items())
        if integrand != 0
    ]
    return sympy.cancel(sympy.together(sympy.expand(rest))) + sympy.Add(*joined)


def vanishes(expression: Expr) -> bool:
    """Whether the expression reduces to zero."""
    return bool(reduced(expression) == 0)


def solve_linear(equations: Sequence[Expr], unknowns: Sequence[Symbol]) -> tuple[Expr, ...]:
    """The one solution of equations (each is zero) that are linear in ``unknowns``, in their order.

    Raises:
        ValueError: if they are not linear, or do not have exactly one solution.
    """
    matrix, right = sympy.linear_eq_to_matrix(list(equations), list(unknowns))
    if matrix.shape[0] != matrix.shape[1] or reduced(matrix.det()) == 0:
        raise ValueError("the equations do not have exactly one solution")
    return tuple(sympy.cancel(entry) for entry in matrix.LUsolve(right))


def coefficients(expression: Expr, symbols: Iterable[Symbol]) -> dict[Symbol, Expr]:
    """The coefficient of each symbol in an expression that is linear in all of them."""
    expanded = sympy.expand(expression)
    return {symbol: expanded.coeff(symbol) for symbol in symbols}


def readable(expression: Expr, linear: Sequence[Symbol] = ()) -> Expr:
    """The same as one fraction, collected in ``linear``, with signs as a person would put them.

    The sign of a fraction is chosen so that the first of ``linear`` that it contains comes with a plus.
    """
    numerator, denominator = sympy.fraction(sympy.cancel(sympy.together(expression)))
    present = [symbol for symbol in linear if numerator.has(symbol)]
    numerator = (
        sympy.collect(sympy.expand(numerator), present, factor_parts) if present else factor_parts(numerator)
    )
    if denominator.is_number:
        return sympy.expand(numerator / denominator, deep=False) if denominator != 1 else numerator
    lead = sympy.expand(numerator).coeff(present[0]) if present else numerator
    if lead.could_extract_minus_sign():
        numerator, denominator = -1 * numerator, sympy.expand(-denominator)
        numerator = sympy.collect(sympy.expand(numerator), present, factor_parts) if present else numerator
    return numerator / factor_parts(denominator)


def factor_parts(expression: Expr) -> Expr:
    """Common factors taken out of a sum, and nothing else changed."""
    return sympy.factor_terms(sympy.expand(expression))


def jacobian(values: Sequence[Expr], symbols: Sequence[Symbol]) -> Matrix:
    """Derivative of each value (row) with respect to each symbol (column)."""
    return Matrix(len(values), len(symbols), lambda i, j: values[i].diff(symbols[j]))
