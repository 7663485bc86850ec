"""Maxima over time on the grid: exact without spikes, of the first order with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from on_the_grid import DT, Content, spec

import saltus
from saltus.errors import RunError

T = 0.05

Gradients = dict[str, Any]


def spikes(samples: int, neurons: int, each: int, last: float) -> saltus.Spikes:
    """On the grid, no two of a sample at one time: there the gradient would be one-sided."""
    random = np.random.default_rng(0)
    grid = np.arange(1, round(last / DT))
    drawn = [random.permutation(grid)[: neurons * each].reshape(neurons, each) for _ in range(samples)]
    return saltus.Spikes.from_times([list(np.sort(steps, axis=1) * DT) for steps in drawn])


def gradients(net: saltus.Network, given: saltus.Spikes) -> tuple[saltus.Result, dict[str, Any]]:
    """Of a random combination of all maxima."""
    result = net.run(given)
    random = np.random.default_rng(1)
    seeds = {
        name: {key: random.normal(size=values[key].shape) for key in sorted(result.peak_times[name])}
        for name, values in result.readouts.items()
    }
    found = net.gradients(result, d_readouts=seeds, wrt=(*net.learnable, "input_times"))
    found["input_times"] = np.concatenate([np.concatenate(times) for times in found["input_times"]])
    return result, found


def reader(model: str | Content, **options: Any) -> saltus.Network:
    """Neurons without spikes that hear the input with a delay, all of them different."""
    ir = saltus.model(model).ir
    of_spikes = [name for name in ("theta", "v_reset", "U_reset") if ir.emissions]
    learn = tuple(parameter.name for parameter in ir.parameters if parameter.name not in of_spikes)
    out = {
        "model": model,
        "size": 3,
        "learn": learn,
        "per_neuron": learn[:1],
        "params": dict.fromkeys(of_spikes[:1], 1e6),
    }
    weights = np.random.default_rng(3).normal(size=(4, 3))
    return saltus.Network(
        T=T,
        inputs={"in": 4},
        populations={"out": out},
        projections={
            "w": {
                "pre": "in",
                "post": "out",
                "weights": weights,
                "delay": 2e-3,
                "learn": ("weights", "delays"),
            }
        },
        **options,
    )


SILENT = {
    "potential": "li_max",
    "sums": spec("li", high="max(V - I/2)", low="max(-V)", current="max(I)", rise="max(3*I - V)"),
    "windows": spec(
        "li", (0.0123, 0.0307), mid="max(V - I/2, t_a, t_b)", late="max(-V, t_b, T)", all="max(V)"
    ),
    "matrix": spec("resonator", high="max(V)", low="max(U - V)"),
}
"""A maximum lies inside a step, at an arrival that bends or lifts it, at an end, at a bound of its window."""


@pytest.mark.parametrize("model", SILENT.values(), ids=SILENT)
def test_without_spikes_it_is_exact(model: str | Content) -> None:
    """Values, times and all gradients, those of delays and bounds among them: nothing is left of the grid."""
    given = spikes(5, 4, 4, 0.04)
    (seen, exact), (result, found) = (
        gradients(reader(model, **options), given)
        for options in ({}, {"engine": "clock", "dt": DT, "dtype": "float64"})
    )
    for key, times in seen.peak_times["out"].items():
        np.testing.assert_allclose(result.peak_times["out"][key], times, rtol=0.0, atol=1e-12)
        np.testing.assert_allclose(result.readouts["out"][key], seen.readouts["out"][key], rtol=1e-12)
    for key, gradient in exact.items():
        scale = np.abs(gradient).max()
        assert scale > 0.0, key
        np.testing.assert_allclose(found[key] / scale, gradient / scale, atol=1e-11, err_msg=key)


def test_a_loss_over_maxima_has_the_gradient_of_its_differences() -> None:
    """Without spikes the clock's own loss is smooth."""
    model = spec("li", (0.0123, 0.0307), top="max(V - I/2, t_a, t_b)")
    loss = saltus.loss("max_cross_entropy", readout="top", scale=3.0)
    net = reader(model, loss=loss, engine="clock", dt=DT, dtype="float64")
    moved = [name for name in net.learnable if name != "w.delays"]  # they would leave the grid
    check = net.check_gradient(spikes(5, 4, 4, 0.04), [0, 1, 2, 0, 1], moved)
    assert check.error < 1e-6, check


def hidden(model: Content, rec: float = 0.0, **options: Any) -> saltus.Network:
    """Spiking neurons, all of whose parameters are learned, and a readout of the highest potential."""
    random = np.random.default_rng(2)
    learn = tuple(parameter.name for parameter in saltus.model(model).ir.parameters)
    both = ("weights", "delays")
    return saltus.Network(
        T=T,
        inputs={"in": 4},
        populations={
            "hid": {"model": model, "size": 6, "learn": learn, "per_neuron": learn[:1]},
            "out": {"model": "li_max", "size": 2, "learn": ("tau_mem", "tau_syn")},
        },
        projections={
            "w": {"pre": "in", "post": "hid", "weights": np.abs(random.normal(0.9, 0.3, (4, 6)))},
            "rec": {
                "pre": "hid",
                "post": "hid",
                "weights": rec * random.normal(size=(6, 6)),
                "delay": 1e-3,
                "learn": both,
            },
            "read": {
                "pre": "hid",
                "post": "out",
                "weights": random.normal(size=(6, 2)),
                "delay": 2e-3,
                "learn": both,
            },
        },
        **options,
    )


SPIKING = {
    "reset": spec("lif", high="max(V - I/2)", current="max(I)"),
    "soft": spec("lif_soft", high="max(V - I/2)", mid="max(V + I, 1/100, 3/100)"),
    "adaptive": spec("alif", excess="max(V - A)", level="max(A)"),
}
"""Maxima just before a spike, just after a reset, between spikes, where a spike arrives, at a bound."""


@pytest.mark.parametrize("model", SPIKING.values(), ids=SPIKING)
def test_with_spikes_it_approaches_the_event_engine(model: Content) -> None:
    """The error is C dt; an eighth of the step is asked to leave less than a third, as in test_clock.py."""
    given = spikes(3, 4, 6, 0.04)
    (seen, exact), (_, coarse), (result, fine) = (
        gradients(hidden(model, 0.05, **options), given)
        for options in ({}, *({"engine": "clock", "dt": dt, "dtype": "float64"} for dt in (1e-5, 1.25e-6)))
    )
    np.testing.assert_array_equal(result.spikes["hid"].counts(), seen.spikes["hid"].counts())
    assert seen.spikes["hid"].counts().sum() >= 30
    for name, found in seen.peak_times.items():
        for key, times in found.items():
            np.testing.assert_allclose(result.peak_times[name][key], times, rtol=0.0, atol=1e-5)
            values = seen.readouts[name][key]
            np.testing.assert_allclose(result.readouts[name][key], values, atol=1e-2 * np.abs(values).max())
    assert_nearer(exact, coarse, fine)


def assert_nearer(exact: Gradients, coarse: Gradients, fine: Gradients) -> None:
    """``fine`` has an eighth of the step of ``coarse``."""
    for name, gradient in exact.items():
        scale = np.linalg.norm(gradient)
        far, near = (float(np.linalg.norm(found[name] - gradient)) for found in (coarse, fine))
        assert near <= 0.33 * far + 1e-3 * scale, f"{name}: {far / scale:.1e}, then {near / scale:.1e}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_highest_potential_of_a_neuron_that_spikes_is_its_threshold(dtype: str) -> None:
    """And so it is on the grid, at any step: nothing but the threshold moves it (docs/maximum.md)."""
    net = hidden(spec("lif", top="max(V)"), engine="clock", dt=DT, dtype=dtype)
    result = net.run(spikes(3, 4, 6, 0.04))
    assert (result.spikes["hid"].counts() > 0).all()
    np.testing.assert_allclose(result.readouts["hid"]["top"], 1.0, rtol=1e-6)
    found = net.gradients(result, d_readouts={"hid": {"top": np.ones((3, 6))}}, wrt=net.learnable)
    assert found["hid.theta"] == pytest.approx(18.0)
    for name, gradient in found.items():
        if name != "hid.theta":
            assert np.abs(gradient).max() < 1e-6, name


def joined(**options: Any) -> saltus.Network:
    """Populations of two models that project to one another, one without maxima; sparse synapses."""
    random = np.random.default_rng(5)
    weights = np.abs(random.normal(1.2, 0.3, (4, 5)))
    pre, post = np.nonzero(random.random((5, 6)) < 0.7)
    return saltus.Network(
        T=T,
        inputs={"in": 4},
        populations={
            "E": {"model": spec("lif", high="max(V - I/2)"), "size": 5, "learn": ("tau_mem",)},
            "I": {"model": "alif", "size": 3, "learn": ("tau_mem",)},
            "out": {"model": "li_max", "size": 6, "learn": ("tau_mem",), "per_neuron": ("tau_mem",)},
        },
        projections={
            "in_E": {"pre": "in", "post": "E", "weights": weights},
            "E_I": {"pre": "E", "post": "I", "weights": random.normal(1.0, 0.2, (5, 3)), "delay": 2e-3},
            "I_E": {"pre": "I", "post": "E", "weights": random.normal(-0.3, 0.1, (3, 5))},
            "E_out": {
                "pre": "E",
                "post": "out",
                "weights": (pre, post, random.normal(size=len(pre))),
                "delay": 1e-3,
                "learn": ("weights", "delays"),
            },
        },
        **options,
    )


def test_in_a_group_with_sparse_synapses_it_approaches_the_event_engine() -> None:
    """A kink finds its spike through sparse rows; a model without maxima runs beside one with."""
    given = spikes(3, 4, 6, 0.04)
    (seen, exact), (_, coarse), (result, fine) = (
        gradients(joined(**options), given)
        for options in ({}, *({"engine": "clock", "dt": dt, "dtype": "float64"} for dt in (1e-5, 1.25e-6)))
    )
    assert set(result.peak_times) == set(seen.peak_times)
    assert_nearer(exact, coarse, fine)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_bits_do_not_depend_on_threads(dtype: str) -> None:
    """Maxima are each sample's own."""
    given = spikes(4, 4, 6, 0.04)
    (one, a), (three, b) = (
        gradients(joined(engine="clock", dt=DT, dtype=dtype, threads=threads), given) for threads in (1, 3)
    )
    np.testing.assert_array_equal(one.readouts["out"]["max_V"], three.readouts["out"]["max_V"])
    for name, gradient in a.items():
        np.testing.assert_array_equal(b[name], gradient, err_msg=name)


def test_float32_is_float64_to_its_rounding() -> None:
    """Of a readout that hears the input alone."""
    model, given = SILENT["potential"], spikes(5, 4, 4, 0.04)
    (short, a), (long, b) = (
        gradients(reader(model, engine="clock", dt=DT, dtype=dtype), given)
        for dtype in ("float32", "float64")
    )
    np.testing.assert_allclose(short.readouts["out"]["max_V"], long.readouts["out"]["max_V"], rtol=1e-5)
    for name, gradient in b.items():
        assert np.linalg.norm(a[name] - gradient) <= 1e-4 * np.linalg.norm(gradient), name


def test_a_window_that_is_none_is_named() -> None:
    """As by the event engine."""
    net = reader(spec("li", (0.03, 0.01), top="max(V, t_a, t_b)"), engine="clock", dt=DT)
    with pytest.raises(RunError, match=r"neuron 0 of population 'out' seeks a maximum in a window that ends"):
        net.run(spikes(1, 4, 2, 0.04))
