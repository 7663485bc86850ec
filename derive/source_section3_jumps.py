"""Sections 3.3 to 3.6 and 5 of the source: the collected terms, the jumps, the gradient, Tables 1 and 2."""

from __future__ import annotations

import sympy
from sympy import Expr, S

from saltus.derive import notation
from saltus.derive.source import Row, claim, erratum, proven, settled
from saltus.derive.source_domains import OTHERS
from saltus.derive.source_symbols import (
    DL_DI,
    DL_DV,
    GRADIENT,
    L_MINUS,
    L_PLUS,
    LP,
    TAU_MEM,
    TAU_SYN,
    THETA,
    V_RESET,
    XI_K,
    I,
    I_dot,
    V,
    V_dot,
    delta,
    dI,
    dV,
    lam_I,
    lam_V,
    w,
)

ONE, THREE = ("m",), ("m", *OTHERS)
LOSSES = LP + L_MINUS - L_PLUS
RATIO = V_dot("n", "+") / V_dot("n", "-")
UNJOINED: dict[Expr, Expr] = {w("m"): S.Zero}
OF_V_ALONE: dict[Expr, Expr] = {DL_DI: S.Zero}


def rows() -> tuple[Row, ...]:
    """The rows of these sections."""
    return (*_collected(), *_jumps(), *_gradient(), *_fixed_inputs(), *_coincident(), *_tables())


def back(targets: tuple[str, ...], own: bool = False) -> Expr:
    """The sum over targets of w_mn (lambda_V^+ - lambda_I^+)_m; with the spiking neuron's own."""
    reached = (*targets, "n") if own else targets
    return sympy.Add(*(w(m) * (lam_V(m, "+") - lam_I(m, "+")) for m in reached))


def _silent(targets: tuple[str, ...]) -> Expr:
    return sympy.Add(
        *(
            TAU_MEM * (lam_V(m, "-") - lam_V(m, "+")) * dV(m, "-")
            + TAU_SYN * (lam_I(m, "-") - lam_I(m, "+")) * dI(m, "-")
            - TAU_SYN * delta("i", "n") * delta("j", m) * lam_I(m, "+")
            for m in targets
        )
    )


def _collected() -> tuple[Row, ...]:
    own_current = TAU_SYN * (lam_I("n", "-") - lam_I("n", "+")) * dI("n", "-")

    def factor(targets: tuple[str, ...]) -> Expr:
        own = TAU_MEM * (lam_V("n", "-") - RATIO * lam_V("n", "+"))
        return own + (-back(targets) - LP + L_PLUS - L_MINUS) / V_dot("n", "-")

    def printed(targets: tuple[str, ...]) -> Expr:
        return _silent(targets) + dV("n", "-") * (factor(targets) + own_current)

    def right(targets: tuple[str, ...]) -> Expr:
        return _silent(targets) + dV("n", "-") * factor(targets) + own_current

    return (
        erratum(
            "3.3:51",
            "The terms of a spike, collected in the derivatives before it",
            "The bracket of λ_I is not inside the factor of (∂V⁻/∂w)_n: it closes one bracket too late.",
            claim(XI_K, printed(ONE), "xi.collected", holds=False),
            claim(XI_K, right(ONE), "xi.collected"),
            claim(XI_K, right(THREE), "xi.collected", of="three"),
        ),
    )


def _jumps() -> tuple[Row, ...]:
    def jump(targets: tuple[str, ...], extra: Expr = S.Zero) -> Expr:
        return RATIO * lam_V("n", "+") + (back(targets) + LOSSES + extra) / (TAU_MEM * V_dot("n", "-"))

    own = -w("n") * lam_I("n", "+")
    return (
        erratum(
            "3.3:52a",
            "The spiking neuron's jump",
            "Right without a self-connection; with one, the sum has the term -w_nn (λ_I⁺)_n, and V̇⁺ contains"
            " w_nn: together Wᵀ(λ_V⁺ - λ_I⁺) with its diagonal, as Table 2 has it.",
            claim(lam_V("n", "-"), jump(("m",)), "jump.emission", of="self", holds=False),
            claim(lam_V("n", "-"), jump(("m",), own), "jump.emission", of="self"),
            claim(lam_V("n", "-"), jump(ONE), "jump.emission"),
            claim(lam_V("n", "-"), jump(THREE), "jump.emission", of="three"),
        ),
        proven(
            "3.3:52b",
            "A silent neuron's λ_V does not jump",
            claim(lam_V("m", "-"), lam_V("m", "+"), "jump.arrival.V"),
            claim(lam_V("b", "-"), lam_V("b", "+"), "jump.arrival.b.V", of="three"),
        ),
        proven(
            "3.3:52c",
            "λ_I does not jump",
            claim(lam_I("m", "-"), lam_I("m", "+"), "jump.arrival.I"),
            claim(lam_I("n", "-"), lam_I("n", "+"), "jump.emission.I"),
            claim(lam_I("b", "-"), lam_I("b", "+"), "jump.arrival.b.I", of="three"),
        ),
    )


def _gradient() -> tuple[Row, ...]:
    def sampled(targets: tuple[str, ...]) -> Expr:
        return -TAU_SYN * sympy.Add(*(delta("i", "n") * delta("j", m) * lam_I(m, "+") for m in targets))

    change = (V_dot("n", "+") - V_dot("n", "-")) / V_dot("n", "-") + 1
    return (
        proven(
            "3.3:53",
            "The gradient of a weight",
            claim(GRADIENT, sampled(ONE), "gradient.weight"),
            claim(GRADIENT, sampled(THREE), "gradient.weight", of="three"),
            note="λ_I does not jump, so it needs no superscript; the sum over m picks m = j.",
        ),
        proven(
            "3.3:54",
            "The same as a sum over the spikes of i",
            claim(GRADIENT, -TAU_SYN * lam_I("j", "+"), "gradient.weight.sum"),
        ),
        erratum(
            "3.4:55",
            "The ratio of the slopes",
            "Right for a reset to 0, or by subtraction of ϑ; to another value it is ϑ - v_reset, and with a"
            " self-connection w_nn is added.",
            claim(RATIO, THETA / (TAU_MEM * V_dot("n", "-")) + 1, "jump.ratio", holds=False),
            claim(RATIO, (THETA - V_RESET) / (TAU_MEM * V_dot("n", "-")) + 1, "jump.ratio"),
            claim(RATIO, change),
            claim(RATIO, THETA / (TAU_MEM * V_dot("n", "-")) + 1, "jump.ratio", facts={V_RESET: S.Zero}),
            claim(
                RATIO, (THETA - V_RESET + w("n")) / (TAU_MEM * V_dot("n", "-")) + 1, "jump.ratio", of="self"
            ),
        ),
        proven(
            "5:24",
            "The gradient of a weight, in the summary",
            claim(GRADIENT, -TAU_SYN * lam_I("j", "+"), "gradient.weight.sum"),
        ),
    )


def _fixed_inputs() -> tuple[Row, ...]:
    below = notation.latex_name("w_j,in")
    gradient = notation.quantity("dL/dw_j,in", rf"\frac{{d\mathcal{{L}}}}{{d{below}}}")
    worth = notation.quantity("∂L/∂t_in", r"\frac{\partial\mathcal{L}}{\partial t_\mathrm{in}}")
    weight = notation.weight("j", "in")
    return (
        settled(
            "3.5:56",
            "Fixed input spikes",
            "An input spike is an arrival without an emission: its time depends on no weight, so the"
            " receiving neuron's λ does not jump there, and the weight's gradient samples λ_I; at its own"
            " spikes it jumps by (52a). The arrival still has a worth, the gradient of the input's time.",
            claim(gradient, -TAU_SYN * lam_I("j", "+"), "gradient.input"),
            claim(lam_V("j", "-"), lam_V("j", "+"), "input.jump.V"),
            claim(lam_I("j", "-"), lam_I("j", "+"), "input.jump.I"),
            claim(worth, weight * (lam_V("j", "+") - lam_I("j", "+")) + L_MINUS - L_PLUS, "arrival.credit"),
        ),
    )


def _coincident() -> tuple[Row, ...]:
    r"""Where m crosses with n, its spike time's derivative is -earlier before n's spike, -later after.

    They differ by :math:`\frac{w_{mn}}{\tau_\mathrm{mem}\dot V_m^+}` times the difference of the two spike
    times' derivatives: not at all without a connection, nor if the two times move together.
    """
    rise, push = TAU_MEM * V_dot("n", "-"), w("m") / TAU_MEM
    earlier, later = dV("m", "-") / V_dot("m", "-"), dV("m", "+") / V_dot("m", "+")
    apart = dV("n", "-") / V_dot("n", "-") - earlier
    joined = {"velocity.V": -earlier / (TAU_MEM * V_dot("m", "+"))}
    return (
        settled(
            "3.6",
            "Coincident spikes",
            "Neurons that cross at the same time and are not joined: one's terms hold nothing that the"
            " other's spike changes, so their terms add and each jumps by (52a), w = 0 between them."
            " Joined at zero delay, the later spike's time has another derivative after the earlier's push,"
            " unless the two times move together: on each side one derivative, and so none.",
            claim(V_dot("m", "+"), V_dot("m", "-"), {"velocity.V": 1 / TAU_MEM}, facts=UNJOINED),
            claim(dV("m", "+"), dV("m", "-"), "arrival.relation.V", facts=UNJOINED),
            claim(lam_V("n", "-"), RATIO * lam_V("n", "+") + LOSSES / rise, "jump.emission", facts=UNJOINED),
            claim(later - earlier, push * (apart / V_dot("m", "+")), joined, uses=("arrival.relation.V",)),
        ),
    )


def _tables() -> tuple[Row, ...]:
    lam_V_back, lam_I_back = notation.adjoint_backward("V"), notation.adjoint_backward("I")

    def table(theta: Expr, targets: tuple[str, ...], own: bool = False) -> tuple[Expr, Expr]:
        bracket = theta * lam_V("n", "+") + back(targets, own) + LOSSES
        return lam_V("n", "-"), lam_V("n", "+") + bracket / (TAU_MEM * V_dot("n", "-"))

    f_V, f_I = notation.quantity("f_V", "f_{V}"), notation.quantity("f_I", "f_{I}")
    step = "jump.emission.table"
    return (
        proven(
            "5:table-1",
            "Table 1: the forward model",
            claim(f_V, TAU_MEM * V_dot() - (-V() + I()), "dynamics.V"),
            claim(f_I, TAU_SYN * I_dot() - (-I()), "dynamics.I"),
            claim(V("n", "-") - THETA, S.Zero, "transition.condition"),
            claim(V("n", "+"), S.Zero, "reset.V", facts={V_RESET: S.Zero}),
            claim(I("m", "+"), I("m", "-") + w("m"), "receive.I"),
            note="What the spec says, read back: the same equations.",
        ),
        erratum(
            "5:table-2",
            "Table 2: the adjoint model",
            "Right for a reset to 0, or by subtraction of ϑ; to another value the bracket has ϑ - v_reset."
            " With its diagonal, Wᵀ is right with self-connections too.",
            claim(*table(THETA, ONE), step, holds=False),
            claim(*table(THETA - V_RESET, ONE), step),
            claim(*table(THETA - V_RESET, THREE), step, of="three"),
            claim(*table(THETA, ONE), step, facts={V_RESET: S.Zero}),
            claim(*table(THETA - V_RESET, ONE, own=True), step, of="self"),
            claim(TAU_MEM * lam_V_back, -lam_V() - DL_DV, "adjoint.ode.V"),
            claim(TAU_SYN * lam_I_back, -lam_I() + lam_V(), "adjoint.ode.I", facts=OF_V_ALONE),
        ),
    )
