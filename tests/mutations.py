"""Small wrong changes of a formula: a term dropped, a sign turned, two symbols swapped; how to see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

import sympy
from sympy import Add, Derivative, Expr, Integral
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.core.function import AppliedUndef


def mutants(expression: Expr) -> Iterator[tuple[str, Expr]]:
    """Every formula that is one such change away, with what was done."""
    for node in sorted(expression.atoms(Add) | _sums_under_integrals(expression), key=str):
        for term in node.args:
            yield f"dropped {term}", expression.xreplace({node: node - term})
            yield f"turned {term}", expression.xreplace({node: node - 2 * term})
    if expression != 0 and not isinstance(expression, Add):
        yield "dropped all", sympy.S.Zero
        yield "turned the sign", -expression
    for a, b in combinations(sorted(expression.free_symbols, key=str), 2):
        swapped = expression.xreplace({a: b, b: a})
        if swapped != expression:
            yield f"swapped {a} and {b}", swapped


_RENAMED = {
    "neuron m for n": (("ₘ", "ₙ"), ("_{m}", "_{n}")),
    "neuron n for m": (("ₙ", "ₘ"), ("_{n}", "_{m}")),
    "before for after": (("⁺", "⁻"), ("^+", "^-")),
    "after for before": (("⁻", "⁺"), ("^-", "^+")),
}


def index_mutants(expression: Expr) -> Iterator[tuple[str, Expr]]:
    """Each symbol with another neuron or the other side of the spike in its place."""
    for symbol in sorted(expression.free_symbols, key=str):
        for what, pairs in _RENAMED.items():
            name = symbol.name
            for old, new in pairs:
                name = name.replace(old, new)
            if name != symbol.name:
                yield f"{symbol}: {what}", expression.xreplace({symbol: type(symbol)(name)})


Normal = Callable[[Expr], Expr]
"""A normal form: zero just for what is zero."""


def seen_at_a_point(normal: Normal) -> Normal:
    """``normal``, spared where the value at one point shows that the expression is not zero.

    Integrals are linear in what they integrate: one over each range stands for a number of its own.
    """

    def seen(expression: Expr) -> Expr:
        flat = expression.replace(Integral, lambda inside, *limits: sympy.Symbol(f"∫{limits}") * inside)
        if flat.has(Derivative, AppliedUndef, ExprWithLimits):
            return normal(expression)
        symbols = sorted(flat.free_symbols, key=str)
        point = {symbol: sympy.Rational(sympy.prime(i + 3), i + 7) for i, symbol in enumerate(symbols)}
        value = flat.xreplace(point).evalf(30)
        return value if value.is_Float and abs(value) > 1e-9 else normal(expression)

    return seen


def _sums_under_integrals(expression: Expr) -> set[Expr]:
    return {i.function for i in expression.atoms(Integral) if isinstance(i.function, Add)}
