"""What depends on what in a model's equations, read off its IR: structure, not values.

The answer errs on the side of a path: where it says that nothing depends on a parameter, nothing does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, singledispatch

from saltus.templates.ir import (
    AnyFlow,
    Block,
    Call,
    Const,
    Expr,
    Flow,
    MatrixFlow,
    ModelIR,
    NumericFlow,
    Op,
    Reduce,
    Ref,
)

Names = frozenset[str]
"""Of states, parameters and ``w``, the weight of an arrival."""

Relation = Mapping[str, Names]


@dataclass(frozen=True)
class Influence:
    """Direct dependences.

    Attributes:
        states: of each state on states and parameters, between transitions and at the start.
        resets: of each state that a transition or phase changes, on states and parameters; it depends on the
            time of the transition as well.
        guards: of the times of transitions.
        arrivals: of each state that an arrival changes, for each receptor; it depends on the arrival's time.
        readouts: of each maximum and each state read at given times.
    """

    states: Relation
    resets: Relation
    guards: Names
    arrivals: tuple[Relation, ...]
    readouts: Relation


@cache
def influence(ir: ModelIR) -> Influence:
    """The dependences of a model."""
    constants = dependences(ir.constants)
    names = [state.name for state in ir.states]
    starts = {s.name: frozenset({s.initial}) for s in ir.states if s.initial is not None}
    resets = [_changed(dependences(emission.reset), names) for emission in ir.emissions]
    arrivals = [_changed(dependences(arrival.jump), names) for arrival in ir.arrivals]
    for mode in ir.modes:
        # Which phase holds depends on the transition that began it: every state of its flow does, too.
        inside = _joined([_flow(mode.flow, names), _changed(dependences(mode.end.jump), names)])
        resets.append({name: inside.get(name, frozenset()) | {mode.duration} for name in names})
        held = [_changed(dependences(arrival.jump), names) for arrival in mode.arrivals]
        arrivals = [_joined(pair) for pair in zip(arrivals, held, strict=True)]
    guards = [dependences(emission.guard) for emission in ir.emissions]
    readouts = {}
    for peak in ir.peaks:
        blocks = [peak.ladder[0].value, *([] if peak.window is None else [peak.window])]
        readouts[peak.name] = _all(map(dependences, blocks))
    for probe in ir.probes:
        blocks = [b for r in probe.readings for b in (r.time, r.value) if b is not None]
        readouts[probe.name] = _all(map(dependences, blocks))

    def plain(names: Names) -> Names:
        """Reciprocals and the like traced back to the parameters."""
        return frozenset().union(*(constants.get(name, {name}) for name in names))

    def plainly(relation: Relation) -> Relation:
        return {name: plain(found) for name, found in relation.items()}

    return Influence(
        plainly(_joined([_flow(ir.flow, names), starts])),
        plainly(_joined(resets)),
        plain(_all(guards)),
        tuple(plainly(arrival) for arrival in arrivals),
        plainly(readouts),
    )


def dependences(block: Block) -> dict[str, Names]:
    """Which inputs of a block each of its targets depends on."""
    found: dict[str, Names] = {}
    for assign in block.body:
        found[assign.target] = _traced(_names(assign.value), found)
    return found


def _traced(names: Names, known: Relation) -> Names:
    return frozenset().union(*(known.get(name, {name}) for name in names))


@singledispatch
def _flow(flow: AnyFlow, states: list[str]) -> Relation:
    """Of each state on states and parameters, along a flow."""
    raise TypeError(f"a flow of type {type(flow).__name__}")


@_flow.register
def _(flow: Flow, states: list[str]) -> Relation:
    entries = dependences(flow.propagator)
    advance = dependences(flow.advance)
    return {
        name: _traced(advance[f"{name}_next"], entries) - {"dt"}
        for name in states
        if f"{name}_next" in advance
    }


@_flow.register
def _(flow: MatrixFlow, states: list[str]) -> Relation:
    matrix = dependences(flow.matrix)
    found: dict[str, Names] = {}
    for row, column in flow.entries:
        on = matrix[f"A_{row}_{column}"] | ({states[column]} if column < len(states) else frozenset())
        found[states[row]] = found.get(states[row], frozenset({states[row]})) | on
    return found


@_flow.register
def _(flow: NumericFlow, states: list[str]) -> Relation:
    field = dependences(flow.field)
    return {name: field[f"{name}_dot"] | {name} for name in states if f"{name}_dot" in field}


def _changed(targets: Relation, states: list[str]) -> Relation:
    """The states that a jump changes, with what their new values depend on."""
    found = {name: targets.get(f"{name}_next", frozenset({name})) for name in states}
    return {name: on for name, on in found.items() if on != {name}}


def _joined(relations: Iterable[Relation]) -> dict[str, Names]:
    found: dict[str, Names] = {}
    for relation in relations:
        for name, on in relation.items():
            found[name] = found.get(name, frozenset()) | on
    return found


def _all(relations: Iterable[Relation]) -> Names:
    return frozenset().union(*(on for relation in relations for on in relation.values()))


@singledispatch
def _names(expression: Expr) -> Names:
    """The names in an expression."""
    raise TypeError(f"an expression of type {type(expression).__name__}")


@_names.register
def _(expression: Const) -> Names:
    return frozenset()


@_names.register
def _(expression: Ref) -> Names:
    return frozenset({expression.name})


@_names.register(Op)
@_names.register(Call)
def _(expression: Op | Call) -> Names:
    return frozenset().union(*map(_names, expression.args))


@_names.register
def _(expression: Reduce) -> Names:
    return _names(expression.body)
