"""The same jump by several routes, as residuals that must reduce to zero.

The routes share the spec and nothing else: ``gradient`` (multipliers in the whole network), ``transition``
(the rules of one neuron, composed at zero delay), and ``saltation`` (matrices of the whole network).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sympy
from sympy import Expr, Matrix, S, Symbol

from saltus.derive import notation, saltation
from saltus.derive.algebra import reduced
from saltus.derive.derivation import Derivation, Equation
from saltus.derive.gradient import representative_targets
from saltus.derive.model import (
    EXTERNAL,
    SENSITIVITY,
    WEIGHT,
    ModelSpec,
    Parameter,
    Phase,
    Receptor,
    Transition,
)
from saltus.derive.scene import LOSS_AFTER, LOSS_BEFORE, SPIKE_LOSS, SPIKING
from saltus.derive.transition import (
    TimedRule,
    arrival_rule,
    emission_rule,
    emission_step,
    phase_rule,
    triggered_rule,
)

Residuals = Mapping[str, Expr]
"""What is left of each comparison: all zero if they agree."""
_OWN = Symbol("w_own", real=True)
_SHIFT = Symbol("guard_shift", real=True)


def definitions(model: ModelSpec, derivation: Derivation) -> Residuals:
    """Dynamics, guards, resets and receptors as the derivation states them, against the spec."""
    found: dict[str, Expr] = {}

    def hold(label: str, neuron: str, values: tuple[Expr, ...], suffix: str = "") -> None:
        back = _as_spec(model, neuron, "-")
        for s, value in zip(model.states, values, strict=True):
            equation = derivation[f"{label}.{s.name}{suffix}"]
            lhs = equation.lhs - notation.state(s.name, neuron, "+")
            found[equation.label] = reduced(lhs) + reduced(equation.rhs.xreplace(back) - value)

    def hold_dynamics(prefix: str, rows: tuple[Expr, ...]) -> None:
        back = _as_spec(model, "", "")
        for s, row in zip(model.states, rows, strict=True):
            equation = derivation[f"{prefix}dynamics.{s.name}"]
            lhs = equation.lhs - _constraint(s.name)
            found[equation.label] = reduced(lhs) + reduced(equation.rhs.xreplace(back) - row)

    for prefix in ("", "parameter."):
        hold_dynamics(prefix, model.dynamics)
        for t in model.transitions:
            suffix = "" if len(model.transitions) == 1 else f".{t.name}"
            condition = derivation[f"{prefix}transition.condition{suffix}"]
            guard = (condition.lhs - condition.rhs).xreplace(_as_spec(model, SPIKING, "-"))
            found[condition.label] = reduced(guard - t.when)
            hold(f"{prefix}reset", SPIKING, t.reset, suffix)
            for m, r in representative_targets(model).items():
                hold(f"{prefix}receive" if m == "m" else f"{prefix}receive.{m}", m, r.jump, suffix)
    if "trigger.credit" in derivation:
        hold("trigger.reset", "j", model.transitions[0].reset)
    for r in model.receptors:
        where = "input" if len(model.receptors) == 1 else f"input.{r.name}"
        hold(f"{where}.receive", "j", r.jump)
        for p in model.phases:
            hold(f"phase.{p.name}.{where}.receive", "j", r.jump)
    for p in model.phases:
        hold_dynamics(f"phase.{p.name}.", model.in_phase(p.name).dynamics)
        hold(f"phase.{p.name}.end.reset", "j", p.reset)
    return found


def _as_spec(model: ModelSpec, neuron: str, side: str) -> dict[Expr, Expr]:
    """The quantities of one neuron on one side, in the symbols of the spec."""
    back: dict[Expr, Expr] = {notation.weight(neuron, "in" if neuron == "j" else SPIKING): WEIGHT}
    back |= {notation.state(s.name, neuron, side): s.symbol for s in model.states}
    return back | {notation.velocity(s.name, neuron, side): s.dot for s in model.states}


def _constraint(name: str) -> Symbol:
    return notation.quantity(f"f_{name}", f"f_{{{notation.latex_name(name)}}}")


def network_against_saltation(
    model: ModelSpec, derivation: Derivation, transition: Transition, receptor: Receptor | None
) -> Residuals:
    """The network's jumps and gradients from ``gradient``, velocities put in, against ``saltation``."""
    other = saltation.at_spike(model, transition, receptor)
    suffix = "" if len(model.transitions) == 1 else f".{transition.name}"
    names = _as_saltation(model, receptor, transition)
    target = _target_of(model, receptor)
    prefix = "jump.arrival" if target == "m" else f"jump.arrival.{target}"
    found: dict[str, Expr] = {}
    for state in model.states:
        jump = derivation[emission_step(model, transition, state.name)]
        found[jump.label] = jump.rhs.xreplace(names) - other.adjoint[SPIKING, state.name]
        if receptor is not None:
            jump = derivation[f"{prefix}.{state.name}{suffix}"]
            found[jump.label] = jump.rhs.xreplace(names) - other.adjoint[saltation.TARGET, state.name]
        kept = saltation.multiplier(saltation.BYSTANDER, state.name)
        found[f"bystander.{state.name}"] = other.adjoint[saltation.BYSTANDER, state.name] - kept
    left = sympy.expand(derivation[f"parameter.xi.left{suffix}"].rhs)
    for parameter in model.parameters:
        share = left.coeff(notation.derivative(parameter.name, "p"))
        found[parameter.name] = share.xreplace(names) - other.parameters[parameter.name]
    if receptor is not None:
        share = left.coeff(notation.derivative(f"w_{target}{SPIKING}", "p"))
        found["weight"] = share.xreplace(names) - other.weight
    return {name: reduced(value) for name, value in found.items()}


def rules_against_saltation(model: ModelSpec, transition: Transition, receptor: Receptor | None) -> Residuals:
    r"""The emission's rule with the arrival's credit as part of its external worth, against ``saltation``.

    The spike's sensitivity is seen there as the gradient of a constant in the guard: e over its slope.
    """
    other = _with_shifted_guard(model, transition, receptor)
    rule = emission_rule(model, transition)
    worth = saltation.SPIKE_LOSS + saltation.LOSS_BEFORE - saltation.LOSS_AFTER
    found = {
        f"reset.{s.name}": rule.reset[s.name] - r for s, r in zip(model.states, transition.reset, strict=True)
    }
    found["guard"] = rule.guard - transition.when
    found["slope"] = rule.slope - (Matrix([transition.when]).jacobian(model.x) * model.vector_field)[0]
    shares: dict[str, Expr] = {}
    if receptor is not None:
        arrival = arrival_rule(model, receptor)
        at_target = rule_symbols(model, saltation.TARGET)
        worth += arrival.whole_credit.xreplace(at_target)
        found["weight"] = arrival.weight.xreplace(at_target) - other.weight
        shares = {name: value.xreplace(at_target) for name, value in arrival.parameters.items()}
        for name, value in arrival.adjoint.items():
            found[f"target.{name}"] = value.xreplace(at_target) - other.adjoint[saltation.TARGET, name]
    here = rule_symbols(model, SPIKING) | {EXTERNAL: worth}
    here |= {SENSITIVITY: rule.sensitivity.xreplace(here)}
    found["sensitivity"] = here[SENSITIVITY] / rule.slope.xreplace(here) - other.parameters[_SHIFT.name]
    for name, value in rule.adjoint.items():
        found[name] = value.xreplace(here) - other.adjoint[SPIKING, name]
    for parameter in model.parameters:
        share = rule.parameters.get(parameter.name, S.Zero).xreplace(here)
        share += shares.get(parameter.name, S.Zero)
        found[parameter.name] = share - other.parameters[parameter.name]
    return {name: reduced(value) for name, value in found.items()}


def _with_shifted_guard(
    model: ModelSpec, transition: Transition, receptor: Receptor | None
) -> saltation.BackwardJump:
    shifted = replace(model, parameters=(*model.parameters, Parameter(_SHIFT.name, _SHIFT, 0.0)))
    return saltation.at_spike(shifted, replace(transition, when=transition.when - _SHIFT), receptor)


def own_target(model: ModelSpec, transition: Transition, receptor: Receptor) -> Residuals:
    """Reset and arrival at oneself in one map, by ``saltation``, against the two rules composed.

    The arrival comes after the reset, so going backward its rule is applied first.
    """
    onto = dict(zip(model.x, transition.reset, strict=True))
    both = tuple(value.xreplace({WEIGHT: _OWN, **onto}) for value in receptor.jump)
    joined = replace(
        model,
        parameters=(*model.parameters, Parameter(_OWN.name, _OWN, 0.0)),
        transitions=tuple(replace(t, reset=both) if t is transition else t for t in model.transitions),
    )
    moved = next(t for t in joined.transitions if t.name == transition.name)
    other = saltation.at_spike(joined, moved, None)
    emission = emission_rule(model, transition)
    arrival = arrival_rule(model.in_phase(transition.goto), receptor)
    losses = saltation.SPIKE_LOSS + saltation.LOSS_BEFORE - saltation.LOSS_AFTER
    first = rule_symbols(model, SPIKING)
    later: dict[Symbol, Expr] = first | {x: value.xreplace(first) for x, value in onto.items()}
    later |= {WEIGHT: _OWN}
    between = {state.adjoint: arrival.adjoint[state.name].xreplace(later) for state in model.states}
    worth = losses + arrival.whole_credit.xreplace(later)
    here = first | between | {EXTERNAL: worth}
    found = {
        name: value.xreplace(here) - other.adjoint[SPIKING, name] for name, value in emission.adjoint.items()
    }
    found["weight"] = arrival.weight.xreplace(later) - other.parameters[_OWN.name]
    return {name: reduced(value) for name, value in found.items()}


def arrival_routes(model: ModelSpec, derivation: Mapping[str, Equation], receptor: Receptor) -> Residuals:
    """The arrival's rule against ``saltation`` with a delay line, and against the network's derivation."""
    rule, other = arrival_rule(model, receptor), saltation.at_arrival(model, receptor)
    suffix = "" if len(model.receptors) == 1 else f".{receptor.name}"
    names = rule_symbols(model, saltation.TARGET)
    written = _as_rule(model, receptor.jump, model)
    losses = saltation.LOSS_BEFORE - saltation.LOSS_AFTER
    found = {
        "credit": rule.whole_credit.xreplace(names) + losses - (other.time or S.Zero),
        "weight": rule.weight.xreplace(names) - other.weight,
        "derived credit": rule.whole_credit
        + LOSS_BEFORE
        - LOSS_AFTER
        - derivation[f"arrival.credit{suffix}"].rhs.xreplace(written),
        "derived weight": rule.weight - derivation[f"gradient.input{suffix}"].rhs.xreplace(written),
    }
    for name, value in rule.adjoint.items():
        found[name] = value.xreplace(names) - other.adjoint[saltation.TARGET, name]
        found[f"derived {name}"] = value - derivation[f"input{suffix}.jump.{name}"].rhs.xreplace(written)
    for parameter in model.parameters:
        share = rule.parameters.get(parameter.name, S.Zero).xreplace(names)
        found[parameter.name] = share - other.parameters[parameter.name]
    return {name: reduced(value) for name, value in found.items()}


def phase_routes(model: ModelSpec, derivation: Mapping[str, Equation], phase: Phase) -> Residuals:
    """The rule at the end of a phase against ``saltation`` with a timer, and against the derivation."""
    rule, other = phase_rule(model, phase), saltation.at_release(model, phase)
    found = _against_timer(model, rule, other)
    written = _as_rule(model.in_phase(phase.name), phase.reset, model.in_phase(phase.goto))
    losses, prefix = LOSS_BEFORE - LOSS_AFTER, f"phase.{phase.name}.end"
    duration = f"gradient.duration.{phase.duration.name}.{phase.name}"
    found[duration] = rule.credit + losses - derivation[duration].rhs.xreplace(written)
    found |= _against_steps(model, derivation, prefix, rule, written, losses)
    return {name: reduced(value) for name, value in found.items()}


def triggered_routes(
    model: ModelSpec, derivation: Mapping[str, Equation], transition: Transition, receptor: Receptor
) -> Residuals:
    """The rules of an arrival and of the spike that it sets off, composed, against one map by ``saltation``,
    and the spike's alone against the derivation.

    Going backward the spike's rule comes first, at the states after the arrival.
    """
    spike, arrival = triggered_rule(model, transition), arrival_rule(model, receptor)
    other = saltation.at_triggered(model, transition, receptor)
    names = rule_symbols(model, saltation.TARGET)
    jumped = {x: value.xreplace(names) for x, value in zip(model.x, receptor.jump, strict=True)}
    at_spike: dict[Symbol, Expr] = names | jumped
    between = {state.adjoint: spike.adjoint[state.name].xreplace(at_spike) for state in model.states}
    here = names | between
    losses = saltation.LOSS_BEFORE - saltation.LOSS_AFTER
    found = {
        "credit": spike.credit.xreplace(at_spike) + arrival.whole_credit.xreplace(here) + losses,
        "weight": arrival.weight.xreplace(here) - other.weight,
    }
    found["credit"] -= other.time or S.Zero
    for name, value in arrival.adjoint.items():
        found[name] = value.xreplace(here) - other.adjoint[saltation.TARGET, name]
    for parameter in model.parameters:
        share = spike.parameters.get(parameter.name, S.Zero).xreplace(at_spike)
        share += arrival.parameters.get(parameter.name, S.Zero).xreplace(here)
        found[parameter.name] = share - other.parameters[parameter.name]
    written = _as_rule(model, transition.reset, model.in_phase(transition.goto))
    own = SPIKE_LOSS + LOSS_BEFORE - LOSS_AFTER
    found |= _against_steps(model, derivation, "trigger", spike, written, own)
    return {name: reduced(value) for name, value in found.items()}


def _against_steps(
    model: ModelSpec,
    derivation: Mapping[str, Equation],
    prefix: str,
    rule: TimedRule,
    written: Mapping[Expr, Expr],
    losses: Expr,
) -> dict[str, Expr]:
    """The rule of a time set elsewhere against the steps that end in it."""
    found = {f"{prefix}.credit": rule.credit + losses - derivation[f"{prefix}.credit"].rhs.xreplace(written)}
    for name, value in rule.adjoint.items():
        found[f"derived {name}"] = value - derivation[f"{prefix}.jump.{name}"].rhs.xreplace(written)
    left = sympy.expand(derivation[f"{prefix}.left"].rhs)
    for parameter in model.parameters:
        share = left.coeff(notation.derivative(parameter.name, "p")).xreplace(written)
        found[f"derived {parameter.name}"] = rule.parameters.get(parameter.name, S.Zero) - share
    return found


def _against_timer(model: ModelSpec, rule: TimedRule, other: saltation.BackwardJump) -> dict[str, Expr]:
    names = rule_symbols(model, saltation.TARGET)
    losses = saltation.LOSS_BEFORE - saltation.LOSS_AFTER
    found = {"credit": rule.credit.xreplace(names) + losses - (other.time or S.Zero)}
    for name, value in rule.adjoint.items():
        found[name] = value.xreplace(names) - other.adjoint[saltation.TARGET, name]
    for parameter in model.parameters:
        share = rule.parameters.get(parameter.name, S.Zero).xreplace(names)
        found[parameter.name] = share - other.parameters[parameter.name]
    return found


def rule_symbols(model: ModelSpec, neuron: str) -> dict[Symbol, Expr]:
    """The rules' symbols for one neuron, in the names of ``saltation``."""
    names: dict[Symbol, Expr] = {s.symbol: saltation.state(neuron, s.name) for s in model.states}
    return names | {s.adjoint: saltation.multiplier(neuron, s.name) for s in model.states}


def _as_rule(model: ModelSpec, jump: tuple[Expr, ...], following: ModelSpec) -> dict[Expr, Expr]:
    """The symbols of an arrival in ``gradient``, in the names of the rules, velocities by the dynamics."""
    onto = dict(zip(model.x, jump, strict=True))
    names: dict[Expr, Expr] = {notation.adjoint(s.name, "j", "+"): s.adjoint for s in model.states}
    names |= {notation.state(s.name, "j", "-"): s.symbol for s in model.states}
    for i, s in enumerate(model.states):
        names[notation.velocity(s.name, "j", "-")] = model.vector_field[i]
        names[notation.velocity(s.name, "j", "+")] = following.vector_field[i].xreplace(onto)
    return names | {notation.weight("j", "in"): WEIGHT}


def _target_of(model: ModelSpec, receptor: Receptor | None) -> str:
    """The representative target that has this receptor; any name where there is none."""
    return next((m for m, r in representative_targets(model).items() if r is receptor), "m")


def _as_saltation(model: ModelSpec, receptor: Receptor | None, transition: Transition) -> dict[Expr, Expr]:
    """The symbols of a spike in ``gradient``, in the names of ``saltation``, velocities by the vector field.

    Targets with other receptors are worth nothing: their multipliers are zero.
    """
    names: dict[Expr, Expr] = {
        SPIKE_LOSS: saltation.SPIKE_LOSS,
        LOSS_BEFORE: saltation.LOSS_BEFORE,
        LOSS_AFTER: saltation.LOSS_AFTER,
    }
    for m, r in representative_targets(model).items():
        names[notation.weight(m, SPIKING)] = WEIGHT
        if r is not receptor:
            names |= {notation.adjoint(s.name, m, "+"): S.Zero for s in model.states}
    at_reset = dict(zip(model.x, transition.reset, strict=True))
    following = model.in_phase(transition.goto).vector_field
    for here, there in ((SPIKING, SPIKING), (_target_of(model, receptor), saltation.TARGET)):
        states = {s.symbol: saltation.state(there, s.name) for s in model.states}
        for i, s in enumerate(model.states):
            field = model.vector_field[i]
            names[notation.state(s.name, here, "-")] = states[s.symbol]
            names[notation.adjoint(s.name, here, "+")] = saltation.multiplier(there, s.name)
            names[notation.velocity(s.name, here, "-")] = field.xreplace(states)
            if here == SPIKING:
                names[notation.velocity(s.name, here, "+")] = following[i].xreplace(at_reset).xreplace(states)
            elif receptor is not None:
                jumped = dict(zip(model.x, receptor.jump, strict=True))
                names[notation.velocity(s.name, here, "+")] = field.xreplace(jumped).xreplace(states)
    return names
