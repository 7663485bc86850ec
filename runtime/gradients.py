"""The backward sweep: groups in reverse order, each handing dL/dt of its incoming spikes to their sources."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saltus.errors import InputError
from saltus.runtime import memory
from saltus.runtime.group import PARAMETERS, TIMES, WEIGHTS, Group, GroupGradient, Synapses
from saltus.runtime.losses.evaluated import Seeds
from saltus.runtime.result import Result
from saltus.runtime.tape import GroupTape
from saltus.runtime.trains import Train

if TYPE_CHECKING:
    from saltus.runtime.network import Network

Array = NDArray[np.float64]
Index = NDArray[np.int64]

INPUT_TIMES = "input_times"


@dataclass
class Credits:
    """What is known of dL/dt for the spikes of one source: arrays laid out like them, and single entries."""

    whole: list[Array] = field(default_factory=list)
    some: list[tuple[Index, Array]] = field(default_factory=list)

    def add_to(self, total: Array, train: Train) -> Array:
        """Adds all of it to ``total``, laid out like the train."""
        for values in self.whole:
            at = train.cells.at
            total[at] += values[at]
        for index, values in self.some:
            total[index] += values
        return total


@dataclass(frozen=True, eq=False)
class Part:
    """What a group's backward run is to give: weights and parameters by the names of their gradients."""

    group: Group
    want: int
    weights: list[tuple[str, Synapses]]
    parameters: list[tuple[str, str]]


@dataclass(frozen=True, eq=False)
class Plan:
    """The groups that must run backward, the last one first, and whether input times are asked for."""

    parts: tuple[Part, ...]
    input_times: bool


@dataclass
class Cotangents:
    """The seeds of the sweep: dL/dt by source, dL/dx(T) by population."""

    times: dict[str, Credits]
    final: dict[str, Array]


def gradients(
    net: Network,
    result: Result,
    d_spike_times: Mapping[str, ArrayLike],
    d_readouts: Mapping[str, Mapping[str, ArrayLike]],
    wrt: Collection[str] | None,
) -> dict[str, Any]:
    """See ``Network.gradients``."""
    if result.net is not net:
        raise InputError(
            "gradients: the result is of another network. Give one that this network's run returned."
        )
    names = (*net.learnable, INPUT_TIMES) if wrt is None else tuple(wrt)
    plan = plan_for(net, names)
    seeds = cotangents(net, result, d_spike_times, d_readouts)
    found = sweep(net, result, seeds, plan)
    return {name: found[name] for name in names}


def cotangents(
    net: Network,
    result: Result,
    d_spike_times: Mapping[str, ArrayLike],
    d_readouts: Mapping[str, Mapping[str, ArrayLike]],
) -> Cotangents:
    """Where the backward run starts from.

    Raises:
        InputError: if there is nothing to start from, or a shape is wrong.
    """
    if result.seeds is None and not d_spike_times and not d_readouts:
        raise InputError(
            "gradients: the run had no loss to differentiate. Give run(spikes, labels) the labels, or "
            "give d_spike_times or d_readouts."
        )
    seeds = Cotangents({name: Credits() for name in (*net.inputs, *net.groups)}, {})
    if result.seeds is not None:
        for population, index, values in result.seeds.times:
            seeds.times[population].some.append((index, values / len(result)))
        d_readouts = _with_loss(result, result.seeds, d_readouts)
    for name, given in d_spike_times.items():
        seeds.times[name].some.append(_spike_seeds(net, result, name, given))
    for name, readouts in d_readouts.items():
        seeds.final[name] = _final_seeds(net, result, name, readouts)
    return seeds


def _with_loss(
    result: Result, seeds: Seeds, given: Mapping[str, Mapping[str, ArrayLike]]
) -> Mapping[str, Mapping[str, ArrayLike]]:
    """``d_readouts`` with the loss's own, each sample's share of the mean added to what was given."""
    if not seeds.readouts:
        return given
    total = {population: dict(readouts) for population, readouts in given.items()}
    for population, name, values in seeds.readouts:
        there = total.setdefault(population, {})
        there[name] = values / len(result) + np.asarray(there.get(name, 0.0))
    return total


def sweep(net: Network, result: Result, seeds: Cotangents, plan: Plan) -> dict[str, Any]:
    """All gradients of the plan."""
    found: dict[str, Any] = {}
    for part in plan.parts:
        group, tape = part.group, result.tape.groups[part.group.name]
        d_time = _total(seeds.times[group.name], tape)
        gradient = group.backward(tape, result.run, part.want, d_time, seeds.final.get(group.name))
        _collect(part, gradient, found)
        if gradient.times is not None:
            _hand_on(group, tape, gradient.times, seeds)
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
    known = net.all_parameters()
    for name in names:
        if name == INPUT_TIMES or name in known:
            continue
        if name.endswith((".delay", ".delays")):
            raise InputError(f"gradients: {name!r}: delays are not supported yet. Leave it out.")
        raise InputError(
            f"gradients: there is nothing named {name!r}. There are {', '.join((*known, INPUT_TIMES))}."
        )


def _plan(net: Network, names: Collection[str]) -> Plan:
    inputs = set(net.inputs) if INPUT_TIMES in names else set()
    parts: dict[str, Part] = {}
    for name, group in net.groups.items():  # sources come first, so theirs is known
        weights = [(f"{s.name}.weights", s) for s in group.synapses if f"{s.name}.weights" in names]
        parameters = [(f"{name}.{key}", key) for key in group.parameters.names if f"{name}.{key}" in names]
        times = any(s.pre in inputs or s.pre in parts for s in group.inputs)
        want = (WEIGHTS if weights else 0) | (TIMES if times else 0) | (PARAMETERS if parameters else 0)
        if want:
            parts[name] = Part(group, want, weights, parameters)
    return Plan(tuple(reversed(parts.values())), bool(inputs))


def _total(credits: Credits, tape: GroupTape) -> Array:
    """dL/dt of each outgoing spike, in place where there is one source of it."""
    if len(credits.whole) == 1 and not credits.some:
        return credits.whole[0]
    total = tape.no_cotangent()
    return credits.add_to(total, tape.out) if credits.whole or credits.some else total


def _hand_on(group: Group, tape: GroupTape, times: Array, seeds: Cotangents) -> None:
    """Gives dL/dt of the incoming events to the sources of the spikes."""
    if not tape.heard.places:
        seeds.times[group.inputs[0].pre].whole.append(times)
        return
    for synapses, source, places in zip(group.inputs, tape.sources, tape.heard.places, strict=False):
        seeds.times[synapses.pre].some.append((source.cells.at, times[places]))


def _collect(part: Part, gradient: GroupGradient, found: dict[str, Any]) -> None:
    """Copies of a group's gradients, in the user's shapes."""
    size = part.group.size
    for name, synapses in part.weights:
        rows = gradient.recurrent if synapses is part.group.recurrent else gradient.weights
        assert rows is not None, "asked for"
        first = max(synapses.first_row, 0)
        found[name] = _masked(rows[first : first + len(synapses.weights), :size], synapses.mask)
    for name, key in part.parameters:
        assert gradient.parameters is not None, "asked for"
        found[name] = part.group.parameters.gradient(key, gradient.parameters)


def _masked(values: Array, mask: NDArray[np.bool_] | None) -> Array:
    return values.copy() if mask is None else np.where(mask, values, 0.0)


def _input_times(net: Network, result: Result, seeds: Cotangents) -> Any:
    found = {}
    for name, spikes in result.inputs.items():
        total = seeds.times[name].add_to(np.zeros(len(spikes.times)), result.trains[name])
        found[name] = spikes.arrange(total)
    return found if len(net.inputs) != 1 else next(iter(found.values()))


def _spike_seeds(net: Network, result: Result, name: str, given: ArrayLike) -> tuple[Index, Array]:
    """Where dL/dt is given, and what it is."""
    if name not in net.groups or not net.groups[name].model.spikes:
        raise InputError(
            f"d_spike_times: no population {name!r} spikes. There are {', '.join(result.spikes)}."
        )
    values = np.asarray(given, dtype=np.float64)
    out, size = result.tape.groups[name].out, net.groups[name].size
    if not np.isfinite(values).all():
        raise InputError(f"d_spike_times[{name!r}]: not all finite. Give 0 where a time does not matter.")
    if values.ndim == 1 and len(values) == len(out.cells.at):
        return out.cells.at, values
    if values.ndim == 1 or values.shape[:2] != (len(result), size) or values.ndim > 3:
        raise InputError(
            f"d_spike_times[{name!r}]: shape {values.shape} where there are {len(out.cells.at)} spikes of "
            f"(batch, neurons) = {(len(result), size)}. Give one number a spike, (batch, neurons) or "
            "(batch, neurons, k)."
        )
    values = values.reshape(len(result), size, -1)
    index = np.stack([out.kth(k, size).at for k in range(values.shape[2])], axis=-1)
    if len(bad := np.argwhere((index < 0) & (values != 0.0))):
        sample, neuron, k = (int(i) for i in bad[0])
        raise InputError(
            f"d_spike_times[{name!r}]: sample {sample}, neuron {neuron} has no spike number {k}. Give 0 "
            "where there is none."
        )
    return index[index >= 0], values[index >= 0]


def _final_seeds(net: Network, result: Result, name: str, readouts: Mapping[str, ArrayLike]) -> Array:
    """dL/dx(T) as the kernel wants it, ``(batch, states, padded)``."""
    if name not in net.groups:
        raise InputError(f"d_readouts: there is no population {name!r}. There are {', '.join(net.groups)}.")
    group = net.groups[name]
    states = [state.name for state in group.model.ir.states]
    final = memory.zeros(len(result), len(states), memory.padded(group.size))
    for key, given in readouts.items():
        if key not in states:
            raise InputError(f"d_readouts[{name!r}]: there is no {key!r}. There are {', '.join(states)}.")
        values = np.asarray(given, dtype=np.float64)
        if values.shape != (len(result), group.size) or not np.isfinite(values).all():
            raise InputError(
                f"d_readouts[{name!r}][{key!r}]: not finite numbers of shape (batch, neurons) = "
                f"{(len(result), group.size)}. Give one for each sample and neuron."
            )
        final[:, states.index(key), : group.size] = values
    return final
