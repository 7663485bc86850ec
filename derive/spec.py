"""Reads a model from TOML or a dict, and refuses what is wrong with the place and the way out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import sympy
from sympy import Expr

from saltus.derive import checks, files, tables
from saltus.derive.expressions import ELEMENTARY, Grammar, Place, parse_expression
from saltus.derive.model import (
    EXTERNAL,
    SENSITIVITY,
    WEIGHT,
    ModelSpec,
    Parameter,
    Readout,
    Receptor,
    State,
    Transition,
    make_state,
)
from saltus.derive.names import check_name

__all__ = [
    "EXTERNAL",
    "SENSITIVITY",
    "WEIGHT",
    "ModelSpec",
    "Parameter",
    "Readout",
    "Receptor",
    "State",
    "Transition",
    "from_dict",
    "load",
    "parse",
]

_KEYS = ("name", "title", "source", "parameters", "initial", "dynamics", "transition", "receive", "readouts")
_LATER = {"mode": "phases with equations of their own", "inputs": "inputs from outside"}
_NO_DOT = (
    "uses a time derivative, which jumps at a spike",
    "Write it in terms of states and parameters.",
)
_READOUTS = ("integral", "max", "final", "at")


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
    for key, what in _LATER.items():
        if key in data:
            raise Place(origin, key).error(f"{what} are not supported yet.", f"Leave [{key}] out.")
    tables.check_keys(data, _KEYS, Place(origin))
    parameters = tables.parameters(data, origin)
    states = _states(data, origin)
    checks.names_differ(origin, parameters, states)
    spec = ModelSpec(
        name=check_name(tables.text(data, "name", Place(origin)), Place(origin, key="name")),
        title=tables.text(data, "title", Place(origin)),
        source=tables.text(data, "source", Place(origin), default=""),
        origin=origin,
        parameters=parameters,
        states=states,
        dynamics=_dynamics(data, origin, parameters, states),
        transitions=_transitions(data, origin, parameters, states),
        receptors=_receptors(data, origin, parameters, states),
        readouts=_readouts(data, origin, parameters, states),
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


def _dynamics(
    data: Mapping[str, object], origin: str, parameters: tuple[Parameter, ...], states: tuple[State, ...]
) -> tuple[Expr, ...]:
    place = Place(origin, "dynamics")
    entries = tables.subtable(data, "dynamics", place)
    known = tuple(f"f_{state.name}" for state in states)
    tables.check_keys(entries, known, place)
    for name, state in zip(known, states, strict=True):
        if name not in entries:
            raise place.error(
                f"the state {state.name} has no equation.", f'Write {name} = "dot({state.name}) - ...".'
            )
    dots = {state.symbol: state.dot for state in states}

    def dot(argument: Expr) -> Expr:
        if argument not in dots:
            raise ValueError(
                "takes dot() of something else than a state", "Write dot(x) of a single state x."
            )
        return dots[argument]

    grammar = Grammar(_names(parameters, states), functions={**ELEMENTARY, "dot": dot})
    return tuple(parse_expression(entries[name], grammar, Place(origin, "dynamics", name)) for name in known)


def _transitions(
    data: Mapping[str, object], origin: str, parameters: tuple[Parameter, ...], states: tuple[State, ...]
) -> tuple[Transition, ...]:
    entries = tables.subtable(data, "transition", Place(origin, "transition"))
    if len(entries) > 1:
        raise Place(origin, "transition").error(
            f"{len(entries)} transitions in one model are not supported yet.", "Keep one of them."
        )
    grammar = Grammar(_names(parameters, states), refusals={"dot": _NO_DOT})
    found = []
    for name in entries:
        place = Place(origin, f"transition.{name}")
        check_name(name, place)
        entry = tables.subtable(entries, name, place)
        for key in ("goto", "after"):
            if key in entry:
                raise place.error(f"{key}: phases are not supported yet.", f"Leave {key} out.")
        tables.check_keys(entry, ("when", "reset", "emits"), place)
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
            )
        )
    return tuple(found)


def _receptors(
    data: Mapping[str, object], origin: str, parameters: tuple[Parameter, ...], states: tuple[State, ...]
) -> tuple[Receptor, ...]:
    entries = tables.subtable(data, "receive", Place(origin, "receive"))
    grammar = Grammar(_names(parameters, states) | {"w": WEIGHT}, refusals={"dot": _NO_DOT})
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
    tables.check_keys(entries, tuple(state.name for state in states), place)
    return tuple(
        parse_expression(entries[s.name], grammar, place.within(s.name)) if s.name in entries else s.symbol
        for s in states
    )


def _readouts(
    data: Mapping[str, object], origin: str, parameters: tuple[Parameter, ...], states: tuple[State, ...]
) -> tuple[Readout, ...]:
    entries = tables.subtable(data, "readouts", Place(origin, "readouts"))
    kinds = {name: _marker(name) for name in _READOUTS}
    grammar = Grammar(_names(parameters, states), functions=kinds, refusals={"dot": _NO_DOT})
    found = []
    for name, value in entries.items():
        place = Place(origin, "readouts", name)
        check_name(name, Place(origin, "readouts"))
        parsed = parse_expression(value, grammar, place)
        if parsed.func != sympy.Function("integral"):
            raise place.error(
                f'"{value}" is a readout of a kind that is not supported yet.',
                "Write integral(...) of states; the times of spikes need no readout.",
            )
        found.append(Readout(name, parsed.args[0]))
    return tuple(found)


def _marker(name: str) -> sympy.FunctionClass:
    return sympy.Function(name)


def _names(parameters: tuple[Parameter, ...], states: tuple[State, ...]) -> dict[str, Expr]:
    initial = (state.initial for state in states if state.initial is not None)
    named: dict[str, Expr] = {state.name: state.symbol for state in states}
    return named | {parameter.name: parameter.symbol for parameter in (*parameters, *initial)}
