"""What leads a population off the shortest path of the fast kernel, and how much longer a step then takes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from saltus.runtime.build import AnyGroup
from saltus.runtime.group import Group
from saltus.runtime.influence import influence
from saltus.runtime.network_group import NetworkGroup
from saltus.runtime.parameters import moving_parameters
from saltus.templates.context import flow_parameters
from saltus.templates.ir import ModelIR


class Cost(NamedTuple):
    """Times as long as where neurons share all parameters and weights alone are learned; see ``MEASURED``."""

    forward: str
    backward: str

    def __str__(self) -> str:
        return f"forward × {self.forward}, backward × {self.backward}"


MEASURED = "256 recurrent LIF neurons"
"""What costs were measured on, by ``benchmarks/options.py``; docs/kernels.md has all of the setting."""

OWN_FLOW = Cost("1.8 to 2.5", "1.6 to 2.3")
LEARNED = Cost("1", "1.7 to 2.2")
LEARNED_OWN_FLOW = Cost("1.9 to 2.5", "2.8 to 3.8")
OWN_GUARD = Cost("1.4 to 1.5", "1 to 1.1")
DELAY = Cost("1.3 to 1.4", "1.3 to 1.6")
DELAYS = Cost("6.2 to 8.2", "10 to 10.5")
NETWORK_KERNEL = Cost("23 to 250", "37 to 430")


def explain(groups: Mapping[str, AnyGroup], learned: Collection[str]) -> str:
    """The kernel of each group, and below it what costs more there; a line each.

    Args:
        groups: in the order in which they run.
        learned: names, as of ``Network.parameters``.
    """
    lines = []
    for group in groups.values():
        lines.append(f"{' and '.join(group.populations)}: {group.explanation}")
        if isinstance(group, Group):
            lines += [f"{group.name}: {why}: {cost} with {MEASURED}." for why, cost in _about(group, learned)]
        elif isinstance(group, NetworkGroup):
            why = "each arrival at each neuron is an event of its own there"
            lines.append(f"{' and '.join(group.populations)}: {why}: {NETWORK_KERNEL} with {MEASURED}.")
    return "\n".join(lines)


def of_model(ir: ModelIR) -> dict[str, str]:
    """What the options of a model that the fast kernel takes cost, by name."""
    found = {}
    if moving := [p.name for p in ir.parameters if p.name in moving_parameters(ir)]:
        found["learning"] = f"{' or '.join(moving)} is learned: {LEARNED}"
    if flow := _of_flow(ir):
        found["flow"] = f"each neuron has its own {' or '.join(flow)}: {OWN_FLOW}"
        found["flow, learning"] = f"both: {LEARNED_OWN_FLOW}"
    if (guard := _of_guard(ir)) and _can_wait(ir):
        found["waiting"] = f"each neuron of a recurrent layer has its own {' or '.join(guard)}: {OWN_GUARD}"
    if any(emission.emits for emission in ir.emissions):
        found["delay"] = f"spikes arrive later in the same population: {DELAY}; with 16 delays each: {DELAYS}"
    return found | of_network_kernel()


def of_network_kernel() -> dict[str, str]:
    """What the network kernel costs, by name."""
    how = "with a tenth of the synapses there to all of them"
    return {"network": f"the network kernel is taken: {NETWORK_KERNEL}, {how}"}


def _about(group: Group, learned: Collection[str]) -> Iterator[tuple[str, Cost]]:
    ir, recurrent = group.model.ir, group.recurrent
    learns = [name for name in group.parameters.names if f"{group.name}.{name}" in learned]
    moving = [name for name in learns if name in moving_parameters(ir)]

    def own(names: Collection[str]) -> list[str]:
        """Of these, what differs between neurons, or will once it has been learned."""
        values = {name: group.parameters.values[name] for name in names}
        return [name for name, v in values.items() if v.ndim and (name in learns or (v != v[0]).any())]

    flow, guard = own(_of_flow(ir)), own(_of_guard(ir))
    if flow:
        which = f"each neuron has its own {' and '.join(flow)}"
        yield f"{which}, so propagators are computed for each at each event", OWN_FLOW
    if moving:
        cost = LEARNED_OWN_FLOW if flow else LEARNED
        yield f"it learns {' and '.join(moving)}, so states and what moves them are stepped once more", cost
    if group.delays > 1:
        which = (
            f"a source has up to {group.delays} delays, each an event of its own; where all neurons have 16"
        )
        yield which, DELAYS
    if guard and not flow and recurrent and _can_wait(ir) and ir.arrivals[recurrent.receptor].additive:
        which = f"each neuron has its own {' and '.join(guard)}"
        yield f"{which}, so spikes do not wait for the end of an interval", OWN_GUARD


def _of_flow(ir: ModelIR) -> list[str]:
    flow = flow_parameters(ir)
    return [parameter.name for parameter in ir.parameters if parameter.name in flow]


def _of_guard(ir: ModelIR) -> list[str]:
    """The other parameters that decide how far a spike lifts a guard, and from where."""
    own = influence(ir)
    read = own.guards.union(*(on for arrival in own.arrivals for on in arrival.values()))
    flow = flow_parameters(ir)
    return [p.name for p in ir.parameters if p.name in read and p.name not in flow]


def _can_wait(ir: ModelIR) -> bool:
    """Whether spikes ever wait: the bound on what they do is in kernels/margin.c.jinja."""
    return any(emission.exact_top for emission in ir.emissions)
