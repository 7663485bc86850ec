"""Every shipped model: all derivatives of a small network, against an oracle that knows no derivation.

Each model runs in two networks: one without delays (the fast kernel, where it can), and one that is
recurrent through delays, with a population of another model, integrals, and all of its receptors. Every
parameter has a value of its own in every neuron, and the loss reads all spikes, the states at the end and
the readouts.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import numpy as np
import pytest
from exactness import EXACT, Accuracy, Loss, assert_exact
from hybrid import Case
from hybrid_spec import spec_of

from saltus.runtime.model import shipped

T = 0.035
SIZE = 3
LOSS = Loss(scale={"sum_V": 100.0, "area": 100.0})


@dataclass(frozen=True)
class Drive:
    """What makes a model spike, but not too much.

    weights: mean weight from the input, by receptor; recurrent: spread of the weights among the neurons;
    params: in place of the spec's defaults; spikes: of each neuron, at least; delayed: it can only be
    recurrent through delays, since an arrival may make it spike at once.
    """

    weights: dict[str, float] = field(default_factory=lambda: {"exc": 5.0})
    recurrent: float = 0.5
    params: dict[str, float] = field(default_factory=dict)
    spikes: int = 2
    delayed: bool = False


DRIVES = {
    "lif": Drive(),
    "lif_soft": Drive(),
    "lif_bias": Drive(),
    "lif_refractory": Drive({"exc": 7.0}),
    "lif_delta": Drive({"exc": 0.8}, recurrent=0.15, delayed=True),
    "lif2": Drive({"exc": 4.0, "exc2": 2.0}),
    "ei": Drive({"exc": 6.0, "inh": 0.7}, recurrent=0.3),
    "alpha": Drive({"exc": 6.0}),
    "alif": Drive(),
    "adlif": Drive({"exc": 6.0}),
    "resonator": Drive({"exc": 4.0}, recurrent=0.3),
    "two_compartment": Drive({"exc": 25.0}, recurrent=1.0),
    "li": Drive(spikes=0),
    "li_max": Drive(spikes=0),
}
NONLINEAR = {
    "qif": Drive({"exc": 20.0}, recurrent=2.0),
    "eif": Drive({"exc": 6.0}, params={"peak": 1.6}),
    "adex": Drive({"exc": 6.0}, params={"peak": 1.6}),
    "izhikevich": Drive({"exc": 25.0}, recurrent=5.0, params={"peak": 0.0}),
    "lif_conductance": Drive({"exc": 1.5, "inh": 0.3}, recurrent=0.1),
}

INTEGRATED = {
    "lif": "V*V",
    "lif_delta": "V*V",
    "lif_refractory": "V*V",
    "alif": "A*V",
    "resonator": "V - U",
}
"""Integrals that some are given, too: what these gain or lose by the time of a jump belongs to the spike."""


def population(model: Any, drive: Drive, random: np.random.Generator, size: int = SIZE) -> dict[str, Any]:
    """Every parameter drawn around its value in the spec, those that are zero around it, too."""
    params = {}
    for name, value in {**spec_of(model).parameters, **drive.params}.items():
        spread = 0.15 * value if value else 0.2
        params[name] = value + spread * random.uniform(-1.0, 1.0, size)
    return {"model": model, "size": size, "params": params}


def spec(name: str, **readouts: str) -> dict[str, Any]:
    """A shipped spec with more readouts."""
    text = resources.files("saltus.derive.models").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    return {**content, "readouts": {**content.get("readouts", {}), **readouts}}


def inputs(random: np.random.Generator, end: float) -> list[list[float]]:
    return [np.sort(random.uniform(0.001, 0.6 * end, 3)).tolist() for _ in range(2)]


def currents(model: Any, random: np.random.Generator) -> dict[str, Any]:
    """Three values, one after the other, of everything that is given to the population "a"."""
    states = {
        name: ([0.0, 0.0131, 0.0277], random.uniform(0.0, 0.6, (3, SIZE))) for name in spec_of(model).inputs
    }
    return {"a": states} if states else {}


def without_delays(model: Any, drive: Drive, seed: int) -> Case:
    """Input, the neurons, which all project to all and to themselves, and a leaky integrator."""
    random = np.random.default_rng(seed)
    projections = {
        f"in_{receptor}": {
            "pre": "in",
            "post": "a",
            "receptor": receptor,
            "weights": random.normal(mean, 0.2 * mean, (2, SIZE)),
        }
        for receptor, mean in drive.weights.items()
    }
    populations = {"a": population(model, drive, random)}
    if drive.spikes:
        populations["out"] = population("li", Drive(), random, 2)
        projections["a_out"] = {
            "pre": "a",
            "post": "out",
            "receptor": "exc",
            "weights": random.normal(1.0, 1.0, (SIZE, 2)),
        }
    if drive.spikes and not drive.delayed:
        projections["again"] = {
            "pre": "a",
            "post": "a",
            "receptor": next(iter(drive.weights)),
            "weights": random.normal(0.0, drive.recurrent, (SIZE, SIZE)),
        }
    network = {"T": T, "inputs": {"in": 2}, "populations": populations, "projections": projections}
    return Case(network, inputs(random, T), currents(model, random))


def with_delays(model: Any, drive: Drive, seed: int, end: float = T) -> Case:
    """Input, the neurons, and two leaky ones that excite and are excited; every synapse has its delay."""
    random = np.random.default_rng(seed)
    populations = {"a": population(model, drive, random), "b": population("lif", Drive(), random, 2)}
    projections: dict[str, Any] = {}

    def project(name: str, pre: str, post: str, receptor: str, weights: np.ndarray) -> None:
        delay = random.uniform(0.5e-3, 6e-3, weights.shape)
        projections[name] = {
            "pre": pre,
            "post": post,
            "receptor": receptor,
            "weights": weights,
            "delay": delay,
        }

    for receptor, mean in drive.weights.items():
        project(f"in_{receptor}", "in", "a", receptor, random.normal(mean, 0.2 * mean, (2, SIZE)))
        project(f"b_{receptor}", "b", "a", receptor, random.normal(0.0, drive.recurrent, (2, SIZE)))
    project("in_b", "in", "b", "exc", random.normal(4.5, 0.5, (2, 2)))
    if drive.spikes:
        project("a_b", "a", "b", "exc", random.normal(0.5, 0.5, (SIZE, 2)))
        again = random.normal(0.0, drive.recurrent, (SIZE, SIZE))
        project("again", "a", "a", next(iter(drive.weights)), again)
    network = {"T": end, "inputs": {"in": 2}, "populations": populations, "projections": projections}
    return Case(network, inputs(random, end), currents(model, random))


def assert_model_exact(case: Case, drive: Drive, accuracy: Accuracy = EXACT) -> None:
    trajectory = assert_exact(case, LOSS, accuracy)
    for cells in trajectory.cells.values():
        for cell in cells:
            assert cell.spec.spike is None or len(cell.spikes) >= drive.spikes
            assert cell.least_slope > 1e-3, "drawn too close to a tangency: take another seed"


@pytest.mark.parametrize("name", DRIVES)
def test_without_delays(name: str):
    assert_model_exact(without_delays(name, DRIVES[name], 1), DRIVES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", DRIVES)
def test_with_delays_and_another_model(name: str):
    model = spec(name, area=f"integral({INTEGRATED[name]})") if name in INTEGRATED else name
    assert_model_exact(with_delays(model, DRIVES[name], 2), DRIVES[name])


def test_every_shipped_model_has_its_test():
    """Those that are integrated are in test_tolerance.py; the bouncing ball is in runtime/test_bounces.py."""
    tested = {*DRIVES, *NONLINEAR, "lotka_volterra", "bouncing_ball"}
    assert tested == set(shipped("models"))
