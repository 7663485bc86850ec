"""What must hold for any model: a list of checks, each a set of residuals that must reduce to zero."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import sympy
from sympy import Expr, Integral, S, Symbol

from saltus.derive import flow, notation
from saltus.derive.algebra import reduced
from saltus.derive.arrival import at_arrival
from saltus.derive.derivation import Derivation
from saltus.derive.gradient import adjoint, derived
from saltus.derive.guard import triggers
from saltus.derive.model import WEIGHT, ModelSpec, Phase, Receptor, Transition
from saltus.derive.scene import SPIKING, along_weight
from saltus.derive.transition import (
    arrival_rule,
    emission_rule,
    emission_step,
    initial_rule,
    phase_rule,
    triggered_rule,
)
from saltus.derive.verify_maximum import maximum_routes
from saltus.derive.verify_routes import (
    Residuals,
    arrival_routes,
    definitions,
    network_against_saltation,
    own_target,
    phase_routes,
    rules_against_saltation,
    triggered_routes,
)
from saltus.errors import DerivationError

Check = tuple[str, str, Callable[[], Residuals]]
_SCALE = Symbol("kappa", positive=True)
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
    yield "definitions", "the first equations are the spec's own", partial(definitions, model, derivation)
    for transition in model.transitions:
        for receptor in model.receptors or (None,):
            yield from _spike_checks(model, derivation, transition, receptor)
            if receptor is not None:
                yield from _trigger_checks(model, derivation, transition, receptor)
    for receptor in model.receptors:
        yield (
            f"arrival:{receptor.name}",
            "an arrival's rule, by three routes",
            partial(arrival_routes, model, derivation, receptor),
        )
    for phase in model.phases:
        yield from _phase_checks(model, derivation, phase)
    for readout in model.peaks:
        yield (
            f"maximum:{readout.name}",
            "a maximum inside, at an arrival and at a reset is that of the saltation matrix; none is missed",
            partial(maximum_routes, model, readout),
        )
    if model.transitions and model.receptors:
        yield (
            "targets",
            "several targets add: no term of the jump holds two of them",
            partial(linear_in_targets, model, derivation),
        )
    yield (
        "scaling",
        "a constant before a row of the dynamics changes its λ and no gradient",
        partial(scaling, model),
    )
    yield (
        "parameters",
        "a parameter's share between spikes is that of the velocities",
        partial(parameter_share, model, derivation),
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


def _trigger_checks(
    model: ModelSpec, derivation: Derivation, transition: Transition, receptor: Receptor
) -> Iterator[Check]:
    if triggers(transition, model, receptor):
        yield (
            f"trigger:{transition.name}:{receptor.name}",
            "an arrival that sets off a spike: the two rules composed are the saltation matrix of both",
            partial(triggered_routes, model, derivation, transition, receptor),
        )


def _phase_checks(model: ModelSpec, derivation: Derivation, phase: Phase) -> Iterator[Check]:
    here = model.in_phase(phase.name)
    yield (
        f"phase:{phase.name}",
        "the rule at the end of the phase, by three routes",
        partial(phase_routes, model, derivation, phase),
    )
    for receptor in here.receptors:
        steps = {e.label: e for e in at_arrival(here, receptor)}
        yield (
            f"arrival:{receptor.name}:{phase.name}",
            "an arrival's rule in the phase, by three routes",
            partial(arrival_routes, here, steps, receptor),
        )
    yield (
        f"parameters:{phase.name}",
        "a parameter's share in the phase is that of its velocities",
        partial(parameter_share, here, derivation, f"phase.{phase.name}"),
    )
    for name, title, proof in _flow_checks(here, derivation, f"phase.{phase.name}."):
        yield f"{name}:{phase.name}", f"{title}, in the phase", proof


def _steps(derivation: Derivation) -> Residuals:
    return {label: derivation.residual(label) for label in derivation}


def linear_in_targets(model: ModelSpec, one: Derivation) -> Residuals:
    r"""The lemma of one representative target: with three, :math:`\lambda^-` of n is a sum of what each adds.

    Its part without weights, and what each target adds to it, are those of the network with one target,
    renamed; no product of two weights occurs. Velocities are put in, since those after hold the weight.
    """
    many = {e.label: e for e in derived(model, along_weight, extra=_EXTRA)}
    targets = ("m", *_EXTRA)
    jumped = dict(zip(model.x, model.receptors[0].jump, strict=True))
    moved: dict[Expr, Expr] = {}
    for m in targets:
        before = {s.symbol: notation.state(s.name, m, "-") for s in model.states}
        before |= {WEIGHT: notation.weight(m, SPIKING)}
        for s, velocity in zip(model.states, model.vector_field, strict=True):
            moved[notation.velocity(s.name, m, "-")] = velocity.xreplace(before)
            moved[notation.velocity(s.name, m, "+")] = velocity.xreplace(jumped).xreplace(before)
    silent = {notation.weight("m", SPIKING): S.Zero}
    found: dict[str, Expr] = {}
    for transition in model.transitions:
        for state in model.states:
            label = emission_step(model, transition, state.name)
            whole, single = many[label].rhs.xreplace(moved), one[label].rhs.xreplace(moved)
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
    old = _numbers_of(model)
    for r, row in enumerate(model.states):
        rows = tuple(f * _SCALE if i == r else f for i, f in enumerate(model.dynamics))
        shrunk = {row.adjoint: row.adjoint / _SCALE}
        new = _numbers_of(replace(model, dynamics=rows))
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
        found |= {f"{receptor.name}.credit": arrival.whole_credit, f"{receptor.name}.weight": arrival.weight}
    timed = {f"{t.name}.triggered": triggered_rule(model, t) for t in model.transitions}
    timed |= {phase.name: phase_rule(model, phase) for phase in model.phases}
    for name, rule in timed.items():
        found |= {f"{name}.adjoint.{state}": value for state, value in rule.adjoint.items()}
        found |= {f"{name}.{p}": value for p, value in rule.parameters.items()}
        found[f"{name}.credit"] = rule.credit
    return found


def _flow_checks(model: ModelSpec, derivation: Derivation, prefix: str = "") -> Iterator[Check]:
    try:
        solution = flow.solve(model)
    except DerivationError:
        return  # no closed form: the kernel says which flow it uses instead
    yield "flow", "the flow and its adjoint solve their equations", partial(flow.residuals, solution)
    yield (
        "flow:adjoint",
        "the adjoint flow is that of the derived adjoint dynamics",
        partial(_adjoint_generator, model, derivation, solution, prefix),
    )


def _adjoint_generator(
    model: ModelSpec, derivation: Derivation, solution: flow.FlowSolution, prefix: str
) -> Residuals:
    rates = solution.adjoint_generator * model.adjoints
    names: dict[Expr, Expr] = {}
    for state, rate in zip(model.states, rates, strict=True):
        names |= {notation.adjoint_backward(state.name): rate, notation.adjoint(state.name): state.adjoint}
        names |= {notation.derivative("l", state.name): S.Zero, notation.state(state.name): state.symbol}
    steps = [derivation[f"{prefix}adjoint.ode.{state.name}"] for state in model.states]
    return {step.label: reduced((step.lhs - step.rhs).xreplace(names)) for step in steps}


def parameter_share(model: ModelSpec, derivation: Derivation, prefix: str = "parameter") -> Residuals:
    r"""The integrand of dL/dq between spikes is :math:`a \cdot \partial_q F`, where :math:`\dot x = F(x, q)`.

    At fixed ends :math:`\partial_q \Phi = \int \Phi_x\, \partial_q F\,dt` (variation of constants), so the
    integral over one interval is the derivative of :math:`a(t_{k+1}) \cdot \Phi(x(t_k), q)`.
    """
    names: dict[Expr, Expr] = {}
    for state, velocity in zip(model.states, model.vector_field, strict=True):
        names |= {
            notation.state(state.name): state.symbol,
            notation.velocity(state.name): velocity,
            notation.adjoint(state.name): state.adjoint,
        }
    integrals = derivation[f"{prefix}.sum.transitions"].rhs.atoms(Integral)
    inside = sympy.Add(*(sympy.expand(integral.function) for integral in integrals))
    costate = -model.mass.T * model.adjoints
    found = {}
    for parameter in model.parameters:
        share = inside.coeff(notation.derivative(parameter.name, "p")).xreplace(names)
        moved = model.vector_field.diff(parameter.symbol)
        found[parameter.name] = reduced(share - (costate.T * moved)[0])
    return found
