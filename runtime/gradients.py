"""The backward sweep: groups in reverse order, each handing dL/dt of its incoming spikes to their sources."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from saltus.errors import InputError
from saltus.runtime.build import AnyGroup
from saltus.runtime.clock_tape import ClockTape
from saltus.runtime.cotangent import Cotangent
from saltus.runtime.group import TIMES, VALUES
from saltus.runtime.lines import Arrived
from saltus.runtime.network_tape import NetworkTape
from saltus.runtime.result import Result
from saltus.runtime.seeds import Given, cotangents
from saltus.runtime.tape import AnyTape
from saltus.runtime.trains import Merged

if TYPE_CHECKING:
    from saltus.runtime.network import Network

Array = NDArray[np.float64]

INPUT_TIMES = "input_times"
CURRENTS = "currents"


@dataclass(frozen=True, eq=False)
class Part:
    """What a group's backward run is to give: the kinds, and the names of the gradients."""

    group: AnyGroup
    want: int
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """The groups that must run backward, the last one first; whether the input's gradients are asked for."""

    parts: tuple[Part, ...]
    input_times: bool
    currents: bool


def gradients(net: Network, result: Result, given: Given, wrt: Collection[str] | None) -> dict[str, Any]:
    """See ``Network.gradients``."""
    if result.net is not net:
        raise InputError(
            "gradients: the result is of another network. Give one that this network's run returned."
        )
    default = (*net.learnable, INPUT_TIMES, *([CURRENTS] if result.run.currents else []))
    if isinstance(wrt, str):
        raise InputError(f"gradients: wrt = {wrt!r} is one name. Give a list of names, such as [{wrt!r}].")
    names = default if wrt is None else tuple(wrt)
    plan = plan_for(net, names)
    found = sweep(net, result, cotangents(net, result, given), plan)
    return {name: found[name] for name in names}


def sweep(net: Network, result: Result, seeds: dict[str, Cotangent], plan: Plan) -> dict[str, Any]:
    """All gradients of the plan; seeds: by population and input."""
    found: dict[str, Any] = {}
    if plan.currents:
        found[CURRENTS] = {}
    for part in plan.parts:
        group, tape = part.group, result.tape.groups[part.group.name]
        gradient: Any = group.backward(tape, result.run, part.want, seeds)
        found |= group.collect(gradient, part.names)
        _add_read(group, part.names, seeds, found)
        if gradient.times is not None:
            _hand_on(group, tape, gradient.times, seeds)
        if part.want & VALUES:
            _currents(result, tape, gradient.values, found[CURRENTS])
    if plan.input_times:
        found[INPUT_TIMES] = _input_times(net, result, seeds)
    return found


def plan_for(net: Network, names: tuple[str, ...]) -> Plan:
    """What a sweep for these names has to do; raises ``InputError`` for a name that does not exist."""
    if names not in net.plans:
        _check_names(net, names)
        net.plans[names] = _plan(net, names)
    return net.plans[names]


def _check_names(net: Network, names: Collection[str]) -> None:
    known = (*net.all_parameters(), INPUT_TIMES, CURRENTS)
    for name in names:
        if name in known:
            continue
        if (
            isinstance(name, str)
            and name.endswith(".delays")
            and name.removesuffix(".delays") in net.synapses
        ):
            raise InputError(
                f"gradients: {name!r}: the projection has no delays. Give it delay = ..., or learn them."
            )
        raise InputError(f"gradients: there is nothing named {name!r}. There are {', '.join(known)}.")


def _plan(net: Network, names: Collection[str]) -> Plan:
    needed = set(net.inputs) if INPUT_TIMES in names else set()  # sources whose dL/dt somebody needs
    parts: list[Part] = []
    for group in net.groups.values():  # sources come first, so theirs is known
        own = tuple(name for name in group.offers if name in names)
        want = 0
        for name in own:
            want |= group.offers[name]
        if needed & set(group.listens):
            want |= TIMES
        if CURRENTS in names and any(members.model.ir.inputs for members in group.populations.values()):
            want |= VALUES
        if want:
            parts.append(Part(group, want, own))
            needed |= set(group.populations)
    return Plan(tuple(reversed(parts)), INPUT_TIMES in names, CURRENTS in names)


def _add_read(
    group: AnyGroup, names: Collection[str], seeds: dict[str, Cotangent], found: dict[str, Any]
) -> None:
    """Adds what the parameters have gained where readouts were taken."""
    for name, members in group.populations.items():
        if (read := seeds[name].parameters) is None:
            continue
        for key in members.parameters.names:
            if (own := f"{name}.{key}") in names:
                found[own] = found[own] + members.parameters.gradient(key, read)


def _hand_on(group: AnyGroup, tape: AnyTape, times: Array, seeds: dict[str, Cotangent]) -> None:
    """Gives dL/dt of the incoming events to the sources of the spikes."""
    heard = tape.heard
    if isinstance(heard, Merged) and not heard.places:
        for name in group.listens:
            seeds[name].times.whole.append(times)
        return
    for k, (name, source) in enumerate(zip(group.listens, tape.sources, strict=True)):
        if isinstance(heard, Arrived):
            seeds[name].times.whole.append(heard.total(times, k, source))
        else:
            seeds[name].times.some.append((source.cells.at, times[heard.places[k]]))


def _currents(result: Result, tape: NetworkTape | ClockTape, values: Array, found: dict[str, Any]) -> None:
    """dL/d(what input states are set to), in the user's shapes."""
    for (name, state), first in tape.setting_parts.items():
        assert tape.settings is not None, "there are parts of it"
        current = result.run.currents[name][state]
        shape = (len(result), len(current.times), result.net.populations[name].size)
        each = values[tape.settings[:, first : first + shape[1] * shape[2]]].reshape(shape)
        found.setdefault(name, {})[state] = current.gradient(each)


def _input_times(net: Network, result: Result, seeds: dict[str, Cotangent]) -> Any:
    found = {}
    for name, spikes in result.inputs.items():
        found[name] = spikes.arrange(seeds[name].times.total(result.trains[name]))
    return found if len(net.inputs) != 1 else next(iter(found.values()))
