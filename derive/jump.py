r"""The jumps of the adjoint at a spike, solved for, and what a spike leaves in the gradient.

With the relations of ``crossing`` in :math:`\xi_k`, every unavailable :math:`\partial x^-/\partial p`
stands once, with a coefficient that contains :math:`\lambda^-`. The jumps are the :math:`\lambda^-` that
make all of them vanish; the rest is the gradient.

Wunderlich & Pehle (2021), eqs. (51)-(55).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy
from sympy import Expr, Matrix, S, Symbol

from saltus.derive.algebra import coefficients, factor_parts, readable, reduced
from saltus.derive.crossing import Side, arranged
from saltus.derive.derivation import Equation
from saltus.derive.scene import LOSS_AFTER, LOSS_BEFORE, SPIKE_LOSS, SPIKING, XI, Scene
from saltus.derive.spec import Transition
from saltus.derive.transition import emission_step

OWN_LOSS = (SPIKE_LOSS, LOSS_BEFORE, LOSS_AFTER)


@dataclass(frozen=True)
class Spike:
    """A transition, the sides of all neurons that take part, and the equations so far by label."""

    scene: Scene
    transition: Transition
    sides: tuple[Side, ...]
    known: Mapping[str, Equation]

    @property
    def unavailable(self) -> tuple[Symbol, ...]:
        """The derivatives of the states before, of all neurons."""
        return tuple(dx for side in self.sides for dx in self.scene.partials(side.neuron, "-"))


def jumps(spike: Spike) -> list[Equation]:
    """From the terms of a spike to the jumps, and to what is left."""
    written, collected = _written_out(spike), _collected(spike)
    choices = [_choice(spike, side, a, collected) for side in spike.sides for a in range(len(side.after))]
    solved = [jump for side in spike.sides for jump in _solve(spike, side, choices)]
    return [
        written,
        collected,
        *choices,
        *solved,
        *_with_guard(spike, solved),
        _left_over(spike, collected, choices),
    ]


def _left_over(spike: Spike, collected: Equation, choices: Sequence[Equation]) -> Equation:
    """What a spike adds to the gradient once the coefficients vanish."""
    expanded = sympy.expand(collected.rhs)
    available = expanded.xreplace(dict.fromkeys(spike.unavailable, S.Zero))
    vanish = dict(zip((choice.label for choice in choices), spike.unavailable, strict=True))
    return Equation(
        "xi.left",
        XI,
        readable(available),
        "With the jumps, all else has gone.",
        combines={"xi.collected": S.One, **vanish},
    )


def step_of(spike: Spike, side: Side, name: str) -> str:
    """The label of the jump of ``name`` at one of the neurons."""
    if side.neuron == SPIKING:
        return emission_step(spike.scene.spec, spike.transition, name)
    return f"jump.{side.across}.{name}"


def _written_out(spike: Spike) -> Equation:
    scene = spike.scene
    terms = [(SPIKE_LOSS + LOSS_BEFORE - LOSS_AFTER) * scene.time]
    for side in spike.sides:
        n = side.neuron
        terms += [c * dx for c, dx in zip(scene.momenta(n, "-"), scene.partials(n, "-"), strict=True)]
        terms += [-c * dx for c, dx in zip(_momenta_after(side), scene.partials(n, "+"), strict=True)]
    return Equation(
        "xi.written",
        XI,
        sympy.Add(*terms),
        "The scalar products written out, for the spiking neuron and a target; others add terms like it.",
        differentiates=("xi",),
    )


def _collected(spike: Spike) -> Equation:
    scene = spike.scene
    relations: dict[str, Expr] = {}
    total = (SPIKE_LOSS + LOSS_BEFORE - LOSS_AFTER) * spike.known["implicit.time"].rhs
    for side in spike.sides:
        n = side.neuron
        total += sympy.Add(
            *(c * dx for c, dx in zip(scene.momenta(n, "-"), scene.partials(n, "-"), strict=True))
        )
        for name, c in zip(scene.names, _momenta_after(side), strict=True):
            label = f"{side.across}.relation.{name}"
            relations[label] = -c
            total -= c * spike.known[label].rhs
    return Equation(
        "xi.collected",
        XI,
        arranged(total, spike.unavailable),
        "The relations put in, collected in the derivatives before the spike.",
        combines={
            "xi.written": S.One,
            "implicit.time": SPIKE_LOSS + LOSS_BEFORE - LOSS_AFTER,
            **relations,
        },
    )


def _momenta_after(side: Side) -> tuple[Expr, ...]:
    """(M^+)^T lambda^+."""
    return tuple(side.mass_after.T * Matrix(side.scene.adjoints(side.neuron, "+")))


def _choice(spike: Spike, side: Side, a: int, collected: Equation) -> Equation:
    dx = spike.scene.partials(side.neuron, "-")[a]
    return Equation(
        f"choice.{side.neuron}.{spike.scene.names[a]}",
        reduced(sympy.expand(collected.rhs).coeff(dx)),
        S.Zero,
        "The multiplier before the spike is chosen so that this coefficient vanishes.",
        differentiates=("xi.collected",),
    )


def _solve(spike: Spike, side: Side, choices: Sequence[Equation]) -> list[Equation]:
    r"""The multipliers before: :math:`\lambda^- = (M^{-T})^-\,(\ldots)`, row by row."""
    scene, n = spike.scene, side.neuron
    mine = [choice for choice in choices if choice.label.startswith(f"choice.{n}.")]
    before = scene.adjoints(n, "-")
    matrix, right = sympy.linear_eq_to_matrix([sympy.expand(choice.lhs) for choice in mine], list(before))
    inverse = matrix.inv()
    found = []
    for a, name in enumerate(scene.names):
        value = sympy.expand((inverse.row(a) * right)[0])
        found.append(
            Equation(
                step_of(spike, side, name),
                before[a],
                as_written(spike, n, value),
                "Solved for the multiplier before the spike.",
                combines={choice.label: inverse[a, i] for i, choice in enumerate(mine) if inverse[a, i] != 0},
            )
        )
    return found


def as_written(spike: Spike, neuron: str, value: Expr) -> Expr:
    """Own multipliers each with its coefficient, and one fraction for what comes from elsewhere."""
    own = coefficients(value, spike.scene.adjoints(neuron, "+"))
    rest = value - sympy.Add(*(sympy.expand(c * s) for s, c in own.items()))
    terms = [readable(c) * s for s, c in own.items() if reduced(c) != 0]
    numerator, denominator = sympy.fraction(readable(rest, OWN_LOSS))
    if numerator == 0:
        return sympy.Add(*terms)
    return sympy.Add(*terms, in_bracket(spike, S.Zero, numerator) / denominator, evaluate=False)


def in_bracket(spike: Spike, own: Expr, rest: Expr) -> Expr:
    """The bracket of Table 2, in its order: own multiplier, what the targets give back, the losses."""
    expanded = sympy.expand(rest)
    first = [spike.scene.weight(m) for m in spike.scene.targets]
    shares = [(s, factor_parts(expanded.coeff(s))) for s in (*first, *OWN_LOSS)]
    left = sympy.expand(expanded - sympy.Add(*(sympy.expand(s * c) for s, c in shares)))
    terms = [own, *(s * c for s, c in shares), left]
    return sympy.Add(*(term for term in terms if term != 0), evaluate=False)


def _with_guard(spike: Spike, solved: Sequence[Equation]) -> list[Equation]:
    r"""The ratio of the velocities, and the jump with it: what the threshold and the reset contribute.

    .. math:: \frac{\dot x^+}{\dot x^-} = 1 + \frac{h^-(x^-) - h^+(x^+)}{m\,\dot x^-}
              \quad\text{at } g(x^-) = 0

    for the state that the guard watches, where its row of the dynamics has one velocity, with a constant
    factor m.
    """
    scene = spike.scene
    watched = [a for a, s in enumerate(scene.spec.states) if spike.transition.when.has(s.symbol)]
    a = watched[0]
    row = scene.spec.mass.row(a)
    factor = scene.at(row[a], SPIKING, "-")
    single = len(watched) == 1 and all(entry == 0 for b, entry in enumerate(row) if b != a)
    guard = spike.known["transition.condition"].lhs
    x = scene.states(SPIKING, "-")[a]
    if not single or factor.free_symbols & {*scene.states(SPIKING, "-")} or guard.diff(x).has(x):
        return []
    name, before, after = scene.names[a], scene.velocities(SPIKING, "-")[a], scene.velocities(SPIKING, "+")[a]
    velocity = spike.known[f"reset.velocity.{name}"]
    gain = sympy.expand(velocity.rhs - factor * before)
    slope = gain.diff(x)
    if slope.has(x):
        return []
    multiplier = slope / guard.diff(x)
    at_guard = factor_parts(gain - multiplier * guard)
    ratio = Equation(
        "jump.ratio",
        after / before,
        1 + at_guard / (factor * before),
        "The velocities differ by what the dynamics change from the threshold to the reset.",
        combines={
            velocity.label: 1 / (factor * before),
            "transition.condition": multiplier / (factor * before),
        },
    )
    jump = next(e for e in solved if e.lhs == scene.adjoints(SPIKING, "-")[a])
    mine = scene.adjoints(SPIKING, "+")[a]
    if reduced(sympy.expand(jump.rhs).coeff(mine) - ratio.lhs) != 0:
        return [ratio]
    rest = sympy.expand(jump.rhs) - sympy.expand(ratio.lhs * mine)
    bracket = in_bracket(spike, at_guard * mine, reduced(rest * factor * before))
    return [
        ratio,
        Equation(
            f"{jump.label}.table",
            jump.lhs,
            sympy.Add(mine, bracket / (factor * before), evaluate=False),
            "The same with the threshold and the reset in place of the velocity after.",
            combines={jump.label: S.One, "jump.ratio": mine},
        ),
    ]
