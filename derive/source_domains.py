"""What the source's equations are held against: derivations made from specs, never from the source.

Each domain is a set of derived equations and the normal form in which a difference is shown to be zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import sympy
from sympy import Expr, S, Symbol

from saltus.derive import flow, loss, model
from saltus.derive.algebra import reduced
from saltus.derive.deltas import deltas, integrated
from saltus.derive.derivation import Derivation, Equation
from saltus.derive.divided_differences import to_exponentials
from saltus.derive.dynamics import adjoint_method, calculus
from saltus.derive.gradient import adjoint, derived
from saltus.derive.maximum_steps import at_kink, inside
from saltus.derive.scene import SPIKING, along_weight
from saltus.derive.spec import load

SYSTEM_SIZE = 2
"""Number of states in which section 2 is proved row by row: the least in which a transpose shows."""
OTHERS = ("b", "c")
"""Two more targets beside m: with them the sums over targets have three terms."""


@dataclass(frozen=True)
class Domain:
    """Derived equations by label, and the normal form of a difference."""

    known: Mapping[str, Equation]
    normal: Callable[[Expr], Expr]


@cache
def domains() -> Mapping[str, Domain]:
    """All of them, derived once: general, calculus, lif, self, three, flow, loss, maximum, delta, li."""
    lif = load("lif")
    return {
        "general": Domain(adjoint_method(SYSTEM_SIZE), reduced),
        "calculus": Domain(calculus(), reduced),
        "lif": Domain(adjoint(lif), reduced),
        "self": Domain(
            Derivation("lif, its own target", derived(lif.with_integrals(), along_weight, extra=(SPIKING,))),
            reduced,
        ),
        "three": Domain(
            Derivation("lif, three targets", derived(lif.with_integrals(), along_weight, extra=OTHERS)),
            reduced,
        ),
        "flow": Domain(flows(lif), exponentials_reduced),
        "loss": Domain(losses(), loss.reduced),
        "maximum": Domain(maxima(), loss.reduced),
        "delta": Domain(deltas(), integrated),
        "li": Domain(adjoint(load("li")), reduced),
    }


ELAPSED = Symbol("s", positive=True)
"""Time since t_0, in the direction in which the adjoint is integrated."""
SAMPLES = {1: 1, 2: 2}
"""The samples of the batch in which section 5.1 is proved, and the label of each (of classes 1, 2, 3)."""
LOSS_CLASSES = 3
OTHER_CLASS = 3


def function(name: str) -> Expr:
    """A function of the elapsed time."""
    return sympy.Function(name)(ELAPSED)


def flows(spec: model.ModelSpec) -> Derivation:
    """The flows of a model and of its adjoint, as equations for the functions of the elapsed time.

    Backward they start from ``λ_x0``, forward from ``x0``; ``c`` is what stands before the exponential of
    the second state's own decay, and ``c(s)`` that state's adjoint over this exponential (variation of
    constants).
    """
    solution = flow.solve(spec)
    started = {state.adjoint: Symbol(f"λ_{state.name}0") for state in spec.states}
    started |= {state.symbol: Symbol(f"{state.name}0") for state in spec.states}

    def at(expression: Expr) -> Expr:
        return to_exponentials(expression).xreplace({solution.dt: ELAPSED, **started})

    equations = []
    for state in spec.states:
        for label, name, value in (
            (f"flow.adjoint.{state.name}", f"λ_{state.name}", solution.backward(state.name)),
            (f"flow.forward.{state.name}", state.name, solution.forward(state.name)),
        ):
            equations.append(Equation(label, function(name), at(value), "The flow."))
            start = at(value.xreplace({solution.dt: S.Zero}))
            equations.append(
                Equation(f"{label}.start", sympy.Function(name)(S.Zero), start, "Its value at the start.")
            )
    last, entry = spec.states[-1], Symbol("entry")
    decay = sympy.exp(-ELAPSED / spec.mass[len(spec.states) - 1, len(spec.states) - 1])
    value = at(solution.backward(last.name))
    factor = sympy.cancel(value.xreplace({decay: entry}).diff(entry))
    equations.append(Equation("flow.constant", Symbol("c"), factor, "What stands before its own decay."))
    equations.append(Equation("flow.variation", function("c"), value / decay, "Variation of constants."))
    return Derivation("Exact flows", equations)


def losses() -> Derivation:
    """The loss of two samples with three classes, and its derivatives by the times of the first."""
    derivation = loss.derive(loss.load("first_spike_cross_entropy"))
    batch = Symbol("N_batch", positive=True)

    def of(expression: Expr, sample: int, other: int | None = None) -> Expr:
        k = None if other is None else other - 1
        written = loss.concrete(expression, LOSS_CLASSES, SAMPLES[sample] - 1, k)
        return written.xreplace({loss.TIMES[c]: spike_time(sample, c + 1) for c in range(LOSS_CLASSES)})

    whole = sympy.Add(*(of(derivation.value, sample) for sample in SAMPLES)) / batch
    return Derivation(
        "Losses",
        [
            Equation("loss.value", Symbol("L"), whole, "The mean over the batch."),
            Equation(
                "loss.label",
                Symbol("dL/dt_label"),
                of(derivation.label_gradient, 1) / batch,
                "By the time of the label's neuron.",
            ),
            Equation(
                "loss.other",
                Symbol("dL/dt_other"),
                of(derivation.other_gradient, 1, OTHER_CLASS) / batch,
                "By the time of another neuron.",
            ),
            Equation(
                "loss.any.label", Symbol("dH/dt_label"), derivation.label_gradient, "Any number of classes."
            ),
            Equation(
                "loss.any.other", Symbol("dH/dt_other"), derivation.other_gradient, "Any number of classes."
            ),
        ],
    )


def maxima() -> Derivation:
    """What a maximum of the readout's potential does, and the losses of maxima and of integrals.

    The losses are those of two samples with three classes, divided by N_batch, with scale 1; their
    derivatives are by the readouts of the first sample.
    """
    spec = load("li_max")
    q = spec.states[0].symbol
    heads = [
        equation
        for kind, name in (("max", "max_cross_entropy"), ("sum", "sum_cross_entropy"))
        for equation in _head(kind, loss.derive(loss.load(name)))
    ]
    return Derivation("Maxima", [*inside(spec, q), *at_kink(spec, q, spec.receptors[0]), *heads])


def _head(kind: str, derivation: loss.LossDerivation) -> list[Equation]:
    batch, base = Symbol("N_batch", positive=True), derivation.spec.readouts[0].base
    scale = {p.symbol: S.One for p in derivation.spec.parameters}

    def of(expression: Expr, sample: int, other: int | None = None) -> Expr:
        k = None if other is None else other - 1
        written = loss.concrete(expression.xreplace(scale), LOSS_CLASSES, SAMPLES[sample] - 1, k)
        return written.xreplace({base[c]: readout(kind, sample, c + 1) for c in range(LOSS_CLASSES)})

    whole = sympy.Add(*(of(derivation.value, sample) for sample in SAMPLES)) / batch
    label, other = of(derivation.label_gradient, 1), of(derivation.other_gradient, 1, OTHER_CLASS)
    return [
        Equation(f"{kind}.value", Symbol("L"), whole, "The mean over the batch."),
        Equation(f"{kind}.any", Symbol("H"), derivation.value.xreplace(scale), "Any number of classes."),
        Equation(f"{kind}.label", by_readout("label"), label / batch, "By the readout of the label's class."),
        Equation(f"{kind}.other", by_readout("other"), other / batch, "By the readout of another class."),
    ]


def readout(kind: str, sample: int, neuron: int) -> Symbol:
    """The maximum or the integral of the potential of output neuron k in sample i."""
    return Symbol(f"{kind}_{sample}_{neuron}", real=True)


def by_readout(which: str) -> Symbol:
    """The derivative of the loss by the readout of the label's class, or of another."""
    return Symbol(f"dL/dM_{which}")


def spike_time(sample: int, neuron: int) -> Symbol:
    """t_{i,k}: the first spike of output neuron k in sample i."""
    return Symbol(f"t_{sample}_{neuron}", real=True)


def exponentials_reduced(expression: Expr) -> Expr:
    """Derivatives taken, exponentials of sums as products, and then the normal form of ``loss``."""
    return loss.reduced(to_exponentials(expression.doit()))
