r"""An arrival on its own: a spike from outside, at a time that the network does not set.

The receiving neuron's terms are those of a target, but the arrival time is either fixed (its derivative is
zero) or a variable of its own. Its multiplier's jump, the gradient of its weight, and what its time is
worth follow: the last is the gradient of an input spike's time and of a delay, and what the emission is
owed inside a network.

Wunderlich & Pehle (2021), section on fixed input spikes, eq. (56).
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy
from sympy import Expr, Matrix, S, Symbol

from saltus.derive import notation
from saltus.derive.algebra import factor_parts, readable, reduced
from saltus.derive.crossing import Side, across_arrival, arranged, law_of
from saltus.derive.derivation import Equation
from saltus.derive.scene import LOSS_AFTER, LOSS_BEFORE, SPIKE_LOSS, XI, Direction, Scene, along_parameter
from saltus.derive.spec import ModelSpec, Phase, Receptor, Transition

NEURON = "j"
SENDER = "in"
_SOLVED = "Solved for the multiplier before."


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
    written = _written(side)
    collected = collect(side, written, steps)
    choices = choices_of(side, collected)
    vanish, left, after = *left_over(side, choices, collected), scene.adjoints(NEURON, "+")
    worth = notation.quantity(
        f"∂L/∂t_{SENDER}", rf"\frac{{\partial\mathcal{{L}}}}{{\partial t_\mathrm{{{SENDER}}}}}"
    )
    return [
        *steps,
        written,
        collected,
        *choices,
        *_jumps(side, choices),
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


def at_release(spec: ModelSpec, phase: Phase) -> list[Equation]:
    r"""Every step of the end of a phase, at the time :math:`t_k + t_\mathrm{ref}`.

    The terms are those of an arrival; the velocity before is that of the phase, the one after that of what
    follows.
    """
    prefix = f"phase.{phase.name}.end"
    steps = _at_given_time(
        spec.in_phase(phase.name),
        phase.reset,
        spec.in_phase(phase.goto),
        prefix,
        phase.name,
        "What the time of the end is worth: it goes to the spike that started the phase, and to how long"
        " the phase lasts.",
        laws=(law_of(phase.name), law_of(phase.goto)),
    )
    credit = steps[-1]
    duration = notation.total_derivative("L", phase.duration.name)
    return [
        *steps,
        Equation(
            f"gradient.duration.{phase.duration.name}.{phase.name}",
            duration,
            credit.rhs,
            "A longer phase ends later by as much.",
            combines={credit.label: S.One},
            facts={duration: credit.lhs},
            over=f"ends of {phase.name}",
        ),
    ]


def at_trigger(spec: ModelSpec, transition: Transition) -> list[Equation]:
    """Every step of a spike that an arrival sets off: it has the arrival's time, so no slope divides.

    Values before are those after the arrival, whose own steps come before these in reverse time.
    """
    return _at_given_time(
        spec,
        transition.reset,
        spec.in_phase(transition.goto),
        "trigger",
        SENDER,
        "What the time of the spike is worth: it goes to the arrival that set it off.",
        laws=tuple(dict.fromkeys((law_of(None), law_of(transition.goto)))),
        loss=SPIKE_LOSS,
    )


def _at_given_time(
    here: ModelSpec,
    after: tuple[Expr, ...],
    following: ModelSpec,
    prefix: str,
    time: str,
    why: str,
    *,
    laws: tuple[str, ...],
    loss: Expr = S.Zero,
) -> list[Equation]:
    """The steps of a transition at a time that something else sets; its worth comes last."""
    scene = Scene(here, along_parameter(here, ()))
    reset = tuple(scene.at(value, NEURON, "-") for value in after)
    side = Side(scene, NEURON, reset, f"{prefix}.reset", prefix, f"{prefix}.velocity", following, laws)
    steps = across_arrival(side)
    written = _written(side, loss)
    collected = collect(side, written, steps)
    choices = choices_of(side, collected)
    vanish, left = left_over(side, choices, collected)
    worth = notation.quantity(
        f"∂L/∂t_{time}", rf"\frac{{\partial\mathcal{{L}}}}{{\partial t_\mathrm{{{time}}}}}"
    )
    return [
        *steps,
        written,
        collected,
        *choices,
        *_jumps(side, choices),
        Equation(
            f"{prefix}.left",
            XI,
            arranged(left.coeff(scene.time, 0), tuple(scene.given(NEURON).values())),
            "What the parameters of the reset gain, at a given time.",
            combines={collected.label: S.One, **vanish},
            facts={scene.time: S.Zero},
        ),
        Equation(
            f"{prefix}.credit",
            worth,
            factor_parts(reduced(left.coeff(scene.time))),
            why,
            combines={collected.label: S.One, **vanish},
            facts={XI: worth + left.coeff(scene.time, 0), scene.time: S.One},
        ),
    ]


def choices_of(side: Side, collected: Equation) -> list[Equation]:
    """One for each multiplier before: the coefficient of a derivative that is not available is zero."""
    return [
        Equation(
            f"{side.across}.choice.{name}",
            reduced(sympy.expand(collected.rhs).coeff(dx)),
            S.Zero,
            "The multiplier before is chosen so that this coefficient vanishes.",
            differentiates=(collected.label,),
        )
        for name, dx in zip(side.scene.names, side.scene.partials(side.neuron, "-"), strict=True)
    ]


def left_over(side: Side, choices: list[Equation], collected: Equation) -> tuple[dict[str, Expr], Expr]:
    """The multipliers by which the choices take the unavailable derivatives away, and what is left."""
    before = side.scene.partials(side.neuron, "-")
    vanish: dict[str, Expr] = {choice.label: dx for choice, dx in zip(choices, before, strict=True)}
    return vanish, sympy.expand(collected.rhs).xreplace(dict.fromkeys(before, S.Zero))


def _written(side: Side, loss: Expr = S.Zero) -> Equation:
    """The event's terms; ``loss`` is the derivative of the loss by its time, where it is a spike's."""
    in_time = (loss + LOSS_BEFORE - LOSS_AFTER) * side.scene.time
    return Equation(
        f"{side.across}.xi",
        XI,
        in_time + boundary(side),
        "The terms of the event" + (", whose time enters no loss." if loss == 0 else ", a spike like any."),
        differentiates=("collect",),
    )


def boundary(side: Side) -> Expr:
    """The boundary terms of the partial integration on both sides."""
    scene = side.scene
    before, after = scene.partials(side.neuron, "-"), scene.partials(side.neuron, "+")
    terms = [c * dx for c, dx in zip(scene.momenta(side.neuron, "-"), before, strict=True)]
    terms += [-c * dx for c, dx in zip(_momenta_after(side), after, strict=True)]
    return sympy.Add(*terms)


def collect(
    side: Side,
    written: Equation,
    steps: Sequence[Equation],
    put_in: Sequence[tuple[Equation, Expr]] = (),
) -> Equation:
    """The relations put into the terms; ``put_in``: others that are, each with what it is multiplied by."""
    known, total = {equation.label: equation for equation in steps}, written.rhs
    factors = [*put_in]
    factors += [
        (known[f"{side.across}.time.{name}"], -c)
        for name, c in zip(side.scene.names, _momenta_after(side), strict=True)
    ]
    for equation, factor in factors:
        total -= factor * (equation.lhs - equation.rhs)
    return Equation(
        f"{side.across}.collected",
        XI,
        arranged(total, (*side.scene.partials(side.neuron, "-"), side.scene.time)),
        "The relations put in, collected.",
        combines={written.label: S.One, **{equation.label: factor for equation, factor in factors}},
    )


def _momenta_after(side: Side) -> tuple[Expr, ...]:
    return tuple(side.mass_after.T * Matrix(side.scene.adjoints(side.neuron, "+")))


def solved(side: Side, choices: Sequence[Equation]) -> list[tuple[Expr, dict[str, Expr]]]:
    """Each multiplier before, solved for, with what each choice is multiplied by."""
    before = list(side.scene.adjoints(side.neuron, "-"))
    matrix, right = sympy.linear_eq_to_matrix([sympy.expand(choice.lhs) for choice in choices], before)
    inverse = matrix.inv()
    return [
        (value, {c.label: inverse[a, i] for i, c in enumerate(choices) if inverse[a, i] != 0})
        for a, value in enumerate(inverse * right)
    ]


def _jumps(side: Side, choices: Sequence[Equation]) -> list[Equation]:
    scene, n = side.scene, side.neuron
    after = scene.adjoints(n, "+")
    return [
        Equation(f"{side.across}.jump.{name}", before, readable(value, after), _SOLVED, combines=used)
        for name, before, (value, used) in zip(
            scene.names, scene.adjoints(n, "-"), solved(side, choices), strict=True
        )
    ]
