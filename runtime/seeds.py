"""Where the backward sweep starts from: the loss's derivatives and the caller's, checked and put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saltus.errors import InputError
from saltus.runtime.cotangent import Cotangent
from saltus.runtime.losses.data import floats
from saltus.runtime.losses.evaluated import Seeds
from saltus.runtime.members import Members
from saltus.runtime.result import Result

if TYPE_CHECKING:
    from saltus.runtime.network import Network

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Given:
    """dL/d(spike times), dL/d(readouts) and dL/d(states at sample times); see ``Network.gradients``."""

    spike_times: Mapping[str, ArrayLike] = field(default_factory=dict)
    readouts: Mapping[str, Mapping[str, ArrayLike]] = field(default_factory=dict)
    states: Mapping[str, Mapping[str, ArrayLike]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.spike_times or self.readouts or self.states)


def cotangents(net: Network, result: Result, given: Given) -> dict[str, Cotangent]:
    """One for each population, and for each input, whose spikes nothing is known of yet.

    Raises:
        InputError: if there is nothing to start from, or a shape is wrong.
    """
    if result.seeds is None and not given:
        raise InputError(
            "gradients: the run had no loss to differentiate. Give run(spikes, labels) the labels, or "
            "give d_spike_times, d_readouts or d_states."
        )
    found = {name: Cotangent() for name in (*net.inputs, *net.populations)}
    if result.seeds is not None:
        _of_loss(net, result, result.seeds, found)
    for name, values in _table(given.spike_times, "d_spike_times").items():
        found[_spiking(net, result, name)].times.some.append(_spike_seeds(net, result, name, values))
    for name, readouts in _table(given.readouts, "d_readouts").items():
        _of_readouts(_members(net, name, "d_readouts"), result, readouts, found[name])
    for name, states in _table(given.states, "d_states").items():
        _of_states(_members(net, name, "d_states"), len(result), states, found[name])
    return found


def _of_loss(net: Network, result: Result, seeds: Seeds, found: dict[str, Cotangent]) -> None:
    """Each sample's share of the mean."""
    batch = len(result)
    for population, index, values in seeds.times:
        found[population].times.some.append((index, values / batch))
    for population, name, values in seeds.readouts:
        _by_readout(net.populations[population], result, name, values / batch, found[population])
    for population, name, values in seeds.states:
        _add(found[population].states, name, values / batch)


def _of_readouts(
    members: Members, result: Result, readouts: Mapping[str, ArrayLike], found: Cotangent
) -> None:
    ir = members.model.ir
    listed = [probe.name for probe in ir.probes if probe.listed]
    known = [state.name for state in ir.states]
    known += [peak.name for peak in ir.peaks] + [probe.name for probe in ir.probes]
    where = f"d_readouts[{members.name!r}]"
    for key, given in _table(readouts, where).items():
        if key not in known:
            raise InputError(f"{where}: there is no {key!r}. There are {', '.join(known)}.")
        shape: tuple[int, ...] = (len(result), members.size)
        meaning = "(batch, neurons)"
        if key in listed:
            shape, meaning = (*shape, len(members.sample_times)), "(batch, neurons, times)"
        _by_readout(members, result, key, _shaped(given, shape, meaning, f"{where}[{key!r}]"), found)


def _by_readout(members: Members, result: Result, name: str, values: Array, found: Cotangent) -> None:
    """Adds dL/d(readout), or by a state at T, to where it enters."""
    peaks = [peak.name for peak in members.model.ir.peaks]
    probe = next((probe for probe in members.model.ir.probes if probe.name == name), None)
    if probe is not None:
        result.probes[members.name].pull(probe, values, result.outcomes[members.name], found)
    else:
        _add(found.peaks if name in peaks else found.final, name, values)


def _of_states(members: Members, batch: int, states: Mapping[str, ArrayLike], found: Cotangent) -> None:
    where = f"d_states[{members.name!r}]"
    if not members.sample_times:
        raise InputError(f"{where}: the population has no sample times. Give it sample_times = [...].")
    known = [state.name for state in members.model.ir.states]
    for key, given in _table(states, where).items():
        if key not in known:
            raise InputError(f"{where}: there is no {key!r}. There are {', '.join(known)}.")
        shape = (batch, members.size, len(members.sample_times))
        _add(found.states, key, _shaped(given, shape, "(batch, neurons, times)", f"{where}[{key!r}]"))


def _add(there: dict[str, Array], key: str, values: Array) -> None:
    there[key] = there[key] + values if key in there else values


def _shaped(given: ArrayLike, shape: tuple[int, ...], meaning: str, where: str) -> Array:
    values = floats(given)
    if values.shape != shape or not np.isfinite(values).all():
        raise InputError(
            f"{where}: not finite numbers of shape {meaning} = {shape}. Give one for each sample and neuron."
        )
    return values


def _table(given: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise InputError(f"{where}: {type(given).__name__} is no dict. Give a dict by name.")
    return given


def _members(net: Network, name: str, where: str) -> Members:
    if name not in net.populations:
        raise InputError(f"{where}: there is no population {name!r}. There are {', '.join(net.populations)}.")
    return net.populations[name]


def _spiking(net: Network, result: Result, name: str) -> str:
    if name not in net.populations or not net.populations[name].model.spikes:
        raise InputError(
            f"d_spike_times: no population {name!r} spikes. There are {', '.join(result.spikes)}."
        )
    return name


def _spike_seeds(net: Network, result: Result, name: str, given: ArrayLike) -> tuple[Index, Array]:
    """Where dL/dt is given, and what it is."""
    values = floats(given)
    out, size = result.outcomes[name].out, net.populations[name].size
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
