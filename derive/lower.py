"""From a model to its IR: the rules and the flow, arranged into blocks.

The mathematics is finished before it comes here: ``transition`` has the rules of spikes, ``flow`` the
solution between them, ``ladder`` the zeros of a guard. This module gives each formula its block, its label
and its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import sympy
from sympy import Expr, Matrix, Symbol

from saltus.derive.constants import hoist_reciprocals
from saltus.derive.flow import FlowSolution
from saltus.derive.flow_choice import AnySolution, choose, parameters_in, why
from saltus.derive.flow_lowering import costate, lower_flow
from saltus.derive.guard import keeps_guard, triggers
from saltus.derive.ladder import LadderRung, bound, ladder
from saltus.derive.maximum import check_moves, maximum_rule, rungs
from saltus.derive.model import (
    END,
    EXTERNAL,
    SENSITIVITY,
    ModelSpec,
    Phase,
    Probe,
    Readout,
    Receptor,
    Transition,
)
from saltus.derive.probe import ReadingRule, reading_rules
from saltus.derive.transition import (
    TimedRule,
    arrival_rule,
    emission_rule,
    initial_rule,
    phase_rule,
    triggered_rule,
)
from saltus.derive.writer import Writer, model_writer
from saltus.templates import ir

_LINEAR = (
    "the credit and the weight gradient are linear in the adjoints and free of the states, so they can be "
    "taken at the arrival alone, in any order of coincident arrivals"
)
_STATEFUL = (
    "the credit or the weight gradient depends on the states, which are taken just before the arrival, "
    "after those that come before it at the same time"
)
_ADD = "S(S(x, w), v) = S(x, w + v), so arrivals at one time act as one, and input on a grid is summed first"
_APART = "S(S(x, w), v) is not S(x, w + v), so arrivals at one time act one after the other"
_WAITS = (
    "the last rung of the guard is its second, so its bound needs the end of an interval alone, and arrivals "
    "add up: recurrent spikes, and input that follows closely, may wait for the end of an interval before "
    "they act on everyone"
)
_AT_ONCE = (
    "the guard has no bound by the end of an interval alone, or arrivals do not add up: spikes act on "
    "everyone at once"
)


def lower(spec: ModelSpec) -> ir.ModelIR:
    """The IR of a model, its readout integrals as states of their own.

    Raises:
        DerivationError: if the model has no adjoint or no flow of the kinds derived so far.
    """
    whole = spec.with_integrals()
    solution = choose(whole)
    writer = model_writer(whole)
    modes = tuple(phase.name for phase in whole.phases)
    emissions = tuple(_emission(solution, writer, t, modes) for t in whole.transitions)
    model = ir.ModelIR(
        name=spec.name,
        title=spec.title,
        source=spec.source,
        parameters=_parameters(whole),
        states=tuple(
            ir.State(s.name, str(s.adjoint), None if s.initial is None else s.initial.name)
            for s in whole.states
        ),
        flow=lower_flow(solution, writer),
        emissions=emissions,
        arrivals=tuple(_arrival(whole, writer, r) for r in whole.receptors),
        constants=ir.Block("constants", (), (), ()),
        terminal=_terminal(whole, writer),
        initial=_initial(whole, writer),
        integrals=tuple(readout.name for readout in spec.readouts if readout.window is None),
        facts=_facts(solution, writer),
        costate=costate(whole.x, whole.mass, whole.adjoints, writer),
        modes=tuple(_mode(whole, writer, phase, modes) for phase in whole.phases),
        inputs=whole.inputs,
        peaks=tuple(_peak(solution, writer, readout) for readout in whole.peaks),
        probes=tuple(_probe(whole, writer, probe) for probe in whole.probes),
    )
    return hoist_reciprocals(model)


def _parameters(spec: ModelSpec) -> tuple[ir.Parameter, ...]:
    initial_of = {s.initial.name: s.name for s in spec.states if s.initial is not None}
    return tuple(
        ir.Parameter(p.name, p.default, p.unit, p.positive, p.doc, initial_of.get(p.name))
        for p in spec.all_parameters
    )


def _emission(
    solution: AnySolution, writer: Writer, transition: Transition, modes: tuple[str, ...]
) -> ir.Emission:
    spec = solution.spec
    rule = emission_rule(spec, transition)
    label = _labels(rule.labels)
    # The rule gives the adjoint before from EXTERNAL; through SENSITIVITY = EXTERNAL + rest it is shorter.
    external = SENSITIVITY - (rule.sensitivity - EXTERNAL)
    before = {name: value.xreplace({EXTERNAL: external}) for name, value in rule.adjoint.items()}
    adjoint = [
        writer.assign("sensitivity", rule.sensitivity, label["sensitivity"]),
        *(
            writer.assign(f"{s.adjoint}_next", before[s.name], label[f"adjoint.{s.name}"])
            for s in spec.states
        ),
    ]
    return ir.Emission(
        name=rule.name,
        emits=rule.emits,
        guard=writer.single("guard", "guard", rule.guard, label["guard"]),
        slope=writer.single("guard_slope", "guard_slope", rule.slope, label["slope"]),
        ladder=_rungs("ladder", writer, ladder(solution, transition), "guard.ladder"),
        reset=_jump("reset", writer, rule.reset, label, "reset"),
        adjoint=writer.block("emission_adjoint", adjoint, [a.target for a in adjoint]),
        parameters=_gradient("emission_parameters", writer, rule.parameters, label),
        goto=_place(transition.goto, modes),
        triggered=_timed("trigger", writer, triggered_rule(spec, transition), spec)
        if any(triggers(transition, spec, receptor) for receptor in spec.receptors)
        else None,
        keeps_guard=keeps_guard(spec, transition),
    )


def _place(mode: str | None, modes: tuple[str, ...]) -> int:
    """The number of a mode: 0 for the model's own dynamics."""
    return 0 if mode is None else 1 + modes.index(mode)


def _mode(spec: ModelSpec, writer: Writer, phase: Phase, modes: tuple[str, ...]) -> ir.Mode:
    here = spec.in_phase(phase.name)
    flow = _prefixed(phase.name, lower_flow(choose(here), writer))
    arrivals = tuple(
        _prefixed(phase.name, msgspec.structs.replace(_arrival(here, writer, r), triggers=False))
        for r in here.receptors
    )
    end = _timed(f"{phase.name}_end", writer, phase_rule(spec, phase), spec)
    return ir.Mode(phase.name, flow, arrivals, phase.duration.name, _place(phase.goto, modes), end)


def _prefixed(name: str, node: Any) -> Any:
    """The same with the names of its blocks after ``name``."""
    if isinstance(node, ir.Block):
        return msgspec.structs.replace(node, name=f"{name}_{node.name}")
    if not isinstance(node, msgspec.Struct):
        return node
    fields = {field: _prefixed(name, getattr(node, field)) for field in node.__struct_fields__}
    return msgspec.structs.replace(node, **fields)


def _timed(name: str, writer: Writer, rule: TimedRule, spec: ModelSpec) -> ir.Jump:
    label = _labels(rule.labels)
    adjoint = [
        writer.assign(f"{s.adjoint}_next", rule.adjoint[s.name], label[f"adjoint.{s.name}"])
        for s in spec.states
    ]
    return ir.Jump(
        jump=_jump(f"{name}_jump", writer, rule.jump, label, "jump"),
        adjoint=writer.block(f"{name}_adjoint", adjoint, [a.target for a in adjoint]),
        credit=writer.single(f"{name}_credit", "credit", rule.credit, label["credit"]),
        parameters=_gradient(f"{name}_parameters", writer, rule.parameters, label),
    )


def _peak(solution: AnySolution, writer: Writer, readout: Readout) -> ir.Peak:
    spec = solution.spec
    check_moves(spec, readout)
    rule, label = maximum_rule(spec, readout), writer.label(f"maximum.{readout.name}")
    partials = [writer.assign(f"{name}_partial", value, label) for name, value in rule.partials.items()]
    name, step = f"peak_{readout.name}", f"maximum.{readout.name}"
    return ir.Peak(
        name=readout.name,
        ladder=_rungs(name, writer, rungs(solution, readout), f"{step}.ladder"),
        phases=tuple(
            _rungs(f"{phase.name}_{name}", writer, rungs(moved, readout), f"{step}.{phase.name}.ladder")
            for phase, moved in ((phase, choose(spec.in_phase(phase.name))) for phase in spec.phases)
        ),
        partials=writer.block(f"{name}_partials", partials, [a.target for a in partials]),
        parameters=_gradient(
            f"{name}_parameters", writer, rule.parameters, {f"parameters.{p}": label for p in rule.parameters}
        ),
        window=_window(name, writer, readout, label),
        bounds=_bounds(name, writer, spec, readout, label),
    )


def _window(name: str, writer: Writer, readout: Readout, label: ir.Label) -> ir.Block | None:
    if readout.window is None:
        return None
    timed = writer.with_locals([END])
    body = [
        timed.assign(target, time, label)
        for target, time in zip(("u_begin", "u_end"), readout.window, strict=True)
    ]
    return timed.block(f"{name}_window", body, [a.target for a in body])


def _bounds(name: str, writer: Writer, spec: ModelSpec, readout: Readout, label: ir.Label) -> ir.Block:
    """What parameters gain by the bounds of the window."""
    by = [Symbol(f"u_by_{bound}", real=True) for bound in ("begin", "end")]
    gains = {
        p.name: sum(
            (b * time.diff(p.symbol) for b, time in zip(by, readout.window or (), strict=False)), sympy.S.Zero
        )
        for p in spec.parameters
    }
    shares = {p: gain for p, gain in gains.items() if gain != 0}
    labels = {f"parameters.{p}": label for p in shares}
    return _gradient(f"{name}_bounds", writer.with_locals(by), shares, labels)


def _probe(spec: ModelSpec, writer: Writer, probe: Probe) -> ir.Probe:
    label = writer.label(f"probe.{probe.name}")
    readings = tuple(
        _reading(f"probe_{probe.name}" + f"_{i}" * (len(probe.readings) > 1), writer, rule, label)
        for i, rule in enumerate(reading_rules(spec, probe))
    )
    return ir.Probe(probe.name, readings, probe.listed)


def _reading(name: str, writer: Writer, rule: ReadingRule, label: ir.Label) -> ir.Reading:
    partials = [writer.assign(f"{state}_partial", value, label) for state, value in rule.partials.items()]
    labels = {f"parameters.{p}": label for p in rule.parameters}
    timed = writer.with_locals([END])
    return ir.Reading(
        time=None if rule.time is None else timed.single(f"{name}_time", "u_time", rule.time, label),
        value=writer.single(f"{name}_value", "u_value", rule.value, label),
        partials=writer.block(f"{name}_partials", partials, [a.target for a in partials]),
        parameters=_gradient(f"{name}_parameters", writer, rule.parameters, labels),
    )


def _rungs(name: str, writer: Writer, ladder: tuple[LadderRung, ...], step: str) -> tuple[ir.Rung, ...]:
    return tuple(
        ir.Rung(
            writer.single(f"{name}_{k}", f"u_{k}", rung.value, writer.label(f"{step}.{k}")),
            writer.single(f"{name}_{k}_rate", f"u_{k}_rate", rung.rate, writer.label(f"{step}.{k}")),
        )
        for k, rung in enumerate(ladder)
    )


def _arrival(spec: ModelSpec, writer: Writer, receptor: Receptor) -> ir.Arrival:
    rule = arrival_rule(spec, receptor)
    label = _labels(rule.labels)
    adjoint = [
        writer.assign(f"{s.adjoint}_next", rule.adjoint[s.name], label[f"adjoint.{s.name}"])
        for s in spec.states
    ]
    name = rule.receptor
    return ir.Arrival(
        receptor=name,
        jump=_jump(f"{name}_jump", writer, rule.jump, label, "jump"),
        adjoint=writer.block(f"{name}_adjoint", adjoint, [a.target for a in adjoint]),
        credit=writer.single(f"{name}_credit", "credit", rule.credit, label["credit"]),
        weight=writer.single(f"{name}_weight", "grad_w", rule.weight, label["weight"]),
        parameters=_gradient(f"{name}_parameters", writer, rule.parameters, label),
        linear=rule.linear,
        additive=rule.additive,
        triggers=any(triggers(transition, spec, receptor) for transition in spec.transitions),
    )


def _terminal(spec: ModelSpec, writer: Writer) -> ir.Block:
    """The adjoints at the end of the run, from dL/dx(T) = -M^T lambda(T)."""
    final = [Symbol(f"final_{state.name}", real=True) for state in spec.states]
    local = writer.with_locals(final)
    values = -spec.mass.T.LUsolve(Matrix(final))
    body = [
        local.assign(f"{state.adjoint}_next", value, local.label("adjoint.terminal"))
        for state, value in zip(spec.states, values, strict=True)
    ]
    return local.block("terminal", body, [a.target for a in body])


def _initial(spec: ModelSpec, writer: Writer) -> ir.Block:
    label = writer.label("gradient.initial")
    return _gradient(
        "initial_gradient",
        writer,
        initial_rule(spec),
        {f"parameters.{parameter.name}": label for parameter in spec.initial},
    )


def _jump(
    name: str, writer: Writer, values: Mapping[str, Expr], label: Mapping[str, ir.Label], part: str
) -> ir.Block:
    body = [writer.assign(f"{s}_next", value, label[f"{part}.{s}"]) for s, value in values.items()]
    return writer.block(name, body, [a.target for a in body])


def _gradient(
    name: str, writer: Writer, shares: Mapping[str, Expr], label: Mapping[str, ir.Label]
) -> ir.Block:
    body = [writer.assign(f"grad_{p}", share, label[f"parameters.{p}"]) for p, share in shares.items()]
    return writer.block(name, body, [a.target for a in body])


def _labels(labels: Mapping[str, tuple[str, str | None]]) -> dict[str, ir.Label]:
    return {part: ir.Label(step, source) for part, (step, source) in labels.items()}


def _facts(solution: AnySolution, writer: Writer) -> tuple[ir.Fact, ...]:
    spec = solution.spec
    phases = {phase.name: choose(spec.in_phase(phase.name)) for phase in spec.phases}
    flowing = dict.fromkeys(name for each in (solution, *phases.values()) for name in parameters_in(each))
    facts = [
        ir.Fact("flow", why(solution, writer.order)),
        ir.Fact("flow_parameters", ", ".join(flowing)),
    ]
    rules = {receptor.name: arrival_rule(spec, receptor) for receptor in spec.receptors}
    adds = all(rule.additive for rule in rules.values())
    for transition in spec.transitions:
        found = ladder(solution, transition)
        waits = isinstance(solution, FlowSolution) and len(found) == ir.EXACT_TOP and adds
        facts.append(ir.Fact(f"ladder.{transition.name}", bound(solution, found, writer.order)))
        facts.append(ir.Fact(f"waiting.{transition.name}", _WAITS if waits else _AT_ONCE))
    for name, rule in rules.items():
        facts.append(ir.Fact(f"arrival.{name}", _LINEAR if rule.linear else _STATEFUL))
        facts.append(ir.Fact(f"together.{name}", _ADD if rule.additive else _APART))
    for name, solved in phases.items():
        facts.append(ir.Fact(f"phase.{name}", f"{why(solved, writer.order)}; it has no condition"))
    return tuple(facts)
