"""The rule of a maximum at all places where it can be attained, against saltation matrices and its own steps.

The kernels apply one rule, q's derivatives and its slope, on the side where the maximum is attained. Here it
is composed with the rules of the event at that place as the kernels do it, and held against the matrix of an
event that records q.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sympy import Expr, Matrix, S, Symbol

from saltus.derive import saltation
from saltus.derive.algebra import reduced
from saltus.derive.flow import FlowSolution
from saltus.derive.flow_choice import choose
from saltus.derive.ladder import residuals
from saltus.derive.maximum import MaximumRule, maximum_rule, rungs
from saltus.derive.model import EXTERNAL, SENSITIVITY, ModelSpec, Readout, Receptor, Transition
from saltus.derive.scene import SPIKING
from saltus.derive.transition import arrival_rule, emission_rule
from saltus.derive.verify_routes import Residuals, rule_symbols

_WORTH = saltation.SPIKE_LOSS
"""The derivative of the head by the maximum, which is what is recorded."""
_NO_RUNNING_LOSS: dict[Symbol, Expr] = {saltation.LOSS_BEFORE: S.Zero, saltation.LOSS_AFTER: S.Zero}
Pair = tuple[str, Expr, Expr]
"""What is compared, by the rules and by the matrix."""


def maximum_routes(model: ModelSpec, readout: Readout) -> Residuals:
    """Inside a stretch, on both sides of an arrival and of the neuron's own reset; and its ladder. In each
    phase, too.
    """
    return dict(differences(model, readout))


def differences(model: ModelSpec, readout: Readout) -> Iterator[tuple[str, Expr]]:
    """The same one by one: each must be zero."""
    for phase in (None, *(phase.name for phase in model.phases)):
        here, prefix = model.in_phase(phase), "" if phase is None else f"{phase}: "
        rule = maximum_rule(here, readout)
        for name, by_rule, by_matrix in _pairs(here, rule, readout):
            yield prefix + name, reduced(by_rule - by_matrix.xreplace(_NO_RUNNING_LOSS))
        solution = choose(here)
        steps = rungs(solution, readout)
        yield f"{prefix}rung 0 is q", reduced(steps[0].value - rule.value)
        yield f"{prefix}rung 1 is its slope", reduced(steps[1].value - rule.slope)
        if isinstance(solution, FlowSolution):
            for k, value in enumerate(residuals(steps, solution)):
                yield f"{prefix}rung {k}", reduced(value)


def _pairs(model: ModelSpec, rule: MaximumRule, readout: Readout) -> Iterator[Pair]:
    for receptor in model.receptors:
        yield from _before_arrival(model, rule, receptor)
        yield from _after_arrival(model, rule, receptor)
    yield from _inside(model, rule)
    for transition in model.transitions:
        yield from _before_reset(model, rule, transition)
        yield from _after_reset(model, maximum_rule(model.in_phase(transition.goto), readout), transition)


def _inside(model: ModelSpec, rule: MaximumRule) -> Iterator[Pair]:
    r"""There the event is :math:`\dot q = 0`; what the rule leaves out is :math:`\dot q` times something."""
    curve = (Matrix([rule.slope]).jacobian(model.x) * model.vector_field)[0]
    if reduced(curve) == 0:
        return
    names, other = rule_symbols(model, saltation.TARGET), saltation.at_maximum(model, rule.value)
    vanishing = Matrix([rule.slope]).jacobian(model.x).T * rule.slope / curve
    kicks = model.mass.T.LUsolve(_gained(model, rule) - vanishing) * _WORTH
    for state, kick in zip(model.states, kicks, strict=True):
        taken = (state.adjoint - kick).xreplace(names)
        yield f"inside {state.name}", taken, other.adjoint[saltation.TARGET, state.name]
    for p in model.parameters:
        share = rule.parameters.get(p.name, S.Zero) - rule.slope * rule.slope.diff(p.symbol) / curve
        yield f"inside {p.name}", _WORTH * share.xreplace(names), other.parameters[p.name]


def _before_arrival(model: ModelSpec, rule: MaximumRule, receptor: Receptor) -> Iterator[Pair]:
    """Backward, the arrival comes first, then the multipliers take up q's derivatives; its slope there."""
    arrival, other = arrival_rule(model, receptor), saltation.at_kink(model, receptor, rule.value)
    names, where = rule_symbols(model, saltation.TARGET), f"before {receptor.name}"
    for state, kick in zip(model.states, _kicks(model, rule), strict=True):
        taken = (arrival.adjoint[state.name] - kick).xreplace(names)
        yield f"{where} {state.name}", taken, other.adjoint[saltation.TARGET, state.name]
    credit = arrival.whole_credit + _WORTH * rule.slope
    yield f"{where} time", credit.xreplace(names), other.time or S.Zero
    yield f"{where} weight", arrival.weight.xreplace(names), other.weight
    yield from _shares(model, where, other, arrival.parameters, rule.parameters, names, names)


def _after_arrival(model: ModelSpec, rule: MaximumRule, receptor: Receptor) -> Iterator[Pair]:
    """Backward, the multipliers take up q's derivatives at the states after; then comes the arrival."""
    arrival = arrival_rule(model, receptor)
    jumped = dict(zip(model.x, receptor.jump, strict=True))
    other = saltation.at_kink(model, receptor, rule.value.xreplace(jumped))
    before = rule_symbols(model, saltation.TARGET)
    after = before | {x: value.xreplace(before) for x, value in jumped.items()}
    kicked = before | _kicked(model, rule, after)
    where = f"after {receptor.name}"
    for state in model.states:
        taken = arrival.adjoint[state.name].xreplace(kicked)
        yield f"{where} {state.name}", taken, other.adjoint[saltation.TARGET, state.name]
    credit = arrival.whole_credit.xreplace(kicked) + _WORTH * rule.slope.xreplace(after)
    yield f"{where} time", credit, other.time or S.Zero
    yield f"{where} weight", arrival.weight.xreplace(kicked), other.weight
    yield from _shares(model, where, other, arrival.parameters, rule.parameters, kicked, after)


def _before_reset(model: ModelSpec, rule: MaximumRule, transition: Transition) -> Iterator[Pair]:
    """The spike's time is worth q's slope before it more; then the multipliers take up q's derivatives."""
    spike, other = emission_rule(model, transition), saltation.at_summit(model, transition, rule.value)
    names: dict[Symbol, Expr] = {**rule_symbols(model, SPIKING)}
    names |= {EXTERNAL: _WORTH * rule.slope.xreplace(names)}
    names |= {SENSITIVITY: spike.sensitivity.xreplace(names)}
    where = f"before {transition.name}"
    for state, kick in zip(model.states, _kicks(model, rule), strict=True):
        taken = (spike.adjoint[state.name] - kick).xreplace(names)
        yield f"{where} {state.name}", taken, other.adjoint[SPIKING, state.name]
    yield from _shares(model, where, other, spike.parameters, rule.parameters, names, names)


def _after_reset(model: ModelSpec, rule: MaximumRule, transition: Transition) -> Iterator[Pair]:
    """The same with the derivatives and the slope after it, taken up first."""
    spike = emission_rule(model, transition)
    reset = dict(zip(model.x, transition.reset, strict=True))
    other = saltation.at_summit(model, transition, rule.value.xreplace(reset))
    before = rule_symbols(model, SPIKING)
    after = before | {x: value.xreplace(before) for x, value in reset.items()}
    kicked: dict[Symbol, Expr] = before | _kicked(model, rule, after)
    kicked |= {EXTERNAL: _WORTH * rule.slope.xreplace(after)}
    kicked |= {SENSITIVITY: spike.sensitivity.xreplace(kicked)}
    where = f"after {transition.name}"
    for state in model.states:
        yield (
            f"{where} {state.name}",
            spike.adjoint[state.name].xreplace(kicked),
            other.adjoint[SPIKING, state.name],
        )
    yield from _shares(model, where, other, spike.parameters, rule.parameters, kicked, after)


def _gained(model: ModelSpec, rule: MaximumRule) -> Matrix:
    return Matrix([rule.partials.get(state.name, S.Zero) for state in model.states])


def _kicks(model: ModelSpec, rule: MaximumRule) -> list[Expr]:
    r"""What the multipliers lose: :math:`M^{-T} q_x` times the worth."""
    return list(model.mass.T.LUsolve(_gained(model, rule)) * _WORTH)


def _kicked(model: ModelSpec, rule: MaximumRule, at: Mapping[Symbol, Expr]) -> dict[Symbol, Expr]:
    """The multipliers after the event, once they have taken up q's derivatives."""
    kicks = zip(model.states, _kicks(model, rule), strict=True)
    return {state.adjoint: (state.adjoint - kick).xreplace(at) for state, kick in kicks}


def _shares(
    model: ModelSpec,
    where: str,
    other: saltation.BackwardJump,
    event: Mapping[str, Expr],
    own: Mapping[str, Expr],
    at_event: Mapping[Symbol, Expr],
    at_maximum: Mapping[Symbol, Expr],
) -> Iterator[Pair]:
    """What each parameter gains: by the event, and by the maximum."""
    for p in model.parameters:
        share = event.get(p.name, S.Zero).xreplace(at_event)
        share += _WORTH * own.get(p.name, S.Zero).xreplace(at_maximum)
        yield f"{where} {p.name}", share, other.parameters[p.name]
