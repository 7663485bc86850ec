"""What a run can be asked for: maxima, integrals, states at given times; what it can be given: currents."""

import tomllib
from importlib import resources

import numpy as np
import pytest
from small_network import T, spikes

import saltus
from saltus.errors import ConfigError, InputError, RunError

TIMES = (0.0, 0.0113, 0.03, T)


def spec(name, **readouts):
    text = resources.files("saltus.derive.models").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    content["readouts"] = {**content.get("readouts", {}), **readouts}
    return content


def network(hidden="lif", output="li", **options):
    """4 inputs, 5 hidden neurons, 2 outputs; the output sees all that the hidden neurons do."""
    random = np.random.default_rng(2)
    content = {
        "populations": {
            "hid": {"model": hidden, "size": 5, "learn": ["tau_mem"]},
            "out": {"model": output, "size": 2, "learn": ["tau_syn"]},
        },
        "projections": {
            "in_hid": {"pre": "in", "post": "hid", "weights": random.normal(2.5, 0.5, (4, 5))},
            "hid_out": {"pre": "hid", "post": "out", "weights": random.normal(0.5, 0.8, (5, 2))},
        },
        "inputs": {"in": 4},
        "T": T,
    }
    for name, entries in options.pop("populations", {}).items():
        content["populations"][name] |= entries
    return saltus.Network(**{**content, **options})


def assert_gradient(net, read, given, names, entries=4, rtol=1e-6, **run):
    """Of ``sum(read(result))`` against central differences, in some entries of each parameter."""
    result = net.run(spikes(), **run)
    found = net.gradients(result, **given(result), wrt=names)
    for name in names:
        view = net.all_parameters()[name]
        places = np.random.default_rng(0).permutation(view.size)[:entries]
        floor = 1e-3 * np.abs(found[name]).max() + 1e-300
        for place in places:
            at = np.unravel_index(place, view.shape)
            before, step = view[at].copy(), 1e-5 * (np.abs(view).max() or 1.0)
            values = []
            for shift in (-2 * step, -step, step, 2 * step):
                view[at] = before + shift
                values.append(read(net.run(spikes(), **run)))
            view[at] = before
            estimate = (8 * (values[2] - values[1]) - (values[3] - values[0])) / (12 * step)
            exact = found[name][at]
            assert abs(exact - estimate) <= rtol * max(abs(exact), floor), (name, at, exact, estimate)


NAMES = ["in_hid.weights", "hid_out.weights", "hid.tau_mem", "hid.V0", "out.tau_syn"]


@pytest.mark.parametrize("populations", [{"out": {"sample_times": TIMES}}, {"hid": {"sample_times": TIMES}}])
def test_states_at_given_times(populations):
    net = network(populations=populations)
    (name,) = populations
    result = net.run(spikes())
    traced = net.trace(spikes(), times=TIMES).states[name]
    assert list(result.states) == [name]
    weights = np.random.default_rng(1).normal(size=result.states[name]["V"].shape)
    for state, values in result.states[name].items():
        np.testing.assert_allclose(values.transpose(0, 2, 1), traced[state], rtol=1e-12)
        np.testing.assert_allclose(values[:, :, -1], result.final[name][state], rtol=1e-12)

    def read(result):
        return float((weights * result.states[name]["V"]).sum() - result.states[name]["I"][:, :, 1].sum())

    def given(result):
        d_I = np.zeros_like(weights)
        d_I[:, :, 1] = -1.0
        return {"d_states": {name: {"V": weights, "I": d_I}}}

    names = NAMES if name == "out" else ["in_hid.weights", "hid.tau_mem", "hid.V0"]
    assert_gradient(net, read, given, names)


@pytest.mark.parametrize("model", ["li", "lif"])
def test_maxima_and_integrals_of_any_population(model):
    net = network(
        hidden=spec("lif", energy="integral(V**2)"),
        output=spec(model, high="max(V - I/2)", low="max(-V)", sum_I="integral(I)"),
    )
    result = net.run(spikes())
    assert set(result.readouts["out"]) >= {"high", "low", "sum_I"}
    t = np.linspace(0.0, T, 20001)
    V, I = (net.trace(spikes(), times=t).states["out"][state] for state in ("V", "I"))
    np.testing.assert_allclose(result.readouts["out"]["high"], (V - I / 2).max(axis=1), atol=1e-3)
    np.testing.assert_allclose(result.readouts["out"]["low"], (-V).max(axis=1), atol=1e-3)
    at = result.peak_times["out"]["high"]
    assert np.all((at >= 0.0) & (at <= T))
    weights = np.random.default_rng(1).normal(size=(3, 2))

    def read(result):
        out, hid = result.readouts["out"], result.readouts["hid"]
        return float((weights * out["high"] + out["low"] + 20 * out["sum_I"]).sum() + 9 * hid["energy"].sum())

    def given(result):
        ones = np.ones((3, 2))
        of_out = {"high": weights, "low": ones, "sum_I": 20 * ones}
        return {"d_readouts": {"out": of_out, "hid": {"energy": np.full((3, 5), 9.0)}}}

    assert_gradient(net, read, given, NAMES, rtol=1e-5)


def test_a_loss_over_maxima_runs_on_the_network_kernel():
    loss = saltus.loss("max_cross_entropy", readout="top", scale=3.0)
    net = network(output=spec("li", top="max(V)"), loss=loss)
    assert "out: network kernel" in net.explain()
    check = net.check_gradient(spikes(), [0, 1, 0])
    assert check.error < 1e-6, check
    assert net.run(spikes(), [0, 1, 0]).predictions().shape == (3,)


# currents


def driven(**options):
    return network("lif_bias", output="lif", **options)


def test_a_constant_current_is_a_bias():
    net = driven()
    one = net.run(spikes(), currents={"hid": {"I_ext": ([0.0], [0.4])}})
    net.all_parameters()["hid.I_bias"][...] += 0.4
    other = net.run(spikes())
    assert len(one.spikes["hid"].times) > 5
    np.testing.assert_allclose(one.spikes["hid"].times, other.spikes["hid"].times, rtol=1e-12)
    given = {"d_spike_times": {"out": np.ones(len(other.spikes["out"].times))}}
    bias = net.gradients(other, **given, wrt=["hid.I_bias"])["hid.I_bias"]
    net.all_parameters()["hid.I_bias"][...] -= 0.4
    found = net.gradients(one, **given)["currents"]["hid"]["I_ext"]
    assert found.shape == (1,)
    np.testing.assert_allclose(found[0], bias, rtol=1e-9)


@pytest.mark.parametrize("shape", [(3,), (3, 5), (3, 3, 5)])
def test_the_gradient_of_a_sampled_current(shape):
    net = driven()
    times = np.array([0.0, 0.013, 0.027])
    values = np.random.default_rng(0).uniform(0.0, 0.6, shape)
    result = net.run(spikes(), currents={"hid": {"I_ext": (times, values)}})

    def loss(values):
        return float(net.run(spikes(), currents={"hid": {"I_ext": (times, values)}}).final["out"]["V"].sum())

    seeds = {"out": {"V": np.ones((3, 2))}}
    found = net.gradients(result, d_readouts=seeds, wrt=["currents"])["currents"]["hid"]["I_ext"]
    assert found.shape == shape and np.abs(found).max() > 0.0
    for place in np.random.default_rng(1).permutation(values.size)[:6]:
        at = np.unravel_index(place, shape)
        moved = []
        for shift in (-2e-5, -1e-5, 1e-5, 2e-5):
            other = values.copy()
            other[at] += shift
            moved.append(loss(other))
        estimate = (8 * (moved[2] - moved[1]) - (moved[3] - moved[0])) / 12e-5
        assert abs(found[at] - estimate) < 1e-6 * np.abs(found).max()


def test_a_current_without_a_name_in_the_gradient_changes_nothing():
    net = driven()
    result = net.run(spikes())
    found = net.gradients(result, d_readouts={"out": {"V": np.ones((3, 2))}}, wrt=["currents", "hid.tau_mem"])
    assert found["currents"] == {}


@pytest.mark.parametrize(
    ("currents", "message"),
    [
        (
            {"out": {"I_ext": ([0.0], [1.0])}},
            r"currents: no population 'out' has input states\. There are hid",
        ),
        ({"hid": ([0.0], [1.0])}, r"currents\['hid'\]: not a dict\. Give \{state: \(times, values\)\}"),
        (
            {"hid": {"I": ([0.0], [1.0])}},
            r"currents\['hid'\]\['I'\]: there is no such state\. There are I_ext",
        ),
        ({"hid": {"I_ext": [0.0, 1.0, 2.0]}}, r"\['I_ext'\]: not times and values\. Give"),
        (
            {"hid": {"I_ext": ([0.0, 0.0], [1.0, 2.0])}},
            r"\['I_ext'\]: the times are not .* ascends .* 0\.06\]",
        ),
        ({"hid": {"I_ext": ([0.1], [1.0])}}, r"\['I_ext'\]: the times are not .* ascends"),
        ({"hid": {"I_ext": ([0.0], [1.0, 2.0])}}, r"values of shape \(2,\) for 1 times\. Give shape"),
        ({"hid": {"I_ext": ([0.0], [np.nan])}}, r"\['I_ext'\]: not finite numbers\. Give arrays"),
    ],
)
def test_wrong_currents_are_named(currents, message):
    with pytest.raises(InputError, match=message):
        driven().run(spikes(), currents=currents)


# phases, arrivals that make spikes, systems that are no neurons


def test_a_refractory_time_is_learned():
    net = network("lif_refractory", output="lif", populations={"hid": {"learn": ["t_ref", "v_reset"]}})
    assert "hid.t_ref" in net.positive()
    result = net.run(spikes())
    for b in range(3):
        for neuron in range(5):
            assert (np.diff(result.spikes["hid"].train(b, neuron)) > 2e-3).all()

    def read(result):
        return float(result.final["out"]["V"].sum())

    seeds = {"d_readouts": {"out": {"V": np.ones((3, 2))}}}
    assert_gradient(net, read, lambda result: seeds, ["hid.t_ref", "hid.v_reset", "in_hid.weights"])


def test_an_arrival_may_be_a_spike():
    """A spike that an arrival makes has the arrival's time, and hands its derivative on to it."""
    net = saltus.Network(
        T=T,
        inputs={"in": 1},
        populations={"a": {"model": "lif_delta", "size": 1}, "b": {"model": "lif_delta", "size": 1}},
        projections={
            "in_a": {"pre": "in", "post": "a", "weights": 1.5, "delay": 2e-3, "learn": ["weights", "delays"]},
            "a_b": {"pre": "a", "post": "b", "weights": 1.5, "delay": 3e-3, "learn": ["weights", "delays"]},
        },
    )
    result = net.run([[[0.010]]])
    np.testing.assert_allclose(result.spikes["b"].times, [0.015], rtol=1e-14)
    found = net.gradients(result, d_spike_times={"b": [1.0]})
    assert found["input_times"][0][0] == found["in_a.delays"] == found["a_b.delays"] == 1.0
    assert found["in_a.weights"] == 0.0
    assert result.warnings == ()


def test_a_cascade_that_comes_back_is_refused():
    net = saltus.Network(
        T=T,
        inputs={"in": 1},
        populations={"a": {"model": "lif_delta", "size": 2}},
        projections={
            "in_a": {"pre": "in", "post": "a", "weights": [[1.5, 0.0]]},
            "a_a": {"pre": "a", "post": "a", "weights": [[0.0, 1.5], [1.5, 0.0]]},
        },
    )
    with pytest.raises(RunError, match=r"population 'a' would spike twice at one time: a cascade.* Give the"):
        net.run([[[0.010]]])


def test_a_phase_that_ends_above_the_threshold_is_refused():
    net = saltus.Network(
        [saltus.Layer("lif_refractory", 1, inputs=1, weights=50.0, params={"v_reset": 2.0})], T=T
    )
    with pytest.raises(
        RunError, match=r"is at or above its threshold at the end of a phase, at t = .* Lower"
    ):
        net.run([[[0.010]]])


def test_a_system_without_events_follows_the_tolerance():
    """Lotka-Volterra: an invariant of motion, and gradients at sample times that agree ever better."""
    errors = []
    for tolerance in (1e-5, 1e-8, 1e-11):
        prey = {"model": "lotka_volterra", "size": 1, "sample_times": [1.0, 5.0]}
        net = saltus.Network(T=8.0, populations={"prey": prey}, tolerance=tolerance)
        result = net.run(samples=2)
        x, y = (result.final["prey"][state] for state in ("prey", "predators"))
        invariant = 0.3 * x - 0.8 * np.log(x) + 0.5 * y - 1.0 * np.log(y)
        start = 0.3 * 2.0 - 0.8 * np.log(2.0) + 0.5
        found = net.gradients(result, d_states={"prey": {"prey": np.ones((2, 1, 2))}}, wrt=["prey.birth"])
        errors.append((np.abs(invariant - start).max(), float(found["prey.birth"])))
    assert errors[0][0] > 10 * errors[1][0] > 100 * errors[2][0] and errors[2][0] < 1e-9
    exact = errors[2][1]
    assert abs(errors[0][1] - exact) > abs(errors[1][1] - exact) < 1e-6 * abs(exact)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0.02, 0.01], r"out\.sample_times: not ascending times in \[0, T = 0\.06\]\. Sort"),
        ([0.07], r"out\.sample_times: not ascending times"),
        (["soon"], r"out\.sample_times\[0\]: Expected `float`"),
    ],
)
def test_wrong_sample_times_are_named(times, message):
    with pytest.raises(ConfigError, match=message):
        network(populations={"out": {"sample_times": times}})


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        (
            {"hid": {"V": np.zeros((3, 5, 1))}},
            r"d_states\['hid'\]: the population has no sample times\. Give it",
        ),
        ({"out": {"W": np.zeros((3, 2, 1))}}, r"d_states\['out'\]: there is no 'W'\. There are V, I"),
        (
            {"out": {"V": np.zeros((3, 2))}},
            r"d_states\['out'\]\['V'\]: not finite numbers of shape .*\(3, 2, 1\)",
        ),
        ({"o": {}}, r"d_states: there is no population 'o'\. There are hid, out"),
    ],
)
def test_wrong_derivatives_by_states_are_named(seeds, message):
    net = network(populations={"out": {"sample_times": [0.01]}})
    with pytest.raises(InputError, match=message):
        net.gradients(net.run(spikes()), d_states=seeds)


def test_a_number_of_samples_must_be_positive():
    net = saltus.Network(T=1.0, populations={"ball": {"model": "bouncing_ball", "size": 1}})
    with pytest.raises(InputError, match=r"samples = 0: there must be one at least\. Give a positive number"):
        net.run(samples=0)
