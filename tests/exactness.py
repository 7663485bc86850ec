"""A case through Saltus and through the hybrid oracle, under one random linear loss that reads everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any

import hybrid
import numpy as np
from agreement import GRADIENT_TOLERANCE, SPIKE_TOLERANCE, assert_gradients, assert_spikes
from hybrid import Case, Trajectory
from taylor import CONTEXT, Jet

import saltus


@dataclass(frozen=True)
class Accuracy:
    """How well Saltus must do: spike times in seconds, gradients relative; ``flow``: its own tolerance."""

    spikes: float = SPIKE_TOLERANCE
    gradients: float = GRADIENT_TOLERANCE
    flow: float = 1e-8


EXACT = Accuracy()


@dataclass(frozen=True)
class Loss:
    """sum c t + sum d x(T) + sum d readout, its factors drawn from a seed by population and what it is.

    spikes: how many of each neuron's, the first ones, it reads; all by default.
    """

    seed: int = 0
    spikes: int = 10**6
    end: bool = True
    scale: Mapping[str, float] = field(default_factory=dict)

    def factors(self, *key: Any) -> np.random.Generator:
        return np.random.default_rng([self.seed, *map(ord, "/".join(map(str, key)))])

    def of_spikes(self, population: str, neuron: int, count: int) -> np.ndarray:
        drawn = 100.0 * self.factors(population, "spikes", neuron).normal(size=count)
        drawn[self.spikes :] = 0.0
        return drawn

    def of_end(self, population: str, name: str, size: int) -> np.ndarray:
        drawn = self.factors(population, "end", name).normal(size=size) * self.scale.get(name, 1.0)
        return drawn if self.end else 0.0 * drawn


READ_ALL = Loss()


def build(case: Case, flow: float = EXACT.flow) -> saltus.Network:
    """The network, all parameters per neuron."""
    populations = {
        name: {**p, "per_neuron": list(hybrid.spec_of(p["model"]).parameters)}
        for name, p in case.network["populations"].items()
    }
    return saltus.Network(**{**case.network, "populations": populations}, tolerance=flow)


def found(case: Case, loss: Loss, network: saltus.Network) -> tuple[saltus.Result, dict[str, Any]]:
    """What Saltus says: the run, and the gradient by everything."""
    spikes = [list(case.spikes)] if case.spikes else None
    result = network.run(spikes, currents=case.currents or None)
    seeds, readouts = {}, {}
    for name, members in network.populations.items():
        if name in result.spikes:
            seen = result.spikes[name]
            seeds[name] = np.empty(len(seen.times))
            for neuron in range(members.size):
                own = np.flatnonzero(seen.neurons == neuron)
                seeds[name][own] = loss.of_spikes(name, neuron, len(own))
        read = {**result.final[name], **result.readouts[name]}
        readouts[name] = {
            key: loss.of_end(name, key, members.size)[None]
            for key in read
            if key not in members.model.ir.inputs
        }
    given = [kind for kind, there in (("input_times", case.spikes), ("currents", case.currents)) if there]
    gradient = network.gradients(result, seeds, readouts, wrt=[*network.all_parameters(), *given])
    if case.spikes:
        gradient["input_times"] = np.concatenate(gradient["input_times"][0])
    return result, gradient


def expected(case: Case, loss: Loss) -> tuple[Trajectory, dict[str, Any]]:
    """What the oracle says."""
    with localcontext(CONTEXT):
        trajectory = Trajectory(case)
        total = Jet(Decimal(0))
        for name, cells in trajectory.cells.items():
            for i, cell in enumerate(cells):
                factors = loss.of_spikes(name, i, len(cell.spikes))
                for c, t in zip(factors, cell.spikes, strict=True):
                    total = total + t * Decimal(float(c))
                for key, x in {**cell.states, **cell.peaks, **cell.probes}.items():
                    if key not in cell.spec.inputs:
                        total = total + x * Decimal(float(loss.of_end(name, key, len(cells))[i]))
        return trajectory, trajectory.gradient(total)


def assert_exact(
    case: Case, loss: Loss = READ_ALL, accuracy: Accuracy = EXACT, network: saltus.Network | None = None
) -> Trajectory:
    """Spikes, and every derivative. Returns what the oracle saw."""
    trajectory, right = expected(case, loss)
    result, gradient = found(case, loss, network or build(case, accuracy.flow))
    trains = {name: trajectory.spikes(name) for name in result.spikes}
    seen = {
        name: [result.spikes[name].train(0, i) for i in range(len(train))] for name, train in trains.items()
    }
    assert_spikes(seen, trains, accuracy.spikes)
    assert set(right) == set(gradient)
    assert_gradients(gradient, right, accuracy.gradients)
    return trajectory
