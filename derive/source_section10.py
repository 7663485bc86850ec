"""Section 10 of the source: the same solution over one time step, (59)-(74).

Its t' is the time back from t + Δt, the end of the step, where the adjoint is known: s here.
"""

from __future__ import annotations

from sympy import Derivative, Expr, S, Symbol, exp

from saltus.derive import notation
from saltus.derive.source import Row, claim, proven
from saltus.derive.source_domains import ELAPSED
from saltus.derive.source_section7 import (
    BETWEEN,
    FADE_M,
    FADE_S,
    LAMBDA_I,
    LAMBDA_V,
    NO_LOSS,
    C,
    c,
    forward_row,
    lam_I0,
    lam_V0,
    solves,
)
from saltus.derive.source_symbols import TAU_MEM, TAU_SYN, lam_I, lam_V

s = ELAPSED
STEP = Symbol("Δt", positive=True)
"""The length of the step."""
WHOLE_STEP: dict[Expr, Expr] = {s: STEP}
RATE = TAU_MEM / (TAU_SYN - TAU_MEM)


def rows() -> tuple[Row, ...]:
    """The rows of the section."""
    return (*_dynamics(), *_variation(), *_integrated(), *_step(), forward_row("10"))


def _dynamics() -> tuple[Row, ...]:
    back_V, back_I = notation.adjoint_backward("V"), notation.adjoint_backward("I")
    return (
        proven("10:59", "Dynamics of λ_V", claim(TAU_MEM * back_V, -lam_V(), "adjoint.ode.V", facts=NO_LOSS)),
        proven(
            "10:60",
            "Dynamics of λ_I",
            claim(TAU_SYN * back_I, -lam_I() + lam_V(), "adjoint.ode.I", facts=NO_LOSS),
        ),
        proven(
            "10:61", "λ_V within the step", claim(LAMBDA_V(s), lam_V0 * FADE_M, "flow.adjoint.V", of="flow")
        ),
        proven(
            "10:62",
            "λ_V put into (60)",
            solves(Derivative(LAMBDA_I(s), s), (-LAMBDA_I(s) + lam_V0 * FADE_M) / TAU_SYN),
        ),
    )


def _variation() -> tuple[Row, ...]:
    slope = Derivative(C(s), s) * FADE_S
    constant = Symbol("λ̃_I")
    autonomous = constant * FADE_S
    return (
        proven(
            "10:63",
            "Solution of the autonomous equation",
            claim(TAU_SYN * Derivative(autonomous, s), -autonomous, of="flow"),
        ),
        proven(
            "10:64",
            "Variation of constants",
            solves(Derivative(LAMBDA_I(s), s), slope - C(s) * FADE_S / TAU_SYN),
            solves(slope - C(s) * FADE_S / TAU_SYN, -LAMBDA_I(s) / TAU_SYN + slope),
        ),
        proven(
            "10:65",
            "What is left",
            solves(slope, LAMBDA_V(s) / TAU_SYN),
            solves(LAMBDA_V(s) / TAU_SYN, lam_V0 * FADE_M / TAU_SYN),
        ),
        proven(
            "10:66", "The derivative of the constant", solves(Derivative(C(s), s), lam_V0 / TAU_SYN * BETWEEN)
        ),
    )


def _integrated() -> tuple[Row, ...]:
    gap = 1 / TAU_MEM - 1 / TAU_SYN
    return (
        proven("10:67", "Integrated", solves(C(s), -1 / gap / TAU_SYN * lam_V0 * BETWEEN + c)),
        proven(
            "10:68",
            "λ_I with the constant of integration",
            solves(LAMBDA_I(s), -RATE * lam_V0 * exp(-gap * s - s / TAU_SYN) + c * FADE_S),
        ),
        proven(
            "10:69", "The same, exponents added", solves(LAMBDA_I(s), -RATE * lam_V0 * FADE_M + c * FADE_S)
        ),
        proven("10:70", "At t' = 0", solves(-RATE * lam_V0 + c, LAMBDA_I(S.Zero))),
        proven("10:71", "The constant", solves(c, LAMBDA_I(S.Zero) + RATE * lam_V0)),
    )


def _step() -> tuple[Row, ...]:
    within = RATE * lam_V0 * (FADE_S - FADE_M) + lam_I0 * FADE_S
    return (
        proven("10:72", "λ_I within the step", claim(LAMBDA_I(s), within, "flow.adjoint.I", of="flow")),
        proven(
            "10:73",
            "λ_V over the step",
            claim(
                LAMBDA_V(STEP), lam_V0 * exp(-STEP / TAU_MEM), "flow.adjoint.V", of="flow", facts=WHOLE_STEP
            ),
        ),
        proven(
            "10:74",
            "λ_I over the step",
            claim(LAMBDA_I(STEP), within.xreplace(WHOLE_STEP), "flow.adjoint.I", of="flow", facts=WHOLE_STEP),
        ),
    )
