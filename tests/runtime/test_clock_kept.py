"""What the clock keeps for later, with incoming spikes and of a run, changes no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from on_the_grid import inputs

import saltus
from saltus.errors import RunError
from saltus.templates.context import flow_parameters

T, COARSE, FINE = 0.12, 2e-4, 1e-4
"""FINE: more steps than are added up at a time."""

READERS = [("li", 5), ("li", 43)]
"""Without spikes: few, whose states stay in registers, and many."""


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


@pytest.mark.parametrize("size", [40, 63, 64, 128, 190])
def test_what_another_run_left_in_memory_is_no_spike(size: int) -> None:
    """A run that stops at a reset leaves bits of spikes, and one of another batch other numbers there."""
    weights = np.full((1, size), 30.0)
    layer = saltus.Layer("lif", size, inputs=1, weights=weights, learn=("weights", "v_reset"), name="hidden")
    net = saltus.Network([layer], T=T, engine="clock", dt=COARSE, dtype="float64", threads=1)
    late = saltus.Spikes.from_times([[[0.1]]])
    expected = net.run(late).spikes["hidden"].times
    assert len(expected) > size
    reset = net.all_parameters()["hidden.v_reset"]
    reset[...] = 10.0
    with pytest.raises(RunError, match="right after its reset"):
        net.run(late)
    reset[...] = 0.0
    np.testing.assert_array_equal(net.run(late).spikes["hidden"].times, expected)
    often = saltus.Spikes.from_times([[np.linspace(1e-3, 0.1, 60)]] * 2)
    many = net.run(often)
    net.gradients(many, d_spike_times={"hidden": np.ones(len(many.spikes["hidden"].times))})
    np.testing.assert_array_equal(net.run(late).spikes["hidden"].times, expected)


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


def moving(model: str, size: int, own: bool, learned: bool) -> saltus.Network:
    """Neurons, recurrent if they spike; parameters of their flow are shared or not, and learned or not."""
    random = np.random.default_rng(6)
    ir = saltus.model(model).ir
    names = tuple(f.name for f in ir.parameters if f.name in flow_parameters(ir))
    values = {f.name: f.default * random.uniform(0.8, 1.2, size) for f in ir.parameters if f.name in names}
    layer = saltus.Layer(
        model,
        size,
        inputs=6,
        recurrent=bool(ir.emissions),
        weights=random.normal(0.9, 0.4, (6, size)),
        recurrent_weights=random.normal(0.0, 0.1, (size, size)) if ir.emissions else 0.0,
        params=values if own else {},
        learn=("weights", *names) if learned else ("weights",),
        name="hidden",
    )
    return saltus.Network([layer], T=T, engine="clock", dt=COARSE, dtype="float64", threads=1)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(("model", "size"), [(m, 20) for m in ("lif", "lif_soft", "alif", "alpha")] + READERS)
def test_tangents_give_what_states_times_adjoints_do(model: str, size: int, own: bool) -> None:
    """A forward run carries derivatives by what is learned alone; asked for it is either way."""
    results = []
    for learned in (True, False):
        net = moving(model, size, own, learned)
        result = net.run(inputs(5, 6, 30, 0.1))
        tape: Any = result.tape.groups["hidden"]
        assert bool(tape.tangents) == (learned and (own or bool(net.populations["hidden"].model.spikes)))
        count = len(result.spikes["hidden"].times) if "hidden" in result.spikes else 0
        assert count > 50 or (model, size) in READERS
        seeds: dict[str, Any] = {
            "d_spike_times": {"hidden": np.linspace(0.5, 1.0, count)} if count else None,
            "d_readouts": {"hidden": {s: np.full((5, size), 0.3) for s in ("V", "I")}},
        }
        names = tuple(name for name in net.all_parameters() if "tau" in name)
        assert len(names) >= 2
        results.append(net.gradients(result, wrt=names, **seeds))
    assert_close(*results)


@pytest.mark.parametrize("dt", [COARSE, FINE])
def test_steps_that_are_looked_at_give_the_same_gradients(dt: float) -> None:
    """Sample times take every step by itself, and keep the credits of its arrivals."""
    spikes = inputs(5, 6, 30, 0.1)
    one, other = (gradients(recurrent(dt, **more), spikes) for more in ({}, {"sample_times": [T / 2]}))
    assert_close(other, one)
