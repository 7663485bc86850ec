r"""The ladder of derivatives that isolates every zero of a guard between two events (Rolle's theorem).

Between events a guard that is linear in the states of a linear model is a constant and a sum of
exponentials with real rates (times polynomials where rates are equal). With :math:`D = d/dt` and

.. math:: u_0 = g, \qquad u_{k+1} = (D + r_k)\, u_k = e^{-r_k t} D (e^{r_k t} u_k),

each step removes one exponential, and between two zeros of :math:`u_{k+1}` the function :math:`e^{r_k t}
u_k` is monotone, so :math:`u_k` has at most one zero there. The last rung is a single exponential, which
has none: n rungs isolate the at most n - 1 zeros of g, and none can be missed.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy
from sympy import Expr, Matrix

from saltus.derive.arrange import Order
from saltus.derive.expressions import Place
from saltus.derive.flow import FlowSolution
from saltus.derive.model import Transition
from saltus.derive.text import text
from saltus.errors import DerivationError


@dataclass(frozen=True)
class LadderRung:
    """u_k, linear in the states, and the rate r_k (1/s) in u_{k+1} = (D + r_k) u_k; the last gives 0."""

    value: Expr
    rate: Expr


def ladder(transition: Transition, solution: FlowSolution) -> tuple[LadderRung, ...]:
    """The rungs for the guard of ``transition``, the guard first.

    The constant goes first (rate 0, so the second rung is the slope), then the states from the guard's own
    towards those that drive it: each step removes one exponential for good, and no order needs fewer steps.

    Raises:
        DerivationError: if the guard is not linear in the states.
    """
    spec = solution.spec
    weights = Matrix([[transition.when.diff(state.symbol) for state in spec.states]])
    constant = sympy.expand(transition.when - (weights * spec.x)[0])
    if weights.has(*spec.x) or constant.has(*spec.x):
        raise DerivationError(
            f"{Place(spec.origin, f'transition.{transition.name}', 'when')}: {transition.when} is not linear "
            "in the states, and only the crossings of a linear condition can all be found so far.\n"
            "Write a sum of states with constant factors, and a threshold."
        )
    rungs: list[LadderRung] = []
    while (alone := _single(weights, constant, solution)) is None:
        rate = _next_rate(weights, constant, solution)
        rungs.append(LadderRung(_value(weights, constant, solution), rate))
        shifted = solution.generator + rate * sympy.eye(weights.cols)
        weights = (weights * shifted).applyfunc(sympy.cancel)
        constant = sympy.cancel(rate * constant)
    return (*rungs, LadderRung(_value(weights, constant, solution), alone))


def residuals(rungs: tuple[LadderRung, ...], solution: FlowSolution) -> tuple[Expr, ...]:
    """What must vanish: (D + r_k) u_k - u_{k+1} for each rung, with 0 after the last."""
    field = solution.generator * solution.spec.x
    following = [rung.value for rung in rungs[1:]] + [sympy.Integer(0)]
    return tuple(
        sympy.cancel(
            (Matrix([rung.value]).jacobian(solution.spec.x) * field)[0] + rung.rate * rung.value - after
        )
        for rung, after in zip(rungs, following, strict=True)
    )


def bound(rungs: tuple[LadderRung, ...], order: Order) -> str:
    """How many zeros the guard can have between events, and why, in a sentence; formulas in ``order``."""
    zeros = len(rungs) - 1
    rates = ", ".join(text(rung.rate, order) for rung in rungs)
    return (
        f"the guard has at most {zeros} zero{'' if zeros == 1 else 's'} between events, because it is a sum "
        f"of {len(rungs)} exponentials with the real rates {rates} (0: a constant), and applying "
        "D + rate for each in turn leaves the last alone, which has no zero"
    )


def _value(weights: Matrix, constant: Expr, solution: FlowSolution) -> Expr:
    return (weights * solution.spec.x)[0] + constant


def _visible(weights: Matrix) -> list[int]:
    return [i for i in range(weights.cols) if weights[i] != 0]


def _single(weights: Matrix, constant: Expr, solution: FlowSolution) -> Expr | None:
    """The rate of the one exponential that is left, (D + rate) u = 0; None if there is more."""
    visible = _visible(weights)
    if constant != 0 or not visible:
        return None
    rate = solution.rates[visible[0]]
    left = weights * (solution.generator + rate * sympy.eye(weights.cols))
    return rate if all(sympy.cancel(entry) == 0 for entry in left) else None


def _next_rate(weights: Matrix, constant: Expr, solution: FlowSolution) -> Expr:
    """0 for a constant; then the rate of the visible state that depends on all others that are visible."""
    if constant != 0:
        return sympy.Integer(0)
    visible = _visible(weights)
    return solution.rates[max(visible, key=solution.order.index)]
