"""Renders the clock kernel: one unit for populations of any of an ordered tuple of linear models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import singledispatch
from itertools import product

from saltus.errors import EmitError
from saltus.templates.c_printer import changed
from saltus.templates.clock_moves import Moves, moments, moves, products
from saltus.templates.context import Arguments, header, names_of, only_emission, sections, stateful, timed
from saltus.templates.ir import (
    AnyFlow,
    Arrival,
    Assign,
    Block,
    Flow,
    Label,
    MatrixFlow,
    Mode,
    ModelIR,
    Op,
    Ref,
)
from saltus.templates.naming import in_c
from saltus.templates.network import derivative_entries, state_array, windowed
from saltus.templates.render import ABI, Unit, render

RECEPTORS = 32
"""Of a model, at most."""


def why_no_clock(model: ModelIR) -> str | None:
    """Why the clock kernel does not take a model, in a sentence with the way out; None where it does."""
    try:
        _check(model)
    except EmitError as refusal:
        return str(refusal)
    return None


@in_c
def clock_unit(models: tuple[ModelIR, ...], number: str = "float") -> Unit:
    """The clock engine of a group of populations of these models: ``clock.h``, ``clock.c``.

    Args:
        models: with names that differ.
        number: C's name of the type of states and weights.

    Raises:
        EmitError: a model needs what the engine cannot do, in one sentence with the way out.
    """
    for model in models:
        _check(model)
    multiplied = any(stateful(model.flow, model) for model in models)
    swifts = [_is_swift(model, models) for model in models]
    moving = list(map(moves, models, swifts))
    sizes = {
        "states_max": max(len(model.states) for model in models),
        "wide": 1 << (max(len(model.states) for model in models) - 1).bit_length(),
        "peaks_max": max(len(model.peaks) for model in models),
        "windowed": any(map(windowed, models)),
        "phased": any(model.modes for model in models),
        "driven": any(model.inputs for model in models),
        "timed": any(map(timed, models)),
        "any_stateful": multiplied,
        "swift": any(swifts),
        "tangents_max": max(each.size for each in moving),
        "number": number,
    }
    interface = render("clock_interface.h.jinja", sizes)
    context = {
        **sizes,
        "abi": ABI,
        "header": header(models, "clock"),
        "interface": interface,
        "names_of_models": [model.name for model in models],
        "models": list(map(_row, models, swifts, moving)),
        "adapters": [_adapter(*each, multiplied) for each in zip(models, swifts, moving, strict=True)],
    }
    files = ("exponentials.h", "clock.h", "clock.c")
    return Unit({name: render(f"{name}.jinja", context) for name in files}, interface)


@dataclass(frozen=True)
class Stride:
    """One step of a flow: ``advance`` and ``adjoint`` as in ``Flow``, of states and adjoints and ``entries``.

    places: of a matrix flow, for each entry, whether it is of the flow (Phi) or of its adjoint (Psi), and its
    row and column there.
    """

    entries: tuple[str, ...]
    advance: Block
    adjoint: Block
    template: str
    places: tuple[tuple[str, int, int], ...] = ()


@singledispatch
def stride(flow: AnyFlow, model: ModelIR, phase: str = "") -> Stride:
    """How a model goes through one step; ``phase``: what the names of its blocks begin with."""
    raise EmitError(
        f"{model.name}: its dynamics are not linear, and the clock engine's step is their exact solution. "
        'Use engine = "event".'
    )


@stride.register
def _(flow: Flow, model: ModelIR, phase: str = "") -> Stride:
    return Stride(flow.entries, flow.advance, flow.adjoint, "clock_flow_exact.c.jinja")


@stride.register
def _(flow: MatrixFlow, model: ModelIR, phase: str = "") -> Stride:
    size = len(model.states)
    reached = _closure(flow.entries, size)
    states = [state.name for state in model.states]
    adjoints = [state.adjoint for state in model.states]
    forth = [(i, j) for i, j in product(range(size), range(size + 1)) if (i, j) in reached]
    back = [(j, i) for i, j in forth if j < size]
    advance = _linear(f"{phase}advance", "flow", "Phi", states, forth)
    adjoint = _linear(f"{phase}adjoint", "flow.adjoint", "Psi", adjoints, back)
    places = tuple(("Phi", i, j) for i, j in forth) + tuple(("Psi", j, i) for j, i in back)
    entries = tuple(f"{kind}_{i}_{j}" for kind, i, j in places)
    return Stride(entries, advance, adjoint, "clock_flow_matrix.c.jinja", places)


def _closure(entries: Iterable[tuple[int, int]], size: int) -> set[tuple[int, int]]:
    """Where a power of the matrix can differ from zero: what drives what, directly or through others."""
    reached = {(i, i) for i in range(size)} | set(entries)
    for middle in range(size):
        reached |= {
            (i, j) for i, j in product(range(size), range(size + 1)) if {(i, middle), (middle, j)} <= reached
        }
    return reached


def _linear(name: str, step: str, kind: str, names: Sequence[str], places: list[tuple[int, int]]) -> Block:
    """``names_next = matrix @ names``, with a last column for a constant."""
    body = []
    for i, target in enumerate(names):
        entries = [(Ref(f"{kind}_{i}_{j}"), j) for row, j in places if row == i]
        terms = [Op("mul", (entry, Ref(names[j]))) if j < len(names) else entry for entry, j in entries]
        value = terms[0] if len(terms) == 1 else Op("add", tuple(terms))
        body.append(Assign(f"{target}_next", value, Label(f"{step}.{target}")))
    inputs = (*names, *(f"{kind}_{i}_{j}" for i, j in places))
    return Block(name, inputs, tuple(f"{target}_next" for target in names), tuple(body))


@dataclass(frozen=True)
class _PhaseRow:
    """What the table of a phase has; see ``phase_table``."""

    tag: str
    duration: int
    first_moment: int
    states: int


@dataclass(frozen=True)
class _ModelRow:
    """A row of the table of models."""

    name: str
    values: int
    moments: int
    spikes: bool
    receptors: int
    peaks: int
    windowed: bool
    carried: bool
    stateful: bool
    swift: bool
    tangents: bool
    phase: _PhaseRow | None


def _row(model: ModelIR, swift: bool, moving: Moves) -> _ModelRow:
    own = stride(model.flow, model)
    values = len(model.parameters) + len(model.constants.outputs) + len(own.entries) + len(moving.slopes)
    size = len(model.states)
    phase, moments = None, size * (size + 1)
    for mode in model.modes:
        duration = [parameter.name for parameter in model.parameters].index(mode.duration)
        phase = _PhaseRow(_tag(model, mode), duration, moments, size)
        values += len(_stride_in(mode, model).entries)
        moments *= 2
    return _ModelRow(
        model.name,
        values,
        moments,
        only_emission(model) is not None,
        len(model.arrivals),
        len(model.peaks),
        windowed(model),
        _carried(model),
        stateful(model.flow, model),
        swift,
        bool(moving.names),
        phase,
    )


def _carried(model: ModelIR) -> bool:
    """Whether something happens to it inside a step."""
    return bool(model.peaks) or timed(model)


def _tag(model: ModelIR, mode: Mode) -> str:
    return f"{model.name}_{mode.name}"


def _stride_in(mode: Mode, model: ModelIR) -> Stride:
    return stride(mode.flow, model, f"{mode.name}_")


def _is_swift(model: ModelIR, models: Iterable[ModelIR]) -> bool:
    """Whether many steps of it can go in one call: it has one receptor, and nothing but steps, arrivals and
    spikes can happen in a group of these models.
    """
    return len(model.arrivals) == 1 and not any(
        each.modes or each.inputs or _carried(each) or stateful(each.flow, each) for each in models
    )


def _adapter(model: ModelIR, swift: bool, moving: Moves, any_stateful: bool) -> str:
    """The functions of one model that the clock calls; swift, moving: see ``moves``."""
    own = stride(model.flow, model)
    names = names_of(model, model.flow) | {"entries": list(own.entries)}
    emission = only_emission(model)
    guard = [] if emission is None else [emission.guard]
    jumps = [arrival.jump for arrival in model.arrivals]
    reads = [block for arrival in model.arrivals for block in (arrival.weight, arrival.credit)]
    heights = [rung.value for peak in model.peaks for rung in peak.ladder[:2]]
    values = [*names["parameters"], *names["constants"], *names["entries"], *moving.slopes]

    def used(blocks: Iterable[Block]) -> list[str]:
        inputs = {name for block in blocks for name in block.inputs}
        return [name for name in values if name in inputs]

    moved = {name.removesuffix("_next") for jump in jumps for name in changed(jump)}
    context = {
        **names,
        "prefix": model.name,
        "tag": model.name,
        "model": model,
        "flow": model.flow,
        "flow_template": own.template,
        "flow_places": own.places,
        "advance": own.advance,
        "retreat": own.adjoint,
        "emission": emission,
        "arrivals": model.arrivals,
        "sections": sections(model),
        "own_sections": [
            ("one step", [step.advance, step.adjoint])
            for step in (own, *(_stride_in(mode, model) for mode in model.modes))
            if step.places
        ]
        + ([("the derivatives by a neuron's own parameters", moving.blocks)] if moving.names else []),
        "phase": _phase(model, len(values)),
        "on_vectors": [own.advance, own.adjoint, *guard, *jumps, *reads, *heights, *moving.steps],
        "tangents": moving,
        "step_blocks": [own.advance, *guard, *moving.steps],
        "changed_states": moved,
        "place": {name: i for i, name in enumerate(values)},
        "used": used,
        "products": products(model),
        "moments": moments(model),
        "terminal_names": state_array(model, "final_"),
        "into_adjoints": f"{model.name}_end",
        "carried": _carried(model),
        "stateful": stateful(model.flow, model),
        "any_stateful": any_stateful,
        "swift": swift,
        "peak_rungs": [peak.ladder for peak in model.peaks],
        "windowed": windowed(model),
        "arguments": Arguments(names),
        "derivative_entries": derivative_entries,
    }
    return render("clock_model.c.jinja", context)


def _phase(model: ModelIR, first_value: int) -> str:
    """The functions of the phase after a spike; nothing without one. first_value: where its entries begin."""
    if not model.modes:
        return ""
    (mode,) = model.modes
    own = _stride_in(mode, model)
    names = names_of(model, mode.flow) | {"entries": list(own.entries)}
    context = {
        **names,
        "prefix": model.name,
        "tag": _tag(model, mode),
        "model": model,
        "mode": mode,
        "flow": mode.flow,
        "flow_template": own.template,
        "flow_places": own.places,
        "advance": own.advance,
        "retreat": own.adjoint,
        "arrivals": mode.arrivals,
        "first_value": first_value,
        "carried": _carried(model),
        "stateful": False,
        "peak_rungs": [peak.phases[0] for peak in model.peaks],
        "terminal_names": state_array(model, "final_"),
        "arguments": Arguments(names),
        "derivative_entries": derivative_entries,
    }
    return render("clock_phase.c.jinja", context)


def _check(model: ModelIR) -> None:
    """Raises ``EmitError`` for what has no rule on the grid."""
    stride(model.flow, model)
    way_out = 'Use engine = "event".'
    emission = only_emission(model)
    if emission is not None and emission.keeps_guard:
        raise EmitError(
            f"{model.name}: {emission.name} leaves its guard where it is, so at a grid point it would happen "
            f"again and again. {way_out}"
        )
    if emission is not None and not emission.emits:
        raise EmitError(
            f"{model.name}: {emission.name} sends no spike, and the clock engine knows spikes alone. "
            f"{way_out}"
        )
    if len(model.arrivals) > RECEPTORS:
        raise EmitError(f"{model.name}: more than {RECEPTORS} receptors. {way_out}")
    for arrival in model.arrivals:
        _check_arrival(model, arrival, way_out)
    for mode in model.modes:
        _check_phase(model, mode, way_out)


def _check_phase(model: ModelIR, mode: Mode, way_out: str) -> None:
    stride(mode.flow, model)
    if len(model.modes) > 1 or mode.goto:
        raise EmitError(
            f"{model.name}: the clock engine has one phase after a spike, and {mode.name} is one of several. "
            f"{way_out}"
        )
    if stateful(model.flow, model) or stateful(mode.flow, model):
        raise EmitError(
            f"{model.name}: a readout integrates a product of states, and the clock engine's adjoint step "
            f"knows no states in a phase such as {mode.name}. {way_out}"
        )
    for arrival, own in zip(mode.arrivals, model.arrivals, strict=True):
        _check_arrival(model, arrival, way_out)
        if arrival.jump.body != own.jump.body:
            raise EmitError(
                f"{model.name}, receive.{arrival.receptor}: it does something else in {mode.name}, and the "
                f"clock engine adds up what arrives at all neurons in one way. {way_out}"
            )


def _check_arrival(model: ModelIR, arrival: Arrival, way_out: str) -> None:
    where = f"{model.name}, receive.{arrival.receptor}:"
    if arrival.triggers:
        raise EmitError(
            f"{where} an arrival can lift the guard over zero, at a time that is the arrival's own and no "
            f"crossing inside a step. {way_out}"
        )
    if not (arrival.additive and arrival.linear) or changed(arrival.adjoint):
        raise EmitError(
            f"{where} arrivals in one step do not add up, as the clock engine needs them to. {way_out}"
        )
    if arrival.parameters.outputs:
        learned = arrival.parameters.outputs[0].removeprefix("grad_")
        raise EmitError(f"{where} its jump depends on {learned}, and so would its gradient. {way_out}")
