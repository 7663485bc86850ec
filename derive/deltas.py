r"""The maximum as an integral with a Dirac delta, and what its derivative keeps and loses.

For any function V, with its maximum at the time m, and any change :math:`\eta` of it,
:math:`V \to V + \epsilon\eta`,

.. math:: M = \int V(u)\,\delta(u - m)\,du, \qquad
          \frac{dM}{d\epsilon} = \eta(m) + V'(m)\,\frac{dm}{d\epsilon}.

Holding the delta still loses the second term, which is zero just where :math:`V'(m) = 0`.
"""

from __future__ import annotations

from sympy import Derivative, Expr, Function, S, Symbol

from saltus.derive import notation
from saltus.derive.algebra import reduced
from saltus.derive.derivation import Derivation, Equation
from saltus.derive.maximum_steps import HIGHEST

V, CHANGE = Function("V"), Function("η")
WHEN = Symbol("m", real=True)
"""The time of the maximum."""
VARIED = notation.quantity("dM/dε", r"\frac{dM}{d\epsilon}")
MOVED = notation.quantity("dm/dε", r"\frac{dm}{d\epsilon}")


def deltas() -> Derivation:
    """What the maximum is, how it changes, and how it changes inside a stretch."""
    slope = Derivative(V(WHEN), WHEN)
    value = Equation("delta.value", HIGHEST, V(WHEN), "The maximum is attained at m.")
    moves = Equation(
        "delta.moves",
        VARIED,
        CHANGE(WHEN) + slope * MOVED,
        "Chain rule: V changes, and so does the time of its maximum.",
        facts={VARIED: _by_functions()},
        differentiates=("delta.value",),
    )
    still = Equation("delta.stationary", slope, S.Zero, "Inside a stretch V does not move at its maximum.")
    fixed = Equation(
        "delta.fixed",
        VARIED,
        CHANGE(WHEN),
        "So the maximum does not depend on where its time moves.",
        combines={moves.label: S.One, still.label: MOVED},
    )
    return Derivation("The maximum with a Dirac delta", [value, moves, still, fixed])


def integrated(expression: Expr) -> Expr:
    """Integrals with deltas taken by SymPy, and then the normal form."""
    return reduced(expression.doit())


def _by_functions() -> Expr:
    """The derivative by SymPy's own rules, with the time a function of the change's size, at zero."""
    size, time = Symbol("ε", real=True), Function("m_of")
    varied = (V(time(size)) + size * CHANGE(time(size))).diff(size)
    at_zero = varied.xreplace({time(size).diff(size): MOVED}).xreplace({time(size): WHEN})
    return at_zero.xreplace({size: S.Zero})
