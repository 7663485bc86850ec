"""Sections 3.1 and 3.2 of the source: the derivatives across a spike, of potentials and of currents."""

from __future__ import annotations

from sympy import Expr, S, Symbol

from saltus.derive import notation
from saltus.derive.source import Row, claim, definition, erratum, proven
from saltus.derive.source_symbols import (
    DT,
    TAU_MEM,
    TAU_SYN,
    THETA,
    V_RESET,
    I,
    I_dot,
    V,
    V_dot,
    delta,
    dI,
    dV,
    w,
)

RESET_TO_ZERO: dict[Expr, Expr] = {V_RESET: S.Zero}
DELTAS = delta("i", "n") * delta("j", "m")


def rows() -> tuple[Row, ...]:
    """The rows of the two sections."""
    return (*_spike_time(), *_reset(), *_potentials(), *_currents())


def _spike_time() -> tuple[Row, ...]:
    lost = V("n", "-") / Symbol("dw_ji")
    crossing = dV("n", "-") + V_dot("n", "-") * DT
    return (
        definition(
            "3.1:35",
            "The threshold condition",
            "(36), (37)",
            claim(V("n", "-") - THETA, S.Zero, "transition.condition"),
        ),
        erratum(
            "3.1:36",
            "Its derivative: the spike moves so that it stays true",
            "The first term lost its ∂; and where the text cites (36) it uses (37), and the other way round.",
            claim(lost + V_dot("n", "-") * DT, S.Zero, "implicit", holds=False),
            claim(crossing, S.Zero, "implicit"),
        ),
        proven(
            "3.1:17",
            "The condition differentiated",
            claim(crossing, S.Zero, "implicit"),
            note="The left side is the derivative that (18) writes out.",
        ),
        proven("3.1:18", "The same by the chain rule", claim(crossing, S.Zero, "implicit")),
        proven(
            "3.1:37",
            "Derivative of the spike time",
            claim(DT, -1 / V_dot("n", "-") * dV("n", "-"), "implicit.time"),
        ),
    )


def _reset() -> tuple[Row, ...]:
    return (
        definition(
            "3.1:38",
            "The spiking neuron is reset to zero",
            "(39)",
            claim(V("n", "+"), S.Zero, "reset.V", facts=RESET_TO_ZERO),
        ),
        proven(
            "3.1:39",
            "Its derivative",
            claim(dV("n", "+") + V_dot("n", "+") * DT, S.Zero, "reset.derivative.V"),
        ),
        proven(
            "3.1:40",
            "The spiking neuron's derivative after the spike",
            claim(dV("n", "+"), V_dot("n", "+") / V_dot("n", "-") * dV("n", "-"), "reset.relation.V"),
        ),
    )


def _potentials() -> tuple[Row, ...]:
    after = dV("m", "+") + V_dot("m", "+") * DT
    turned = notation.quantity("dtₖ/dw_ij", r"\frac{dt_k}{dw_{ij}}")
    change = V_dot("m", "-") - V_dot("m", "+")
    from_spike = dV("n", "-") / (TAU_MEM * V_dot("n", "-"))
    return (
        erratum(
            "3.1:41",
            "A silent neuron's potential is continuous; differentiated",
            "The first term on the right is the derivative before the spike, not after.",
            claim(after, dV("m", "+") + V_dot("m", "-") * DT, "arrival.derivative.V", holds=False),
            claim(after, dV("m", "-") + V_dot("m", "-") * DT, "arrival.derivative.V"),
        ),
        erratum(
            "3.1:42",
            "The jump of its slope",
            "Right for m ≠ n; a neuron that is its own target also passes the reset, which adds V⁻ = ϑ.",
            claim(
                TAU_MEM * V_dot("n", "+"),
                TAU_MEM * V_dot("n", "-") + w("n"),
                SELF_VELOCITY,
                of="self",
                facts=RESET_TO_ZERO,
                holds=False,
            ),
            claim(
                TAU_MEM * V_dot("n", "+"),
                TAU_MEM * V_dot("n", "-") + w("n") + THETA,
                SELF_VELOCITY,
                of="self",
                facts=RESET_TO_ZERO,
            ),
            claim(TAU_MEM * V_dot("m", "+"), TAU_MEM * V_dot("m", "-") + w("m"), "velocity.V"),
        ),
        erratum(
            "3.1:43",
            "A silent neuron's derivative after the spike, with the spike time's",
            "The last derivative is by w_ji, not w_ij.",
            claim(dV("m", "+"), dV("m", "-") - w("m") / TAU_MEM * turned, "arrival.time.V", holds=False),
            claim(dV("m", "+"), dV("m", "-") - w("m") / TAU_MEM * DT, "arrival.time.V"),
        ),
        proven(
            "3.1:19",
            "(42) solved for the change of slope",
            claim(change, -w("m") / TAU_MEM, {"velocity.V": -1 / TAU_MEM}),
        ),
        erratum(
            "3.1:20",
            "(41) solved for the derivative after the spike",
            "The first term on the right is the derivative before the spike, not after.",
            claim(dV("m", "+"), dV("m", "+") + change * DT, "arrival.derivative.V", holds=False),
            claim(dV("m", "+"), dV("m", "-") + change * DT, "arrival.derivative.V"),
        ),
        erratum(
            "3.1:44",
            "A silent neuron's derivative after the spike",
            "The weight is w_mn, from n to m; and it follows from (37), not (36).",
            claim(dV("m", "+"), dV("m", "-") + w("n", "m") * from_spike, "arrival.relation.V", holds=False),
            claim(dV("m", "+"), dV("m", "-") + w("m") * from_spike, "arrival.relation.V"),
        ),
    )


def _currents() -> tuple[Row, ...]:
    after = dI("m", "+") + I_dot("m", "+") * DT
    before = dI("m", "-") + I_dot("m", "-") * DT
    power_i = notation.quantity("(∂Iⁱ/∂w_ji)ₘ", r"\left(\frac{\partial I^i}{\partial w_{ji}}\right)_m")
    from_spike = w("m") * dV("n", "-") / (TAU_SYN * V_dot("n", "-"))
    kept = dI("n", "-") + I_dot("n", "-") * DT
    return (
        definition(
            "3.2:45",
            "The current jumps by the weight",
            "(46)",
            claim(I("m", "+"), I("m", "-") + w("m"), "receive.I"),
        ),
        proven("3.2:46", "Its derivative", claim(after, before + DELTAS, "arrival.derivative.I")),
        proven(
            "3.2:47",
            "The jump of the current's slope",
            claim(TAU_SYN * I_dot("m", "+"), TAU_SYN * I_dot("m", "-") - w("m"), "velocity.I"),
        ),
        proven(
            "3.2:21",
            "From the dynamics of the current",
            claim(
                TAU_SYN * I_dot("m", "+") - TAU_SYN * I_dot("m", "-"),
                -(I("m", "+") - I("m", "-")),
                {"velocity.I": S.One, "receive.I": S.One},
            ),
        ),
        proven("3.2:22", "(45) solved for the jump", claim(I("m", "+") - I("m", "-"), w("m"), "receive.I")),
        proven(
            "3.2:48",
            "The current's derivative after the spike, with the spike time's",
            claim(dI("m", "+"), dI("m", "-") + w("m") / TAU_SYN * DT + DELTAS, "arrival.time.I"),
        ),
        erratum(
            "3.2:49",
            "The current's derivative after the spike",
            "The superscript i is a minus: the derivative before the spike.",
            claim(dI("m", "+"), power_i - from_spike + DELTAS, "arrival.relation.I", holds=False),
            claim(dI("m", "+"), dI("m", "-") - from_spike + DELTAS, "arrival.relation.I"),
        ),
        erratum(
            "3.2:50",
            "The spiking neuron's own current",
            "Right without a self-connection; with one, it gains w_nn as any target's does.",
            claim(dI("n", "+"), dI("n", "-"), "reset.relation.I", of="self", holds=False),
            claim(
                dI("n", "+"),
                dI("n", "-")
                - w("n") * dV("n", "-") / (TAU_SYN * V_dot("n", "-"))
                + delta("i", "n") * delta("j", "n"),
                "reset.relation.I",
                of="self",
            ),
            claim(dI("n", "+"), dI("n", "-"), "reset.relation.I"),
        ),
        proven(
            "3.2:23",
            "(I⁺)_n = (I⁻)_n differentiated",
            claim(dI("n", "+") + I_dot("n", "+") * DT, kept, "reset.derivative.I"),
        ),
    )


SELF_VELOCITY: dict[str, Expr] = {"reset.velocity.V": S.One, "transition.condition": S.One}
