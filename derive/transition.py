r"""What a transition does to the adjoint of one neuron: the rules that a kernel applies at a spike.

A spike is two transitions. The *emission* resets the neuron that crosses its threshold; each *arrival*
changes one neuron that receives. At both, the terms of the transition in dL/dp are collected as in the
source's :math:`\xi_k`,

.. math:: \xi = w_t \frac{dt_k}{dp} + \lambda^-\!\cdot M^-\frac{\partial x^-}{\partial p}
          - \lambda^+\!\cdot M^+\frac{\partial x^+}{\partial p},

with :math:`w_t` what the time of the transition is worth outside this neuron; the relations that hold
across the transition replace :math:`\partial x^+/\partial p`, and the equations "the coefficient of each
:math:`\partial x^-/\partial p` is zero" are solved for :math:`\lambda^-`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy
from sympy import Expr, Matrix, Symbol

from saltus.derive.algebra import coefficients, readable, reduced, solve_linear, total
from saltus.derive.source_numbers import numbers, short
from saltus.derive.spec import EXTERNAL, SENSITIVITY, WEIGHT, ModelSpec, Phase, Receptor, Transition
from saltus.errors import DerivationError

Labels = Mapping[str, tuple[str, str | None]]
"""Part of a rule -> (step of the derivation, number in the source or None)."""


@dataclass(frozen=True)
class EmissionRule:
    """How one neuron's state and adjoint jump when its guard crosses zero.

    States stand for their values before the spike, adjoints for their values after it (the kernel runs
    backward), ``EXTERNAL`` for what the spike's time is worth elsewhere, ``SENSITIVITY`` for dL/dt_k in full.
    """

    name: str
    emits: bool
    guard: Expr
    slope: Expr
    """The guard's time derivative just before the spike."""
    reset: Mapping[str, Expr]
    """State name -> value after."""
    sensitivity: Expr
    """dL/dt_k, from ``EXTERNAL`` and the adjoints after."""
    adjoint: Mapping[str, Expr]
    """State name -> its lambda before, from ``EXTERNAL``."""
    parameters: Mapping[str, Expr]
    """Name of a parameter that the guard or the reset uses -> its share of dL/dp, from ``SENSITIVITY``."""
    labels: Labels


@dataclass(frozen=True)
class ArrivalRule:
    """How one neuron's state and adjoint jump when a spike of weight ``WEIGHT`` arrives.

    ``credit`` is dL/dt_arrival: with delays, the gradient of the delay; for an input spike, of its time;
    within a network it is owed to the emission. Where the rule is ``linear`` it is given for each unit of
    weight, and nothing but ``jump`` and ``parameters`` holds the states; otherwise it is the whole credit.
    Where it is ``additive`` too, spikes that arrive together act as one spike with the sum of their weights.
    """

    receptor: str
    jump: Mapping[str, Expr]
    """State name -> value after."""
    adjoint: Mapping[str, Expr]
    """State name -> its lambda before."""
    credit: Expr
    weight: Expr
    """The arrival's share of dL/dw."""
    parameters: Mapping[str, Expr]
    """Name of a parameter that the jump uses -> its share of dL/dp."""
    labels: Labels
    linear: bool = True
    additive: bool = True

    @property
    def whole_credit(self) -> Expr:
        """dL/dt_arrival, the weight included."""
        return WEIGHT * self.credit if self.linear else self.credit


@dataclass(frozen=True)
class TimedRule:
    """How one neuron's state and adjoint jump at a time that something else sets.

    States stand for their values before, adjoints for their values after; ``credit`` is dL/dt of the time.
    """

    jump: Mapping[str, Expr]
    """State name -> value after."""
    adjoint: Mapping[str, Expr]
    """State name -> its lambda before."""
    credit: Expr
    parameters: Mapping[str, Expr]
    """Name of a parameter that the jump uses -> its share of dL/dp."""
    labels: Labels


def emission_rule(spec: ModelSpec, transition: Transition) -> EmissionRule:
    r"""The rule at :math:`g(x^-, p) = 0`, where :math:`x^+ = R(x^-, p)`.

    By the implicit function theorem :math:`dt_k/dp = -(g_x\,\partial x^-/\partial p + g_p)/\dot g^-`;
    across the reset, :math:`\partial x^+/\partial p + \dot x^+ dt_k/dp = R_x(\partial x^-/\partial p + \dot
    x^- dt_k/dp) + R_p`. Solving for :math:`\lambda^-` gives, with the co-state :math:`a = -M^T\lambda`,

    .. math:: a^- = R_x^T a^+ - \frac{e}{\dot g^-}\, g_x, \qquad
              e = w_t + a^+\!\cdot(R_x \dot x^- - \dot x^+),

    where :math:`\dot x^+` is the velocity in the phase that follows.

    Wunderlich & Pehle (2021), eqs. (35)-(40) and (52), for any guard, reset and dynamics.

    Raises:
        DerivationError: if the guard does not change along a trajectory: such a spike has no time of its own.
    """
    crossing = _Crossing.of(spec, Matrix(transition.reset), spec.in_phase(transition.goto))
    rates = crossing.rates_before
    slope = readable(total(transition.when, dict(zip(spec.x, spec.vector_field, strict=True))))
    if reduced(slope) == 0:
        raise DerivationError(
            f"{spec.origin}, [transition.{transition.name}] when: {transition.when} does not change along a"
            " trajectory, so a spike has no time of its own.\nUse a condition that the dynamics change."
        )
    dt = -total(transition.when, rates) / slope
    worth = EXTERNAL + crossing.worth_of_time
    xi = SENSITIVITY * dt + crossing.without_time
    before = solve_linear(
        [reduced(c) for c in coefficients(xi, crossing.dx).values()], crossing.lambda_before
    )
    present = [*spec.adjoints]
    adjoint = {
        state.name: readable(value.xreplace({SENSITIVITY: worth}), [EXTERNAL, *present])
        for state, value in zip(spec.states, before, strict=True)
    }
    parameters = _parameters(spec, xi, crossing, [SENSITIVITY, *present])
    return EmissionRule(
        name=transition.name,
        emits=transition.emits,
        guard=transition.when,
        slope=slope,
        reset=_by_name(spec, transition.reset),
        sensitivity=readable(worth, [EXTERNAL, *present]),
        adjoint=adjoint,
        parameters=parameters,
        labels=_labels(
            numbers(spec),
            {
                "guard": "transition.condition",
                "slope": "transition.slope",
                "sensitivity": "jump.sensitivity",
                **{f"reset.{s.name}": f"reset.{s.name}" for s in spec.states},
                **{f"adjoint.{s.name}": emission_step(spec, transition, s.name) for s in spec.states},
                **{f"parameters.{name}": f"gradient.jump.{name}" for name in parameters},
            },
        ),
    )


def arrival_rule(spec: ModelSpec, receptor: Receptor) -> ArrivalRule:
    r"""The rule at an arrival, where :math:`x^+ = S(x^-, w, p)` at a time :math:`t_a` set elsewhere.

    With :math:`a = -M^T\lambda`: :math:`a^- = S_x^T a^+`, the arrival's worth is
    :math:`c = a^+\!\cdot(S_x \dot x^- - \dot x^+)`, and :math:`dL/dw = a^+\!\cdot S_w`.

    Wunderlich & Pehle (2021), eqs. (41)-(49), (52b), (52c) and (53), for any jump. That of a current is
    linear in the weight; that of a conductance, or of a synapse that saturates, depends on the states.
    """
    crossing = _Crossing.of(spec, Matrix(receptor.jump), spec)
    xi = crossing.without_time
    before = solve_linear(
        [reduced(c) for c in coefficients(xi, crossing.dx).values()], crossing.lambda_before
    )
    per_weight = reduced(crossing.worth_of_time / WEIGHT)
    weight = reduced(sympy.expand(xi).coeff(crossing.dp[WEIGHT]))
    by_state = sympy.Tuple(per_weight, weight, *before).free_symbols
    linear = not by_state & {WEIGHT, *spec.x}
    credit = per_weight if linear else crossing.worth_of_time
    present = [*spec.adjoints]
    parameters = _parameters(spec, xi, crossing, present)
    return ArrivalRule(
        receptor=receptor.name,
        jump=_by_name(spec, receptor.jump),
        adjoint={s.name: readable(v, present) for s, v in zip(spec.states, before, strict=True)},
        credit=readable(credit, present),
        weight=readable(weight, present),
        parameters=parameters,
        labels=_labels(
            numbers(spec),
            {
                "credit": "arrival.credit",
                "weight": "gradient.weight",
                **{f"jump.{s.name}": f"receive.{s.name}" for s in spec.states},
                **{f"adjoint.{s.name}": f"jump.arrival.{s.name}" for s in spec.states},
                **{f"parameters.{name}": f"gradient.arrival.{name}" for name in parameters},
            },
        ),
        linear=linear,
        additive=not any(
            reduced((after - x) / WEIGHT).has(WEIGHT, *spec.x)
            for after, x in zip(receptor.jump, spec.x, strict=True)
        ),
    )


def timed_rule(spec: ModelSpec, step: str, jump: Sequence[Expr], following: ModelSpec) -> TimedRule:
    r"""The rule at a time t set elsewhere, where :math:`x^+ = R(x^-, p)` and ``following`` holds after.

    As at an arrival, :math:`a^- = R_x^T a^+`, and the worth of the time is
    :math:`c = a^+\!\cdot(R_x \dot x^- - \dot x^+)`, with the velocities before by ``spec`` and after by
    ``following``. Two such times are the end of a phase, :math:`t = t_k + t_\mathrm{ref}`, whose worth goes
    to the spike at :math:`t_k` and to :math:`t_\mathrm{ref}`; and an arrival that lifts the guard over zero,
    where the spike has the arrival's time: no slope of the guard divides.
    ``step`` is the prefix of the labels.
    """
    crossing = _Crossing.of(spec, Matrix(jump), following)
    xi = crossing.without_time
    before = solve_linear(
        [reduced(c) for c in coefficients(xi, crossing.dx).values()], crossing.lambda_before
    )
    present = [*spec.adjoints]
    parameters = _parameters(spec, xi, crossing, present)
    return TimedRule(
        jump=_by_name(spec, jump),
        adjoint={s.name: readable(v, present) for s, v in zip(spec.states, before, strict=True)},
        credit=readable(crossing.worth_of_time, present),
        parameters=parameters,
        labels=_labels(
            {},
            {
                "credit": f"{step}.credit",
                **{f"jump.{s.name}": f"{step}.reset.{s.name}" for s in spec.states},
                **{f"adjoint.{s.name}": f"{step}.jump.{s.name}" for s in spec.states},
                **{f"parameters.{name}": f"{step}.gradient.{name}" for name in parameters},
            },
        ),
    )


def phase_rule(spec: ModelSpec, phase: Phase) -> TimedRule:
    """The rule at the end of a phase: see ``timed_rule``."""
    step = f"phase.{phase.name}.end"
    return timed_rule(spec.in_phase(phase.name), step, phase.reset, spec.in_phase(phase.goto))


def triggered_rule(spec: ModelSpec, transition: Transition) -> TimedRule:
    """The rule of a spike that an arrival sets off, from the states after the arrival: see ``timed_rule``."""
    return timed_rule(spec, "trigger", transition.reset, spec.in_phase(transition.goto))


def initial_rule(spec: ModelSpec) -> Mapping[str, Expr]:
    r"""Name of an initial value -> its gradient :math:`a(0) = -M^T\lambda(0)`, the boundary term at 0."""
    costate = -spec.mass.T * spec.adjoints
    return {
        state.initial.name: readable(value, [*spec.adjoints])
        for state, value in zip(spec.states, costate, strict=True)
        if state.initial is not None
    }


def emission_step(spec: ModelSpec, transition: Transition, state: str) -> str:
    """The step that gives ``state``'s adjoint before a spike.

    The state that the guard watches takes up the spike's sensitivity: its step is ``jump.emission`` itself.
    """
    watched = [s.name for s in spec.states if transition.when.has(s.symbol)]
    step = "jump.emission" if watched[:1] == [state] else f"jump.emission.{state}"
    return step if len(spec.transitions) == 1 else f"{step}.{transition.name}"


@dataclass(frozen=True)
class _Crossing:
    """Both sides of a transition ``x -> after``, differentiated along a parameter."""

    dx: tuple[Symbol, ...]
    """The unavailable derivatives of the states before."""
    dp: Mapping[Symbol, Symbol]
    """Derivative of each parameter and of the weight."""
    lambda_before: tuple[Symbol, ...]
    rates_before: Mapping[Symbol, Expr]
    worth_of_time: Expr
    """Coefficient of dt_k/dp in the neuron's terms."""
    without_time: Expr
    """The neuron's terms of xi without that: lambda- . M- dx- - lambda+ . M+ (R_x dx- + R_p dp)."""

    @classmethod
    def of(cls, spec: ModelSpec, after: Matrix, following: ModelSpec) -> _Crossing:
        x = spec.x
        dx = tuple(Symbol(f"d{state.name}") for state in spec.states)
        dp = {p.symbol: Symbol(f"d{p.name}") for p in spec.parameters} | {WEIGHT: Symbol(f"d{WEIGHT}")}
        lambda_before = tuple(Symbol(f"{state.adjoint}_before") for state in spec.states)
        rates: dict[Symbol, Expr] = {**dict(zip(x, dx, strict=True)), **dp}
        at_after = dict(zip(x, after, strict=True))
        flow_before = dict(zip(x, spec.vector_field, strict=True))
        flow_after = following.vector_field.xreplace(at_after)
        mass_after = following.mass.xreplace(at_after)
        moved = Matrix([total(value, flow_before) for value in after]) - flow_after
        carried = Matrix([total(value, rates) for value in after])
        ahead = spec.adjoints.T * mass_after
        return cls(
            dx=dx,
            dp=dp,
            lambda_before=lambda_before,
            rates_before=rates,
            worth_of_time=reduced(-(ahead * moved)[0]),
            without_time=(Matrix(lambda_before).T * spec.mass * Matrix(dx) - ahead * carried)[0],
        )


def _parameters(spec: ModelSpec, xi: Expr, crossing: _Crossing, present: Sequence[Symbol]) -> dict[str, Expr]:
    shares = coefficients(xi, crossing.dp.values())
    found = {p.name: reduced(shares[crossing.dp[p.symbol]]) for p in spec.parameters}
    return {name: readable(share, present) for name, share in found.items() if share != 0}


def _by_name(spec: ModelSpec, values: Sequence[Expr]) -> dict[str, Expr]:
    return {state.name: value for state, value in zip(spec.states, values, strict=True)}


def _labels(known: Mapping[str, str], steps: Mapping[str, str]) -> Labels:
    return {part: (step, short(known[step]) if step in known else None) for part, step in steps.items()}
