"""A network as a PyTorch module: spike times and readouts are tensors that a loss in PyTorch can use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saltus.errors import ConfigError, InputError
from saltus.runtime.gradients import INPUT_TIMES
from saltus.runtime.group import Run
from saltus.runtime.network import Network as SaltusNetwork
from saltus.runtime.result import Result
from saltus.runtime.spikes import Spikes

try:
    import torch
except ImportError:
    raise ConfigError("saltus.torch needs PyTorch. Install it: pip install 'saltus[torch]'.") from None

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Outputs:
    """What a run gives, as float64 tensors through which gradients flow.

    Attributes:
        spike_times: for each population that can spike, in seconds, inf where there is no such spike,
            ``(batch, neurons, k)``.
        readouts: integrals, maxima and states read at given times, by population and name, each ``(batch,
            neurons)``; ``(batch, neurons, times)`` for what is read at each of the sample times.
        final: states at t = T, by population and name, each ``(batch, neurons)``.
        states: states at the sample times of populations that have some, by population and name, each
            ``(batch, neurons, times)``.
        result: the run itself, with its warnings.
    """

    spike_times: dict[str, torch.Tensor]
    readouts: dict[str, dict[str, torch.Tensor]]
    final: dict[str, dict[str, torch.Tensor]]
    states: dict[str, dict[str, torch.Tensor]]
    result: Result


class Network(torch.nn.Module):
    """A ``saltus.Network`` whose learned parameters are PyTorch's.

    Their names are those of ``net.parameters()``, ``input_hidden0.weights`` and so on, also in
    ``state_dict()``.
    The gradient is exact, as everywhere in Saltus: it does not see spikes that are about to appear or vanish.

    Args:
        net: a network without a loss; its learned values are where the module starts from.
        spikes: how many spikes of each neuron ``forward`` gives, for all populations, or by population.

    Raises:
        ConfigError: if the network has a loss, or a population is called like a member of modules.
    """

    def __init__(self, net: SaltusNetwork, spikes: int | Mapping[str, int] = 1) -> None:
        super().__init__()
        if net.loss is not None:
            raise ConfigError(
                "saltus.torch: the network has a loss, which PyTorch would not see. Leave it out, and write "
                "the loss in PyTorch."
            )
        self.net = net
        self.names = net.learnable
        self.kept = _kept(net, spikes)
        for name, value in net.parameters().items():
            owner, parameter = name.split(".")
            if owner not in self._modules:
                if hasattr(self, owner):
                    raise ConfigError(
                        f"saltus.torch: {owner!r} is a member of every PyTorch module. Rename the population."
                    )
                self.add_module(owner, torch.nn.Module())
            made = torch.nn.Parameter(torch.tensor(value, dtype=torch.float64))
            self.get_submodule(owner).register_parameter(parameter, made)

    def forward(self, spikes: Any) -> Outputs:
        """Simulates a batch.

        Args:
            spikes: a tensor of times in seconds, ``(batch, inputs)`` or ``(batch, inputs, n)`` with inf where
                there is no spike, through which gradients flow; or what ``saltus.Network.run`` takes. With
                several inputs, a dict of such by their names.

        Raises:
            InputError: for spikes that are wrong, naming the place.
            RunError: if the simulation cannot go on.
        """
        given = spikes if isinstance(spikes, Mapping) else dict.fromkeys(self.net.inputs, spikes)
        packed = {name: _pack(times) for name, times in given.items() if isinstance(times, torch.Tensor)}
        inputs = {name: packed[name].spikes if name in packed else given[name] for name in given}
        checked = self.net.checked_spikes(inputs if isinstance(spikes, Mapping) else inputs.popitem()[1])
        call = _Call(self, checked, packed)
        owners = [name.split(".") for name in self.names]
        parameters = [getattr(self.get_submodule(owner), name) for owner, name in owners]
        tensors = _Function.apply(call, *parameters, *(given[name] for name in packed))
        return call.outputs(tensors)

    def extra_repr(self) -> str:
        """The network, for ``repr``."""
        return repr(self.net)


class _Place(NamedTuple):
    """An output: ``spikes``, ``readout``, ``final`` or ``states``, its population, and its name there."""

    kind: str
    population: str
    name: str


class _Packed(NamedTuple):
    """Spikes from a tensor, and where in the flat tensor each of them stands."""

    spikes: Spikes
    at: NDArray[np.int64]


class _Call:
    """One run: what the backward run needs to know."""

    def __init__(self, module: Network, inputs: Mapping[str, Spikes], packed: dict[str, _Packed]) -> None:
        self.net, self.kept = module.net, module.kept
        self.names = module.names
        self.inputs, self.packed = inputs, packed
        self.places: list[_Place] = []
        self.result: Result | None = None

    def run(self, parameters: tuple[Any, ...]) -> list[Array]:
        """All outputs, in the order of ``places``."""
        batch = len(next(iter(self.inputs.values())))
        with self.net.lock:
            self._assign(parameters)
            run = Run(batch, self.net.horizon, min(self.net.threads, batch))
            self.result = result = self.net.simulate(self.inputs, run)
        found: dict[_Place, Array] = {}
        for name, k in self.kept.items():
            times = [result.spike_times(name, i).time for i in range(k)]
            found[_Place("spikes", name, "")] = np.stack(times, axis=-1)
        named = {"readout": result.readouts, "final": result.final, "states": result.states}
        for kind, by_population in named.items():
            for population, values in by_population.items():
                found |= {_Place(kind, population, name): array for name, array in values.items()}
        self.places = list(found)
        return list(found.values())

    def gradients(self, parameters: tuple[Any, ...], seeds: tuple[Any, ...], wanted: tuple[str, ...]) -> Any:
        """dL/d(parameter) and dL/d(input times), from dL/d(output) for each output that the loss used."""
        assert self.result is not None, "forward comes first"
        d_times: dict[str, Array] = {}
        d_readouts: dict[str, dict[str, Array]] = {}
        d_states: dict[str, dict[str, Array]] = {}
        for place, seed in zip(self.places, seeds, strict=True):
            if seed is None:
                continue
            values = seed.detach().cpu().numpy().astype(np.float64)
            if place.kind == "spikes":
                times = [self.result.spike_times(place.population, i).time for i in range(values.shape[2])]
                d_times[place.population] = np.where(np.isinf(np.stack(times, axis=-1)), 0.0, values)
            else:
                kind = d_states if place.kind == "states" else d_readouts
                there = kind.setdefault(place.population, {})
                there[place.name] = there.get(place.name, 0.0) + values
        with self.net.lock:
            self._assign(parameters)
            for group in self.net.groups.values():
                group.refresh()
            return self.net.gradients(self.result, d_times, d_readouts, wanted, d_states=d_states)

    def outputs(self, tensors: tuple[Any, ...]) -> Outputs:
        """The tensors by name."""
        assert self.result is not None, "forward comes first"
        spike_times: dict[str, Any] = {}
        named: dict[str, dict[str, dict[str, Any]]] = {"readout": {}, "final": {}, "states": {}}
        for place, tensor in zip(self.places, tensors, strict=True):
            if place.kind == "spikes":
                spike_times[place.population] = tensor
            else:
                named[place.kind].setdefault(place.population, {})[place.name] = tensor
        return Outputs(spike_times, named["readout"], named["final"], named["states"], self.result)

    def _assign(self, parameters: tuple[Any, ...]) -> None:
        values = self.net.parameters()
        for name, tensor in zip(self.names, parameters, strict=True):
            values[name][...] = tensor.detach().cpu().numpy()
        for synapses in self.net.synapses.values():
            if synapses.mask is not None:  # what the tensor says of synapses that do not exist is nothing
                synapses.weights[~synapses.mask] = 0.0


class _Function(torch.autograd.Function):
    """(parameters, input times) -> outputs, with the exact vector-Jacobian product."""

    @staticmethod
    def forward(context: Any, call: _Call, *tensors: Any) -> tuple[Any, ...]:
        context.call = call
        context.set_materialize_grads(False)
        context.save_for_backward(*tensors)
        return tuple(torch.from_numpy(array) for array in call.run(tensors[: len(call.names)]))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(context: Any, *seeds: Any) -> tuple[Any, ...]:
        call: _Call = context.call
        tensors, needed = context.saved_tensors, context.needs_input_grad[1:]
        count = len(call.names)
        if all(seed is None for seed in seeds):
            return (None,) * (1 + len(tensors))
        wanted = [name for name, need in zip(call.names, needed[:count], strict=True) if need]
        if any(needed[count:]):
            wanted.append(INPUT_TIMES)
        found = call.gradients(tensors[:count], seeds, tuple(wanted))
        gradients = [found.get(name) for name in call.names]
        for (name, packed), tensor in zip(call.packed.items(), tensors[count:], strict=True):
            gradients.append(_unpack(found, name, packed, tuple(tensor.shape), len(call.inputs)))
        arrays = zip(gradients, tensors, needed, strict=True)
        return None, *(torch.as_tensor(g).to(t) if need else None for g, t, need in arrays)


def _pack(times: Any) -> _Packed:
    """Spikes in a tensor ``(batch, inputs)`` or ``(batch, inputs, n)``, inf for none."""
    if times.is_complex() or times.dtype is torch.bool:
        raise InputError(f"spikes: a tensor of {times.dtype} holds no times. Give numbers, in seconds.")
    values = times.detach().cpu().to(torch.float64).numpy()
    if values.ndim not in (2, 3):
        raise InputError(
            f"spikes: a tensor of shape {values.shape} is not one time for each sample and neuron. "
            "Give (batch, inputs), or (batch, inputs, n) with inf where there is no spike."
        )
    sample, neuron = np.indices(values.shape)[:2].reshape(2, -1)
    flat = values.reshape(-1)
    exists = np.flatnonzero(flat != np.inf)
    at = exists[np.lexsort((neuron[exists], flat[exists], sample[exists]))]
    start = np.concatenate([[0], np.cumsum(np.bincount(sample[at], minlength=len(values)))])
    return _Packed(Spikes(flat[at], neuron[at].astype(np.int32), start, values.shape[1]), at)


def _unpack(found: Any, name: str, packed: _Packed, shape: tuple[int, ...], inputs: int) -> Array | None:
    """dL/dt laid out like the tensor."""
    if INPUT_TIMES not in found:
        return None
    values = found[INPUT_TIMES]
    gradient = np.zeros(int(np.prod(shape)))
    gradient[packed.at] = values if inputs == 1 else values[name]
    return gradient.reshape(shape)


def _kept(net: SaltusNetwork, spikes: int | Mapping[str, int]) -> dict[str, int]:
    """How many spikes of each neuron go out, by population that can spike."""
    spiking = [name for name, members in net.populations.items() if members.model.spikes]
    given = dict(spikes) if isinstance(spikes, Mapping) else dict.fromkeys(spiking, spikes)
    for name, k in given.items():
        if name not in spiking:
            raise ConfigError(
                f"saltus.torch: no population {name!r} spikes. There are {', '.join(spiking) or 'none'}."
            )
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise ConfigError(f"saltus.torch: spikes = {k!r} is not a number of spikes. Give 1 or more.")
        kept = net.config.populations[name].spikes_kept
        if kept is not None and k > kept:
            raise ConfigError(
                f"saltus.torch: spikes = {k}, but population {name!r} keeps {kept} spikes. Keep more."
            )
    return given
