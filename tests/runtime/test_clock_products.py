"""Integrals of products of states on the grid: powers, and weights that depend on time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from on_the_grid import DT, Content, assert_first_order, inputs, spec

import saltus
from saltus.errors import ConfigError

T = 0.05


def weighted(name: str, **readouts: str) -> Content:
    """With a time constant for weights, and a time."""
    content = spec(name, **readouts)
    content["parameters"] |= {
        "tau_w": {"value": 15e-3, "unit": "s", "positive": True},
        "t_a": {"value": 0.0123, "unit": "s", "positive": True},
    }
    return content


EARLY = {
    "early": "integral(exp(-t/tau_w)*V)",
    "late": "integral(exp(-t/tau_w)*V, t_a, T)",
    "energy": "integral(V**2)",
}


def network(hidden: Content, theta: float = 1.0, **options: Any) -> saltus.Network:
    """Hidden neurons, which the inputs reach, readers that hear both, and a population without products."""
    random = np.random.default_rng(2)
    contents = {"hid": (hidden, 5), "out": (weighted("li", **EARLY), 2), "plain": ("li", 2)}
    return saltus.Network(
        T=T,
        inputs={"in": 4},
        populations={
            name: {
                "model": content,
                "size": size,
                "learn": tuple(parameter.name for parameter in saltus.model(content).ir.parameters),
                "per_neuron": ("tau_mem",),
                "params": {"theta": theta} if name == "hid" else {},
            }
            for name, (content, size) in contents.items()
        },
        projections={
            "w": {"pre": "in", "post": "hid", "weights": np.abs(random.normal(1.2, 0.4, (4, 5)))},
            "rec": {"pre": "hid", "post": "hid", "weights": random.normal(0.0, 0.05, (5, 5)), "delay": DT},
            "read": {"pre": "hid", "post": "out", "weights": random.normal(size=(5, 2))},
            "past": {
                "pre": "in",
                "post": "out",
                "weights": random.normal(size=(4, 2)),
                "delay": DT,
                "learn": ("weights", "delays"),
            },
            "aside": {"pre": "in", "post": "plain", "weights": random.normal(size=(4, 2))},
        },
        **options,
    )


def gradients(
    net: saltus.Network, wrt: tuple[str, ...] | None = None
) -> tuple[saltus.Result, dict[str, Any]]:
    """Of all readouts."""
    result = net.run(inputs(3, 4, 4, 0.04))
    random = np.random.default_rng(1)
    seeds = {
        name: {key: random.normal(size=values.shape) for key, values in sorted(found.items())}
        for name, found in result.readouts.items()
    }
    found = net.gradients(result, d_readouts=seeds, wrt=wrt or (*net.learnable, "input_times"))
    if "input_times" in found:
        found["input_times"] = np.concatenate([np.concatenate(times) for times in found["input_times"]])
    return result, found


@pytest.mark.parametrize("wrt", [None, ("past.weights", "input_times"), ("past.weights", "out.tau_w")])
def test_without_spikes_products_are_exact(wrt: tuple[str, ...] | None) -> None:
    """Values, and all gradients, with and without those of time constants."""
    hidden = weighted("lif", **EARLY)
    (seen, exact), (result, found) = (
        gradients(network(hidden, 1e6, **options), wrt)
        for options in ({}, {"engine": "clock", "dt": DT, "dtype": "float64"})
    )
    for name, readouts in seen.readouts.items():
        for key, values in readouts.items():
            np.testing.assert_allclose(result.readouts[name][key], values, rtol=1e-11, err_msg=key)
    for key, gradient in exact.items():
        scale = np.abs(gradient).max() + 1e-300
        np.testing.assert_allclose(found[key] / scale, gradient / scale, atol=1e-10, err_msg=key)


@pytest.mark.parametrize("model", ["lif", "alif"])
def test_with_spikes_products_approach_the_event_engine(model: str) -> None:
    """The error is C dt; what a reset changes of the integrand is part of the spike's sensitivity."""
    hidden = weighted(model, energy="integral(V**2)", early="integral(exp(-t/tau_w)*V)")
    hidden["parameters"].pop("t_a")
    (seen, exact), (_, coarse), (result, fine) = (
        gradients(network(hidden, **options))
        for options in ({}, *({"engine": "clock", "dt": dt, "dtype": "float64"} for dt in (1e-5, 1.25e-6)))
    )
    np.testing.assert_array_equal(result.spikes["hid"].counts(), seen.spikes["hid"].counts())
    assert seen.spikes["hid"].counts().sum() >= 20
    assert_first_order(exact, coarse, fine)


def test_the_bits_do_not_depend_on_threads() -> None:
    """Chunks of samples are added up in one order."""
    (_, one), (_, three) = (
        gradients(network(weighted("lif", **EARLY), engine="clock", dt=DT, threads=threads))
        for threads in (1, 3)
    )
    for name, gradient in one.items():
        np.testing.assert_array_equal(three[name], gradient, err_msg=name)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (spec("lif_refractory", energy="integral(V**2)"), r"knows no states in a phase such as held\. Use"),
        (spec("lif", charge="integral(I**2)"), r"receive\.exc: arrivals in one step do not add up"),
    ],
)
def test_products_without_rules_on_the_grid_are_refused(model: Content, message: str) -> None:
    """By name, with the way out."""
    with pytest.raises(ConfigError, match=message):
        saltus.Network(T=T, populations={"x": {"model": model, "size": 1}}, engine="clock", dt=DT)
