"""What a template knows of a model: its names by kind, its blocks by section, and how to call them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import singledispatch

from saltus.errors import EmitError
from saltus.templates.ir import (
    AnyFlow,
    AnyLoss,
    Arrival,
    Block,
    Call,
    Emission,
    Expr,
    Flow,
    Jump,
    MatrixFlow,
    ModelIR,
    NumericFlow,
    Op,
    Ref,
    dump,
)
from saltus.templates.naming import spelled


class Arguments:
    """Prints the arguments of a block's call: each input by the pattern of its kind, each output by address.

    A pattern holds ``{}`` for the name and may hold ``{i}`` for its index within the kind.
    """

    def __init__(self, names: Mapping[str, list[str]]) -> None:
        self._kinds = {
            name: (kind, i)
            for kind, members in (
                ("x", names["states"]),
                ("y", names["adjoints"]),
                ("p", names["parameters"] + names["constants"]),
                ("k", names["entries"]),
            )
            for i, name in enumerate(members)
        }

    def __call__(
        self,
        block: Block,
        x: str | None,
        y: str | None,
        p: str | None,
        k: str | None,
        names: Mapping[str, str],
    ) -> str:
        patterns = {"x": x, "y": y, "p": p, "k": k}
        inputs = []
        for name in block.inputs:
            kind, index = self._kinds.get(name, (None, 0))
            pattern = patterns[kind] if kind else names.get(name, name)
            if pattern is None:
                raise EmitError(
                    f"{block.name} needs {name}, which its caller does not have. Pass its pattern."
                )
            inputs.append(pattern.replace("{}", name).replace("{i}", str(index)) if kind else pattern)
        return ", ".join(inputs + [f"&{name}" for name in block.outputs])


def reaches(block: Block, inputs: Sequence[str]) -> list[tuple[str, str]]:
    """Which outputs of a block depend on which of some inputs: ``(output, input)``, by output."""
    known: dict[str, frozenset[str]] = {name: frozenset([name]) for name in inputs}
    for assign in block.body:
        known[assign.target] = frozenset().union(
            *(known.get(name, frozenset()) for name in names_in(assign.value))
        )
    return [(output, name) for output in block.outputs for name in inputs if name in known[output]]


@singledispatch
def names_in(expr: Expr) -> Iterator[str]:
    """The names that an expression refers to."""
    yield from ()


@names_in.register
def _(expr: Ref) -> Iterator[str]:
    yield expr.name


@names_in.register(Op)
@names_in.register(Call)
def _(expr: Op | Call) -> Iterator[str]:
    for argument in expr.args:
        yield from names_in(argument)


def names_of(model: ModelIR, flow: AnyFlow) -> dict[str, list[str]]:
    """The names of a model by kind, with the entries of one of its flows."""
    return {
        "states": [state.name for state in model.states],
        "adjoints": [state.adjoint for state in model.states],
        "parameters": [parameter.name for parameter in model.parameters],
        "constants": list(model.constants.outputs),
        "entries": list(flow.entries) if isinstance(flow, Flow) else [],
    }


def flow_parameters(model: ModelIR) -> tuple[str, ...]:
    """The names that the solution between events depends on; all of them where the IR does not say."""
    for fact in model.facts:
        if fact.name == "flow_parameters":
            return tuple(name.strip() for name in fact.text.split(","))
    return tuple(parameter.name for parameter in model.parameters)


def shared_names(model: ModelIR) -> set[str]:
    """Parameters and constants that all neurons share as soon as they share their flow."""
    flow = set(flow_parameters(model))
    own = {parameter.name for parameter in model.parameters} - flow
    differ = {output for output, _ in reaches(model.constants, sorted(own))}
    return (flow | set(model.constants.outputs)) - differ


def only_emission(model: ModelIR) -> Emission | None:
    """The transition that sends spikes, None without one; raises ``EmitError`` for several."""
    if len(model.emissions) > 1:
        raise EmitError(
            f"{model.name} has {len(model.emissions)} transitions, and the event engine takes one. "
            "Split the model, or keep the transition that sends spikes."
        )
    emission = model.emissions[0] if model.emissions else None
    return emission


@singledispatch
def flow_blocks(flow: AnyFlow) -> list[Block]:
    """The blocks of a flow."""
    raise EmitError(f"{type(flow).__name__} has no kernel. Use one of the flows of templates.ir.")


@flow_blocks.register
def _(flow: Flow) -> list[Block]:
    return [flow.propagator, flow.advance, flow.adjoint, flow.sensitivity, flow.parameters]


@flow_blocks.register
def _(flow: MatrixFlow) -> list[Block]:
    return [flow.matrix, flow.derivatives]


@flow_blocks.register
def _(flow: NumericFlow) -> list[Block]:
    return [flow.field, flow.pull]


def jump_blocks(jump: Jump) -> list[Block]:
    """The blocks of a transition at a given time."""
    return [jump.jump, jump.adjoint, jump.credit, jump.parameters]


def arrival_blocks(arrival: Arrival) -> list[Block]:
    """The blocks of a receptor."""
    return [arrival.jump, arrival.adjoint, arrival.credit, arrival.weight, arrival.parameters]


def probe_blocks(model: ModelIR) -> list[tuple[str, list[Block]]]:
    """The blocks of the readouts of the state at given times, under titles."""
    found = []
    for probe in model.probes:
        blocks = [
            block
            for reading in probe.readings
            for block in (reading.time, reading.value, reading.partials, reading.parameters)
            if block is not None and block.outputs
        ]
        found.append((f"readout: {probe.name}", blocks))
    return found


def stateful(flow: AnyFlow, model: ModelIR) -> bool:
    """Whether a step of the adjoints needs the states: where a readout integrates a product of them."""
    return isinstance(flow, Flow) and bool({state.name for state in model.states} & set(flow.adjoint.inputs))


def timed(model: ModelIR) -> bool:
    """Whether a readout of the model is at a time of its own, before the end."""
    return any(reading.time is not None for probe in model.probes for reading in probe.readings)


def read_at_the_end(model: ModelIR) -> bool:
    """Whether states at the end are linear in all that arrives: nothing else jumps, and arrivals add up."""
    return bool(model.arrivals) and not model.emissions and all(each.additive for each in model.arrivals)


def sections(model: ModelIR) -> list[tuple[str, list[Block]]]:
    """The blocks of a model that a kernel prints, under the titles of their sections."""
    found = [
        ("constants", [model.constants]),
        ("the flow between events", flow_blocks(model.flow)),
        ("the ends", [model.terminal, model.initial]),
    ]
    if model.costate is not None:
        found.append(("the adjoints as dL/dx", [model.costate]))
    for mode in model.modes:
        found.append((f"the flow of {mode.name}", flow_blocks(mode.flow)))
        found.append((f"the end of {mode.name}", jump_blocks(mode.end)))
        found += [(f"arrival: {a.receptor}, {mode.name}", arrival_blocks(a)) for a in mode.arrivals]
    for peak in model.peaks:
        all_rungs = [rung for rungs in (peak.ladder, *peak.phases) for rung in rungs]
        ladder = [block for rung in all_rungs for block in (rung.value, rung.rate)]
        window = [] if peak.window is None else [peak.window]
        rules = [peak.partials, peak.parameters, *window, peak.bounds]
        found.append((f"maximum: {peak.name}", ladder + rules))
    for emission in model.emissions:
        ladder = [block for rung in emission.ladder for block in (rung.value, rung.rate)]
        rules = [emission.guard, emission.slope, emission.reset, emission.adjoint, emission.parameters]
        found.append((f"emission: {emission.name}", ladder + rules))
        if emission.triggered is not None:
            found.append((f"emission by an arrival: {emission.name}", jump_blocks(emission.triggered)[1:]))
    found += [(f"arrival: {a.receptor}", arrival_blocks(a)) for a in model.arrivals]
    return [(title, [block for block in blocks if block.outputs]) for title, blocks in found]


def header(ir: ModelIR | AnyLoss | tuple[ModelIR, ...], what: str) -> str:
    """The first words of a generated file."""
    parts = ir if isinstance(ir, tuple) else (ir,)
    digest = hashlib.sha256(b"".join(spelled(dump(part).decode()).encode() for part in parts)).hexdigest()[
        :12
    ]
    specs = ", ".join(f"{part.name}.toml" for part in parts)
    return (
        f"Made by `saltus emit` from {specs} ({what}; ir.json {digest}). Do not edit: "
        "change the spec or the templates and run it again."
    )
