"""Losses over states at sample times, over the state at the end, and over smooth counts of spikes."""

import numpy as np
import pytest
from models import reader
from small_network import T, labels, spikes

import saltus
from saltus.derive import loss as losses
from saltus.errors import ConfigError, InputError, RunError

RANDOM = np.random.default_rng(3)
TIMES = [0.01, 0.02, 0.045]


def network(loss, output="li", **layer) -> saltus.Network:
    """4 inputs, 6 hidden neurons, 3 outputs, with several spikes each."""
    hidden = saltus.Layer("lif", 6, inputs=4, weights=saltus.Normal(2.2, 0.5))
    last = saltus.Layer(output, 3, weights=saltus.Normal(1.0, 0.4), **layer)
    return saltus.Network([hidden, last], T=T, loss=loss, seed=2)


def assert_gradient(net, targets=None, classes=None, names=(), rtol=1e-6) -> None:
    """Some entries of each gradient against differences of the loss, of fourth order."""
    names = ["input_hidden0.weights", "hidden0_output.weights", *names]
    found = net.gradients(net.run(spikes(), classes, targets), wrt=names)
    for name in names:
        view = net.all_parameters()[name]
        assert np.abs(found[name]).max() > 0.0, name
        for place in np.random.default_rng(0).permutation(view.size)[:4]:
            at = np.unravel_index(place, view.shape)
            before, step = view[at].copy(), 1e-4 * (np.abs(view).max() or 1.0)
            moved = []
            for shift in (-2, -1, 1, 2):
                view[at] = before + shift * step
                moved.append(net.run(spikes(), classes, targets).loss)
            view[at] = before
            estimate = (8 * (moved[2] - moved[1]) - (moved[3] - moved[0])) / (12 * step)
            scale = max(abs(found[name][at]), 1e-3 * np.abs(found[name]).max())
            assert abs(found[name][at] - estimate) <= rtol * scale, (name, at, found[name][at], estimate)


def test_a_trajectory():
    net = network(saltus.loss("trajectory_error", readout="V"), sample_times=TIMES)
    target = RANDOM.normal(size=(3, 3, 3))
    result = net.run(spikes(), targets=target)
    expected = ((result.states["output"]["V"] - target) ** 2).mean(axis=(1, 2))
    np.testing.assert_allclose(result.losses, expected, rtol=1e-13)
    assert result.predictions() is None
    assert_gradient(net, target, names=["output.tau_mem", "output.V0"])


def test_a_trajectory_is_the_loss_written_by_hand():
    """The same seeds, and so the same bits."""
    net = network(saltus.loss("trajectory_error", readout="V"), sample_times=TIMES)
    target = RANDOM.normal(size=(3, 3, 3))
    result = net.run(spikes(), targets=target)
    exact = net.gradients(result)
    plain = network(None, sample_times=TIMES)
    run = plain.run(spikes())
    seeds = 2.0 * (run.states["output"]["V"] - target) / 9 / 3
    by_hand = plain.gradients(run, d_states={"output": {"V": seeds}})
    for name in plain.parameters():
        np.testing.assert_allclose(exact[name], by_hand[name], rtol=1e-12, atol=1e-15)


def test_two_states_of_a_system_fitted_to_data():
    """Lotka and Volterra's, its data by the name that each term gives it; from a table as from Python."""
    terms = [{"name": "trajectory_error", "readout": name, "targets": name} for name in ("prey", "predators")]
    animals = {"model": "lotka_volterra", "size": 1, "sample_times": [1.0, 3.0, 7.0], "learn": ["birth"]}
    make = {"T": 7.0, "populations": {"animals": animals}, "tolerance": 1e-11}
    net = saltus.Network(**make, loss=terms)
    data = {name: RANDOM.uniform(0.5, 2.0, (1, 1, 3)) for name in ("prey", "predators")}
    result = net.run(targets=data)
    states = result.states["animals"]
    expected = sum(((states[name] - data[name]) ** 2).mean() for name in data)
    assert result.loss == pytest.approx(expected, rel=1e-13)
    exact = float(net.gradients(result)["animals.birth"])
    birth, moved = net.parameters()["animals.birth"], []
    for shift in (-2e-4, -1e-4, 1e-4, 2e-4):
        birth += shift
        moved.append(net.run(targets=data).loss)
        birth -= shift
    estimate = (8 * (moved[2] - moved[1]) - (moved[3] - moved[0])) / 12e-4
    assert exact == pytest.approx(estimate, rel=1e-7)


@pytest.mark.parametrize("readout", ["last", "there", "gained"])
def test_mean_squared_error_over_a_readout_of_the_state(readout):
    """Parameters of the readout's expression, and the time at which it is read, included."""
    spec = reader(
        last="final(gain*V**2)", there="at(gain*V - I, t_read)", gained="integral(gain*V, t_read, T)"
    )
    net = network(saltus.loss("mean_squared_error", readout=readout), spec)
    target = RANDOM.normal(size=(3, 3))
    names = ["output.gain", "output.tau"] + ["output.t_read"] * (readout != "last")
    result = net.run(spikes(), targets=target)
    expected = ((result.readouts["output"][readout] - target) ** 2).mean(axis=1)
    np.testing.assert_allclose(result.losses, expected, rtol=1e-13)
    assert_gradient(net, target, names=names)


def test_a_readout_at_each_sample_time_is_a_trajectory():
    spec = reader(followed="at(gain*V - I)")
    net = network(saltus.loss("mean_squared_error", readout="followed"), spec, sample_times=TIMES)
    target = RANDOM.normal(size=(3, 3, 3))
    states = net.run(spikes(), targets=target).states["output"]
    np.testing.assert_allclose(
        net.run(spikes(), targets=target).readouts["output"]["followed"],
        2.0 * states["V"] - states["I"],
        rtol=1e-13,
    )
    assert_gradient(net, target, names=["output.gain"])


def test_the_state_at_the_end_needs_no_slow_kernel():
    spec = reader(last="final(gain*V**2)")
    net = network(saltus.loss("last_value_cross_entropy", readout="last", scale=5.0), spec)
    assert "output: fast kernel" in net.explain()
    assert_gradient(net, classes=labels(), names=["output.gain"])
    assert net.run(spikes(), labels()).predictions().shape == (3,)


def test_a_smooth_count():
    net = network(saltus.loss("smooth_count", t_c=0.03, width=0.01), "lif")
    target = RANDOM.uniform(0.0, 2.0, (3, 3))
    result = net.run(spikes(), targets=target)
    trains = result.spikes["output"]
    weight = np.exp(-(((trains.times - 0.03) / 0.01) ** 2) / 2)
    sample = np.repeat(np.arange(3), np.diff(trains.start))
    counts = np.zeros((3, 3))
    np.add.at(counts, (sample, trains.neurons), weight)
    np.testing.assert_allclose(result.losses, ((counts - target) ** 2).sum(axis=1) / 2, rtol=1e-12)
    by_hand = (counts - target)[sample, trains.neurons] * weight * (0.03 - trains.times) / 0.01**2
    plain = network(None, "lif")
    seeds = plain.gradients(plain.run(spikes()), d_spike_times={"output": by_hand / 3})
    exact = net.gradients(result)
    for name in plain.parameters():
        np.testing.assert_allclose(exact[name], seeds[name], rtol=1e-11, atol=1e-14)
    assert_gradient(net, target)


def test_smooth_counts_in_a_loss_of_ones_own():
    """Two kernels, one of them used twice, beside a first spike; labels."""
    value = "-log_softmax(spikes(exp(-t/tau)) + spikes(1/(1 + exp((t - tau)/width))))[label]"
    spec = {
        "name": "counted",
        "title": "Counted",
        "parameters": {"tau": 0.02, "width": 0.004},
        "loss": {"data": {"label": "class"}, "value": f"{value} + sum(spikes(exp(-t/tau))**2)/classes"},
    }
    net = network(saltus.loss(spec), "lif")
    assert [readout.name for readout in net.terms[0].objective.head.readouts] == ["count", "count_1"]
    assert_gradient(net, classes=labels())


def test_a_smooth_count_is_proved():
    derivation = losses.derive(losses.load("smooth_count"))
    assert all(left == 0 for n in (2, 3) for left in losses.residuals(derivation, n))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: network(saltus.loss("trajectory_error", readout="V")),
            r"reads 'V' at the sample times of population 'output', and it has none\. Give it",
        ),
        (
            lambda: network(saltus.loss("trajectory_error", readout="sum_V"), sample_times=TIMES),
            r"reads 'sum_V', and li of population 'output' has no such state\. There are V, I",
        ),
        (
            lambda: network(saltus.loss("smooth_count")),
            r"smooth_count reads all spikes, and population 'output' does not spike\. Name another",
        ),
        (
            lambda: network(
                saltus.loss("sum_cross_entropy", readout="all"), reader(all="at(V)"), sample_times=TIMES
            ),
            r"reads numbers for each sample time .* takes a label .* Write two losses",
        ),
        (
            lambda: network(None, reader(all="at(V)")),
            r"reader has the readout all at each of its sample times, and there are none\. Give it",
        ),
    ],
)
def test_readings_that_do_not_fit_are_named(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_times_that_are_none_are_named():
    net = network(None, reader(one="at(V, t_read)"))
    net.all_parameters()["output.t_read"][...] = 1.0
    with pytest.raises(
        RunError, match=r"the readout one of neuron 0 is taken at t = 1 s, which is not in \["
    ):
        net.run(spikes())
    window = network(None, reader(top="max(V, t_read, t_read/2)"))
    with pytest.raises(RunError, match=r"'output' seeks a maximum in a window that ends before it begins"):
        window.run(spikes())


def test_derivatives_of_a_wrong_shape_are_named():
    net = network(None, reader(all="at(V)"), sample_times=TIMES)
    with pytest.raises(InputError, match=r"\['all'\]: not finite numbers of shape .*times\) = \(3, 3, 3\)"):
        net.gradients(net.run(spikes()), d_readouts={"output": {"all": np.zeros((3, 3))}})
