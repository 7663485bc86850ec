"""Runs any reference case (tests/cases/*.json) through the public interface.

A case outside what Saltus does is refused with a ``saltus.SaltusError`` that says what is missing; wherever
the library itself refuses (a model, a loss, a delay, a cycle), it is the library that speaks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
    objective = prepare(case["loss"])
    network = _network(case, objective.loss)
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
            "delays": {},
            "params": {p["name"]: _parameters(gradients, p) for p in case["populations"]},
            "input_times": np.asarray(gradients["input_times"][0]).tolist(),
        },
    }


@dataclass(frozen=True)
class Objective:
    """How a case's loss is computed: by one of Saltus's, or by hand from spikes and readouts.

    derive: result -> loss, dL/dt by population, dL/d(readout) by population and readout.
    """

    loss: Any = None
    derive: Callable[[Any], tuple[float, dict[str, Any], dict[str, Any]]] = field(
        default=lambda result: (result.loss, {}, {})
    )


def _network(case: Mapping[str, Any], loss: Any) -> saltus.Network:
    return saltus.Network(
        T=case["T"],
        populations={p["name"]: _population(p) for p in case["populations"]},
        projections={p["name"]: _projection(p, case) for p in case["projections"]},
        inputs={case["input"]["name"]: case["input"]["size"]},
        loss=loss,
    )


def _population(population: Mapping[str, Any]) -> dict[str, Any]:
    params = population["params"]
    return {
        "model": _model(population),
        "size": population["size"],
        "params": params,
        "per_neuron": list(params),
    }


def _model(population: Mapping[str, Any]) -> saltus.Model:
    """The shipped model of that name; one with another reset than the usual has it in its name."""
    reset = population.get("reset") or "hard"
    return saltus.model(population["model"] if reset == "hard" else f"{population['model']}_{reset}")


def _projection(projection: Mapping[str, Any], case: Mapping[str, Any]) -> dict[str, Any]:
    weights = _by_pre(projection["weights"])
    exists = ~np.isnan(weights)
    post = next(p for p in case["populations"] if p["name"] == projection["post"])
    described = {
        "pre": projection["pre"],
        "post": projection["post"],
        "receptor": _model(post).ir.arrivals[projection["receptor"]].receptor,
        "weights": np.where(exists, weights, 0.0),
        "mask": None if exists.all() else exists,
    }
    if "delays" in projection:
        described["delay"] = np.nan_to_num(_by_pre(projection["delays"]))
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


def _integral_v_xent(loss: Mapping[str, Any]) -> Objective:
    if loss["weighting"] != "none":
        raise ConfigError(
            f"loss: no readout of {loss['pop']} is weighted by {loss['weighting']}. "
            "Use the weighting none, or a spec with such a readout."
        )

    def derive(result: Any) -> tuple[float, dict[str, Any], dict[str, Any]]:
        z = loss["scale"] * result.readouts[loss["pop"]]["sum_V"][0]
        p = np.exp(z - z.max())
        p /= p.sum()
        d = loss["scale"] * (p - (np.arange(len(z)) == loss["label"]))
        return float(-np.log(p[loss["label"]])), {}, {loss["pop"]: {"sum_V": d[None]}}

    return Objective(derive=derive)


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
    "integral_v_xent": _integral_v_xent,
    "linear": _linear,
}
