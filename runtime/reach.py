"""Which parameters a loss can depend on at all; one that is learned and has no path to it is refused.

Such a parameter has gradient zero whatever the data. Nothing tells that zero from one at a minimum, so it is
said when the network is built. Paths are found in the projections and in the models' equations, never from
values. A neuron's first spike depends on no reset of its own, which is why there are two stages.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from functools import singledispatch
from typing import NamedTuple

from saltus.errors import ConfigError
from saltus.runtime.config import Population
from saltus.runtime.influence import influence
from saltus.runtime.losses.head import Loss
from saltus.runtime.losses.rate import RateHeuristic
from saltus.runtime.losses.terms import Term
from saltus.runtime.losses.trains import TrainLoss
from saltus.runtime.members import Members
from saltus.runtime.synapses import Synapses


class Stage(Enum):
    """Of a neuron: until its first transition, or whenever."""

    FIRST = "first"
    ANY = "any"


class Node(NamedTuple):
    """A state of a population, or ``TRANSITION``: the times of its spikes and other transitions."""

    population: str
    stage: Stage
    what: str


TRANSITION = "transition time"

Places = set[Node | str]
"""Nodes, and parameters by name."""

Edges = dict[Node, Places]
"""What each node depends on."""


def require_paths(
    learned: Collection[str],
    terms: Sequence[Term],
    populations: Mapping[str, Members],
    configs: Mapping[str, Population],
    synapses: Collection[Synapses],
) -> None:
    """Raises ``ConfigError`` for a learned parameter that no loss depends on.

    Args:
        learned: names, as of ``Network.parameters``.
        terms: the losses; without one anything may be read, and nothing is refused.
        populations, configs: by name.
        synapses: all projections.
    """
    if not terms:
        return
    edges: Edges = {}
    for name, members in populations.items():
        into = [s for s in synapses if s.post == name and len(s.all_ends().pre)]
        edges |= _edges(members, into, configs)
    start = {node for term in terms for node in _reads(term.objective, populations[term.population])}
    reached = _reached(start, edges)
    for name in learned:
        if name not in reached:
            owner = name.split(".")[0]
            used = any(node.population == owner for node in reached if isinstance(node, Node))
            why = "nothing that the loss reads depends on it"
            if owner in populations and not used:
                why = f"nothing that the loss reads depends on population {owner!r}"
            raise ConfigError(
                f"{name} is to be learned, but {why}, so its gradient would be zero whatever the data. "
                "Take it out of learn, or choose a loss that it can change."
            )


def _edges(members: Members, into: Sequence[Synapses], configs: Mapping[str, Population]) -> Edges:
    """What the states and transitions of a population depend on."""
    name, own = members.name, influence(members.model.ir)
    found: Edges = {}
    for stage in Stage:
        for state in (state.name for state in members.model.ir.states):
            on = _placed(members, stage, own.states.get(state, frozenset()))
            for synapses in into:
                if (jump := own.arrivals[synapses.receptor].get(state)) is not None:
                    on |= _placed(members, stage, jump - {"w"}) | _arriving(synapses, "w" in jump, configs)
            if stage is Stage.ANY and state in own.resets:
                on |= _placed(members, stage, own.resets[state]) | {Node(name, stage, TRANSITION)}
            found[Node(name, stage, state)] = on
        found[Node(name, stage, TRANSITION)] = _placed(members, stage, own.guards)
    return found


def _placed(members: Members, stage: Stage, names: Collection[str]) -> Places:
    """States and parameters of a population as nodes."""
    parameters = {name for name in names if name in members.parameters.names}
    found: Places = {f"{members.name}.{name}" for name in parameters}
    return found | {Node(members.name, stage, name) for name in set(names) - parameters}


def _arriving(synapses: Synapses, weighted: bool, configs: Mapping[str, Population]) -> Places:
    """What an arrival depends on: when it was sent, its delay, and its weight if the jump has one."""
    found: Places = {f"{synapses.name}.delays"}
    if weighted:
        found.add(f"{synapses.name}.weights")
    if synapses.pre in configs:
        kept = configs[synapses.pre].spikes_kept
        found.add(Node(synapses.pre, Stage.FIRST if kept == 1 else Stage.ANY, TRANSITION))
    return found


@singledispatch
def _reads(objective: object, members: Members) -> Places:
    """What a loss reads of a population; one of an unknown kind may read anything."""
    spikes: Places = {Node(members.name, Stage.ANY, TRANSITION)}
    return spikes | _readouts(members, [*(s.name for s in members.model.ir.states), *_read(members)])


@_reads.register
def _(objective: Loss, members: Members) -> Places:
    stages = {Stage.FIRST if spike == 0 else Stage.ANY for spike in objective.spikes}
    stages |= {Stage.ANY} if objective.all_spikes else set()
    spikes: Places = {Node(members.name, stage, TRANSITION) for stage in stages}
    return spikes | _readouts(members, objective.readouts.values())


@_reads.register(TrainLoss)
@_reads.register(RateHeuristic)
def _(objective: TrainLoss | RateHeuristic, members: Members) -> Places:
    return {Node(members.name, Stage.ANY, TRANSITION)}


def _readouts(members: Members, names: Iterable[str]) -> Places:
    read = _read(members)
    return {node for name in names for node in _placed(members, Stage.ANY, read.get(name, {name}))}


def _read(members: Members) -> Mapping[str, Collection[str]]:
    return influence(members.model.ir).readouts


def _reached(start: Collection[Node | str], edges: Edges) -> Places:
    found: Places = set()
    ahead = list(start)
    while ahead:
        node = ahead.pop()
        if node not in found:
            found.add(node)
            ahead += edges.get(node, ()) if isinstance(node, Node) else ()
    return found
