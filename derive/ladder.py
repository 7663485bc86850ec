r"""The ladder of derivatives that isolates every zero of a guard between two events (Rolle's theorem).

Between events a guard that is linear in the states of a linear model is a constant and a sum of
exponentials with real rates (times polynomials where rates are equal). With :math:`D = d/dt` and

.. math:: u_0 = g, \qquad u_{k+1} = (D + r_k)\, u_k = e^{-r_k t} D (e^{r_k t} u_k),

each step removes one exponential, and between two zeros of :math:`u_{k+1}` the function :math:`e^{r_k t}
u_k` is monotone, so :math:`u_k` has at most one zero there. The last rung is a single exponential, which
has none: n rungs isolate the at most n - 1 zeros of g, and none can be missed. A constant in the dynamics is
one more state, of rate 0.

Where rates may be complex there is no such ladder: the guard and its first two derivatives bound it instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

import sympy
from sympy import Expr, Matrix

from saltus.derive.arrange import Order
from saltus.derive.flow import FlowSolution
from saltus.derive.flow_choice import AnySolution, MatrixSolution, NumericSolution
from saltus.derive.model import Transition
from saltus.derive.text import text


@dataclass(frozen=True)
class LadderRung:
    """u_k, linear in the states, and the rate r_k (1/s) in u_{k+1} = (D + r_k) u_k; the last gives 0."""

    value: Expr
    rate: Expr


@singledispatch
def ladder(solution: AnySolution, transition: Transition) -> tuple[LadderRung, ...]:
    """The rungs for the guard of ``transition``: itself, its slope, and so on; none for a numeric flow."""
    raise TypeError(f"{type(solution).__name__} is no flow")


@ladder.register
def _(solution: FlowSolution, transition: Transition) -> tuple[LadderRung, ...]:
    """The first step is the time derivative; then the constant goes, then the states from the guard's own
    towards those that drive it: each step removes one exponential for good, and no order needs fewer steps.
    """
    return _climb(*_linear(transition.when, solution), [], solution)


@singledispatch
def rungs_from(solution: AnySolution, q: Expr) -> tuple[LadderRung, ...]:
    """The rungs for the stationary points of a linear function q of the states: q, dq/dt, and so on."""
    raise TypeError(f"{type(solution).__name__} has no rungs")


@rungs_from.register
def _(solution: FlowSolution, q: Expr) -> tuple[LadderRung, ...]:
    weights, constant = _linear(q, solution)
    first = LadderRung(_value(weights, constant, solution), sympy.Integer(0))
    return _climb(*_next(weights, constant, sympy.Integer(0), solution), [first], solution)


def _climb(
    weights: Matrix, constant: Expr, rungs: list[LadderRung], solution: FlowSolution
) -> tuple[LadderRung, ...]:
    while (alone := _single(weights, constant, solution)) is None:
        rate = _next_rate(weights, constant, solution) if rungs else sympy.Integer(0)
        rungs.append(LadderRung(_value(weights, constant, solution), rate))
        weights, constant = _next(weights, constant, rate, solution)
    return (*rungs, LadderRung(_value(weights, constant, solution), alone))


@ladder.register
def _(solution: MatrixSolution, transition: Transition) -> tuple[LadderRung, ...]:
    return rungs_from(solution, transition.when)


@rungs_from.register
def _(solution: MatrixSolution, q: Expr) -> tuple[LadderRung, ...]:
    """q and its first two time derivatives."""
    weights, constant = _linear(q, solution)
    rungs: list[LadderRung] = []
    for _ in range(3):
        rungs.append(LadderRung(_value(weights, constant, solution), sympy.Integer(0)))
        weights, constant = _next(weights, constant, sympy.Integer(0), solution)
    return tuple(rungs)


@ladder.register
def _(solution: NumericSolution, transition: Transition) -> tuple[LadderRung, ...]:
    """Nothing: its crossings are found on the steps."""
    return ()


def residuals(rungs: tuple[LadderRung, ...], solution: FlowSolution) -> tuple[Expr, ...]:
    """What must vanish: (D + r_k) u_k - u_{k+1} for each rung, with 0 after the last."""
    field = solution.generator * solution.spec.x + solution.drive
    following = [rung.value for rung in rungs[1:]] + [sympy.Integer(0)]
    return tuple(
        sympy.cancel(
            (Matrix([rung.value]).jacobian(solution.spec.x) * field)[0] + rung.rate * rung.value - after
        )
        for rung, after in zip(rungs, following, strict=True)
    )


@singledispatch
def bound(solution: AnySolution, rungs: tuple[LadderRung, ...], order: Order) -> str:
    """How the guard's crossings are found between events, and why none is missed; formulas in ``order``."""
    raise TypeError(f"{type(solution).__name__} is no flow")


@bound.register
def _(solution: FlowSolution, rungs: tuple[LadderRung, ...], order: Order) -> str:
    zeros = len(rungs) - 1
    rates = ", ".join(text(rung.rate, order) for rung in rungs)
    return (
        f"the guard has at most {zeros} zero{'' if zeros == 1 else 's'} between events, because it is a sum "
        f"of {len(rungs)} exponentials with the real rates {rates} (0: a constant), and applying "
        "D + rate for each in turn leaves the last alone, which has no zero"
    )


@bound.register
def _(solution: MatrixSolution, rungs: tuple[LadderRung, ...], order: Order) -> str:
    return (
        "between events the guard stays below the larger of its values at the ends of a short interval plus "
        "a bound that its second derivative gives, and an interval where that does not decide is halved, so "
        "no crossing is missed"
    )


@bound.register
def _(solution: NumericSolution, rungs: tuple[LadderRung, ...], order: Order) -> str:
    return (
        "the guard's crossings are found from its values and slopes at the ends of each step, so one that "
        "rises and falls back within a step can be missed: a smaller tolerance takes shorter steps"
    )


def _linear(q: Expr, solution: FlowSolution | MatrixSolution) -> tuple[Matrix, Expr]:
    """The factors of the states in q, and its constant."""
    x = solution.spec.x
    weights = Matrix([q]).jacobian(x).applyfunc(sympy.cancel)
    return weights, sympy.expand(q - (weights * x)[0])


def _next(
    weights: Matrix, constant: Expr, rate: Expr, solution: FlowSolution | MatrixSolution
) -> tuple[Matrix, Expr]:
    """(D + rate) of a linear function of the states."""
    shifted = solution.generator + rate * sympy.eye(weights.cols)
    further = sympy.cancel((weights * solution.drive)[0] + rate * constant)
    return (weights * shifted).applyfunc(sympy.cancel), further


def _value(weights: Matrix, constant: Expr, solution: FlowSolution | MatrixSolution) -> Expr:
    return (weights * solution.spec.x)[0] + constant


def _visible(weights: Matrix) -> list[int]:
    return [i for i in range(weights.cols) if weights[i] != 0]


def _single(weights: Matrix, constant: Expr, solution: FlowSolution) -> Expr | None:
    """The rate of the one exponential that is left, (D + rate) u = 0; None if there is more."""
    visible = _visible(weights)
    rate = solution.rates[visible[0]] if visible else sympy.Integer(0)
    left, over = _next(weights, constant, rate, solution)
    return rate if over == 0 and left.is_zero_matrix else None


def _next_rate(weights: Matrix, constant: Expr, solution: FlowSolution) -> Expr:
    """The rate of the visible state that depends on all others that are visible; 0 where none is left."""
    visible = _visible(weights)
    if not visible:
        return sympy.Integer(0)
    return solution.rates[max(visible, key=solution.order.index)]
