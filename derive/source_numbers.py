"""Which derivation step carries which number of the source, for a model that is the source's up to names.

The derivation names its steps (``jump.emission``), because a number means nothing for another model; the
source (Wunderlich & Pehle 2021, with Nowotny's notes) numbers them for V, I and Table 1. A spec is matched
to Table 1 by its equations, never by its name, so a renamed copy carries the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from types import MappingProxyType

from sympy import Expr, Symbol

from saltus.derive.spec import WEIGHT, ModelSpec, State

STEPS: Mapping[str, str] = MappingProxyType(
    {
        "dynamics.V": "3:25a",
        "dynamics.I": "3:25b",
        "loss": "3:26",
        "gronwall.V": "3:27a",
        "gronwall.I": "3:27b",
        "leibniz": "3:28",
        "leibniz.ends": "3:16",
        "parts.V": "3:29",
        "parts.I": "3:30",
        "collect": "3:31",
        "adjoint.ode.V": "3:32a",
        "adjoint.ode.I": "3:32b",
        "sum.transitions": "3:33",
        "xi": "3:34",
        "transition.condition": "3.1:35",
        "implicit": "3.1:36",
        "implicit.time": "3.1:37",
        "reset.V": "3.1:38",
        "reset.derivative.V": "3.1:39",
        "reset.relation.V": "3.1:40",
        "arrival.derivative.V": "3.1:41",
        "velocity.V": "3.1:42",
        "arrival.time.V": "3.1:43",
        "arrival.relation.V": "3.1:44",
        "receive.I": "3.2:45",
        "arrival.derivative.I": "3.2:46",
        "velocity.I": "3.2:47",
        "arrival.time.I": "3.2:48",
        "arrival.relation.I": "3.2:49",
        "reset.relation.I": "3.2:50",
        "xi.collected": "3.3:51",
        "jump.emission": "3.3:52a",
        "jump.emission.I": "3.3:52c",
        "jump.arrival.V": "3.3:52b",
        "jump.arrival.I": "3.3:52c",
        "gradient.weight": "3.3:53",
        "gradient.weight.sum": "3.3:54",
        "jump.ratio": "3.4:55",
        "gradient.input": "3.5:56",
        "jump.emission.table": "5:table-2",
    }
)
"""Step of the derivation -> the source's number, for states named V and I."""


@dataclass(frozen=True)
class PaperModel:
    """A spec read as Table 1: which of its states and expressions play the paper's parts."""

    V: State
    I: State
    tau_mem: Symbol
    tau_syn: Symbol
    theta: Expr | None
    """The threshold; None for a model without a transition (the readout neurons of section 6)."""
    v_reset: Expr | None
    """The value after a reset: 0 in the paper."""


def as_paper_model(spec: ModelSpec) -> PaperModel | None:
    """The spec as Table 1 of the source, up to names, reset value and extra states that integrate a readout.

    None if it is another model.
    """
    for V, I in permutations(spec.states[:2], 2):
        match = _match(spec, V, I)
        if match is not None:
            return match
    return None


def numbers(spec: ModelSpec) -> Mapping[str, str]:
    """Step -> number of the source (``"3.3:52a"``) for this spec; empty for a model that the source does
    not treat.
    """
    paper = as_paper_model(spec)
    if paper is None:
        return {}
    names = {"V": paper.V.name, "I": paper.I.name}
    return {
        ".".join(names.get(part, part) for part in step.split(".")): number for step, number in STEPS.items()
    }


def short(number: str) -> str:
    """A number by its top-level section, as one cites it: ``3.3:52a`` -> ``3:52a``."""
    section, _, equation = number.partition(":")
    return f"{section.partition('.')[0]}:{equation}"


def _match(spec: ModelSpec, V: State, I: State) -> PaperModel | None:
    rows = dict(zip((state.name for state in spec.states), spec.dynamics, strict=True))
    tau_mem, tau_syn = rows[V.name].diff(V.dot), rows[I.name].diff(I.dot)
    if not (isinstance(tau_mem, Symbol) and isinstance(tau_syn, Symbol)):
        return None
    kept = {state.name: state.symbol for state in spec.states}
    received = kept | {I.name: I.symbol + WEIGHT}
    same = (
        rows[V.name] == tau_mem * V.dot + V.symbol - I.symbol
        and rows[I.name] == tau_syn * I.dot + I.symbol
        and all(dict(zip(kept, r.jump, strict=True)) == received for r in spec.receptors)
        and len(spec.transitions) <= 1
        and not spec.phases
    )
    if not same:
        return None
    if not spec.transitions:
        return PaperModel(V, I, tau_mem, tau_syn, None, None)
    (transition,) = spec.transitions
    reset = dict(zip(kept, transition.reset, strict=True))
    theta, v_reset = V.symbol - transition.when, reset[V.name]
    constant = not (theta.free_symbols | v_reset.free_symbols) & {*kept.values()}
    if not constant or reset != kept | {V.name: v_reset}:
        return None
    return PaperModel(V, I, tau_mem, tau_syn, theta, v_reset)
