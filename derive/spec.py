"""Reads a model from TOML or a dict, and refuses what is wrong with the place and the way out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sympy import Expr

from saltus.derive import checks, files, readout_spec, tables
from saltus.derive.exponential import exponential
from saltus.derive.expressions import ELEMENTARY, Grammar, Place, parse_expression
from saltus.derive.model import (
    EXTERNAL,
    SENSITIVITY,
    WEIGHT,
    ModelSpec,
    Parameter,
    Phase,
    Readout,
    Receptor,
    State,
    Transition,
    make_state,
)
from saltus.derive.names import check_name
from saltus.derive.readout_spec import NO_DOT

__all__ = [
    "EXTERNAL",
    "SENSITIVITY",
    "WEIGHT",
    "ModelSpec",
    "Parameter",
    "Phase",
    "Readout",
    "Receptor",
    "State",
    "Transition",
    "from_dict",
    "load",
    "parse",
]

_KEYS = (
    "name",
    "title",
    "source",
    "parameters",
    "initial",
    "inputs",
    "dynamics",
    "mode",
    "transition",
    "receive",
    "readouts",
)
_FUNCTIONS = {**ELEMENTARY, "exp": exponential}


def load(model: str | Path) -> ModelSpec:
    """The model in a ``.toml`` file, or the shipped one of that name.

    Raises:
        SpecError: if there is no such model, or it is wrong (the message says where and what to write).
    """
    text, origin = files.read("models", model)
    return parse(text, origin)


def parse(text: str, origin: str) -> ModelSpec:
    """The model that a TOML text describes; ``origin`` names it in messages."""
    return from_dict(files.toml(text, origin), origin)


def from_dict(data: Mapping[str, object], origin: str = "model") -> ModelSpec:
    """The model that a dict with the content of a spec file describes.

    Raises:
        SpecError: if it is wrong (the message says where and what to write).
    """
    tables.check_keys(data, _KEYS, Place(origin))
    parameters = tables.parameters(data, origin)
    given = _inputs(data, origin)
    states = _states(data, origin) + given
    checks.names_differ(origin, parameters, states)
    dynamics = _dynamics(data, origin, parameters, states)
    readouts = readout_spec.readouts(data, origin, parameters, _names(parameters, states), _FUNCTIONS)
    spec = ModelSpec(
        name=check_name(tables.text(data, "name", Place(origin)), Place(origin, key="name")),
        title=tables.text(data, "title", Place(origin)),
        source=tables.text(data, "source", Place(origin), default=""),
        origin=origin,
        parameters=parameters,
        states=states,
        dynamics=dynamics,
        transitions=_transitions(data, origin, parameters, states),
        receptors=_receptors(data, origin, parameters, states),
        readouts=readouts.integrals,
        peaks=readouts.peaks,
        probes=readouts.probes,
        inputs=tuple(state.name for state in given),
        phases=_phases(data, origin, parameters, states, dynamics),
    )
    checks.consistent(spec)
    return spec


def _states(data: Mapping[str, object], origin: str) -> tuple[State, ...]:
    entries = tables.subtable(data, "initial", Place(origin, "initial"))
    if not entries:
        raise Place(origin, "initial").error(
            "there is no state.", "Give each state its initial value: x = 0.0."
        )
    return tuple(
        make_state(
            check_name(name, Place(origin, "initial")),
            tables.parameter(f"{name}0", entry, Place(origin, "initial", name)),
        )
        for name, entry in entries.items()
    )


def _inputs(data: Mapping[str, object], origin: str) -> tuple[State, ...]:
    """The quantities that are given from outside: states that stay as they are between events."""
    entries = tables.subtable(data, "inputs", Place(origin, "inputs"))
    for name in entries:
        place = Place(origin, "inputs", name)
        entry = tables.subtable(entries, name, place)
        tables.check_keys(entry, ("unit", "doc"), place)
        for key in entry:
            tables.text(entry, key, place)
    return tuple(make_state(check_name(name, Place(origin, "inputs")), None) for name in entries)


def _dynamics(
    data: Mapping[str, object], origin: str, parameters: tuple[Parameter, ...], states: tuple[State, ...]
) -> tuple[Expr, ...]:
    place = Place(origin, "dynamics")
    entries = tables.subtable(data, "dynamics", place)
    moving = tuple(state for state in states if state.initial is not None)
    known = tuple(f"f_{state.name}" for state in moving)
    tables.check_keys(entries, known, place)
    for name, state in zip(known, moving, strict=True):
        if name not in entries:
            raise place.error(
                f"the state {state.name} has no equation.", f'Write {name} = "dot({state.name}) - ...".'
            )
    grammar = _moving_grammar(parameters, states)
    written = tuple(
        parse_expression(entries[name], grammar, Place(origin, "dynamics", name)) for name in known
    )
    return written + tuple(state.dot for state in states if state.initial is None)


def _moving_grammar(parameters: tuple[Parameter, ...], states: tuple[State, ...]) -> Grammar:
    """What dynamics are written in: names, functions, and dot() of a state."""
    dots = {state.symbol: state.dot for state in states if state.initial is not None}

    def dot(argument: Expr) -> Expr:
        if argument not in dots:
            raise ValueError(
                "takes dot() of something else than a state", "Write dot(x) of a single state x."
            )
        return dots[argument]

    return Grammar(_names(parameters, states), functions={**_FUNCTIONS, "dot": dot})


def _phases(
    data: Mapping[str, object],
    origin: str,
    parameters: tuple[Parameter, ...],
    states: tuple[State, ...],
    dynamics: tuple[Expr, ...],
) -> tuple[Phase, ...]:
    """Each ``[mode.<name>]`` with the transition that ends it; rows that it does not give are the model's."""
    modes = tables.subtable(data, "mode", Place(origin, "mode"))
    endings = tables.subtable(data, "transition", Place(origin, "transition"))
    grammar = _moving_grammar(parameters, states)
    jumps = Grammar(_names(parameters, states), refusals={"dot": NO_DOT})
    ends: dict[str, tuple[str, Mapping[str, object]]] = {}
    for name in endings:
        place = Place(origin, f"transition.{name}")
        entry = tables.subtable(endings, name, place)
        if "after" not in entry:
            continue
        check_name(name, place)
        tables.check_keys(entry, ("mode", "after", "reset", "goto"), place)
        mode = tables.text(entry, "mode", place)
        if mode not in modes:
            raise place.error(f"there is no mode {mode}.", f"Write its equations in [mode.{mode}.dynamics].")
        if mode in ends:
            raise place.error(f"{ends[mode][0]} ends the mode {mode}, too.", "Keep one of them.")
        ends[mode] = (name, entry)
    found = []
    for name in modes:
        check_name(name, Place(origin, f"mode.{name}"))
        place = Place(origin, f"mode.{name}.dynamics")
        mode_table = tables.subtable(modes, name, Place(origin, f"mode.{name}"))
        tables.check_keys(mode_table, ("dynamics",), Place(origin, f"mode.{name}"))
        entries = tables.subtable(mode_table, "dynamics", place)
        tables.check_keys(entries, tuple(f"f_{s.name}" for s in states if s.initial is not None), place)
        if name not in ends:
            raise Place(origin, f"mode.{name}").error(
                "no transition ends it.", f'Write one with mode = "{name}" and after = a parameter.'
            )
        release, ending = ends[name]
        where = Place(origin, f"transition.{release}")
        after = tables.text(ending, "after", where)
        durations = {p.name: p for p in parameters if p.positive}
        if after not in durations:
            raise where.within("after").error(
                f'"{after}" is no parameter that is declared positive.',
                f'Write {after} = {{ value = 2e-3, unit = "s", positive = true }} in [parameters].',
            )
        rows = tuple(
            parse_expression(entries[f"f_{s.name}"], grammar, place.within(f"f_{s.name}"))
            if f"f_{s.name}" in entries
            else row
            for s, row in zip(states, dynamics, strict=True)
        )
        reset = tables.subtable(ending, "reset", where)
        found.append(
            Phase(
                name,
                rows,
                release,
                durations[after],
                _jump(reset, jumps, Place(origin, where.table, "reset"), states),
                _goto(ending, where, modes),
            )
        )
    return tuple(found)


def _goto(entry: Mapping[str, object], place: Place, modes: Mapping[str, object]) -> str | None:
    """The mode that a transition goes to, None where it says nothing."""
    if "goto" not in entry:
        return None
    name = tables.text(entry, "goto", place)
    if name not in modes:
        raise place.within("goto").error(
            f"there is no mode {name}.", f"Write its equations in [mode.{name}.dynamics]."
        )
    return name


def _transitions(
    data: Mapping[str, object], origin: str, parameters: tuple[Parameter, ...], states: tuple[State, ...]
) -> tuple[Transition, ...]:
    written = tables.subtable(data, "transition", Place(origin, "transition"))
    modes = tables.subtable(data, "mode", Place(origin, "mode"))
    entries = {
        name: entry
        for name, entry in written.items()
        if "after" not in tables.subtable(written, name, Place(origin, f"transition.{name}"))
    }
    if len(entries) > 1:
        raise Place(origin, "transition").error(
            f"{len(entries)} transitions with a condition in one model are not supported yet.",
            "Keep one of them.",
        )
    grammar = Grammar(_names(parameters, states), refusals={"dot": NO_DOT})
    found = []
    for name in entries:
        place = Place(origin, f"transition.{name}")
        check_name(name, place)
        entry = tables.subtable(entries, name, place)
        tables.check_keys(entry, ("when", "reset", "emits", "goto"), place)
        when = parse_expression(
            tables.text(entry, "when", place), grammar, Place(origin, place.table, "when")
        )
        reset = tables.subtable(entry, "reset", place)
        found.append(
            Transition(
                name,
                when,
                _jump(reset, grammar, Place(origin, place.table, "reset"), states),
                tables.flag(entry, "emits", place),
                _goto(entry, place, modes),
            )
        )
    return tuple(found)


def _receptors(
    data: Mapping[str, object], origin: str, parameters: tuple[Parameter, ...], states: tuple[State, ...]
) -> tuple[Receptor, ...]:
    entries = tables.subtable(data, "receive", Place(origin, "receive"))
    grammar = Grammar(_names(parameters, states) | {"w": WEIGHT}, refusals={"dot": NO_DOT})
    found = []
    for name in entries:
        place = Place(origin, f"receive.{name}")
        check_name(name, place)
        found.append(Receptor(name, _jump(tables.subtable(entries, name, place), grammar, place, states)))
    return tuple(found)


def _jump(
    entries: Mapping[str, object], grammar: Grammar, place: Place, states: tuple[State, ...]
) -> tuple[Expr, ...]:
    """One expression a state: what ``entries`` gives, and the state itself where it gives nothing."""
    tables.check_keys(entries, tuple(state.name for state in states if state.initial is not None), place)
    return tuple(
        parse_expression(entries[s.name], grammar, place.within(s.name)) if s.name in entries else s.symbol
        for s in states
    )


def _names(parameters: tuple[Parameter, ...], states: tuple[State, ...]) -> dict[str, Expr]:
    initial = (state.initial for state in states if state.initial is not None)
    named: dict[str, Expr] = {state.name: state.symbol for state in states}
    return named | {parameter.name: parameter.symbol for parameter in (*parameters, *initial)}
