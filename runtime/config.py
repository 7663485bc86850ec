"""A network as data: what TOML or a dict can say, checked, with the place of every mistake."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from saltus.errors import ConfigError
from saltus.runtime.initialise import DEFAULT
from saltus.runtime.spikes import LARGEST

OF_SYNAPSES = ("weights", "delays")
"""What can be learned of a projection."""

_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class Population(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Neurons of one model.

    model: shipped name, path of a spec, spec as a dict, or ``saltus.Model``; size: number of neurons;
    params: a number or one number a neuron for each parameter or initial value that is not at its default;
    per_neuron: names that are one number a neuron though given as one for all;
    learn: names that a gradient is wanted for;
    spikes_kept: end a neuron's simulation after so many spikes (None: never), for outputs whose loss looks
    at the first ones only; not with recurrence;
    sample_times: ascending times in [0, T] at which the states are read, see ``Result.states``.
    """

    model: Any
    size: int
    params: dict[str, Any] = {}
    per_neuron: tuple[str, ...] = ()
    learn: tuple[str, ...] = ()
    spikes_kept: int | None = None
    sample_times: tuple[float, ...] = ()


class Projection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Synapses from one population to another, or to itself.

    pre, post: names; receptor: of the receiving model, may be left out where it has one;
    weights: a law, a number or an array ``(pre, post)``; mask: 1 or True where a synapse exists, ``(pre,
    post)``; delay: in seconds, a number, a law, or an array laid out like the weights; learn: any of
    ``"weights"`` and ``"delays"``.

    Sparse: ``weights`` is a SciPy sparse matrix ``(pre, post)``, or a tuple ``(pre, post, weight)`` of one
    entry a synapse each; or ``connect`` is a probability, ``{probability = 0.1, seed = 3}`` (without a seed,
    the network's), or ``{pre = [...], post = [...]}``, and ``weights`` a law, a number or one a synapse.
    """

    pre: str
    post: str
    receptor: str | None = None
    weights: Any = DEFAULT
    mask: Any = None
    connect: Any = None
    learn: tuple[str, ...] = ("weights",)
    delay: Any = 0.0


class Layer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A population and what comes into it, for stacks of layers; see ``Population`` and ``Projection``.

    inputs: number of input neurons, for the first layer; recurrent: all neurons to one another, without
    self-connections, so that one neuron alone has no such projection; learn: names of parameters, and
    ``"weights"`` and ``"delays"`` for both projections; weights, recurrent_weights: laws, numbers or arrays
    ``(pre, post)``; delay, recurrent_delay: in seconds, see ``Projection``; name: by default ``hidden0``, ...
    ``output``.
    """

    model: Any
    size: int
    inputs: int | None = None
    recurrent: bool = False
    receptor: str | None = None
    per_neuron: tuple[str, ...] = ()
    learn: tuple[str, ...] = ("weights",)
    params: dict[str, Any] = {}
    weights: Any = DEFAULT
    recurrent_weights: Any = 0.0
    spikes_kept: int | None = None
    name: str | None = None
    delay: Any = 0.0
    recurrent_delay: Any = 0.0
    sample_times: tuple[float, ...] = ()


class NetworkConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that defines a network; either ``layers``, or ``populations``, ``projections`` and ``inputs``.

    T: end of the simulation in seconds; inputs: sizes of the input pseudo-populations by name;
    loss: ``{name = ..., population = ..., missing = ..., <parameters>}`` or ``saltus.Loss``;
    seed: of the weights that are drawn; engine: ``"event"`` or ``"clock"``; dt and dtype: the clock's step in
    seconds, and the type of its states and weights; threads: None for all cores; tolerance: relative
    error of the velocities where a flow has no closed form.
    """

    T: float
    layers: list[Layer] | None = None
    populations: dict[str, Population] = {}
    projections: dict[str, Projection] = {}
    inputs: dict[str, int] = {}
    loss: Any = None
    seed: int = 0
    engine: str = "event"
    dt: float | None = None
    dtype: str = "float32"
    threads: int | None = None
    tolerance: float = 1e-8


def network_config(content: Mapping[str, Any], where: str) -> NetworkConfig:
    """The configuration in a mapping; ``where`` begins the messages.

    Raises:
        ConfigError: naming the entry that is wrong, e.g. ``populations.E.size``.
    """
    parts = ("populations", "projections", "layers")
    rest = {key: value for key, value in content.items() if key not in parts}
    config = _convert(rest, NetworkConfig, where, "")
    populations = _tables(content.get("populations") or {}, Population, where, "populations")
    projections = _tables(content.get("projections") or {}, Projection, where, "projections")
    layers = content.get("layers")
    if layers is not None:
        layers = [
            _convert(layer, Layer, where, f"layers[{i}]") for i, layer in enumerate(_list(layers, where))
        ]
    whole = msgspec.structs.replace(config, layers=layers, populations=populations, projections=projections)
    if config.seed < 0:
        raise ConfigError(f"{where}: seed = {config.seed} is negative. Give a whole number from 0 on.")
    return _expanded(whole, where)


def read(path: str | Path) -> NetworkConfig:
    """The configuration in a TOML file, its paths of specs taken from the file's folder.

    Raises:
        ConfigError: if it cannot be read, is not TOML, or is wrong.
    """
    file = Path(path)
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read ({error.strerror}). Give the path of a configuration."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not TOML: {error}. Correct it there.") from None
    return network_config(with_folder(content, file.parent), str(file))


def with_folder(content: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The same, with ``model = "x.toml"`` relative to the configuration's folder."""

    def placed(table: Any) -> Any:
        if isinstance(table, dict) and isinstance(spec := table.get("model"), str) and spec.endswith(".toml"):
            return {**table, "model": str(folder / spec)}
        return table

    populations, layers = content.get("populations"), content.get("layers")
    result = dict(content)
    if isinstance(populations, dict):
        result["populations"] = {name: placed(table) for name, table in populations.items()}
    if isinstance(layers, list):
        result["layers"] = [placed(table) for table in layers]
    return result


def _expanded(config: NetworkConfig, where: str) -> NetworkConfig:
    """The same network with its layers written out as populations and projections."""
    if config.layers is None:
        return config
    if config.populations or config.projections or config.inputs:
        raise ConfigError(f"{where}: layers and populations exclude each other. Write all as populations.")
    layers = config.layers
    if not layers:
        raise ConfigError(
            f"{where}: layers is empty. Give at least one saltus.Layer(model, size, inputs=...)."
        )
    if layers[0].inputs is None:
        raise ConfigError(f"{where}: the first layer has no number of inputs. Give Layer(..., inputs=...).")
    if later := next((i for i, layer in enumerate(layers[1:], 1) if layer.inputs is not None), None):
        raise ConfigError(
            f"{where}: layer {later} has inputs, but gets its input from layer {later - 1}. Leave it out."
        )
    names = [layer.name or f"hidden{i}" for i, layer in enumerate(layers)]
    names[-1] = layers[-1].name or "output"
    if len({"input", *names}) <= len(names):
        raise ConfigError(
            f"{where}: the layers' names {', '.join(names)} are not all different, or one is 'input'. Rename."
        )
    populations, projections = {}, {}
    for name, before, layer in zip(names, ["input", *names], layers, strict=False):
        populations[name] = Population(
            model=layer.model,
            size=layer.size,
            params=layer.params,
            per_neuron=layer.per_neuron,
            learn=tuple(learned for learned in layer.learn if learned not in OF_SYNAPSES),
            spikes_kept=layer.spikes_kept,
            sample_times=layer.sample_times,
        )
        learn = tuple(learned for learned in layer.learn if learned in OF_SYNAPSES)
        projections[f"{before}_{name}"] = Projection(
            pre=before,
            post=name,
            receptor=layer.receptor,
            weights=layer.weights,
            learn=learn,
            delay=layer.delay,
        )
        if layer.recurrent and 1 < layer.size <= LARGEST:  # what is beyond is refused with all other sizes
            projections[f"{name}_{name}"] = Projection(
                pre=name,
                post=name,
                receptor=layer.receptor,
                weights=layer.recurrent_weights,
                mask=~np.eye(layer.size, dtype=bool),
                learn=learn,
                delay=layer.recurrent_delay,
            )
    return msgspec.structs.replace(
        config,
        layers=None,
        populations=populations,
        projections=projections,
        inputs={"input": layers[0].inputs},
    )


def _tables(content: Any, kind: type[_Struct], where: str, key: str) -> dict[str, _Struct]:
    if not isinstance(content, Mapping):
        raise ConfigError(f"{where}: {key}: not a table. Give {key} by name.")
    return {name: _convert(table, kind, where, f"{key}.{name}") for name, table in content.items()}


def _list(content: Any, where: str) -> list[Any]:
    if not isinstance(content, list | tuple):
        raise ConfigError(f"{where}: layers: not a list. Give one saltus.Layer after the other.")
    return list(content)


def _convert(content: Any, kind: type[_Struct], where: str, place: str) -> _Struct:
    """msgspec's conversion, of NumPy's numbers too; errors say ``where: place.of.it: what is wrong``.

    A ``saltus.Layer`` is converted like a dict: its constructor takes anything.
    """
    if isinstance(content, kind):
        content = msgspec.structs.asdict(content)
    if isinstance(content, Mapping):
        typed = {field.name for field in msgspec.structs.fields(kind) if field.type is not Any}
        content = {key: _plain(value) if key in typed else value for key, value in content.items()}
    try:
        return msgspec.convert(content, type=kind)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        entry = (place + path.removesuffix("`")).removeprefix(".")
        known = ", ".join(field.name for field in msgspec.structs.fields(kind))
        at = f"{entry}: " if entry else ""
        raise ConfigError(f"{where}: {at}{what}. Correct it; the entries are {known}.") from None


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays as Python's; of a table its numbers."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if not isinstance(value, Mapping):
        return value
    return {key: entry.item() if isinstance(entry, np.generic) else entry for key, entry in value.items()}
