"""Which kernel runs a group, found out from the model and the projections, with the reason."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from saltus.runtime.kernel import why_not_fast
from saltus.runtime.lines import lines_of
from saltus.runtime.model import Model
from saltus.runtime.synapses import Synapses

LINES = 16
"""Delays of a source, on the average, up to which each is an event of the fast kernel."""

OFF_THE_FAST_PATH = (
    f"more than {LINES} different delays of a source, sparse connections, two recurrent projections of one "
    "population of which one has no delays, populations that project to one another, or states read at "
    "given times"
)
"""What of a network, whatever its models, the fast kernel does not take; see ``choose``."""


class Choice(NamedTuple):
    """fast: whether the fast kernel takes the group; reason: in a sentence for the user."""

    fast: bool
    reason: str


def choose(
    models: Mapping[str, Model],
    into: Sequence[Synapses],
    sampled: Collection[str],
    moving: Collection[str],
) -> Choice:
    """The kernel of a group.

    Args:
        models: of its populations, by name.
        into: the projections that end in it.
        sampled: the populations whose states are read at given times.
        moving: the projections whose delays are learned.
    """
    if len(models) > 1:
        return _network(f"{' and '.join(models)} project to one another")
    ((name, model),) = models.items()
    why = [*_about_projections(name, into, moving), *_about_model(model), *_about_gaps(model, into, moving)]
    if name in sampled:
        why.insert(0, "its states are read at given times")
    if why:
        return _network(why[0])
    delays = "without delays" if all(s.delays is None for s in into) else "each delay of a source an event"
    return Choice(True, f"fast kernel: one population with a solution in closed form, dense, {delays}.")


def _about_projections(name: str, into: Sequence[Synapses], moving: Collection[str]) -> Iterator[str]:
    for synapses in into:
        if synapses.ends is not None:
            yield f"{synapses.name} is sparse"
    for synapses in into:
        if synapses.delays is None:
            continue
        if synapses.name in moving and len(synapses.all_ends().pre) > LINES * synapses.shape[0]:
            yield f"{synapses.name} learns its delays and has more than {LINES} synapses a source"
        elif len(lines_of(synapses).delay) > LINES * synapses.shape[0]:
            yield f"{synapses.name} has more than {LINES} different delays a source"
    recurrent = [synapses for synapses in into if synapses.pre == name]
    if len(recurrent) > 1 and any(synapses.delays is None for synapses in recurrent):
        yield f"{' and '.join(synapses.name for synapses in recurrent)} are recurrent, not all with delays"


def _about_gaps(model: Model, into: Sequence[Synapses], moving: Collection[str]) -> Iterator[str]:
    """The fast kernel lets a spike act on all neurons, with no weight on those that it does not reach."""
    for synapses in into:
        arrival = model.ir.arrivals[synapses.receptor]
        if arrival.additive:
            continue
        split = synapses.delays is not None and (synapses.name in moving or not lines_of(synapses).whole)
        if split or synapses.has_gaps:
            yield f"{synapses.name} leaves neurons out, and a spike without weight acts at {arrival.receptor}"


def _about_model(model: Model) -> list[str]:
    refusal = why_not_fast(model.ir)
    return [] if refusal is None else [refusal.removesuffix(" Use the network kernel.").rstrip(".")]


def _network(why: str) -> Choice:
    return Choice(False, f"network kernel, because {why}.")
