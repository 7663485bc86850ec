"""Sections 6 and 12 of the source: losses over maxima and integrals of the readouts' potentials."""

from __future__ import annotations

import sympy
from sympy import Derivative, DiracDelta, Expr, IndexedBase, Integral, S, Sum, Symbol, exp, log, oo

from saltus.derive import notation
from saltus.derive.arrival import NEURON, SENDER
from saltus.derive.deltas import CHANGE, MOVED, VARIED, WHEN
from saltus.derive.deltas import V as POTENTIAL
from saltus.derive.loss import CLASSES
from saltus.derive.loss import LABEL as LABEL_OF_ANY
from saltus.derive.maximum_steps import HIGHEST, SHARE, WORTH
from saltus.derive.scene import loss_slope
from saltus.derive.source import Claim, Row, claim, definition, erratum, proven, settled
from saltus.derive.source_domains import OTHER_CLASS, SAMPLES, by_readout, readout
from saltus.derive.source_section3 import WITHOUT_LP, f_I, f_V, l, over
from saltus.derive.source_symbols import TAU_MEM, V_dot, lam_I, lam_V

N_BATCH = Symbol("N_batch", positive=True)
L = Symbol("L")
K = (1, 2, 3)
J = NEURON
LABEL = SAMPLES[1]
MAXIMUM = "maximum"
DM = notation.quantity("dM/dp", r"\frac{dM}{dp}")
DV = notation.partial("V", "p", J, "-")
DT = notation.quantity("dtₖ/dp", r"\frac{dt_k}{dp}")
WEIGHT = notation.weight(J, SENDER)
DELTA = "delta"
u, t = Symbol("u", real=True), Symbol("t", real=True)
AS_INTEGRAL = Integral(POTENTIAL(u) * DiracDelta(u - WHEN), (u, -oo, oo))
H = Symbol("H")
BY_INTEGRAL = notation.quantity("∂L/∂S", r"\frac{\partial\mathcal{L}}{\partial S}")
BACK_V, BACK_S = notation.adjoint_backward("V"), notation.adjoint_backward("sum_V")
INTEGRAL_ALONE: dict[Expr, Expr] = {
    notation.adjoint("sum_V"): -BY_INTEGRAL,
    **{loss_slope(name): S.Zero for name in ("V", "I", "sum_V")},
}
"""No other loss; the integral is a state S with S' = V, whose multiplier is what the head says of it."""


def softmax(sample: int, neuron: int, kind: str = "max") -> Expr:
    """exp(M_{i,k}) over the sum."""
    return exp(readout(kind, sample, neuron)) / total(sample, kind)


def total(sample: int, kind: str = "max") -> Expr:
    """The denominator."""
    return sympy.Add(*(exp(readout(kind, sample, k)) for k in K))


def cross_entropy(kind: str) -> Expr:
    """-1/N sum_i log(exp(M_{i,l(i)}) / sum_k exp(M_{i,k}))."""
    return -sympy.Add(*(log(softmax(i, SAMPLES[i], kind)) for i in SAMPLES)) / N_BATCH


def any_cross_entropy() -> Expr:
    """The same of one sample, for any number of classes."""
    x, j = IndexedBase("x", real=True), Symbol("j", integer=True, nonnegative=True)
    return -log(exp(x[LABEL_OF_ANY]) / Sum(exp(x[j]), (j, 0, CLASSES - 1)))


def rows() -> tuple[Row, ...]:
    """The rows of section 6."""
    other, label = _derivatives()
    jump_of_other, jump_of_label = _jumps()
    return (*_loss(), other, *_maximum(), jump_of_other, label, jump_of_label)


def section_12() -> tuple[Row, ...]:
    """The rows of section 12."""
    return (
        proven(
            "12:75",
            "The loss of the maxima",
            claim(L, cross_entropy("max"), "max.value", of=MAXIMUM),
            claim(H, any_cross_entropy(), "max.any", of=MAXIMUM),
            note="The second proof is of one sample, for any number of classes.",
        ),
        settled(
            "12:76",
            "The loss of the integrals",
            "It is no l_p + ∫ l_V dt, and need not be: it is a head over integrals that are. With dL/dS for"
            " its derivative by S = ∫ V dt, section 3 covers it by l_V = (dL/dS) V; nothing jumps.",
            claim(L, cross_entropy("sum"), "sum.value", of=MAXIMUM),
            claim(H, any_cross_entropy(), "sum.any", of=MAXIMUM),
            claim(TAU_MEM * BACK_V, -lam_V() - BY_INTEGRAL, "adjoint.ode.V", of="li", facts=INTEGRAL_ALONE),
            claim(BACK_S, S.Zero, "adjoint.ode.sum_V", of="li", facts=INTEGRAL_ALONE),
        ),
        settled(
            "12:77",
            "The maximum as an integral with a Dirac delta",
            "True, but the delta moves: the derivative has the term V' dt_max/dp beside the potential's own"
            " derivative. It vanishes inside a stretch, where V' = 0, and not at a kink.",
            claim(HIGHEST, AS_INTEGRAL, "delta.value", of=DELTA),
            claim(VARIED, CHANGE(WHEN) + Derivative(POTENTIAL(WHEN), WHEN) * MOVED, "delta.moves", of=DELTA),
            claim(DM, DV + V_dot(J, "-") * DT, "maximum.moves", of=MAXIMUM),
            claim(DM, DV, "maximum.fixed", of=MAXIMUM),
        ),
        settled(
            "12:78",
            "A tautology, l_m = l_m",
            "As printed it says nothing. Meant is the loss as a function of the maxima, H(M), of which only"
            " the derivatives by M are needed.",
            claim(by_readout("label"), -(1 - softmax(1, LABEL)) / N_BATCH, "max.label", of=MAXIMUM),
            claim(by_readout("other"), softmax(1, OTHER_CLASS) / N_BATCH, "max.other", of=MAXIMUM),
        ),
        settled(
            "12:79",
            "The loss of the maxima with deltas",
            "It is H(M) again. The jump is not the loss's derivative by t_max, which is zero inside a"
            " stretch, but -(1/tau_mem) dH/dM, taken through the state; at a kink the arrival's time is worth"
            " V' dH/dM more, with the slope before it where λ is taken after it.",
            claim(L, cross_entropy("max"), "max.value", of=MAXIMUM),
            claim(V_dot(J, "-"), S.Zero, "maximum.stationary", of=MAXIMUM),
            claim(lam_V(J, "-"), lam_V(J, "+") - SHARE / TAU_MEM, "maximum.jump.V", of=MAXIMUM),
            claim(lam_V(J, "-"), lam_V(J, "+") - SHARE / TAU_MEM, "kink.jump.V", of=MAXIMUM),
            *_worths(),
        ),
    )


def _loss() -> tuple[Row, ...]:
    outside = -sympy.Add(*(readout("max", i, SAMPLES[i]) for i in SAMPLES)) / N_BATCH - log(total(2))
    inside = -sympy.Add(*(readout("max", i, SAMPLES[i]) - log(total(i)) for i in SAMPLES)) / N_BATCH
    return (
        proven(
            "6:32",
            "The loss of the maxima of the readout voltages",
            claim(L, cross_entropy("max"), "max.value", of=MAXIMUM),
        ),
        definition(
            "6:33",
            "The form of loss that the derivation of section 3 assumes, quoted",
            "section 3; a loss of maxima is not of this form, but a head H over readouts",
            claim(WITHOUT_LP, over(l), "loss", facts={f_V: S.Zero, f_I: S.Zero}),
        ),
        proven(
            "6:34",
            "The loss with M_k = max_t V_k",
            claim(L, cross_entropy("max"), "max.value", of=MAXIMUM),
        ),
        erratum(
            "6:35",
            "The same, the logarithm written out",
            "It lacks brackets: as printed, the logarithm stands outside the sum over the batch, where its i"
            " means nothing, and its sign is wrong.",
            claim(L, outside, "max.value", of=MAXIMUM, holds=False),
            claim(L, inside, "max.value", of=MAXIMUM),
        ),
    )


def _derivatives() -> tuple[Row, Row]:
    other, label = softmax(1, OTHER_CLASS), softmax(1, LABEL)
    return (
        proven(
            "6:36",
            "Its derivative by the voltage of another class",
            claim(by_readout("other") * DM, -1 / N_BATCH * (-other) * DM, {"max.other": DM}, of=MAXIMUM),
        ),
        proven(
            "6:41",
            "The derivative by the voltage of the label's class",
            claim(by_readout("label") * DM, -(1 - label) / N_BATCH * DM, {"max.label": DM}, of=MAXIMUM),
        ),
    )


def _maximum() -> tuple[Row, ...]:
    """For any change η of the voltage: a functional derivative is what stands before η under an integral."""
    both_deltas = Integral(
        Integral(DiracDelta(u - t) * DiracDelta(u - WHEN), _whole(u)) * CHANGE(t), _whole(t)
    )
    one_delta = Integral(DiracDelta(t - WHEN) * CHANGE(t), _whole(t))
    lost = (
        "It holds the delta still, and its time moves: right where that does not matter, inside a stretch,"
        " where V' = 0. At a kink, where the maximum is an arrival's time, V' dt_max/dp is missing."
    )

    def held_still(printed: Expr) -> tuple[Claim, ...]:
        return (
            claim(VARIED, printed, "delta.moves", of=DELTA, holds=False),
            claim(VARIED, printed, "delta.fixed", of=DELTA),
            claim(DM, DV, "maximum.moves", of=MAXIMUM, holds=False),
            claim(DM, DV, "maximum.fixed", of=MAXIMUM),
            claim(DM, DV + V_dot(J, "-") * DT, "maximum.moves", of=MAXIMUM),
        )

    return (
        proven(
            "6:37",
            "The maximum as an integral with a Dirac delta, to be differentiated",
            claim(HIGHEST, AS_INTEGRAL, "delta.value", of=DELTA),
            note="True as long as the derivative takes the delta's own motion with it.",
        ),
        erratum("6:38", "The derivative of the voltage under the integral", lost, *held_still(both_deltas)),
        erratum("6:39", "The derivative of the maximum: a delta at its time", lost, *held_still(one_delta)),
    )


def _whole(variable: Symbol) -> tuple[Expr, Expr, Expr]:
    """From before the run to after it; where the voltage is not, it is zero."""
    return (variable, -oo, oo)


def _jumps() -> tuple[Row, Row]:
    by_other, by_label = by_readout("other"), by_readout("label")
    jump = lam_V(J, "-") - lam_V(J, "+")
    printed_other = -softmax(1, OTHER_CLASS) / (TAU_MEM * N_BATCH)
    printed_label = (1 - softmax(1, LABEL)) / (TAU_MEM * N_BATCH)
    note = (
        "λ_V jumps by this at every maximum: inside a stretch, at a kink, at T. It is all that happens where"
        " the time of the maximum is worth nothing: inside a stretch, at 0 and at T, or at an arrival whose"
        " time nothing moves. At a kink the arrival is worth V' dH/dM more."
    )

    def jumps(printed: Expr, kind: str, by: Symbol) -> tuple[Claim, ...]:
        return tuple(
            claim(
                jump, printed, {f"{prefix}.jump.V": S.One, kind: -1 / TAU_MEM}, of=MAXIMUM, facts={SHARE: by}
            )
            for prefix in ("maximum", "kink")
        )

    return (
        proven(
            "6:40",
            "The jump of λ_V of another class at its maximum",
            *jumps(printed_other, "max.other", by_other),
            *_worths(),
            note=note,
        ),
        proven(
            "6:42",
            "The jump of λ_V of the label's class at its maximum",
            *jumps(printed_label, "max.label", by_label),
            *_worths(),
            note=note,
        ),
    )


def _worths() -> tuple[Claim, ...]:
    """What the time of an arrival at a kink is worth, from the slopes before and after it."""
    credit = WEIGHT * (lam_V(J, "+") - lam_I(J, "+"))
    return (
        claim(WORTH, credit + SHARE * V_dot(J, "-"), "kink.worth.before", of=MAXIMUM),
        claim(
            WORTH,
            WEIGHT * (lam_V(J, "-") - lam_I(J, "+")) + SHARE * V_dot(J, "+"),
            {"kink.worth.before": S.One, "kink.jump.V": -WEIGHT, "kink.velocity.V": -SHARE / TAU_MEM},
            of=MAXIMUM,
        ),
    )
