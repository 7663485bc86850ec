"""Section 3 of the source up to (34): from the dynamics to a sum over spikes."""

from __future__ import annotations

from sympy import Expr, Function, Integral, S, Symbol

from saltus.derive import notation
from saltus.derive.source import Row, claim, definition, erratum, proven
from saltus.derive.source_symbols import (
    DL_DI,
    DL_DV,
    DT,
    DT_NEXT,
    GRADIENT,
    L_MINUS,
    L_NEXT,
    L_PLUS,
    LP,
    TAU_MEM,
    TAU_SYN,
    V_RESET,
    XI_K,
    I,
    I_dot,
    V,
    V_dot,
    W,
    dI,
    dV,
    lam_I,
    lam_V,
    w,
)

T = Symbol("t")
START, END = notation.quantity("tₖ", "t_k"), notation.quantity("tₖ₊₁", "t_{k+1}")
f_V, f_I = notation.quantity("f_V", "f_{V}"), notation.quantity("f_I", "f_{I}")
f_V_minus, f_I_minus = notation.quantity("f_V⁻", "f_{V}^-"), notation.quantity("f_I⁻", "f_{I}^-")
f_V_plus, f_I_plus = notation.quantity("f_V⁺", "f_{V}^+"), notation.quantity("f_I⁺", "f_{I}^+")
ENDS = notation.quantity("ends", r"\left[\ldots\right]_{t_k}^{t_{k+1}}")
df_V, df_I = notation.derivative("f_V", W), notation.derivative("f_I", W)
dV_dot, dI_dot = notation.partial_rate("V", W), notation.partial_rate("I", W)
lam_V_dot, lam_I_dot = notation.adjoint_velocity("V"), notation.adjoint_velocity("I")
lam_V_back, lam_I_back = notation.adjoint_backward("V"), notation.adjoint_backward("I")
ENDS_V, ENDS_I = notation.bracket(lam_V(), "V", W), notation.bracket(lam_I(), "I", W)
WITHOUT_LP = notation.quantity("L - l_p", r"\mathcal{L} - l_p")
l = notation.named("l")
OF_V_ALONE: dict[Expr, Expr] = {DL_DI: S.Zero}
"""The paper's running loss depends on V alone."""


def over(expression: Expr) -> Expr:
    """The integral from one spike to the next."""
    return Integral(expression, (T, START, END))


def rows() -> tuple[Row, ...]:
    """The rows of the section."""
    return (*_model(), *_leibniz(), *_adjoint(), *_spikes())


def _model() -> tuple[Row, ...]:
    return (
        definition(
            "3:25a",
            "Membrane dynamics f_V",
            "(26)-(32)",
            claim(f_V, TAU_MEM * V_dot() + V() - I(), "dynamics.V"),
        ),
        definition(
            "3:25b", "Current dynamics f_I", "(26)-(32)", claim(f_I, TAU_SYN * I_dot() + I(), "dynamics.I")
        ),
        definition(
            "3:11",
            "Reset of the spiking neuron to zero",
            "(38)",
            claim(V("n", "+"), S.Zero, "reset.V", facts={V_RESET: S.Zero}),
        ),
        definition(
            "3:12",
            "The weights from n are added to the currents",
            "(45)",
            claim(I("m", "+"), I("m", "-") + w("m"), "receive.I"),
            claim(I("b", "+"), I("b", "-") + w("b"), "receive.b.I", of="three"),
        ),
        definition(
            "3:1",
            "The loss: of spike times, and along the voltage",
            "(26)",
            claim(WITHOUT_LP, over(l), "loss", facts={f_V: S.Zero, f_I: S.Zero}),
        ),
        proven(
            "3:26",
            "The loss split at the spikes, dynamics added",
            claim(WITHOUT_LP, over(l + lam_V() * f_V + lam_I() * f_I), "loss"),
            note="One interval stands for the sum over k = 0 … N_post, and l_p is taken to the left.",
        ),
        proven(
            "3:27a",
            "Gronwall for f_V",
            claim(df_V, TAU_MEM * dV_dot + dV() - dI(), "gronwall.V"),
        ),
        proven("3:27b", "Gronwall for f_I", claim(df_I, TAU_SYN * dI_dot + dI(), "gronwall.I")),
    )


def _leibniz() -> tuple[Row, ...]:
    P, u = Symbol("p"), Symbol("u")
    H, a, b = Function("H"), Function("a")(P), Function("b")(P)
    h = H(u, T).diff(T)
    lhs = notation.quantity("d/dp ∫h dt", r"\frac{d}{dp}\int_a^b h\,dt")
    primitive = H(u, b) - H(u, a)
    ends = h.subs(T, b) * b.diff(P) - h.subs(T, a) * a.diff(P)
    calculus = "calculus"
    inside = DL_DV * dV() + lam_V() * (TAU_MEM * dV_dot + dV() - dI()) + lam_I() * (TAU_SYN * dI_dot + dI())
    moving = LP * DT + L_NEXT * DT_NEXT - L_PLUS * DT

    def sweep(before: Expr, after: Expr) -> Expr:
        at_end = L_NEXT + before * f_V_minus + lam_I("", "-") * f_I_minus
        at_start = L_PLUS + after * f_V_plus + lam_I("", "+") * f_I_plus
        return at_end * DT_NEXT - at_start * DT

    return (
        proven(
            "3:28",
            "Leibniz rule on each interval",
            claim(GRADIENT, over(inside) + moving, "leibniz", facts=OF_V_ALONE),
        ),
        proven(
            "3:13",
            "Leibniz rule: the primitive",
            claim(lhs, primitive.diff(P) + primitive.diff(u), "leibniz.antiderivative", of=calculus),
        ),
        proven(
            "3:14",
            "Leibniz rule: chain rule",
            claim(
                lhs,
                H(u, b).diff(b) * b.diff(P) + H(u, b).diff(u) - H(u, a).diff(a) * a.diff(P) - H(u, a).diff(u),
                "leibniz.chain",
                of=calculus,
            ),
        ),
        proven(
            "3:15",
            "Leibniz rule",
            claim(lhs, ends + Integral(h.diff(u), (T, a, b)), "leibniz.rule", of=calculus),
        ),
        erratum(
            "3:16",
            "What the moving ends contribute",
            "The last bracket lost the λ_V before f_V(V_k^+).",
            claim(ENDS, sweep(lam_V("", "-"), S.One), "leibniz.ends", holds=False),
            claim(ENDS, sweep(lam_V("", "-"), lam_V("", "+")), "leibniz.ends"),
        ),
    )


def _adjoint() -> tuple[Row, ...]:
    moving = LP * DT + L_NEXT * DT_NEXT - L_PLUS * DT
    inside = (DL_DV - TAU_MEM * lam_V_dot + lam_V()) * dV() + (
        -TAU_SYN * lam_I_dot + lam_I() - lam_V()
    ) * dI()
    return (
        proven(
            "3:29",
            "Partial integration of λ_V",
            claim(over(lam_V() * dV_dot), -over(lam_V_dot * dV()) + ENDS_V, "parts.V"),
        ),
        proven(
            "3:30",
            "Partial integration of λ_I",
            claim(over(lam_I() * dI_dot), -over(lam_I_dot * dI()) + ENDS_I, "parts.I"),
        ),
        proven(
            "3:31",
            "Collected in ∂V/∂w and ∂I/∂w",
            claim(
                GRADIENT,
                over(inside) + TAU_MEM * ENDS_V + TAU_SYN * ENDS_I + moving,
                "collect",
                facts=OF_V_ALONE,
            ),
        ),
        proven(
            "3:32a",
            "Adjoint dynamics of λ_V, time reversed",
            claim(TAU_MEM * lam_V_back, -lam_V() - DL_DV, "adjoint.ode.V"),
        ),
        proven(
            "3:32b",
            "Adjoint dynamics of λ_I, time reversed",
            claim(TAU_SYN * lam_I_back, -lam_I() + lam_V(), "adjoint.ode.I", facts=OF_V_ALONE),
        ),
    )


def _spikes() -> tuple[Row, ...]:
    boundary = TAU_MEM * (lam_V("", "-") * dV("", "-") - lam_V("", "+") * dV("", "+")) + TAU_SYN * (
        lam_I("", "-") * dI("", "-") - lam_I("", "+") * dI("", "+")
    )
    return (
        proven(
            "3:33",
            "The gradient is a sum over spikes",
            claim(GRADIENT, XI_K, "sum.transitions"),
            note="Regrouped for a run of three spikes: the ends of the intervals, at 0 and T included.",
        ),
        erratum(
            "3:34",
            "The terms of a spike",
            "The end of interval k-1 carries l_V⁻ and dt of the k-th spike, not of the (k+1)-th.",
            claim(XI_K, LP * DT + L_NEXT * DT_NEXT - L_PLUS * DT + boundary, "xi", holds=False),
            claim(XI_K, LP * DT + L_MINUS * DT - L_PLUS * DT + boundary, "xi"),
        ),
    )
