"""Input states that are set, on the grid: exact without spikes, of the first order with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from on_the_grid import DT, Content, assert_first_order, inputs, spec

import saltus

T = 0.05
POTENTIALS = spec("lif_bias", high="max(V)", energy="integral(I_ext - V)")


def network(
    model: str | Content, learn: tuple[str, ...], theta: float = 1.0, **options: Any
) -> saltus.Network:
    """Neurons that are driven by currents and inputs, and a readout of them."""
    random = np.random.default_rng(2)
    hid = {"model": model, "size": 5, "learn": learn, "per_neuron": ("tau_mem",), "params": {"theta": theta}}
    return saltus.Network(
        T=T,
        inputs={"in": 4},
        populations={"hid": hid, "out": {"model": "li", "size": 2}},
        projections={
            "w": {"pre": "in", "post": "hid", "weights": np.abs(random.normal(0.5, 0.2, (4, 5)))},
            "read": {"pre": "hid", "post": "out", "weights": random.normal(size=(5, 2))},
        },
        **options,
    )


def currents() -> dict[str, Any]:
    """Of each sample and neuron, on the grid, the last at the very end; one is set twice in a row."""
    values = np.random.default_rng(3).normal(1.0, 0.5, (3, 6, 5))
    return {"hid": {"I_ext": (np.array([0.0, 4.0, 5.0, 20.0, 33.0, 50.0]) * DT, values)}}


def gradients(net: saltus.Network) -> tuple[saltus.Result, dict[str, Any]]:
    """By the currents, too."""
    result = net.run(inputs(3, 4, 4, 0.04), currents=currents())
    random = np.random.default_rng(1)
    seeds: dict[str, dict[str, Any]] = {"hid": {"I_ext": random.normal(size=(3, 5))}}
    for key in ("high", "energy", "V"):
        if key in result.readouts["hid"] or key == "V":
            seeds["hid"][key] = random.normal(size=(3, 5))
    if len(result.spikes["hid"].times):
        seeds["out"] = {"sum_V": random.normal(size=(3, 2))}
    found = net.gradients(result, d_readouts=seeds, wrt=(*net.learnable, "input_times", "currents"))
    found["input_times"] = np.concatenate([np.concatenate(times) for times in found["input_times"]])
    found["currents"] = found["currents"]["hid"]["I_ext"]
    return result, found


def test_without_spikes_currents_are_exact() -> None:
    """Their gradient, that of all parameters, and maxima that a current bends."""
    learn = ("tau_mem", "tau_syn", "I_bias", "V0", "I0")
    (seen, exact), (result, found) = (
        gradients(network(POTENTIALS, learn, 1e6, **options))
        for options in ({}, {"engine": "clock", "dt": DT, "dtype": "float64"})
    )
    for key, values in seen.readouts["hid"].items():
        np.testing.assert_allclose(result.readouts["hid"][key], values, rtol=1e-11)
    assert (np.abs(exact["currents"]) > 0.0).all()
    for key, gradient in exact.items():
        scale = np.abs(gradient).max() + 1e-300
        np.testing.assert_allclose(found[key] / scale, gradient / scale, atol=1e-11, err_msg=key)


@pytest.mark.parametrize("model", [spec("lif_bias"), POTENTIALS])
def test_with_spikes_currents_approach_the_event_engine(model: Content) -> None:
    """The error is C dt."""
    learn = ("tau_mem", "tau_syn", "I_bias", "theta", "v_reset", "V0", "I0")
    (seen, exact), (_, coarse), (result, fine) = (
        gradients(network(model, learn, **options))
        for options in ({}, *({"engine": "clock", "dt": dt, "dtype": "float64"} for dt in (1e-5, 1.25e-6)))
    )
    np.testing.assert_array_equal(result.spikes["hid"].counts(), seen.spikes["hid"].counts())
    assert seen.spikes["hid"].counts().sum() >= 20
    assert_first_order(exact, coarse, fine)


def test_a_setting_between_grid_points_acts_at_the_next() -> None:
    """As an input spike does; of two in one step the last holds, and the other makes no difference."""
    net = network("lif_bias", (), 1e6, engine="clock", dt=DT, dtype="float64")
    given = inputs(3, 4, 4, 0.04)
    late, twice, exact = (
        net.run(given, currents={"hid": {"I_ext": (times, values)}})
        for times, values in (
            ([0.0103], [0.7]),
            ([0.0101, 0.0103], [9.0, 0.7]),
            ([0.011], [0.7]),
        )
    )
    np.testing.assert_array_equal(late.final["hid"]["V"], exact.final["hid"]["V"])
    np.testing.assert_array_equal(twice.final["hid"]["V"], exact.final["hid"]["V"])
    found = net.gradients(twice, d_readouts={"hid": {"V": np.ones((3, 5))}}, wrt=("currents",))["currents"]
    assert found["hid"]["I_ext"][0] == 0.0 < found["hid"]["I_ext"][1]


def test_the_next_run_does_without() -> None:
    """What was set is of one run."""
    net = network("lif_bias", (), engine="clock", dt=DT)
    given = inputs(3, 4, 4, 0.04)
    before = net.run(given)
    assert len(net.run(given, currents=currents()).spikes["hid"].times) > len(before.spikes["hid"].times)
    np.testing.assert_array_equal(net.run(given).spikes["hid"].times, before.spikes["hid"].times)
