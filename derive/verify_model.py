"""What must hold for any model, as residuals that must reduce to zero.

The routes compared share the spec and nothing else: ``gradient`` (multipliers in the whole network),
``transition`` (the rules of one neuron, composed at zero delay), ``saltation`` (matrices of the whole
network), and ``flow``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import sympy
from sympy import Expr, Integral, S, Symbol

from saltus.derive import flow, notation, saltation
from saltus.derive.algebra import reduced
from saltus.derive.derivation import Derivation
from saltus.derive.gradient import adjoint, derived, representative_targets
from saltus.derive.model import EXTERNAL, SENSITIVITY, WEIGHT, ModelSpec, Parameter, Receptor, Transition
from saltus.derive.scene import LOSS_AFTER, LOSS_BEFORE, SPIKE_LOSS, SPIKING, along_weight
from saltus.derive.transition import arrival_rule, emission_rule, emission_step, initial_rule
from saltus.errors import DerivationError

Residuals = Mapping[str, Expr]
Check = tuple[str, str, Callable[[], Residuals]]
_SCALE = Symbol("kappa", positive=True)
_OWN = Symbol("w_own", real=True)
_EXTRA = ("b", "c")


def checks_of(spec: ModelSpec) -> Iterator[Check]:
    """Name, title and proof of each check of a model."""
    model = spec.with_integrals()
    derivation = adjoint(spec)
    yield (
        "derivation",
        f"each of {len(derivation)} steps follows from those it names",
        partial(_steps, derivation),
    )
    for transition in model.transitions:
        for receptor in model.receptors or (None,):
            yield from _spike_checks(model, derivation, transition, receptor)
    for receptor in model.receptors:
        yield (
            f"arrival:{receptor.name}",
            "an arrival's rule, by three routes",
            partial(arrival_routes, model, derivation, receptor),
        )
    if model.transitions and model.receptors:
        yield (
            "targets",
            "several targets add: the jump is linear in the weights",
            partial(linear_in_targets, model),
        )
    yield (
        "scaling",
        "a constant before a row of the dynamics changes its λ and no gradient",
        partial(scaling, model),
    )
    yield from _flow_checks(model, derivation)


def _spike_checks(
    model: ModelSpec, derivation: Derivation, transition: Transition, receptor: Receptor | None
) -> Iterator[Check]:
    several = receptor is not None and len(model.receptors) > 1
    name = f"{transition.name}:{receptor.name}" if receptor is not None and several else transition.name
    at = (transition, receptor)
    yield (
        f"two routes:{name}",
        "multipliers and saltation matrices give the same jumps and gradients",
        partial(network_against_saltation, model, derivation, *at),
    )
    yield (
        f"rules:{name}",
        "the rules of one neuron, composed at zero delay, are the network's",
        partial(rules_against_saltation, model, *at),
    )
    if receptor is not None:
        yield (
            f"own target:{name}",
            "the same for a neuron that is its own target",
            partial(own_target, model, transition, receptor),
        )


def _steps(derivation: Derivation) -> Residuals:
    return {label: derivation.residual(label) for label in derivation}


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
    """The emission's rule with the arrival's credit as part of its external worth, against ``saltation``."""
    other = saltation.at_spike(model, transition, receptor)
    rule = emission_rule(model, transition)
    worth = saltation.SPIKE_LOSS + saltation.LOSS_BEFORE - saltation.LOSS_AFTER
    found: dict[str, Expr] = {}
    shares: dict[str, Expr] = {}
    if receptor is not None:
        arrival = arrival_rule(model, receptor)
        at_target = _rule_symbols(model, saltation.TARGET)
        worth += WEIGHT * arrival.credit.xreplace(at_target)
        found["weight"] = arrival.weight.xreplace(at_target) - other.weight
        shares = {name: value.xreplace(at_target) for name, value in arrival.parameters.items()}
        for name, value in arrival.adjoint.items():
            found[f"target.{name}"] = value.xreplace(at_target) - other.adjoint[saltation.TARGET, name]
    here = _rule_symbols(model, SPIKING) | {EXTERNAL: worth}
    here |= {SENSITIVITY: rule.sensitivity.xreplace(here)}
    for name, value in rule.adjoint.items():
        found[name] = value.xreplace(here) - other.adjoint[SPIKING, name]
    for parameter in model.parameters:
        share = rule.parameters.get(parameter.name, S.Zero).xreplace(here)
        share += shares.get(parameter.name, S.Zero)
        found[parameter.name] = share - other.parameters[parameter.name]
    return {name: reduced(value) for name, value in found.items()}


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
    emission, arrival = emission_rule(model, transition), arrival_rule(model, receptor)
    losses = saltation.SPIKE_LOSS + saltation.LOSS_BEFORE - saltation.LOSS_AFTER
    later = _rule_symbols(model, SPIKING)
    between = {state.adjoint: arrival.adjoint[state.name].xreplace(later) for state in model.states}
    worth = losses + _OWN * arrival.credit.xreplace(later)
    here = later | between | {EXTERNAL: worth}
    found = {
        name: value.xreplace(here) - other.adjoint[SPIKING, name] for name, value in emission.adjoint.items()
    }
    found["weight"] = arrival.weight.xreplace(later) - other.parameters[_OWN.name]
    return {name: reduced(value) for name, value in found.items()}


def arrival_routes(model: ModelSpec, derivation: Derivation, receptor: Receptor) -> Residuals:
    """The arrival's rule against ``saltation`` with a delay line, and against the network's derivation."""
    rule, other = arrival_rule(model, receptor), saltation.at_arrival(model, receptor)
    suffix = "" if len(model.receptors) == 1 else f".{receptor.name}"
    names = _rule_symbols(model, saltation.TARGET)
    written = _as_rule(model)
    losses = saltation.LOSS_BEFORE - saltation.LOSS_AFTER
    found = {
        "credit": WEIGHT * rule.credit.xreplace(names) + losses - (other.time or S.Zero),
        "weight": rule.weight.xreplace(names) - other.weight,
        "derived credit": WEIGHT * rule.credit
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


def linear_in_targets(model: ModelSpec) -> Residuals:
    r"""The lemma of one representative target: with three, :math:`\lambda^-` of n is affine in their weights.

    Its part without weights, and the coefficient of each, are those of the network with one target,
    renamed; no product of two weights occurs; and no target's own jump holds another target.
    """
    many = {e.label: e for e in derived(model, along_weight, extra=_EXTRA)}
    one = {e.label: e for e in derived(model, along_weight)}
    targets = ("m", *_EXTRA)
    silent = {notation.weight("m", SPIKING): S.Zero}
    found: dict[str, Expr] = {}
    for transition in model.transitions:
        for state in model.states:
            label = emission_step(model, transition, state.name)
            whole, single = many[label].rhs, one[label].rhs
            alone = single.xreplace(silent)
            total = alone
            for m in targets:
                renamed = {
                    make(s.name, "m", side): make(s.name, m, side)
                    for make in (notation.state, notation.velocity, notation.adjoint)
                    for s in model.states
                    for side in ("-", "+")
                } | {notation.weight("m", SPIKING): notation.weight(m, SPIKING)}
                total += (single - alone).xreplace(renamed)
            found[label] = reduced(whole - total)
    return found


def scaling(model: ModelSpec) -> Residuals:
    r"""Row r multiplied by :math:`\kappa` divides :math:`\lambda_r` by it and changes nothing else."""
    found: dict[str, Expr] = {}
    for r, row in enumerate(model.states):
        rows = tuple(f * _SCALE if i == r else f for i, f in enumerate(model.dynamics))
        shrunk = {row.adjoint: row.adjoint / _SCALE}
        new, old = _numbers_of(replace(model, dynamics=rows)), _numbers_of(model)
        for name, value in old.items():
            factor = _SCALE if name.endswith(f"adjoint.{row.name}") else S.One
            found[f"{row.name}: {name}"] = reduced(new[name].xreplace(shrunk) * factor - value)
    return found


def _numbers_of(model: ModelSpec) -> dict[str, Expr]:
    """Everything that the rules of a model give."""
    found = {f"initial.{name}": value for name, value in initial_rule(model).items()}
    for transition in model.transitions:
        emission = emission_rule(model, transition)
        found |= {f"{transition.name}.adjoint.{name}": value for name, value in emission.adjoint.items()}
        found |= {f"{transition.name}.{name}": value for name, value in emission.parameters.items()}
        found[f"{transition.name}.sensitivity"] = emission.sensitivity
    for receptor in model.receptors:
        arrival = arrival_rule(model, receptor)
        found |= {f"{receptor.name}.adjoint.{name}": value for name, value in arrival.adjoint.items()}
        found |= {f"{receptor.name}.{name}": value for name, value in arrival.parameters.items()}
        found |= {f"{receptor.name}.credit": arrival.credit, f"{receptor.name}.weight": arrival.weight}
    return found


def _flow_checks(model: ModelSpec, derivation: Derivation) -> Iterator[Check]:
    try:
        solution = flow.solve(model)
    except DerivationError:
        return  # no closed form: the kernel says which flow it uses instead
    yield "flow", "the flow and its adjoint solve their equations", partial(flow.residuals, solution)
    yield (
        "flow:adjoint",
        "the adjoint flow is that of the derived adjoint dynamics",
        partial(_adjoint_generator, model, derivation, solution),
    )
    yield (
        "flow:parameters",
        "the parameters' share between spikes is the derivative of the flow at fixed ends",
        partial(_parameter_share, model, derivation, solution),
    )


def _adjoint_generator(model: ModelSpec, derivation: Derivation, solution: flow.FlowSolution) -> Residuals:
    rates = solution.adjoint_generator * model.adjoints
    names: dict[Expr, Expr] = {}
    for state, rate in zip(model.states, rates, strict=True):
        names |= {notation.adjoint_backward(state.name): rate, notation.adjoint(state.name): state.adjoint}
        names |= {notation.derivative("l", state.name): S.Zero}
    steps = [derivation[f"adjoint.ode.{state.name}"] for state in model.states]
    return {step.label: reduced((step.lhs - step.rhs).xreplace(names)) for step in steps}


def _parameter_share(model: ModelSpec, derivation: Derivation, solution: flow.FlowSolution) -> Residuals:
    r"""The integrand of dL/dq between spikes is :math:`a \cdot \partial_q A\, x`.

    By Duhamel :math:`a(T)\cdot\partial_q e^{A\Delta}\,x_0 = \int a(t)\cdot\partial_q A\, x(t)\,dt`, so both
    ways of computing it agree as soon as the integrands do.
    """
    velocities = solution.generator * model.x
    names: dict[Expr, Expr] = {}
    for state, velocity in zip(model.states, velocities, strict=True):
        names |= {
            notation.state(state.name): state.symbol,
            notation.velocity(state.name): velocity,
            notation.adjoint(state.name): state.adjoint,
        }
    total = derivation["parameter.sum.transitions"].rhs
    costate = -model.mass.T * model.adjoints
    found = {}
    for parameter in model.parameters:
        share = sum(
            (
                integral.function.expand().coeff(notation.derivative(parameter.name, "p")).xreplace(names)
                for integral in total.atoms(Integral)
            ),
            S.Zero,
        )
        moved = solution.generator.diff(parameter.symbol) * model.x
        found[parameter.name] = reduced(share - (costate.T * moved)[0])
    return found


def _rule_symbols(model: ModelSpec, neuron: str) -> dict[Symbol, Expr]:
    """The rules' symbols for one neuron, in the names of ``saltation``."""
    names: dict[Symbol, Expr] = {s.symbol: saltation.state(neuron, s.name) for s in model.states}
    return names | {s.adjoint: saltation.multiplier(neuron, s.name) for s in model.states}


def _as_rule(model: ModelSpec) -> dict[Expr, Expr]:
    """The symbols of an arrival in ``gradient``, in the names of the rules."""
    names: dict[Expr, Expr] = {notation.adjoint(s.name, "j", "+"): s.adjoint for s in model.states}
    names |= {notation.state(s.name, "j", "-"): s.symbol for s in model.states}
    return names | {notation.weight("j", "in"): WEIGHT}


def _target_of(model: ModelSpec, receptor: Receptor | None) -> str:
    """The representative target that has this receptor; any name where there is none."""
    return next((m for m, r in representative_targets(model).items() if r is receptor), "m")


def _as_saltation(model: ModelSpec, receptor: Receptor | None, transition: Transition) -> dict[Expr, Expr]:
    """The symbols of a spike in ``gradient``, in the names of ``saltation``, velocities by the vector field.

    The weights to targets with other receptors are zero.
    """
    names: dict[Expr, Expr] = {
        SPIKE_LOSS: saltation.SPIKE_LOSS,
        LOSS_BEFORE: saltation.LOSS_BEFORE,
        LOSS_AFTER: saltation.LOSS_AFTER,
    }
    for m, r in representative_targets(model).items():
        names[notation.weight(m, SPIKING)] = WEIGHT if r is receptor else S.Zero
    at_reset = dict(zip(model.x, transition.reset, strict=True))
    for here, there in ((SPIKING, SPIKING), (_target_of(model, receptor), saltation.TARGET)):
        states = {s.symbol: saltation.state(there, s.name) for s in model.states}
        for i, s in enumerate(model.states):
            field = model.vector_field[i]
            names[notation.state(s.name, here, "-")] = states[s.symbol]
            names[notation.adjoint(s.name, here, "+")] = saltation.multiplier(there, s.name)
            names[notation.velocity(s.name, here, "-")] = field.xreplace(states)
            if here == SPIKING:
                names[notation.velocity(s.name, here, "+")] = field.xreplace(at_reset).xreplace(states)
    return names
