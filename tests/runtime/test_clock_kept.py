"""What the clock keeps for later, with incoming spikes and of a run, changes no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from on_the_grid import inputs

import saltus

T, COARSE, FINE = 0.12, 2e-4, 1e-4
"""FINE: more steps than are added up at a time."""


def recurrent(dt: float, **hidden: Any) -> saltus.Network:
    """Neurons with time constants of their own, all learned."""
    random = np.random.default_rng(4)
    own = {"tau_mem": random.uniform(15e-3, 25e-3, 20), "tau_syn": random.uniform(4e-3, 6e-3, 20)}
    layer = saltus.Layer(
        "lif",
        20,
        inputs=6,
        recurrent=True,
        weights=random.normal(0.8, 0.4, (6, 20)),
        recurrent_weights=random.normal(0.0, 0.1, (20, 20)),
        params=own,
        per_neuron=("V0",),
        learn=("weights", "V0", *own),
        name="hidden",
        **hidden,
    )
    return saltus.Network([layer], T=T, engine="clock", dt=dt, dtype="float64", threads=1)


def gradients(net: saltus.Network, spikes: saltus.Spikes, wrt: tuple[str, ...] | None = None) -> Any:
    """Of the sum of all spike times, each with a weight of its own."""
    result = net.run(spikes)
    count = len(result.spikes["hidden"].times)
    assert count > 50
    return net.gradients(result, d_spike_times={"hidden": np.linspace(0.5, 1.0, count)}, wrt=wrt)


def assert_same(found: Any, expected: Any) -> None:
    for name, values in expected.items():
        np.testing.assert_array_equal(np.hstack(_flat(found[name])), np.hstack(_flat(values)), err_msg=name)


def _flat(values: Any) -> list[Any]:
    if not isinstance(values, list):
        return [np.ravel(values)]
    return [part for each in values for part in _flat(each)] or [np.empty(0)]


def test_spikes_that_ran_before_give_the_bits_of_new_ones() -> None:
    """On another grid, forward only, for gradients without weights, and for all of them."""
    nets = [recurrent(COARSE), recurrent(FINE)]
    expected = [gradients(net, inputs(5, 6, 30, 0.1)) for net in nets]
    spikes = inputs(5, 6, 30, 0.1)
    nets[0].run(spikes)
    assert_same(gradients(nets[0], spikes, ("input_times",)), {"input_times": expected[0]["input_times"]})
    for k in (0, 0, 1, 1, 0):
        assert_same(gradients(nets[k], spikes), expected[k])


def test_what_is_kept_with_spikes_is_counted() -> None:
    """Four bytes of step and two of a list by channel for each spike, and more."""
    spikes, net = inputs(5, 6, 30, 0.1), recurrent(COARSE)
    before = sum(array.nbytes for array in spikes.arrays)
    gradients(net, spikes)
    held = net.run(spikes).memory
    assert sum(array.nbytes for array in spikes.arrays) >= before + 6 * len(spikes.times)
    assert held.events >= sum(array.nbytes for array in spikes.as_train.arrays)


def readers(dt: float, size: int, **more: Any) -> saltus.Network:
    """Neurons without spikes, each with time constants of its own, all learned."""
    random = np.random.default_rng(5)
    own = {"tau_mem": random.uniform(15e-3, 25e-3, size), "tau_syn": random.uniform(4e-3, 6e-3, size)}
    layer = saltus.Layer(
        "li",
        size,
        inputs=6,
        weights=random.normal(size=(6, size)),
        params=own,
        learn=("weights", *own),
        name="out",
        **more,
    )
    return saltus.Network([layer], T=T, engine="clock", dt=dt, dtype="float64", threads=1)


@pytest.mark.parametrize("size", [5, 32, 43])
@pytest.mark.parametrize("dt", [COARSE, FINE])
def test_few_readers_give_what_many_do(dt: float, size: int) -> None:
    """Where states stay in registers through all steps, and where they do not; and step by step."""
    spikes, results = inputs(5, 6, 30, 0.1), []
    for more in ({}, {"sample_times": [T / 2]}):
        net = readers(dt, size, **more)
        result = net.run(spikes)
        (values,) = result.readouts["out"].values()
        seeds = {
            name: np.cos(np.arange(found.size)).reshape(found.shape)
            for name, found in result.readouts["out"].items()
        }
        results.append(net.gradients(result, d_readouts={"out": seeds}) | {"readout": values})
    assert_close(*results)


def assert_close(found: Any, expected: Any) -> None:
    for name, each in expected.items():
        values = np.hstack(_flat(each))
        np.testing.assert_allclose(
            np.hstack(_flat(found[name])), values, rtol=1e-9, atol=1e-12 * np.abs(values).max(), err_msg=name
        )


@pytest.mark.parametrize("dt", [COARSE, FINE])
def test_steps_that_are_looked_at_give_the_same_gradients(dt: float) -> None:
    """Sample times take every step by itself, and keep the credits of its arrivals."""
    spikes = inputs(5, 6, 30, 0.1)
    one, other = (gradients(recurrent(dt, **more), spikes) for more in ({}, {"sample_times": [T / 2]}))
    assert_close(other, one)
