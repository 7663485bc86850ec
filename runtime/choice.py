"""Which kernel runs a group, found out from the model and the projections, with the reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from saltus.runtime.kernel import why_not_fast
from saltus.runtime.model import Model
from saltus.runtime.synapses import Synapses

OFF_THE_FAST_PATH = (
    "delays, sparse connections, two recurrent projections of one population, populations that project to "
    "one another, and states read at given times"
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
) -> Choice:
    """The kernel of a group.

    Args:
        models: of its populations, by name.
        into: the projections that end in it.
        sampled: the populations whose states are read at given times.
    """
    if len(models) > 1:
        return _network(f"{' and '.join(models)} project to one another")
    ((name, model),) = models.items()
    why = [*_about_projections(name, into), *_about_model(model)]
    if name in sampled:
        why.insert(0, "its states are read at given times")
    if why:
        return _network(why[0])
    return Choice(True, "fast kernel: one population with a solution in closed form, dense, without delays.")


def _about_projections(name: str, into: Sequence[Synapses]) -> list[str]:
    found = [f"{synapses.name} is sparse" for synapses in into if synapses.ends is not None]
    found += [f"{synapses.name} has delays" for synapses in into if synapses.delays is not None]
    recurrent = [synapses.name for synapses in into if synapses.pre == name]
    return [*found, *([f"{' and '.join(recurrent)} are both recurrent"] if len(recurrent) > 1 else [])]


def _about_model(model: Model) -> list[str]:
    refusal = why_not_fast(model.ir)
    return [] if refusal is None else [refusal.removesuffix(" Use the network kernel.").rstrip(".")]


def _network(why: str) -> Choice:
    return Choice(False, f"network kernel, because {why}.")
