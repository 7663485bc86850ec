"""A model's own equations in numbers: the reference for its flow, sharing nothing with how it is derived."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mpmath
import sympy

from saltus.derive.exponential import exponential
from saltus.derive.model import TIME
from saltus.derive.spec import ModelSpec

Numbers = Mapping[str, Any]


def rates(model: ModelSpec, values: Numbers) -> Callable[[Any, Sequence[Any]], list[Any]]:
    """(t, x) -> x' of the states and of the readout integrals, M x' + h = 0 solved in numbers."""
    symbols = [TIME, *model.x, *(p.symbol for p in model.all_parameters)]
    own = [p.name for p in model.all_parameters]
    mass, force = _function(symbols, model.mass), _function(symbols, model.force)
    integrands = _function(symbols, sympy.Matrix([[r.integrand for r in model.readouts]]))

    def field(t: Any, x: Sequence[Any]) -> list[Any]:
        scope = [t, *x[: len(model.states)], *(values[name] for name in own)]
        moved = mpmath.lu_solve(mpmath.matrix(mass(*scope)), -mpmath.matrix(force(*scope)))
        return [*moved, *(integrands(*scope)[0] if model.readouts else ())]

    return field


def solution(model: ModelSpec, values: Numbers, x: Sequence[Any], start: Any, end: Any) -> list[Any]:
    """States and readout integrals at ``end``, from those at ``start``, by mpmath's Taylor integrator."""
    return list(mpmath.odefun(rates(model, values), start, list(x))(end))


def _function(symbols: Sequence[sympy.Symbol], matrix: sympy.Matrix) -> Callable[..., Any]:
    return sympy.lambdify(
        symbols, matrix.applyfunc(lambda e: e.replace(exponential, sympy.exp)).tolist(), "mpmath"
    )
