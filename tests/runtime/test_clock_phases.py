"""Phases after a spike on the grid: refractoriness, with a length that is learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from on_the_grid import DT, Content, assert_first_order, inputs, spec

import saltus
from saltus.errors import ConfigError, RunError

T = 0.05


def decaying() -> Content:
    """In its phase the potential follows the current, with a time constant of its own; then it is halved."""
    content = spec("lif_refractory")
    content["parameters"]["tau_held"] = {"value": 3e-3, "unit": "s", "positive": True}
    content["mode"]["held"]["dynamics"]["f_V"] = "tau_held*dot(V) + V - I/4"
    content["transition"]["release"]["reset"] = {"V": "V/2"}
    content["readouts"] = {"high": "max(V - I/2)", "mid": "max(V, 1/100, 3/100)", "bend": "max(I - 3*V)"}
    return content


def ringing() -> Content:
    """Oscillations that are faster in the phase: matrix exponentials in both."""
    content = spec("resonator")
    content["parameters"]["t_ref"] = {"value": 2e-3, "unit": "s", "positive": True}
    content["parameters"]["faster"] = {"value": 1.5}
    content["transition"]["spike"]["goto"] = "ringing"
    content["mode"] = {
        "ringing": {
            "dynamics": {
                "f_V": "dot(V) + decay*V - faster*omega*U - gain*I/2",
                "f_U": "dot(U) + decay*U + faster*omega*V",
            }
        }
    }
    content["transition"]["release"] = {"mode": "ringing", "after": "t_ref"}
    content["readouts"] = {"high": "max(U - V)"}
    return content


def read(name: str) -> Content:
    """Readouts between grid points, in the phase and outside; an integral over a window."""
    content = spec(
        name, sooner="at(V, 171/10000)", later="at(V - I, 307/10000)", mid="integral(V, t_a, 33/1000)"
    )
    content["parameters"]["t_a"] = {"value": 0.0123, "unit": "s"}
    return content


def network(model: str | Content, t_ref: Any = 2e-3, scale: float = 1.2, **options: Any) -> saltus.Network:
    """Neurons with a phase, recurrent, beside others of another model; the highest potential is read."""
    random = np.random.default_rng(2)
    learn = tuple(parameter.name for parameter in saltus.model(model).ir.parameters)
    both = ("weights", "delays")
    return saltus.Network(
        T=T,
        inputs={"in": 4},
        populations={
            "hid": {
                "model": model,
                "size": 6,
                "learn": learn,
                "per_neuron": ("t_ref",),
                "params": {"t_ref": t_ref},
                "sample_times": [0.02, 0.035],
            },
            "other": {"model": "alif", "size": 3, "learn": ("tau_mem",)},
            "out": {"model": "li_max", "size": 2, "learn": ("tau_mem", "tau_syn")},
        },
        projections={
            "w": {"pre": "in", "post": "hid", "weights": np.abs(random.normal(scale, 0.3, (4, 6)))},
            "rec": {
                "pre": "hid",
                "post": "hid",
                "weights": random.normal(0.0, 0.05, (6, 6)),
                "delay": DT,
                "learn": both,
            },
            "hid_other": {"pre": "hid", "post": "other", "weights": random.normal(1.1, 0.2, (6, 3))},
            "other_hid": {"pre": "other", "post": "hid", "weights": random.normal(-0.1, 0.05, (3, 6))},
            "read": {"pre": "hid", "post": "out", "weights": random.normal(size=(6, 2))},
        },
        **options,
    )


def gradients(net: saltus.Network) -> tuple[saltus.Result, dict[str, Any]]:
    """Of spike times, states on the way and at the end, and maxima."""
    result = net.run(inputs(3, 4, 5, 0.04))
    random = np.random.default_rng(1)
    times = {name: np.linspace(0.0, 1.0, len(found.times)) for name, found in result.spikes.items()}
    own = {key: random.normal(size=values.shape) for key, values in result.readouts["hid"].items()}
    found = net.gradients(
        result,
        d_spike_times=times,
        d_readouts={
            "out": {"max_V": random.normal(size=(3, 2))},
            "hid": own | {"V": random.normal(size=(3, 6))},
        },
        d_states={"hid": {"V": random.normal(size=(3, 6, 2)), "I": random.normal(size=(3, 6, 2))}},
        wrt=net.learnable,
    )
    return result, found


def charging(in_phase: str, released: str = "A") -> Content:
    """A state that something fills in the phase, that leaks outside it, and that jumps at the phase's end."""
    content = spec("lif_refractory", full="max(A)", rest="max(A - V, 5/1000, T)")
    content["parameters"]["tau_a"] = {"value": 3e-3, "unit": "s", "positive": True}
    content["initial"]["A"] = 0.0
    content["dynamics"]["f_A"] = "tau_a*dot(A) + A"
    content["mode"]["held"]["dynamics"]["f_A"] = in_phase
    content["transition"]["release"]["reset"] = {"A": released}
    return content


LENGTHS = np.array([2e-3, 2.37e-3, 1e-3, 3.1e-3, 7e-4, 30e-3])
"""Between grid points, too; the last is cut short by the end of the run."""

PHASED = {
    "held": ("lif_refractory", 1.2),
    "read": (read("lif_refractory"), 1.2),
    "full at its end": (charging("tau_a*dot(A) + A - 1"), 1.0),
    "full inside": (charging("tau_a*dot(A) + A - 3*I"), 1.0),
    "full after": (charging("tau_a*dot(A) + A - 1", "A + V + 1/2"), 1.0),
    "decaying": (decaying(), 0.8),
    "ringing": (ringing(), 1.1),
}


@pytest.mark.parametrize(("model", "scale"), PHASED.values(), ids=PHASED)
def test_phases_approach_the_event_engine(model: str | Content, scale: float) -> None:
    """All gradients, those of its length and of what acts in it alone among them; the error is C dt."""
    (seen, exact), (_, coarse), (result, fine) = (
        gradients(network(model, LENGTHS, scale, **options))
        for options in ({}, *({"engine": "clock", "dt": dt, "dtype": "float64"} for dt in (1e-5, 1.25e-6)))
    )
    for name in ("hid", "other"):
        np.testing.assert_array_equal(result.spikes[name].counts(), seen.spikes[name].counts())
        assert seen.spikes[name].counts().sum() >= 10, name
    for name, gradient in exact.items():
        assert np.linalg.norm(gradient) > 0.0, name
    assert_first_order(exact, coarse, fine)


@pytest.mark.parametrize("t_ref", [2e-3, 2.37e-3, 1e-9])
def test_a_phase_ends_at_the_first_grid_point_after_its_length(t_ref: float) -> None:
    """From the grid point of the reset to there the potential is held; spikes are no closer than that."""
    times = np.arange(1, 50) * DT
    net = saltus.Network(
        T=T,
        populations={
            "x": {
                "model": "lif_refractory",
                "size": 1,
                "params": {"I0": 8.0, "tau_syn": 1.0, "v_reset": 0.25, "t_ref": t_ref},
                "sample_times": times.tolist(),
            }
        },
        engine="clock",
        dt=DT,
        dtype="float64",
    )
    result = net.run()
    spikes, V = result.spikes["x"].times, result.states["x"]["V"][0, 0]
    assert len(spikes) > 5
    for time in spikes[spikes + t_ref < 0.045]:
        begin, end = np.ceil(time / DT), np.ceil((time + t_ref) / DT - 1e-6)
        held = (times / DT > begin - 0.5) & (times / DT < end + 0.5)
        np.testing.assert_array_equal(V[held], 0.25)
        assert V[round(end)] > 0.25, "one step after its end"
    assert np.diff(spikes).min() > t_ref


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_bits_do_not_depend_on_threads(dtype: str) -> None:
    """Phases are each sample's own."""
    (one, a), (three, b) = (
        gradients(network(decaying(), LENGTHS, engine="clock", dt=DT, dtype=dtype, threads=threads))
        for threads in (1, 3)
    )
    np.testing.assert_array_equal(one.spikes["hid"].times, three.spikes["hid"].times)
    for name, gradient in a.items():
        np.testing.assert_array_equal(b[name], gradient, err_msg=name)


def test_float32_is_float64_to_its_rounding() -> None:
    """With the same spikes."""
    (short, a), (long, b) = (
        gradients(network(decaying(), LENGTHS, 0.8, engine="clock", dt=DT, dtype=dtype))
        for dtype in ("float32", "float64")
    )
    np.testing.assert_array_equal(short.spikes["hid"].neurons, long.spikes["hid"].neurons)
    for name, gradient in b.items():
        assert np.linalg.norm(a[name] - gradient) <= 1e-3 * np.linalg.norm(gradient), name


def test_a_neuron_that_is_above_when_its_phase_ends_is_named() -> None:
    """As by the event engine; at its reset it may be above, as there is no crossing in the phase."""
    net = network("lif_refractory", engine="clock", dt=DT)
    net.all_parameters()["hid.v_reset"][...] = 1.5
    with pytest.raises(
        RunError, match=r"population 'hid' is at or above its threshold at the end of a phase"
    ):
        gradients(net)


def two_phases() -> Content:
    """After the first phase, another one."""
    content = spec("lif_refractory")
    content["mode"]["slow"] = {"dynamics": {"f_V": "2*tau_mem*dot(V) + V - I"}}
    content["transition"]["release"]["goto"] = "slow"
    content["parameters"]["t_slow"] = {"value": 5e-3, "unit": "s", "positive": True}
    content["transition"]["recover"] = {"mode": "slow", "after": "t_slow"}
    return content


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (two_phases(), r"one phase after a spike, and held is one of several\. Use engine = \"event\"\."),
    ],
)
def test_phases_without_rules_on_the_grid_are_refused(model: Content, message: str) -> None:
    """By name, with the way out."""
    with pytest.raises(ConfigError, match=message):
        saltus.Network(T=T, populations={"x": {"model": model, "size": 1}}, engine="clock", dt=DT)
