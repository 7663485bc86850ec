"""The clock engine against the event engine and against itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from on_the_grid import DT, assert_first_order, inputs

import saltus
from saltus.errors import ConfigError, InputError
from saltus.runtime.build import AnyGroup
from saltus.runtime.clock_group import ClockGroup

SCALES = {"two_compartment": 2.5, "resonator": 1.0, "alpha": 1.5, "ei": 0.9, "lif_refractory": 1.2}
"""Of input weights: enough for a few spikes a neuron."""

SPIKING = (
    "adlif",
    "alif",
    "alpha",
    "ei",
    "lif",
    "lif2",
    "lif_refractory",
    "lif_soft",
    "resonator",
    "two_compartment",
)


def silent(**options: Any) -> saltus.Network:
    """Hidden neurons with a threshold that they do not reach, and a readout that hears the inputs alone."""
    random = np.random.default_rng(3)
    learn = ("tau_mem", "tau_syn", "V0", "I0")
    return saltus.Network(
        T=0.05,
        inputs={"in": 4},
        populations={
            "hid": {"model": "lif", "size": 5, "params": {"theta": 1e3}, "learn": learn},
            "out": {"model": "li", "size": 3, "learn": learn},
        },
        projections={
            "in_hid": {"pre": "in", "post": "hid", "weights": random.normal(size=(4, 5))},
            "in_out": {"pre": "in", "post": "out", "weights": random.normal(size=(4, 3))},
            "hid_hid": {"pre": "hid", "post": "hid", "weights": 0.1},
        },
        **options,
    )


@pytest.mark.parametrize("names", [None, ("in_out.weights", "in_hid.weights", "input_times")])
def test_without_spikes_it_is_exact(names: tuple[str, ...] | None) -> None:
    """Nothing is left of the grid: a free check of propagators, adjoints, credits and time constants.

    With weights and times alone, the readout takes no steps (``clock_end.c.jinja``).
    """
    random = np.random.default_rng(5)
    seeds = {
        "out": {key: random.normal(size=(2, 3)) for key in ("sum_V", "V", "I")},
        "hid": {"V": random.normal(size=(2, 5))},
    }
    found = []
    for options in ({"engine": "event"}, {"engine": "clock", "dt": DT, "dtype": "float64"}):
        net = silent(**options)
        result = net.run(inputs(2, 4, 3, 0.04))
        gradients = net.gradients(result, d_readouts=seeds, wrt=names)
        gradients["input_times"] = np.concatenate([np.concatenate(x) for x in gradients["input_times"]])
        found.append({**gradients, **{f"final {key}": value for key, value in result.final["out"].items()}})
    for key, exact in found[0].items():
        scale = np.abs(exact).max() + 1e-300
        np.testing.assert_allclose(found[1][key] / scale, exact / scale, atol=2e-12, err_msg=key)


def chain(model: str, **options: Any) -> saltus.Network:
    """Recurrent neurons of any model, and a readout."""
    ir = saltus.model(model).ir
    random = np.random.default_rng(2)
    receptors = [arrival.receptor for arrival in ir.arrivals]
    learn = tuple(parameter.name for parameter in ir.parameters)
    scale, signs = SCALES.get(model, 0.7), {"inh": -0.2}
    projections: dict[str, Any] = {
        f"in_{receptor}": {
            "pre": "in",
            "post": "hid",
            "receptor": receptor,
            "weights": np.abs(random.normal(scale, 0.3 * scale, (4, 6))) * signs.get(receptor, 1.0),
        }
        for receptor in receptors
    }
    projections["rec"] = {
        "pre": "hid",
        "post": "hid",
        "receptor": receptors[0],
        "weights": random.normal(0.0, 0.05 * scale, (6, 6)),
    }
    projections["read"] = {"pre": "hid", "post": "out", "weights": random.normal(size=(6, 2))}
    return saltus.Network(
        T=0.05,
        inputs={"in": 4},
        populations={
            "hid": {"model": model, "size": 6, "learn": learn, "per_neuron": learn[:1]},
            "out": {"model": "li", "size": 2, "learn": ("tau_mem", "tau_syn")},
        },
        projections=projections,
        **options,
    )


@pytest.mark.parametrize("model", SPIKING)
def test_every_linear_model_approaches_the_event_engine(model: str) -> None:
    """All gradients, those of time constants, thresholds, resets and initial values among them.

    The error is C dt; C depends on where spikes lie in their steps, so an eighth of dt is asked to leave less
    than a third of it, until a thousandth of the gradient is reached.
    """
    (counts, exact), (coarse_counts, coarse), (fine_counts, fine) = (
        gradients_of(chain(model, **options))
        for options in ({}, *({"engine": "clock", "dt": dt, "dtype": "float64"} for dt in (1e-5, 1.25e-6)))
    )
    assert counts.sum() >= 12
    np.testing.assert_array_equal(coarse_counts, counts)
    np.testing.assert_array_equal(fine_counts, counts)
    assert_first_order(exact, coarse, fine)


def gradients_of(net: saltus.Network) -> tuple[Any, dict[str, Any]]:
    """How often each neuron spikes, and gradients of a loss of all spike times and an integral."""
    result = net.run(inputs(2, 4, 4, 0.03))
    spikes = result.spikes["hid"]
    gradients = net.gradients(
        result,
        d_readouts={"out": {"sum_V": np.ones((2, 2))}},
        d_spike_times={"hid": np.linspace(0.0, 1.0, len(spikes.times))},
        wrt=net.learnable,
    )
    return spikes.counts(), gradients


def feed_forward(**options: Any) -> saltus.Network:
    """Two layers and a readout; inputs on the grid of 1 ms."""
    random = np.random.default_rng(4)
    layers = [
        saltus.Layer("lif", 8, inputs=4, weights=random.normal(1.8, 0.5, (4, 8)), name="first"),
        saltus.Layer("lif", 6, weights=random.normal(0.9, 0.3, (8, 6)), name="second"),
        saltus.Layer("li", 2, weights=random.normal(size=(6, 2)), name="out"),
    ]
    return saltus.Network(layers, T=0.05, **options)


def test_feed_forward_it_converges_with_the_first_order() -> None:
    """Arrivals, resets and adjoint jumps happen up to dt late: the error is C dt. See docs/clock.md.

    Where a spike lies in its step is random, so the constant is, too: a line is put through many steps.
    """
    spikes = inputs(3, 4, 4, 0.03)
    seeds: dict[str, Any] = {"d_readouts": {"out": {"sum_V": np.ones((3, 2))}}}
    net = feed_forward()
    exact = net.gradients(net.run(spikes), **seeds, wrt=net.learnable)
    steps = DT / np.array([16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512])
    errors = []
    for dt in steps.tolist():
        net = feed_forward(engine="clock", dt=dt, dtype="float64")
        found = net.gradients(net.run(spikes), **seeds, wrt=net.learnable)
        errors.append(
            [np.linalg.norm(found[name] - exact[name]) / np.linalg.norm(exact[name]) for name in exact]
        )
    for order in np.polyfit(np.log(steps), np.log(errors), 1)[0]:
        assert 0.8 < order < 1.25, order


def test_first_spikes_converge_with_the_second_order() -> None:
    """From inputs on the grid, only the interpolation of the crossing is left, whose error is C dt^2."""
    spikes = inputs(3, 4, 4, 0.03)
    exact = feed_forward().run(spikes).spike_times("first", 0).time
    steps = DT / np.array([4, 8, 16, 32, 64, 128])
    errors = []
    for dt in steps.tolist():
        found = feed_forward(engine="clock", dt=dt, dtype="float64").run(spikes).spike_times("first", 0).time
        errors.append(np.abs(found - exact)[np.isfinite(exact)].mean())
    order = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert 1.7 < order < 2.3


def mixed(**options: Any) -> saltus.Network:
    """Two populations of different models that project to one another, dense, sparse and with delays."""
    random = np.random.default_rng(6)
    delays = np.round(random.uniform(0.0, 5.0, (4, 5))) * DT
    return saltus.Network(
        T=0.06,
        inputs={"in": 4, "more": 2},
        populations={
            "E": {
                "model": "lif",
                "size": 5,
                "learn": ("tau_mem", "theta"),
                "sample_times": [0.01, 0.02, 0.05],
            },
            "I": {"model": "alif", "size": 3, "learn": ("tau_mem",)},
            "out": {"model": "li", "size": 2, "learn": ("tau_mem",), "sample_times": [0.03]},
        },
        projections={
            "in_E": {
                "pre": "in",
                "post": "E",
                "weights": random.normal(1.6, 0.5, (4, 5)),
                "delay": delays,
                "learn": ("weights", "delays"),
            },
            "more_I": {"pre": "more", "post": "I", "weights": random.normal(2.0, 0.5, (2, 3))},
            "E_I": {
                "pre": "E",
                "post": "I",
                "weights": (np.arange(5), np.arange(5) % 3, random.normal(1.0, 0.2, 5)),
                "delay": 2e-3,
                "learn": ("weights", "delays"),
            },
            "I_E": {"pre": "I", "post": "E", "weights": random.normal(-0.3, 0.1, (3, 5))},
            "E_E": {
                "pre": "E",
                "post": "E",
                "weights": random.normal(0.1, 0.1, (5, 5)),
                "delay": 1e-3,
                "learn": ("weights", "delays"),
            },
            "E_out": {"pre": "E", "post": "out", "weights": random.normal(size=(5, 2))},
        },
        **options,
    )


def mixed_gradients(net: saltus.Network) -> tuple[saltus.Result, dict[str, Any]]:
    """With all that a loss can begin with."""
    result = net.run({"in": inputs(4, 4, 4, 0.03), "more": inputs(4, 2, 4, 0.03, seed=1)})
    random = np.random.default_rng(7)
    gradients = net.gradients(
        result,
        d_readouts={"out": {"sum_V": random.normal(size=(4, 2))}, "I": {"V": random.normal(size=(4, 3))}},
        d_states={"E": {"V": random.normal(size=(4, 5, 3))}, "out": {"V": random.normal(size=(4, 2, 1))}},
        d_spike_times={"E": np.linspace(0.0, 1.0, len(result.spikes["E"].times))},
        wrt=net.learnable,
    )
    return result, gradients


def test_groups_delays_and_sample_times_approach_the_event_engine() -> None:
    """Mutually coupled populations, sparse and delayed synapses, states at given times."""
    seen, exact = mixed_gradients(mixed())
    steps = (2e-5, 2.5e-6)
    (_, coarse), (result, fine) = (
        mixed_gradients(mixed(engine="clock", dt=dt, dtype="float64")) for dt in steps
    )
    assert len(seen.spikes["E"].times) >= 20
    assert len(seen.spikes["I"].times) >= 5
    assert_first_order(exact, coarse, fine)
    for name, states in seen.states.items():
        for key, values in states.items():
            np.testing.assert_allclose(result.states[name][key], values, atol=2e-2 * np.abs(values).max())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_bits_do_not_depend_on_threads(dtype: str) -> None:
    """Chunks of samples are added up in one order."""
    one, other = (mixed(engine="clock", dt=DT, dtype=dtype, threads=threads) for threads in (1, 3))
    for (first, a), (second, b) in ((mixed_gradients(one), mixed_gradients(other)),):
        np.testing.assert_array_equal(first.spikes["E"].times, second.spikes["E"].times)
        for name, gradient in a.items():
            np.testing.assert_array_equal(b[name], gradient, err_msg=name)


def test_float32_is_float64_to_its_rounding() -> None:
    """The same spikes; gradients to 1e-4, which is what steep spikes leave of 6e-8."""
    found = [mixed_gradients(mixed(engine="clock", dt=DT, dtype=dtype)) for dtype in ("float32", "float64")]
    (short, a), (long, b) = found
    np.testing.assert_array_equal(short.spikes["E"].neurons, long.spikes["E"].neurons)
    for name, gradient in b.items():
        assert np.linalg.norm(a[name] - gradient) <= 1e-4 * np.linalg.norm(gradient), name


def test_a_sparse_network_is_the_dense_one_with_zeros() -> None:
    """Rows by target and rows of lanes are two ways to write one sum."""
    random = np.random.default_rng(8)
    weights = random.normal(1.5, 0.5, (4, 20)) * (random.random((4, 20)) < 0.5)
    pre, post = np.nonzero(weights)
    found = []
    for given in (weights, (pre, post, weights[pre, post])):
        net = saltus.Network(
            T=0.05,
            inputs={"in": 4},
            populations={"hid": {"model": "lif", "size": 20}},
            projections={"w": {"pre": "in", "post": "hid", "weights": given}},
            engine="clock",
            dt=DT,
            dtype="float64",
        )
        result = net.run(inputs(3, 4, 5, 0.03))
        count = len(result.spikes["hid"].times)
        gradient = net.gradients(result, d_spike_times={"hid": np.linspace(0.0, 1.0, count)})["w.weights"]
        found.append((count, gradient if gradient.ndim == 1 else gradient[pre, post]))
    assert found[0][0] == found[1][0] > 20
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-12)


def test_spikes_beyond_the_buffer_make_it_grow() -> None:
    """Far more than four spikes a neuron."""
    net = saltus.Network(
        [saltus.Layer("lif", 3, inputs=1, weights=40.0)], T=0.2, engine="clock", dt=DT, threads=1
    )
    times = np.arange(1, 190) * DT
    result = net.run([[list(times)]])
    gradients = net.gradients(result, d_spike_times={"output": np.ones(len(result.spikes["output"].times))})
    assert len(result.spikes["output"].times) > 4 * 3 + 16
    assert np.isfinite(gradients["input_output.weights"]).all()


def test_one_network_answers_as_its_weights_change() -> None:
    """A result keeps the values that it was made with."""
    net = feed_forward(engine="clock", dt=DT)
    spikes = inputs(2, 4, 4, 0.03)
    seeds: dict[str, Any] = {"d_readouts": {"out": {"sum_V": np.ones((2, 2))}}}
    before = net.run(spikes)
    expected = net.gradients(before, **seeds)
    net.parameters()["input_first.weights"][...] *= 1.1
    after = net.run(spikes)
    again = net.gradients(before, **seeds)
    assert len(after.spikes["first"].times) != len(before.spikes["first"].times)
    for name in net.learnable:
        np.testing.assert_array_equal(again[name], expected[name])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dt": None}, r"dt: missing, and engine = \"clock\" goes through time in steps\. Give one"),
        ({"dt": 0.0}, r"dt = 0\.0: not a step in \(0, T = 0\.05\]\. Give one"),
        ({"dt": 3e-3}, r"T: 0\.05 s is no multiple of dt = 0\.003 s\. Use multiples"),
        ({"dtype": "float16"}, r"dtype = 'float16': not known\. Use any of float32, float64"),
        ({"engine": "event"}, r"dt = 0\.001: engine = \"event\" has no time steps\. Leave it out"),
    ],
)
def test_a_grid_that_does_not_fit_is_refused(changes: dict[str, Any], message: str) -> None:
    """When the network is built."""
    with pytest.raises(ConfigError, match=message):
        feed_forward(**{"engine": "clock", "dt": DT, **changes})


def test_it_says_what_it_is_and_what_it_does_not_do() -> None:
    """``explain``, and no traces."""
    net = feed_forward(engine="clock", dt=DT)
    assert net.explain().splitlines()[0] == "first: clock kernel: steps of 0.001 s, float32."
    with pytest.raises(InputError, match=r"trace: the clock engine records no adjoints"):
        net.trace(inputs(1, 4, 2, 0.03), times=[0.01])


def test_groups_are_one_kind() -> None:
    """No population of a clocked network runs on another kernel."""
    groups: list[AnyGroup] = list(mixed(engine="clock", dt=DT).groups.values())
    assert {type(group).__name__ for group in groups} == {"ClockGroup"}


@pytest.mark.parametrize("model", ["lif", "li"])
@pytest.mark.parametrize("inputs", [{}, {"in": 2}])
def test_a_population_that_nobody_projects_to(model: str, inputs: dict[str, int]) -> None:
    """It has no rows of weights, and the kernel reads where the last one ends; all is as by events."""
    found = []
    for options in ({}, {"engine": "clock", "dt": DT, "dtype": "float64"}):
        alone = {"model": model, "size": 3, "params": {"V0": 0.5, "I0": [0.1, 0.2, 0.3]}}
        net = saltus.Network(T=0.05, inputs=inputs, populations={"x": alone}, **options)
        result = net.run(np.zeros((2, 2)), samples=2) if inputs else net.run(samples=2)
        given = {"x": {"V": np.ones((2, 3))}}
        gradient = net.gradients(result, d_readouts=given, wrt=["x.tau_mem", "x.I0"])
        found.append({**result.final["x"], **gradient})
    (group,) = net.groups.values()
    assert isinstance(group, ClockGroup) and group._layout is not None
    assert len(group._layout.start) == 1 and not group._layout.start.any()
    for name, exact in found[0].items():
        np.testing.assert_allclose(found[1][name], exact, rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("delay", [0.06, 2**32 * DT, 1e30])
def test_a_delay_beyond_the_end_arrives_never(delay: float) -> None:
    """However long it is: 2^32 steps are no steps to 32 bits."""
    net = saltus.Network(
        [saltus.Layer("li", 1, inputs=1, weights=1.0, delay=delay)], T=0.05, engine="clock", dt=DT
    )
    assert not net.run([[[0.001]]]).final["output"]["V"].any()


@pytest.mark.parametrize("options", [{}, {"engine": "clock", "dt": DT}])
def test_a_projection_without_synapses_has_an_empty_gradient(options: dict[str, Any]) -> None:
    """As a small probability may draw none."""
    net = saltus.Network(
        T=0.05,
        inputs={"in": 2},
        populations={"x": {"model": "li", "size": 3}},
        projections={"w": {"pre": "in", "post": "x", "connect": {"pre": [], "post": []}}},
        **options,
    )
    result = net.run(np.zeros((2, 2)))
    given = {"x": {"V": np.ones((2, 3))}}
    assert net.gradients(result, d_readouts=given, wrt=["w.weights"])["w.weights"].shape == (0,)
