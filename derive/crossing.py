r"""At a spike: how the derivatives after it follow from those before.

The spiking neuron n crosses its threshold and is reset; each target m receives the weight. What holds
across the spike is differentiated along the spike time as it moves, which relates
:math:`\partial x^+/\partial p` to :math:`\partial x^-/\partial p`.

Wunderlich & Pehle (2021), eqs. (35)-(50), for any guard, reset and receptor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy
from sympy import Expr, Function, Matrix, S, Symbol

from saltus.derive.algebra import coefficients, factor_parts, readable, reduced, total
from saltus.derive.derivation import Equation
from saltus.derive.scene import SPIKING, Scene
from saltus.derive.spec import ModelSpec, Transition


@dataclass(frozen=True)
class Side:
    """One neuron at the spike: what its state becomes, and what its equations are called.

    after: each state's value after, in terms of the values before; enter: the step "its value after";
    across: prefix of the steps that follow; velocity: prefix of the steps on its velocities; following: the
    model as it is afterwards, where a phase begins or ends.
    """

    scene: Scene
    neuron: str
    after: tuple[Expr, ...]
    enter: str
    across: str
    velocity: str
    following: ModelSpec | None = None
    laws: tuple[str, ...] = ("dynamics",)

    @property
    def model_after(self) -> ModelSpec:
        """Whose dynamics hold after."""
        return self.following or self.scene.spec

    @cached_property
    def before_to_after(self) -> dict[Expr, Expr]:
        """Each state before -> its value after."""
        return dict(zip(self.scene.states(self.neuron, "-"), self.after, strict=True))

    @cached_property
    def mass_after(self) -> Matrix:
        """M at the values after."""
        mass = self.model_after.mass.applyfunc(lambda entry: self.scene.at(entry, self.neuron, "-"))
        return mass.xreplace(self.before_to_after)

    @cached_property
    def velocities_after(self) -> tuple[Expr, ...]:
        """The velocities after, from those before and the dynamics on both sides."""
        gains = Matrix([_gain(self, r) for r in range(len(self.after))])
        return tuple(reduced(value) for value in self.mass_after.LUsolve(gains))

    def along(self, expression: Expr, side: str = "-") -> Expr:
        """Derivative of an expression of the values on one side, which move with the spike: dx + x' dt."""
        scene, n = self.scene, self.neuron
        rates: dict[Symbol, Expr] = {
            x: dx + v * scene.time
            for x, dx, v in zip(
                scene.states(n, side), scene.partials(n, side), scene.velocities(n, side), strict=True
            )
        }
        return total(expression, rates | scene.given(n))

    def by_functions(self, expression: Expr, side: str = "-") -> Expr:
        """The same by SymPy's own rules, each value at the spike a function of q, and each parameter."""
        scene, n, q = self.scene, self.neuron, Symbol("q")
        given = scene.given(n)
        values = {x: Function(f"X_{i}")(q) for i, x in enumerate(scene.states(n, side))}
        values |= {s: Function(f"P_{i}")(q) for i, s in enumerate(given)}
        rates = {values[x].diff(q): self.along(x, side) for x in values if x not in given}
        rates |= {values[s].diff(q): given[s] for s in given}
        derived = expression.xreplace(dict(values)).diff(q).xreplace(rates)
        return derived.xreplace({f: s for s, f in values.items()})


def spiking_side(scene: Scene, transition: Transition) -> Side:
    """The neuron that spikes: reset, and then, where it is its own target, what it sends to itself."""
    reset = tuple(scene.at(value, SPIKING, "-") for value in transition.reset)
    if SPIKING in scene.targets:
        onto = dict(zip(scene.states(SPIKING, "-"), reset, strict=True))
        jump = scene.targets[SPIKING].jump
        reset = tuple(scene.at(value, SPIKING, "-").xreplace(onto) for value in jump)
    following = scene.spec.in_phase(transition.goto)
    laws = tuple(dict.fromkeys((law_of(None), law_of(transition.goto))))
    return Side(scene, SPIKING, reset, "reset", "reset", "reset.velocity", following, laws)


def law_of(phase: str | None) -> str:
    """The prefix of the steps that state the dynamics of a phase, or the model's own."""
    return "dynamics" if phase is None else f"phase.{phase}.dynamics"


def target_sides(scene: Scene) -> list[Side]:
    """Every other neuron that receives; those after the first carry their name in their labels."""
    others = [m for m in scene.targets if m != SPIKING]
    return [
        Side(
            scene,
            m,
            tuple(scene.at(value, m, "-") for value in scene.targets[m].jump),
            "receive" if position == 0 else f"receive.{m}",
            "arrival" if position == 0 else f"arrival.{m}",
            "velocity" if position == 0 else f"velocity.{m}",
        )
        for position, m in enumerate(others)
    ]


def spike_time(scene: Scene, transition: Transition) -> list[Equation]:
    r"""The guard defines the spike time; implicit function theorem.

    .. math:: g(x^-(t_k), p) = 0 \;\Rightarrow\; \frac{dt_k}{dp}
              = -\frac{1}{\dot g^-}\Big(g_x\cdot\frac{\partial x^-}{\partial p} + g_p\Big), \quad \dot g^-
              \neq 0
    """
    side = spiking_side(scene, transition)
    guard = scene.at(transition.when, SPIKING, "-")
    derived = sympy.expand(side.along(guard))
    slope = factor_parts(derived.coeff(scene.time))
    return [
        Equation(
            "transition.condition", guard, S.Zero, "The spike happens where the guard reaches zero, rising."
        ),
        Equation(
            "implicit",
            derived,
            S.Zero,
            "The guard stays zero at the spike, however the spike moves.",
            witness=side.by_functions(guard),
            differentiates=("transition.condition",),
        ),
        Equation(
            "implicit.time",
            scene.time,
            -factor_parts(derived.coeff(scene.time, 0)) / slope,
            "Implicit function theorem; its condition is that the guard's slope is not zero.",
            combines={"implicit": 1 / slope},
        ),
    ]


def across(side: Side, spike: Equation) -> list[Equation]:
    """Value after, its derivative along the spike, the velocities, and the relation of the derivatives."""
    values = [_value(side, a) for a in range(len(side.after))]
    derivatives = [_derivative(side, a) for a in range(len(side.after))]
    velocities = [_velocity(side, r) for r in range(len(side.after))]
    times = [_in_time(side, a) for a in range(len(side.after))]
    relations = [_relation(side, a, spike) for a in range(len(side.after))]
    return [*values, *derivatives, *velocities, *times, *relations]


def across_arrival(side: Side) -> list[Equation]:
    """The same where no guard sets the time: the relations keep its derivative."""
    count = range(len(side.after))
    steps = [[step(side, a) for a in count] for step in (_value, _derivative, _velocity, _in_time)]
    return [equation for step in steps for equation in step]


def velocity_is_known(side: Side, a: int) -> bool:
    """Whether the velocity after differs from that before by weights and parameters alone."""
    before = side.scene.velocities(side.neuron, "-")[a]
    change = reduced(side.velocities_after[a] - before)
    return not change.free_symbols & {
        *side.scene.states(side.neuron, "-"),
        *side.scene.velocities(side.neuron, "-"),
    }


def _value(side: Side, a: int) -> Equation:
    return Equation(
        f"{side.enter}.{side.scene.names[a]}",
        side.scene.states(side.neuron, "+")[a],
        side.after[a],
        "What the transition does.",
    )


def _derivative(side: Side, a: int) -> Equation:
    name, after = side.scene.names[a], side.scene.states(side.neuron, "+")[a]
    return Equation(
        f"{side.across}.derivative.{name}",
        side.along(after, "+"),
        sympy.expand(side.along(side.after[a])),
        "Both sides of the transition, differentiated along the moving spike.",
        witness=side.by_functions(after, "+") - side.by_functions(side.after[a]),
        differentiates=(f"{side.enter}.{name}",),
    )


def _velocity(side: Side, r: int) -> Equation:
    r"""Row r of the dynamics on both sides: (M x')^+ = (M x')^- + h^- - h^+."""
    scene, n = side.scene, side.neuron
    before = scene.at(scene.spec.dynamics[r], n, "-")
    moving = dict(zip(scene.velocities(n, "-"), scene.velocities(n, "+"), strict=True))
    after = scene.at(side.model_after.dynamics[r], n, "-").xreplace(side.before_to_after).xreplace(moving)
    lhs = sympy.Add(*(m * v for m, v in zip(side.mass_after.row(r), scene.velocities(n, "+"), strict=True)))
    return Equation(
        f"{side.velocity}.{scene.names[r]}",
        lhs,
        _gain(side, r),
        "The dynamics hold before and after; their difference.",
        witness=after - before,
        differentiates=(
            *(f"{law}.{scene.names[r]}" for law in side.laws),
            *(f"{side.enter}.{name}" for name in scene.names),
        ),
    )


def _gain(side: Side, r: int) -> Expr:
    scene, n = side.scene, side.neuron
    force = scene.at(scene.spec.force[r], n, "-")
    force_after = scene.at(side.model_after.force[r], n, "-").xreplace(side.before_to_after)
    moved = sympy.Add(
        *(
            scene.at(m, n, "-") * v
            for m, v in zip(scene.spec.mass.row(r), scene.velocities(n, "-"), strict=True)
        )
    )
    return moved + sympy.expand(force - force_after)


def _in_time(side: Side, a: int) -> Equation:
    """The derivative after from that before and dt_k/dp; velocities after are put in where they are known."""
    scene, name = side.scene, side.scene.names[a]
    inverse = side.mass_after.inv()
    known = velocity_is_known(side, a)
    rows = {
        f"{side.velocity}.{row}": -scene.time * inverse[a, r]
        for r, row in enumerate(scene.names)
        if known and inverse[a, r] != 0
    }
    return Equation(
        f"{side.across}.time.{name}",
        scene.partials(side.neuron, "+")[a],
        arranged(_by_time(side, a), (*scene.partials(side.neuron, "-"), scene.time)),
        "Solved for the derivative after the spike.",
        combines={f"{side.across}.derivative.{name}": S.One, **rows},
    )


def _relation(side: Side, a: int, spike: Equation) -> Equation:
    """The derivative after from those before, of this neuron and of the one that spikes."""
    scene, name = side.scene, side.scene.names[a]
    in_time = _by_time(side, a)
    change = in_time.coeff(scene.time)
    return Equation(
        f"{side.across}.relation.{name}",
        scene.partials(side.neuron, "+")[a],
        arranged(
            in_time.coeff(scene.time, 0) + change * spike.rhs,
            (*scene.partials(side.neuron, "-"), *scene.partials(SPIKING, "-")),
        ),
        "The derivative of the spike time put in.",
        combines={f"{side.across}.time.{name}": S.One, **({"implicit.time": change} if change != 0 else {})},
    )


def _by_time(side: Side, a: int) -> Expr:
    known = velocity_is_known(side, a)
    velocity = side.velocities_after[a] if known else side.scene.velocities(side.neuron, "+")[a]
    return sympy.expand(side.along(side.after[a]) - velocity * side.scene.time)


def arranged(expression: Expr, symbols: Sequence[Symbol]) -> Expr:
    """A sum of each symbol with its coefficient as one fraction, and the rest."""
    expanded = sympy.expand(expression)
    parts = coefficients(expanded, dict.fromkeys(symbols))
    rest = expanded - sympy.Add(*(sympy.expand(c * s) for s, c in parts.items()))
    return sympy.Add(*(readable(c) * s for s, c in parts.items()), readable(rest))
