r"""An arrival on its own: a spike from outside, at a time that the network does not set.

The receiving neuron's terms are those of a target, but the arrival time is either fixed (its derivative is
zero) or a variable of its own. Its multiplier's jump, the gradient of its weight, and what its time is
worth follow: the last is the gradient of an input spike's time and of a delay, and what the emission is
owed inside a network.

Wunderlich & Pehle (2021), section on fixed input spikes, eq. (56).
"""

from __future__ import annotations

import sympy
from sympy import Expr, Matrix, S, Symbol

from saltus.derive import notation
from saltus.derive.algebra import factor_parts, readable, reduced
from saltus.derive.crossing import Side, across_arrival, arranged
from saltus.derive.derivation import Equation
from saltus.derive.scene import LOSS_AFTER, LOSS_BEFORE, XI, Direction, Scene
from saltus.derive.spec import ModelSpec, Receptor

NEURON = "j"
SENDER = "in"


def input_scene(spec: ModelSpec, receptor: Receptor) -> Scene:
    """Neuron j receives from an input over ``w_j,in``, which is what the loss is differentiated by."""
    none: dict[Symbol, Expr] = {parameter.symbol: S.Zero for parameter in spec.parameters}
    return Scene(spec, Direction("w_j,in", none, {NEURON: S.One}), {NEURON: receptor}, SENDER)


def at_arrival(spec: ModelSpec, receptor: Receptor) -> list[Equation]:
    """Every step of an arrival from outside; labels end in the receptor's name where there are several."""
    scene = input_scene(spec, receptor)
    suffix = "" if len(spec.receptors) == 1 else f".{receptor.name}"
    prefix = f"input{suffix}"
    jump = tuple(scene.at(value, NEURON, "-") for value in receptor.jump)
    side = Side(scene, NEURON, jump, f"{prefix}.receive", prefix, f"{prefix}.velocity")
    steps = across_arrival(side)
    relations = {e.label: e for e in steps}
    written = _written(side)
    collected = _collected(side, written, relations)
    before, after = scene.partials(NEURON, "-"), scene.adjoints(NEURON, "+")
    choices = [
        Equation(
            f"{prefix}.choice.{name}",
            reduced(sympy.expand(collected.rhs).coeff(dx)),
            S.Zero,
            "The multiplier before the arrival is chosen so that this coefficient vanishes.",
            differentiates=(collected.label,),
        )
        for name, dx in zip(scene.names, before, strict=True)
    ]
    vanish = {choice.label: dx for choice, dx in zip(choices, before, strict=True)}
    left = sympy.expand(collected.rhs).xreplace(dict.fromkeys(before, S.Zero))
    worth = notation.quantity(
        f"∂L/∂t_{SENDER}", rf"\frac{{\partial\mathcal{{L}}}}{{\partial t_\mathrm{{{SENDER}}}}}"
    )
    return [
        *steps,
        written,
        collected,
        *choices,
        *_jumps(side, prefix, choices),
        Equation(
            f"gradient.input{suffix}",
            scene.gradient,
            readable(left.coeff(scene.time, 0), after),
            "The input's time is fixed, so only the weight's own effect is left, at each of its spikes.",
            combines={collected.label: S.One, **vanish},
            facts={XI: scene.gradient, scene.time: S.Zero},
            over="t ∈ input spikes",
        ),
        Equation(
            f"arrival.credit{suffix}",
            worth,
            factor_parts(reduced(left.coeff(scene.time))),
            "What the arrival's time is worth: the gradient of an input spike's time, and of a delay.",
            combines={collected.label: S.One, **vanish},
            facts={XI: worth + left.coeff(scene.time, 0), scene.time: S.One},
        ),
    ]


def _written(side: Side) -> Equation:
    scene = side.scene
    terms = [(LOSS_BEFORE - LOSS_AFTER) * scene.time]
    terms += [c * dx for c, dx in zip(scene.momenta(NEURON, "-"), scene.partials(NEURON, "-"), strict=True)]
    terms += [-c * dx for c, dx in zip(_momenta_after(side), scene.partials(NEURON, "+"), strict=True)]
    return Equation(
        f"{side.across}.xi",
        XI,
        sympy.Add(*terms),
        "The terms of the arrival; its time enters no loss of spike times.",
        differentiates=("collect",),
    )


def _collected(side: Side, written: Equation, known: dict[str, Equation]) -> Equation:
    scene = side.scene
    total = written.rhs
    multipliers: dict[str, Expr] = {}
    for name, c in zip(scene.names, _momenta_after(side), strict=True):
        label = f"{side.across}.time.{name}"
        multipliers[label] = -c
        total += c * (known[label].lhs - known[label].rhs)
    return Equation(
        f"{side.across}.collected",
        XI,
        arranged(total, (*scene.partials(NEURON, "-"), scene.time)),
        "The relations put in, collected.",
        combines={written.label: S.One, **multipliers},
    )


def _momenta_after(side: Side) -> tuple[Expr, ...]:
    return tuple(side.mass_after.T * Matrix(side.scene.adjoints(NEURON, "+")))


def _jumps(side: Side, prefix: str, choices: list[Equation]) -> list[Equation]:
    scene = side.scene
    before, after = scene.adjoints(NEURON, "-"), scene.adjoints(NEURON, "+")
    matrix, right = sympy.linear_eq_to_matrix([sympy.expand(choice.lhs) for choice in choices], list(before))
    inverse = matrix.inv()
    return [
        Equation(
            f"{prefix}.jump.{name}",
            before[a],
            readable((inverse.row(a) * right)[0], after),
            "Solved for the multiplier before the arrival.",
            combines={c.label: inverse[a, i] for i, c in enumerate(choices) if inverse[a, i] != 0},
        )
        for a, name in enumerate(scene.names)
    ]
