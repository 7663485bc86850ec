"""Runs any reference case (tests/cases/*.json) through the public interface.

The case's models are the shipped specs, with the readout that its loss needs. A case outside what Saltus does
is refused with a ``saltus.SaltusError`` that says what is missing.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import saltus
from saltus.errors import ConfigError

Array = NDArray[np.float64]


def run_case(path: str | Path) -> dict[str, Any]:
    """Loss, spikes and gradients of a case file, in the shape of its ``expected``."""
    return run(json.loads(Path(path).read_text()))


def run(case: Mapping[str, Any]) -> dict[str, Any]:
    """The same for a case that is already read."""
    prepare = LOSSES.get(case["loss"]["type"], _unknown_loss)
    objective = prepare({**case["loss"], "T": case["T"]})
    network = network_of(case, objective)
    labels = None if objective.loss is None else [case["loss"]["label"]]
    spikes = saltus.Spikes.from_pairs([case["input"]["spikes"]], case["input"]["size"])
    result = network.run(spikes, labels)
    value, d_spike_times, d_readouts = objective.derive(result)
    names = [*network.all_parameters(), "input_times"]
    gradients = network.gradients(result, d_spike_times, d_readouts, wrt=names)
    return {
        "loss": value,
        "spikes": {p["name"]: _spikes(result, p) for p in case["populations"]},
        "grad": {
            "weights": {
                p["name"]: _by_post(gradients[f"{p['name']}.weights"], p) for p in case["projections"]
            },
            "delays": {
                p["name"]: _by_post(gradients[f"{p['name']}.delays"], p)
                for p in case["projections"]
                if "delays" in p
            },
            "params": {p["name"]: _parameters(gradients, p) for p in case["populations"]},
            "input_times": np.asarray(gradients["input_times"][0]).tolist(),
        },
    }


@dataclass(frozen=True)
class Objective:
    """How a case's loss is computed: by one of Saltus's, or by hand from spikes and readouts.

    derive: result -> loss, dL/dt by population, dL/d(readout) by population and readout;
    add: readouts, and states that these need, to be added to the spec of the population that is read.
    """

    loss: Any = None
    derive: Callable[[Any], tuple[float, dict[str, Any], dict[str, Any]]] = field(
        default=lambda result: (result.loss, {}, {})
    )
    add: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


TOLERANCE = 1e-12
"""Of flows without a closed form."""


def network_of(case: Mapping[str, Any], objective: Objective) -> saltus.Network:
    """The case's network."""
    populations = {p["name"]: _population(p, case, objective) for p in case["populations"]}
    return saltus.Network(
        T=case["T"],
        populations=populations,
        projections={p["name"]: _projection(p, populations) for p in case["projections"]},
        inputs={case["input"]["name"]: case["input"]["size"]},
        loss=objective.loss,
        tolerance=TOLERANCE,
    )


def _population(
    population: Mapping[str, Any], case: Mapping[str, Any], objective: Objective
) -> dict[str, Any]:
    params = population["params"]
    add = objective.add if population["name"] == case["loss"]["pop"] else {}
    model = model_of(population["model"], population.get("reset") or "hard", add)
    return {"model": model, "size": population["size"], "params": params, "per_neuron": list(params)}


def model_of(name: str, reset: str, add: Mapping[str, Mapping[str, Any]]) -> saltus.Model:
    """The shipped model; ``reset`` and what is added make a spec of their own from the shipped one's."""
    if reset == "soft" and name == "lif":
        name = "lif_soft"
    elif reset != "hard":
        raise ConfigError(f"no shipped {name} has a {reset} reset. Write a spec with that reset.")
    if not add:
        return saltus.model(name)
    spec = resources.files("saltus.derive.models").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    content: dict[str, Any] = tomllib.loads(spec)
    for section, entries in add.items():
        content[section] = {**content.get(section, {}), **entries}
    return saltus.model(content)


def _projection(projection: Mapping[str, Any], populations: Mapping[str, Any]) -> dict[str, Any]:
    weights = _by_pre(projection["weights"])
    exists = ~np.isnan(weights)
    arrivals = populations[projection["post"]]["model"].ir.arrivals
    described = {
        "pre": projection["pre"],
        "post": projection["post"],
        "receptor": arrivals[projection["receptor"]].receptor,
        "weights": np.where(exists, weights, 0.0),
        "mask": None if exists.all() else exists,
    }
    if "delays" in projection:
        described["delay"] = _by_pre(projection["delays"])
    return described


def _by_pre(table: Sequence[Sequence[float | None]]) -> Array:
    """The file's [post][pre] with null as an array (pre, post) with nan."""
    return np.array([[np.nan if x is None else x for x in row] for row in table], dtype=np.float64).T


def _by_post(gradient: Array, projection: Mapping[str, Any]) -> list[list[float | None]]:
    """An array (pre, post) as the file's [post][pre], null where there is no synapse."""
    table, weights = np.asarray(gradient).T.tolist(), projection["weights"]
    return [
        [None if w is None else g for g, w in zip(*rows, strict=True)]
        for rows in zip(table, weights, strict=True)
    ]


def _spikes(result: Any, population: Mapping[str, Any]) -> list[list[float]]:
    name, size = population["name"], population["size"]
    if name not in result.spikes:
        return [[] for _ in range(size)]
    return [result.spikes[name].train(0, neuron).tolist() for neuron in range(size)]


def _parameters(gradients: Mapping[str, Array], population: Mapping[str, Any]) -> dict[str, list[float]]:
    return {key: gradients[f"{population['name']}.{key}"].tolist() for key in population["params"]}


# --- losses ------------------------------------------------------------------------------------------------


def _first_spike_xent(loss: Mapping[str, Any]) -> Objective:
    times = {"tau_0": loss["tau0"], "tau_1": loss["tau1"], "alpha": loss["alpha"]}
    return Objective(saltus.loss("first_spike_cross_entropy", population=loss["pop"], **times))


def _spike_time_squared(loss: Mapping[str, Any]) -> Objective:
    def derive(result: Any) -> tuple[float, dict[str, Any], dict[str, Any]]:
        spikes, nth = result.spikes[loss["pop"]], loss["nth"]
        times = np.array([spikes.train(0, neuron)[nth] for neuron in range(spikes.size)])
        slopes = np.zeros((1, spikes.size, nth + 1))
        slopes[0, :, nth] = 2 * times
        return float(np.sum(times**2)), {loss["pop"]: slopes}, {}

    return Objective(derive=derive)


def _integral_v2(loss: Mapping[str, Any]) -> Objective:
    name = loss["pop"]

    def derive(result: Any) -> tuple[float, dict[str, Any], dict[str, Any]]:
        values = result.readouts[name]["sum_V2"]
        return float(values.sum()), {}, {name: {"sum_V2": np.ones_like(values)}}

    return Objective(derive=derive, add={"readouts": {"sum_V2": "integral(V**2)"}})


def _integral_v_xent(loss: Mapping[str, Any]) -> Objective:
    if loss["weighting"] == "none":
        add = {"readouts": {"sum_V": "integral(V)"}}
    elif loss["weighting"] == "exp(-t/T)":
        add = {  # the weight is a state that fades
            "parameters": {"tau_fade": {"value": loss["T"], "positive": True}},
            "initial": {"fade": 1.0},
            "dynamics": {"f_fade": "tau_fade*dot(fade) + fade"},
            "readouts": {"sum_V": "integral(fade*V)"},
        }
    else:
        raise ConfigError(f"loss: no readout is weighted by {loss['weighting']}. Use none or exp(-t/T).")
    of = {"population": loss["pop"], "readout": "sum_V", "scale": loss["scale"]}
    return Objective(saltus.loss("sum_cross_entropy", **of), add=add)


def _max_v_xent(loss: Mapping[str, Any]) -> Objective:
    of = {"population": loss["pop"], "readout": "max_V"}
    return Objective(saltus.loss("max_cross_entropy", **of), add={"readouts": {"max_V": "max(V)"}})


def _linear(loss: Mapping[str, Any]) -> Objective:
    """Only in networks.py: see ``oracle._linear``."""

    def derive(result: Any) -> tuple[float, dict[str, Any], dict[str, Any]]:
        name, c, d = loss["pop"], loss["coefficients"], np.array(loss["integrals"])
        value, slopes = 0.0, {}
        if name in result.spikes:
            spikes = result.spikes[name]
            order = np.lexsort((spikes.times, spikes.neurons))  # the oracle counts neuron by neuron
            slopes[name] = np.empty(len(order))
            slopes[name][order] = [c[i % len(c)] for i in range(len(order))]
            value += float(slopes[name] @ spikes.times)
        if len(d):
            value += float(d @ result.readouts[name]["sum_V"][0])
        return value, slopes, {name: {"sum_V": d[None]}} if len(d) else {}

    return Objective(derive=derive)


def _unknown_loss(loss: Mapping[str, Any]) -> Objective:
    return Objective(saltus.loss(loss["type"], population=loss["pop"]))


LOSSES: dict[str, Callable[[Mapping[str, Any]], Objective]] = {
    "first_spike_xent": _first_spike_xent,
    "spike_time_squared": _spike_time_squared,
    "integral_v2": _integral_v2,
    "integral_v_xent": _integral_v_xent,
    "max_v_xent": _max_v_xent,
    "linear": _linear,
}
