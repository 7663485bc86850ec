r"""The same jumps by another route: the saltation matrix of the whole network at an event.

All that the loss can depend on is put into one state X: the states of the spiking neuron n, a target m and a
bystander b, the parameters and the weight (constant), the running loss y (:math:`\dot y = l`), a clock
(:math:`\dot c = 1`) and the recorded spike time z. An event is :math:`g(X) = 0` with :math:`X^+ = R(X)`;
across it the tangent of the flow is multiplied by (Aizerman & Gantmakher 1958; Leine & Nijmeijer 2004)

.. math:: S = R_X + \frac{(F^+ - R_X F^-)\,\nabla g^T}{\nabla g \cdot F^-},

so the co-state a = dL/dX goes back by :math:`a^- = S^T a^+`. There are no multipliers, no integration by
parts and no collected terms here, and nothing is shared with ``transition``, ``crossing``, ``jump`` or
``gradient``. Only at the end
:math:`a = -M^T\lambda` names the result in the convention of the source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import sympy
from sympy import Expr, Matrix, S, Symbol

from saltus.derive.model import WEIGHT, ModelSpec, Phase, Receptor, Transition

SPIKING, TARGET, BYSTANDER = "n", "m", "b"
LOSS_BEFORE, LOSS_AFTER = Symbol("l_before"), Symbol("l_after")
"""The running loss on both sides of the event."""
SPIKE_LOSS = Symbol("dlp_dt")
"""The derivative of the loss by the recorded spike time."""
_CLOCK, _RECORD, _RUNNING, _DELAY, _TIMER = (
    Symbol(s) for s in ("clock", "record", "running", "delay", "timer")
)


@dataclass(frozen=True)
class BackwardJump:
    """What an event does to the adjoint, in states before and multipliers after.

    adjoint: (neuron, state) -> its lambda before; parameters: parameter -> what the event adds to its
    gradient; weight: the same for the weight; time: the same for the delay of an arrival, None for an
    emission.
    """

    adjoint: Mapping[tuple[str, str], Expr]
    parameters: Mapping[str, Expr]
    weight: Expr
    time: Expr | None = None


def at_spike(spec: ModelSpec, transition: Transition, receptor: Receptor | None) -> BackwardJump:
    """A spike of n that reaches m at once over weight w, and b not at all."""
    after = dict(zip(_states(spec, SPIKING), (_of(spec, SPIKING, r) for r in transition.reset), strict=True))
    if receptor is not None:
        jump = (_of(spec, TARGET, value) for value in receptor.jump)
        after |= dict(zip(_states(spec, TARGET), jump, strict=True))
    after[_RECORD] = _CLOCK
    event = _Event(
        spec,
        (SPIKING, TARGET, BYSTANDER),
        _of(spec, SPIKING, transition.when),
        after,
        (_CLOCK, _RECORD),
        {SPIKING: _field(spec, transition.goto)},
    )
    return event.backward()


def at_arrival(spec: ModelSpec, receptor: Receptor) -> BackwardJump:
    r"""An arrival at m a delay after its spike: a timer starts there, and the guard is timer - delay."""
    jump = (_of(spec, TARGET, value) for value in receptor.jump)
    after = dict(zip(_states(spec, TARGET), jump, strict=True))
    event = _Event(spec, (TARGET, BYSTANDER), _TIMER - _DELAY, after, (_TIMER, _DELAY))
    return event.backward()


def at_release(spec: ModelSpec, phase: Phase) -> BackwardJump:
    r"""The end of a phase of m: a timer starts with it, :math:`\dot\sigma = 1`, and the guard is
    :math:`\sigma - t_\mathrm{ref}`, with :math:`t_\mathrm{ref}` a constant of its own.
    """
    reset = (_of(spec, TARGET, value) for value in phase.reset)
    after = dict(zip(_states(spec, TARGET), reset, strict=True))
    here = replace(spec, dynamics=phase.dynamics)
    event = _Event(
        here,
        (TARGET, BYSTANDER),
        _TIMER - _DELAY,
        after,
        (_TIMER, _DELAY),
        {TARGET: _field(spec, phase.goto)},
        convention=spec.mass,
    )
    return event.backward()


def at_triggered(spec: ModelSpec, transition: Transition, receptor: Receptor) -> BackwardJump:
    """An arrival at m, a delay after its spike, that lifts the guard over zero: jump and reset in one map."""
    jumped = dict(zip(spec.x, receptor.jump, strict=True))
    both = (_of(spec, TARGET, value.xreplace(jumped)) for value in transition.reset)
    after = dict(zip(_states(spec, TARGET), both, strict=True))
    fields = {TARGET: _field(spec, transition.goto)}
    event = _Event(spec, (TARGET, BYSTANDER), _TIMER - _DELAY, after, (_TIMER, _DELAY), fields)
    return event.backward()


def at_maximum(spec: ModelSpec, q: Expr) -> BackwardJump:
    r"""The maximum of q in m: an event at :math:`\dot q = 0` that records q and changes nothing else."""
    falling = -(Matrix([q]).jacobian(spec.x) * spec.vector_field)[0]
    event = _Event(
        spec, (TARGET, BYSTANDER), _of(spec, TARGET, falling), {_RECORD: _of(spec, TARGET, q)}, (_RECORD,)
    )
    return event.backward()


def at_kink(spec: ModelSpec, receptor: Receptor, q: Expr) -> BackwardJump:
    """An arrival at m, a delay after its spike, at which q, in the states before, is recorded."""
    jump = (_of(spec, TARGET, value) for value in receptor.jump)
    after = dict(zip(_states(spec, TARGET), jump, strict=True))
    after[_RECORD] = _of(spec, TARGET, q)
    return _Event(spec, (TARGET, BYSTANDER), _TIMER - _DELAY, after, (_TIMER, _DELAY, _RECORD)).backward()


def at_summit(spec: ModelSpec, transition: Transition, q: Expr) -> BackwardJump:
    """A spike of n that reaches no one, at which q, in the states before, is recorded."""
    after = dict(zip(_states(spec, SPIKING), (_of(spec, SPIKING, r) for r in transition.reset), strict=True))
    after[_RECORD] = _of(spec, SPIKING, q)
    fields = {SPIKING: _field(spec, transition.goto)}
    guard = _of(spec, SPIKING, transition.when)
    return _Event(spec, (SPIKING, BYSTANDER), guard, after, (_RECORD,), fields).backward()


def _field(spec: ModelSpec, phase: str | None) -> Matrix:
    """The velocities in a phase, solved from its own equations as they are written."""
    rows = next((p.dynamics for p in spec.phases if p.name == phase), spec.dynamics)
    found = sympy.solve(rows, list(spec.x_dot), dict=True)[0]
    return Matrix([found[dot] for dot in spec.x_dot])


def state(neuron: str, name: str) -> Symbol:
    """A state of a neuron before the event."""
    return Symbol(f"{name}_{neuron}")


def multiplier(neuron: str, name: str) -> Symbol:
    """Its lambda after the event."""
    return Symbol(f"lambda_{name}_{neuron}")


@dataclass(frozen=True)
class _Event:
    """One event of the extended system: ``after`` gives the entries of X that change.

    fields: the velocities of neurons that others hold for afterwards; convention: M in a = -M^T lambda.
    """

    spec: ModelSpec
    neurons: tuple[str, ...]
    guard: Expr
    after: Mapping[Symbol, Expr]
    extra: tuple[Symbol, ...]
    fields: Mapping[str, Matrix] = field(default_factory=dict)
    convention: Matrix | None = None

    def backward(self) -> BackwardJump:
        """The saltation matrix, transposed, applied to the co-state after the event."""
        x = self._entries()
        costate = self._saltation(x).T * Matrix([self._costate(entry) for entry in x])
        before = {entry: sympy.cancel(value) for entry, value in zip(x, costate, strict=True)}
        return BackwardJump(
            adjoint={
                (n, s.name): value
                for n in self.neurons
                for s, value in zip(self.spec.states, self._to_multipliers(n, before), strict=True)
            },
            parameters={p.name: before[p.symbol] for p in self.spec.parameters},
            weight=before[WEIGHT],
            time=before.get(_DELAY),
        )

    @property
    def _mass(self) -> Matrix:
        return self.spec.mass if self.convention is None else self.convention

    def _entries(self) -> list[Symbol]:
        states = [s for n in self.neurons for s in _states(self.spec, n)]
        return [*states, *(p.symbol for p in self.spec.parameters), WEIGHT, _RUNNING, *self.extra]

    def _saltation(self, x: list[Symbol]) -> Matrix:
        reset = Matrix([self.after.get(entry, entry) for entry in x])
        before = Matrix([self._rate(entry, LOSS_BEFORE, {}) for entry in x])
        after = Matrix([self._rate(entry, LOSS_AFTER, self.fields) for entry in x]).xreplace(
            dict(zip(x, reset, strict=True))
        )
        gradient = Matrix([self.guard.diff(entry) for entry in x])
        tangent = reset.jacobian(x)
        return tangent + (after - tangent * before) * gradient.T / (gradient.T * before)[0]

    def _rate(self, entry: Symbol, running_loss: Symbol, fields: Mapping[str, Matrix]) -> Expr:
        if entry == _RUNNING:
            return running_loss
        for n in self.neurons:
            velocities = fields.get(n, self.spec.vector_field)
            moving = dict(zip(_states(self.spec, n), velocities, strict=True))
            if entry in moving:
                return _of(self.spec, n, moving[entry])
        return S.One if entry in (_CLOCK, _TIMER) else S.Zero

    def _costate(self, entry: Symbol) -> Expr:
        """dL/dX after the event: a = -M^T lambda for states, its worth for what is recorded."""
        for n in self.neurons:
            onto = self._after_values(n)
            mass = self._mass.applyfunc(lambda e, n=n, onto=onto: _of(self.spec, n, e).xreplace(onto))
            values = -mass.T * Matrix([multiplier(n, s.name) for s in self.spec.states])
            known = dict(zip(_states(self.spec, n), values, strict=True))
            if entry in known:
                return known[entry]
        return {_RUNNING: S.One, _RECORD: SPIKE_LOSS}.get(entry, S.Zero)

    def _after_values(self, neuron: str) -> dict[Symbol, Expr]:
        return {s: self.after.get(s, s) for s in _states(self.spec, neuron)}

    def _to_multipliers(self, neuron: str, before: Mapping[Symbol, Expr]) -> list[Expr]:
        mass = self._mass.applyfunc(lambda e: _of(self.spec, neuron, e))
        values = Matrix([before[s] for s in _states(self.spec, neuron)])
        return [sympy.cancel(v) for v in -mass.T.LUsolve(values)]


def _states(spec: ModelSpec, neuron: str) -> tuple[Symbol, ...]:
    return tuple(state(neuron, s.name) for s in spec.states)


def _of(spec: ModelSpec, neuron: str, expression: Expr) -> Expr:
    return expression.xreplace({s.symbol: state(neuron, s.name) for s in spec.states})
