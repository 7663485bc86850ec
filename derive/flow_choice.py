"""Which flow a model gets between events: found out from its equations, and said in a sentence.

In this order: a closed form (``flow``) where the dynamics are linear and the states act on one another in
one direction; a matrix exponential where they are linear; Runge-Kutta otherwise. A condition that is not
linear in the states asks for Runge-Kutta too, because only linear ones have all their crossings found.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

import sympy
from sympy import Expr, Matrix

from saltus.derive import flow
from saltus.derive.arrange import Order
from saltus.derive.field import Field
from saltus.derive.flow import FlowSolution
from saltus.derive.model import ModelSpec


@dataclass(frozen=True)
class MatrixSolution:
    """x' = A x + b, by the exponential of a matrix of numbers.

    generator: A;  drive: b;  circle: the states that act on themselves through others.
    """

    spec: ModelSpec
    generator: Matrix
    drive: Matrix
    circle: tuple[str, ...]


@dataclass(frozen=True)
class NumericSolution:
    """x' = F(x), integrated in steps; reason: why there is nothing better."""

    spec: ModelSpec
    field: tuple[Expr, ...]
    reason: str


AnySolution = FlowSolution | MatrixSolution | NumericSolution


def choose(spec: ModelSpec) -> AnySolution:
    """The best flow that there is for the dynamics of ``spec``, its readout integrals among its states."""
    found = Field.of(spec)
    for transition in spec.transitions:
        if Matrix([transition.when]).jacobian(spec.x).has(*spec.x):
            bent = f"the condition of {transition.name} is not linear in the states"
            return NumericSolution(spec, tuple(spec.vector_field), bent)
    reason = flow.obstacle(found)
    if reason is None:
        return flow.closed_form(found)
    if not found.nonlinear:
        return MatrixSolution(spec, found.generator, found.drive, found.circle)
    return NumericSolution(spec, tuple(spec.vector_field), reason)


@singledispatch
def why(solution: AnySolution, order: Order) -> str:
    """Which flow it is and why, in a sentence; formulas in ``order``."""
    raise TypeError(f"{type(solution).__name__} is no flow")


@why.register
def _(solution: FlowSolution, order: Order) -> str:
    return flow.why(solution, order)


@why.register
def _(solution: MatrixSolution, order: Order) -> str:
    *most, last = solution.circle
    return (
        f"matrix: the dynamics are linear, but {', '.join(most)} and {last} drive one another in a circle, "
        "so the rates are roots of a polynomial and may be complex; exp(A dt) is computed as a matrix"
    )


@why.register
def _(solution: NumericSolution, order: Order) -> str:
    return (
        f"numeric: {solution.reason}, so the flow is integrated by an embedded Runge-Kutta pair to a "
        "tolerance, and the adjoint goes back through the same steps"
    )


@singledispatch
def parameters_in(solution: AnySolution) -> tuple[str, ...]:
    """Names of the parameters on which the flow depends, in the order of the spec."""
    raise TypeError(f"{type(solution).__name__} is no flow")


@parameters_in.register
def _(solution: FlowSolution) -> tuple[str, ...]:
    lifted = [k for lifted in solution.lifts.values() for k in lifted.entries.values()]
    return _used(solution.spec, *solution.matrix, *solution.offset, *lifted)


@parameters_in.register
def _(solution: MatrixSolution) -> tuple[str, ...]:
    return _used(solution.spec, *solution.generator, *solution.drive)


@parameters_in.register
def _(solution: NumericSolution) -> tuple[str, ...]:
    return _used(solution.spec, *solution.field)


def _used(spec: ModelSpec, *formulas: Expr) -> tuple[str, ...]:
    free = sympy.Tuple(*formulas).free_symbols
    return tuple(p.name for p in spec.all_parameters if p.symbol in free)
