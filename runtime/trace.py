"""States and adjoints of every neuron at times of one's choice.

The times go into the event lists as probes: events without an arrival, at which the kernels write down the
states on the way forward and the adjoints on the way back. A probe comes before arrivals of the same time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saltus.errors import InputError
from saltus.runtime.gradients import INPUT_TIMES, plan_for, sweep
from saltus.runtime.group import Run
from saltus.runtime.network_group import probes
from saltus.runtime.result import Result
from saltus.runtime.seeds import Given, cotangents
from saltus.templates.ir import State

if TYPE_CHECKING:
    from saltus.runtime.network import Network

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trace:
    """Trajectories.

    Attributes:
        times: ``(times,)``, in seconds.
        states: by population and state, ``(batch, times, neurons)``.
        adjoints: by population and adjoint variable, the same; None without labels.
        result: the run, with its spikes and loss.
    """

    times: Array
    states: dict[str, dict[str, Array]]
    adjoints: dict[str, dict[str, Array]] | None
    result: Result


def trace(net: Network, spikes: Any, labels: ArrayLike | None, times: ArrayLike) -> Trace:
    """Runs a batch and writes down states, and with labels adjoints, at the given times.

    Args:
        net: the network.
        spikes, labels: as for ``Network.run``.
        times: in [0, T], ascending.

    Raises:
        InputError: for times outside, or not ascending.
        RunError: if a simulation cannot go on.
    """
    at = np.asarray(times, dtype=np.float64)
    if (
        at.ndim != 1
        or not len(at)
        or np.any(np.diff(at) < 0.0)
        or not (at[0] >= 0.0 and at[-1] <= net.horizon)
    ):
        raise InputError(
            f"trace: times are not an ascending list within [0, {net.horizon:g}]. "
            "Give e.g. np.linspace(0, T, 1001)."
        )
    inputs = net.checked_spikes(spikes)
    batch = len(next(iter(inputs.values())))
    found = net.checked_data(labels, None, batch)
    run = Run(batch, net.horizon, min(net.threads, batch), probes(at, batch))
    result = net.simulate(inputs, run)
    states = {
        name: _read(result, name, seen.states, [state.name for state in _states(net, name)])
        for name, seen in result.outcomes.items()
    }
    if found is None:
        return Trace(at, states, None, result)
    net.evaluate(result, found)
    plan = plan_for(net, (*net.all_parameters(), INPUT_TIMES))
    sweep(net, result, cotangents(net, result, Given()), plan)
    adjoints = {
        name: _read(result, name, seen.adjoints, [state.adjoint for state in _states(net, name)])
        for name, seen in result.outcomes.items()
    }
    return Trace(at, states, adjoints, result)


def _states(net: Network, population: str) -> tuple[State, ...]:
    return net.populations[population].model.ir.states


def _read(result: Result, population: str, record: Array | None, names: list[str]) -> dict[str, Array]:
    """The rows of the probes, by name, ``(batch, times, neurons)``."""
    assert record is not None, "a run with probes records"
    members = result.net.populations[population]
    places = result.tape.groups[members.group].heard.places[-1].reshape(len(result), -1)
    size = members.size
    return {name: record[places, i, :size] for i, name in enumerate(names)}
