"""Section 7 of the source: exact integration of the adjoint dynamics between events, (43)-(58).

Its t runs in the direction of the integration, which is backward; s = t - t_0.
"""

from __future__ import annotations

from sympy import Derivative, Expr, Function, S, Symbol, exp

from saltus.derive import notation
from saltus.derive.source import Claim, Row, claim, erratum, proven
from saltus.derive.source_domains import ELAPSED
from saltus.derive.source_symbols import DL_DI, DL_DV, TAU_MEM, TAU_SYN, lam_I, lam_V

s = ELAPSED
LAMBDA_V, LAMBDA_I, C = Function("λ_V"), Function("λ_I"), Function("c")
V, I = Function("V"), Function("I")
lam_V0, lam_I0, V0, I0, c = Symbol("λ_V0"), Symbol("λ_I0"), Symbol("V0"), Symbol("I0"), Symbol("c")
FADE_M, FADE_S = exp(-s / TAU_MEM), exp(-s / TAU_SYN)
BETWEEN = exp(-(1 / TAU_MEM - 1 / TAU_SYN) * s)
NO_LOSS: dict[Expr, Expr] = {DL_DV: S.Zero, DL_DI: S.Zero}
_PUT_IN = ("flow.adjoint.V", "flow.adjoint.I", "flow.variation", "flow.constant")
_STARTS = ("flow.adjoint.V.start", "flow.adjoint.I.start")


def solves(lhs: Expr, rhs: Expr, *, holds: bool = True) -> Claim:
    """An identity between the functions, once the derived solutions are put in for them."""
    return claim(lhs, rhs, of="flow", uses=(*_STARTS, *_PUT_IN), holds=holds)


def rows() -> tuple[Row, ...]:
    """The rows of the section."""
    return (*_membrane(), *_variation(), *_current(), *_forward())


def _membrane() -> tuple[Row, ...]:
    back_V, back_I = notation.adjoint_backward("V"), notation.adjoint_backward("I")
    solution = lam_V0 * FADE_M
    return (
        proven(
            "7:43",
            "Dynamics of λ_V without a running loss",
            claim(TAU_MEM * back_V, -lam_V(), "adjoint.ode.V", facts=NO_LOSS),
        ),
        proven(
            "7:44",
            "Dynamics of λ_I",
            claim(TAU_SYN * back_I, lam_V() - lam_I(), "adjoint.ode.I", facts=NO_LOSS),
        ),
        proven("7:45", "Solution for λ_V", claim(LAMBDA_V(s), solution, "flow.adjoint.V", of="flow")),
        erratum(
            "7:46",
            "Check of the solution: its derivative",
            "The inner derivative of the exponential, 1/τ_mem, is missing; (47) has it again.",
            solves(TAU_MEM * Derivative(LAMBDA_V(s), s), TAU_MEM * lam_V0 * (-1) * FADE_M, holds=False),
            solves(TAU_MEM * Derivative(LAMBDA_V(s), s), TAU_MEM * lam_V0 * (-1 / TAU_MEM) * FADE_M),
        ),
        proven(
            "7:47",
            "Check of the solution: it solves (43)",
            solves(TAU_MEM * Derivative(LAMBDA_V(s), s), -lam_V0 * FADE_M),
            solves(-lam_V0 * FADE_M, -LAMBDA_V(s)),
        ),
        proven("7:48", "Check of the solution: its start", solves(LAMBDA_V(S.Zero), lam_V0)),
    )


def _variation() -> tuple[Row, ...]:
    inhomogeneous = TAU_SYN * Derivative(C(s), s) * FADE_S
    constant = -lam_V0 / TAU_SYN / (1 / TAU_MEM - 1 / TAU_SYN) * BETWEEN + c
    return (
        proven("7:49", "Variation of constants for λ_I", solves(LAMBDA_I(s), C(s) * FADE_S)),
        proven(
            "7:50",
            "Put into (44)",
            solves(TAU_SYN * Derivative(LAMBDA_I(s), s), inhomogeneous - C(s) * FADE_S),
            solves(inhomogeneous - C(s) * FADE_S, LAMBDA_V(s) - LAMBDA_I(s)),
        ),
        proven(
            "7:51",
            "What is left for c",
            solves(inhomogeneous, LAMBDA_V(s)),
            solves(LAMBDA_V(s), lam_V0 * FADE_M),
        ),
        proven("7:52", "The derivative of c", solves(Derivative(C(s), s), lam_V0 / TAU_SYN * BETWEEN)),
        proven("7:53", "c, integrated", solves(C(s), constant)),
    )


def _current() -> tuple[Row, ...]:
    factor = lam_V0 / (TAU_SYN / TAU_MEM - 1)
    return (
        proven(
            "7:54", "λ_I with the constant of integration", solves(LAMBDA_I(s), -factor * FADE_M + c * FADE_S)
        ),
        proven("7:55", "At the start", solves(LAMBDA_I(S.Zero), -factor + c)),
        proven("7:56", "The constant", solves(c, LAMBDA_I(S.Zero) + factor)),
        proven(
            "7:57",
            "Solution for λ_I, terms apart",
            claim(
                LAMBDA_I(s), -factor * FADE_M + lam_I0 * FADE_S + factor * FADE_S, "flow.adjoint.I", of="flow"
            ),
        ),
        proven(
            "7:58",
            "Solution for λ_I",
            claim(LAMBDA_I(s), factor * (FADE_S - FADE_M) + lam_I0 * FADE_S, "flow.adjoint.I", of="flow"),
        ),
    )


def _forward() -> tuple[Row, ...]:
    return (forward_row("7"),)


def forward_row(section: str) -> Row:
    """The remark that ends sections 7 and 10, which has no number."""
    same = I0 / (TAU_SYN / TAU_MEM - 1) * (FADE_S - FADE_M) + V0 * FADE_S
    swapped = I0 / (TAU_MEM / TAU_SYN - 1) * (FADE_M - FADE_S) + V0 * FADE_M
    return erratum(
        f"{section}:forward",
        "V's forward solution is called equivalent to λ_I's",
        "Equivalent with the two time constants swapped: V decays with τ_mem and is driven through τ_syn.",
        claim(V(s), same, "flow.forward.V", of="flow", holds=False),
        claim(V(s), swapped, "flow.forward.V", of="flow"),
        claim(I(s), I0 * FADE_S, "flow.forward.I", of="flow"),
    )
