r"""Step by step: what the maximum of a readout over time, :math:`M = \max_t q(x(t), p)`, does to the adjoint.

With a head H(M), the loss is not of the source's form :math:`l_p + \int l_V dt`, and the derivation of its
section 3 does not cover it; sections 6 and 12 leave the question open. The steps here treat the time
:math:`t_m` of the maximum as an event: M is differentiated along it as it moves,

.. math:: \frac{dM}{dp} = q_x\cdot\frac{\partial x}{\partial p} + q_p + \dot q \frac{dt_m}{dp},

its share :math:`\frac{\partial H}{\partial M}\frac{dM}{dp}` joins the boundary terms of the partial
integration at :math:`t_m`, and the multiplier before is chosen as at any event. Three cases:

- inside a stretch :math:`\dot q = 0`: where :math:`t_m` moves does not matter, only :math:`\lambda` jumps;
- at a kink, q rises into an arrival and falls after it: :math:`t_m` is the arrival's time,
  :math:`\dot q \neq 0` on both sides, and the arrival is worth :math:`\dot q\,\partial H/\partial M` more;
- at the neuron's own spike, before its reset or after it: the spike's time is where g = 0, so that is put in.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy
from sympy import Expr, S, Symbol

from saltus.derive import notation
from saltus.derive.algebra import factor_parts, reduced
from saltus.derive.arrival import NEURON, boundary, choices_of, collect, input_scene, left_over, solved
from saltus.derive.crossing import Side, across_arrival, arranged, spiking_side
from saltus.derive.derivation import Equation
from saltus.derive.scene import SPIKING, XI, Scene, along_parameter
from saltus.derive.spec import ModelSpec, Receptor, Transition

HIGHEST = notation.quantity("M", "M")
"""The maximum."""
SHARE = notation.quantity("∂H/∂M", r"\frac{\partial H}{\partial M}")
"""What the head says of it."""
WORTH = notation.quantity("∂L/∂t_in", r"\frac{\partial\mathcal{L}}{\partial t_\mathrm{in}}")
"""What the time of the arrival at the kink is worth."""


def inside(spec: ModelSpec, q: Expr) -> list[Equation]:
    """The maximum at a time when nothing else happens; labels begin with ``maximum``."""
    scene = Scene(spec, along_parameter(spec, ()))
    still = scene.states(NEURON, "-")
    side = Side(scene, NEURON, still, "maximum.state", "maximum", "maximum.velocity")
    steps = across_arrival(side)
    value = _value(side, q, "-", "maximum.value")
    derivative = _derivative(side, q, "-", value)
    slope = Equation(
        "maximum.stationary",
        _slope(side, q, "-"),
        S.Zero,
        "Inside a stretch the readout does not move at its maximum.",
    )
    fixed = Equation(
        "maximum.fixed",
        moves(scene),
        arranged(derivative.rhs.coeff(scene.time, 0), scene.partials(NEURON, "-")),
        "So the maximum does not depend on where its time moves.",
        combines={derivative.label: S.One, slope.label: scene.time},
    )
    return [*steps, value, derivative, slope, fixed, *_taken_up(side, fixed, steps)]


def at_kink(spec: ModelSpec, q: Expr, receptor: Receptor) -> list[Equation]:
    """The maximum at an arrival that leaves q as it is; labels begin with ``kink``."""
    scene = input_scene(spec, receptor)
    jump = tuple(scene.at(value, NEURON, "-") for value in receptor.jump)
    side = Side(scene, NEURON, jump, "kink.receive", "kink", "kink.velocity")
    steps = across_arrival(side)
    before = _value(side, q, "-", "kink.value.before")
    after = _value(side, q, "+", "kink.value.after")
    derivative = _derivative(side, q, "-", before)
    written, collected, *solved_for = _taken_up(side, derivative, steps)
    vanish, left = left_over(side, solved_for[: len(scene.names)], collected)
    worth = Equation(
        "kink.worth.before",
        WORTH,
        factor_parts(reduced(left.coeff(scene.time))),
        "What the arrival's time is worth, with λ after the arrival: the slope before it counts.",
        combines={collected.label: S.One, **vanish},
        facts={XI: WORTH + left.coeff(scene.time, 0), scene.time: S.One},
    )
    moved = _derivative(side, q, "+", after)
    return [*steps, before, after, derivative, moved, written, collected, *solved_for, worth]


def at_spike(spec: ModelSpec, q: Expr, transition: Transition, steps: Sequence[Equation]) -> list[Equation]:
    r"""The maximum at the neuron's own spike, on both sides of its reset; labels begin with ``summit``.

    ``steps`` are those of the spike along any parameter: :math:`dt_k/dp = -(\ldots)/\dot g^-` and the reset's
    derivative are put in. A neuron that is read through what its guard watches has its maximum at the
    threshold, whatever its weights are.
    """
    scene = Scene(spec, along_parameter(spec, ()))
    side = spiking_side(scene, transition)
    known = {equation.label: equation for equation in steps}
    time, resets = known["parameter.implicit.time"], [f"parameter.reset.derivative.{x}" for x in scene.names]
    found = []
    for sign, name in (("-", "before"), ("+", "after")):
        value = _value(side, q, sign, f"summit.value.{name}")
        moved = _derivative(side, q, sign, value)
        along, used = moved.rhs, {moved.label: S.One}
        slopes = [scene.at(q.diff(x), SPIKING, sign) for x in spec.x]
        for step, slope in zip((known[label] for label in resets), slopes, strict=True):
            if sign == "+" and slope != 0:
                along += slope * (step.rhs - step.lhs)
                used[step.label] = slope
        change = sympy.expand(along).coeff(scene.time)
        if change != 0:
            used[time.label] = change
        fixed = Equation(
            f"summit.moved.{name}",
            moves(scene),
            arranged(sympy.expand(along).xreplace({time.lhs: time.rhs}), scene.partials(SPIKING, "-")),
            "The derivative of the spike time put in" + (", and that of the reset." if sign == "+" else "."),
            combines=used,
        )
        found += [value, moved, fixed]
    return found


def moves(scene: Scene) -> Symbol:
    """The derivative of the maximum along the scene's direction."""
    below, latex = notation.pretty_name(scene.direction.name), notation.latex_name(scene.direction.name)
    return notation.quantity(f"dM/d{below}", rf"\frac{{dM}}{{d{latex}}}")


def _value(side: Side, q: Expr, sign: str, label: str) -> Equation:
    return Equation(label, HIGHEST, side.scene.at(q, side.neuron, sign), "The maximum is attained at t_m.")


def _slope(side: Side, q: Expr, sign: str) -> Expr:
    """The readout's time derivative on one side."""
    scene, n = side.scene, side.neuron
    rates = zip(side.scene.spec.x, scene.velocities(n, sign), strict=True)
    return sympy.Add(*(scene.at(q.diff(x), n, sign) * v for x, v in rates))


def _derivative(side: Side, q: Expr, sign: str, value: Equation) -> Equation:
    placed = side.scene.at(q, side.neuron, sign)
    return Equation(
        value.label.replace("value", "moves"),
        moves(side.scene),
        sympy.expand(side.along(placed, sign)),
        "Differentiated along the time of the maximum as it moves.",
        facts={moves(side.scene): side.by_functions(placed, sign)},
        differentiates=(value.label,),
    )


def _taken_up(side: Side, moved: Equation, steps: list[Equation]) -> list[Equation]:
    """The boundary terms with the maximum's share, the choice of the multiplier before, and its jump."""
    written = Equation(
        f"{side.across}.xi",
        XI,
        SHARE * moves(side.scene) + boundary(side),
        "The terms at the time of the maximum.",
        differentiates=("collect",),
    )
    collected = collect(side, written, steps, [(moved, SHARE)])
    choices = choices_of(side, collected)
    return [written, collected, *choices, *_jumps(side, choices)]


def _jumps(side: Side, choices: Sequence[Equation]) -> list[Equation]:
    scene, n = side.scene, side.neuron
    before, after = scene.adjoints(n, "-"), scene.adjoints(n, "+")
    return [
        Equation(
            f"{side.across}.jump.{name}",
            symbol,
            arranged(value, (same, SHARE)),
            "The choices solved.",
            combines=used,
        )
        for name, symbol, same, (value, used) in zip(
            scene.names, before, after, solved(side, choices), strict=True
        )
    ]
