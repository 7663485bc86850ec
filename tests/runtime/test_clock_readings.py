"""Readouts at times of their own on the grid, between grid points, too; and integrals over windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from on_the_grid import DT, Content, assert_first_order, inputs, spec

import saltus
from saltus.errors import RunError

T = 0.05


def model(name: str, **readouts: str) -> Content:
    """With times t_a and t_b that can be learned."""
    content = spec(name, **readouts)
    content["parameters"] |= {
        "t_a": {"value": 0.0123, "unit": "s", "positive": True},
        "t_b": {"value": 0.0307, "unit": "s", "positive": True},
    }
    return content


READ = {
    "one": "at(V - 2*I, t_a)",
    "window": "integral(V, t_a, t_b)",
    "rest": "integral(I, t_b)",
    "fixed": "at(V, 1/50)",
    "end": "at(I, T)",
}


def network(hidden: Content, out: Content, theta: float = 1.0, **options: Any) -> saltus.Network:
    """Hidden neurons, which the inputs reach, and readers, which hear both; each neuron has its own t_a."""
    random = np.random.default_rng(2)
    t_a = {"hid": [0.0123, 0.02, 0.0251, 0.0003, 0.04], "out": [0.0123, 0.0277]}
    return saltus.Network(
        T=T,
        inputs={"in": 4},
        populations={
            name: {
                "model": content,
                "size": len(t_a[name]),
                "learn": tuple(parameter.name for parameter in saltus.model(content).ir.parameters),
                "per_neuron": ("t_a",),
                "params": {"t_a": t_a[name]} | ({"theta": theta} if name == "hid" else {}),
                "sample_times": [0.02, 0.03],
            }
            for name, content in {"hid": hidden, "out": out}.items()
        },
        projections={
            "w": {"pre": "in", "post": "hid", "weights": np.abs(random.normal(1.5, 0.5, (4, 5)))},
            "read": {"pre": "hid", "post": "out", "weights": random.normal(size=(5, 2))},
            "past": {
                "pre": "in",
                "post": "out",
                "weights": random.normal(size=(4, 2)),
                "delay": DT,
                "learn": ("weights", "delays"),
            },
        },
        **options,
    )


def gradients(net: saltus.Network) -> tuple[saltus.Result, dict[str, Any]]:
    """Of all readouts, and of the states at the sample times."""
    result = net.run(inputs(3, 4, 4, 0.04))
    random = np.random.default_rng(1)
    seeds = {
        name: {key: random.normal(size=values.shape) for key, values in sorted(found.items())}
        for name, found in result.readouts.items()
    }
    states = {"hid": {"V": random.normal(size=(3, 5, 2))}, "out": {"I": random.normal(size=(3, 2, 2))}}
    found = net.gradients(result, d_readouts=seeds, d_states=states, wrt=(*net.learnable, "input_times"))
    found["input_times"] = np.concatenate([np.concatenate(times) for times in found["input_times"]])
    return result, found


@pytest.mark.parametrize("hidden", ["lif", "resonator"])
def test_without_spikes_readings_are_exact(hidden: str) -> None:
    """Values and all gradients, those of the times among them; with a maximum in the same step, too."""
    pair = model(hidden, **READ), model("li", **READ, top="max(V, t_a, t_b)")
    (seen, exact), (result, found) = (
        gradients(network(*pair, 1e6, **options))
        for options in ({}, {"engine": "clock", "dt": DT, "dtype": "float64"})
    )
    of_spikes = ("hid.theta", "hid.v_reset", "hid.U_reset", "read.weights")
    for name, readouts in seen.readouts.items():
        for key, values in readouts.items():
            np.testing.assert_allclose(result.readouts[name][key], values, rtol=1e-11, err_msg=key)
    for key, gradient in exact.items():
        scale = np.abs(gradient).max() + 1e-300
        assert scale > 1e-200 or key in of_spikes, key
        np.testing.assert_allclose(found[key] / scale, gradient / scale, atol=1e-10, err_msg=key)


@pytest.mark.parametrize("hidden", ["lif", "alif", "alpha"])
def test_with_spikes_readings_approach_the_event_engine(hidden: str) -> None:
    """The error is C dt."""
    read = {"one": "at(V - 2*I, t_a)", "window": "integral(V, t_a, t_b)"}
    pair = model(hidden, **read), model("li", **READ)
    (seen, exact), (_, coarse), (result, fine) = (
        gradients(network(*pair, **options))
        for options in ({}, *({"engine": "clock", "dt": dt, "dtype": "float64"} for dt in (1e-5, 1.25e-6)))
    )
    np.testing.assert_array_equal(result.spikes["hid"].counts(), seen.spikes["hid"].counts())
    assert seen.spikes["hid"].counts().sum() >= 20
    assert_first_order(exact, coarse, fine)


def test_a_time_may_move_from_run_to_run() -> None:
    """A result keeps the times that it was made with, also where times that differed fall together."""
    net = network(model("lif", **READ), model("li", **READ), engine="clock", dt=DT, dtype="float64")
    before = net.run(inputs(3, 4, 4, 0.04))
    value = before.readouts["out"]["one"].copy()
    net.all_parameters()["out.t_a"][...] = 0.0305
    net.all_parameters()["hid.t_a"][...] = 0.0305
    after = net.run(inputs(3, 4, 4, 0.04))
    assert np.abs(after.readouts["out"]["one"] - value).min() > 0.0
    seeds = {"out": {"one": np.ones((3, 2))}}
    first, second = (net.gradients(result, d_readouts=seeds)["out.t_a"] for result in (before, after))
    assert np.abs(first - second).min() > 0.0
    net.all_parameters()["out.t_a"][...] = 1.0
    with pytest.raises(
        RunError, match=r"the readout one of neuron 0 is taken at t = 1 s, which is not in \["
    ):
        net.run(inputs(3, 4, 4, 0.04))
