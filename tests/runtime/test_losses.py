"""Losses over readouts, targets and whole trains in networks: gradients against differences, and messages."""

import itertools

import mpmath
import numpy as np
import pytest
from small_network import T, labels, spikes

import saltus
from saltus.errors import ConfigError, InputError, RunError

RANDOM = np.random.default_rng(5)
TABLE = RANDOM.normal(size=(3, 3))


def network(loss, output: str = "li", **layer) -> saltus.Network:
    """4 inputs, 6 hidden neurons, 3 outputs, with several spikes each."""
    hidden = saltus.Layer("lif", 6, inputs=4, weights=saltus.Normal(2.2, 0.5))
    last = saltus.Layer(output, 3, weights=saltus.Normal(1.0, 0.4), **layer)
    return saltus.Network([hidden, last], T=T, loss=loss, seed=2)


def differences(net: saltus.Network, targets, classes=None) -> tuple[np.ndarray, np.ndarray]:
    """The gradient by the input weights, and central differences of the loss."""
    weights = net.parameters()["input_hidden0.weights"]
    exact = net.gradients(net.run(spikes(), classes, targets))["input_hidden0.weights"]
    found = np.zeros_like(weights)
    for at in np.ndindex(weights.shape):
        start, step = weights[at], 1e-6
        values = []
        for sign in (1, -1):
            weights[at] = start + sign * step
            values.append(net.run(spikes(), classes, targets).loss)
        weights[at] = start
        found[at] = (values[0] - values[1]) / (2 * step)
    return exact, found


def agree(exact: np.ndarray, found: np.ndarray) -> None:
    assert np.abs(exact).max() > 0.0
    np.testing.assert_allclose(exact, found, rtol=1e-5, atol=1e-6 * np.abs(exact).max())


@pytest.mark.parametrize(
    ("name", "readout", "parameters"),
    [
        ("sum_cross_entropy", "sum_V", {"scale": 200.0}),
        ("time_weighted_cross_entropy", "sum_V", {"scale": 100.0}),
        ("last_value_cross_entropy", "V", {"scale": 5.0}),
    ],
)
def test_cross_entropy_over_a_readout(name, readout, parameters):
    net = network(saltus.loss(name, readout=readout, **parameters))
    agree(*differences(net, None, labels()))
    result = net.run(spikes(), labels())
    x = (result.readouts["output"] | result.final["output"])[readout] * parameters["scale"]
    by_hand = np.log(np.exp(x).sum(axis=1)) - x[np.arange(3), labels()]
    np.testing.assert_allclose(result.losses, by_hand, rtol=1e-12)
    assert result.predictions().tolist() == np.argmax(x, axis=1).tolist()


@pytest.mark.parametrize("readout", ["sum_V", "V"])
def test_mean_squared_error(readout):
    net = network(saltus.loss("mean_squared_error", readout=readout))
    target = RANDOM.normal(size=(3, 3)) * 1e-2
    agree(*differences(net, target))
    result = net.run(spikes(), targets={"target": target})
    x = (result.readouts["output"] | result.final["output"])[readout]
    np.testing.assert_allclose(result.losses, ((x - target) ** 2).mean(axis=1), rtol=1e-12)
    assert result.predictions() is None


def test_targets_by_label_are_those_of_each_sample():
    by_label = network(saltus.loss("mean_squared_error", readout="sum_V", targets=TABLE))
    by_sample = network(saltus.loss("mean_squared_error", readout="sum_V"))
    first = by_label.run(spikes(), labels())
    second = by_sample.run(spikes(), targets=TABLE[labels()])
    np.testing.assert_array_equal(first.losses, second.losses)
    for name, gradient in by_label.gradients(first).items():
        if name != "input_times":
            np.testing.assert_array_equal(gradient, by_sample.gradients(second)[name])
    assert first.predictions() is not None


def test_spike_time_targets():
    net = network(saltus.loss("spike_time_targets", tau=5e-3, missing=T), "lif")
    target = RANDOM.uniform(0.01, 0.04, (3, 3))
    agree(*differences(net, target))
    result = net.run(spikes(), targets=target)
    times = np.where(np.isinf(first := result.spikes["output"].first()), T, first)
    np.testing.assert_allclose(result.losses, (((times - target) / 5e-3) ** 2).sum(axis=1) / 2, rtol=1e-12)
    assert result.missing == np.isinf(first).any(axis=1).sum()


def test_readouts_and_spikes_in_one_loss_of_ones_own():
    value = "-log_softmax(scale*sum_V)[label] + sum(exp(-spike(1)/tau))"
    spec = {
        "name": "both",
        "title": "Both",
        "parameters": {"tau": 0.02, "scale": 100.0},
        "loss": {"data": {"label": "class"}, "readouts": ["sum_V"], "value": value},
    }
    model = {
        "name": "spiking_readout",
        "title": "A spiking neuron with an integral",
        "parameters": {
            "tau": {"value": 0.02, "positive": True},
            "tau_s": {"value": 0.005, "positive": True},
            "theta": 1.0,
            "v_reset": 0.0,
        },
        "initial": {"V": 0.0, "I": 0.0},
        "dynamics": {"f_V": "tau*dot(V) + V - I", "f_I": "tau_s*dot(I) + I"},
        "transition": {"spike": {"when": "V - theta", "reset": {"V": "v_reset"}, "emits": True}},
        "receive": {"exc": {"I": "I + w"}},
        "readouts": {"sum_V": "integral(V)"},
    }
    net = network(saltus.loss(spec, missing="skip"), model)
    agree(*differences(net, None, labels()))


def test_van_rossum():
    """Value by quadrature of the filtered trains; gradient by differences."""
    tau = 4e-3
    net = network(saltus.loss("van_rossum", tau=tau), "lif")
    target = [[[0.01, 0.02], [], [0.015]], [[], [0.03], [0.012, 0.05]], [[0.02], [0.02], [0.02]]]
    agree(*differences(net, target))
    result = net.run(spikes(), targets=target)
    own = result.spikes["output"].to_times()
    expected = sum(distance(list(own[0][n]), target[0][n], tau) for n in range(3))
    assert result.losses[0] == pytest.approx(float(expected), rel=1e-10)


def distance(own, target, tau):
    """(1/tau) int (f - g)^2 dt, f and g the trains after an exponential filter."""
    edges = sorted({*own, *target})

    def squared(t):
        f = mpmath.fsum(mpmath.exp(-(t - s) / tau) for s in own if s <= t)
        g = mpmath.fsum(mpmath.exp(-(t - s) / tau) for s in target if s <= t)
        return (f - g) ** 2 / tau

    ends = [*edges, edges[-1] + 40 * tau] if edges else []
    return mpmath.fsum(mpmath.quad(squared, piece) for piece in itertools.pairwise(ends))


def test_trains_that_agree_have_no_distance():
    net = network(saltus.loss("van_rossum"), "lif")
    own = net.run(spikes(), targets=[[[], [], []]] * 3).spikes["output"]
    result = net.run(spikes(), targets=own)
    np.testing.assert_allclose(result.losses, 0.0, atol=1e-12)


def test_a_sum_of_losses_has_the_sum_of_gradients():
    first = saltus.loss("sum_cross_entropy", readout="sum_V", scale=100.0)
    second = saltus.loss("mean_squared_error", readout="V", targets=TABLE)
    parts = [network(part) for part in (first, second)]
    net = network(saltus.loss([first, (0.3, second)]))
    results = [part.run(spikes(), labels()) for part in parts]
    result = net.run(spikes(), labels())
    np.testing.assert_allclose(result.losses, results[0].losses + 0.3 * results[1].losses, rtol=1e-14)
    found = [part.gradients(r)["input_hidden0.weights"] for part, r in zip(parts, results, strict=True)]
    whole = net.gradients(result)["input_hidden0.weights"]
    np.testing.assert_allclose(whole, found[0] + 0.3 * found[1], rtol=1e-10, atol=1e-12)
    assert result.predictions().tolist() == results[0].predictions().tolist()


def test_the_rate_heuristic_pushes_spikes_of_busy_neurons_later():
    heuristic = {"name": "rate_heuristic", "target": 2, "population": "hidden0", "weight": 0.1}
    entropy = {"name": "sum_cross_entropy", "readout": "sum_V"}
    result = network([entropy, heuristic]).run(spikes(), labels())
    counts = result.spikes["hidden0"].counts()
    losses = network(entropy).run(spikes(), labels()).losses + 0.05 * ((counts - 2.0) ** 2).sum(axis=1)
    np.testing.assert_allclose(result.losses, losses, rtol=1e-14)
    (push,) = result.seeds.times
    out = result.outcomes["hidden0"].out
    excess = counts[out.cells.sample, out.row[out.cells.at]] - 2.0
    assert (excess > 0).any()
    np.testing.assert_allclose(push.values, -0.1 * excess, rtol=1e-14)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: saltus.loss("sum_cross_entropy", readout={"y": "sum_V"}), r"no readout 'y'\. There are x"),
        (lambda: saltus.loss("spike_time_targets", readout="V"), r"spike times alone.*Leave it out"),
        (lambda: saltus.loss("sum_cross_entropy", targets=[[1.0]]), r"its targets are none"),
        (
            lambda: saltus.loss("mean_squared_error", targets=[1.0]),
            r"shape \(1,\)\. Give \(labels, neurons\)",
        ),
        (lambda: saltus.loss("van_rossum", spike=1), r"takes its targets with each run.*Leave them out"),
        (lambda: saltus.loss([]), r"the list of terms is empty\. Give at least one"),
        (lambda: saltus.loss([("a", saltus.loss("van_rossum"))]), r"weight = 'a' is not a finite number"),
        (lambda: saltus.rate_heuristic(-1.0), r"rate_heuristic: target = -1\.0 is not a number >= 0"),
        (
            lambda: network(saltus.loss("sum_cross_entropy", readout="sum_U")),
            r"has no such readout\. There",
        ),
        (lambda: network(saltus.loss("van_rossum")), r"population 'output' does not spike\. Name another"),
        (
            lambda: network(saltus.rate_heuristic(1.0)),
            r"rate_heuristic counts spikes, and population",
        ),
        (lambda: network(saltus.loss("spike_time_targets")), r"reads spike times, and population"),
    ],
)
def test_losses_that_do_not_fit_are_named(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_data_that_do_not_fit_are_named():
    squares = network(saltus.loss("mean_squared_error", readout="sum_V"))
    entropy = network(saltus.loss("sum_cross_entropy", readout="sum_V"))
    trains = network(saltus.loss("van_rossum"), "lif")
    cases = [
        (squares, {"targets": np.zeros((3, 2))}, r"targets\['target'\]: shape \(3, 2\) where the loss reads"),
        (squares, {"targets": [[np.nan] * 3] * 3}, r"targets\['target'\]: not finite numbers"),
        (squares, {"targets": {"goal": 0.0}}, r"given are goal, and the loss takes target"),
        (squares, {"labels": labels()}, r"given are none, and the loss takes target"),
        (entropy, {"targets": np.zeros((3, 3))}, r"labels: missing, and the loss needs the class"),
        (entropy, {"labels": labels(), "targets": [0.0]}, r"targets: the loss takes none"),
        (network(None), {"targets": [0.0]}, r"targets: the network has no loss"),
        (trains, {"targets": [[[0.1], [0.1], [0.1]]]}, r"1 samples, and the run has 3"),
    ]
    for net, data, message in cases:
        with pytest.raises(InputError, match=message):
            net.run(spikes(), **data)


def test_a_loss_that_overflows_is_named():
    net = network(saltus.loss("mean_squared_error", readout="sum_V"))
    with pytest.raises(RunError, match=r"sample 0: the loss mean_squared_error .* is inf\. Look at"):
        net.run(spikes(), targets=np.full((3, 3), 1e300))


def test_a_missing_spike_of_any_neuron_is_named_where_there_is_no_label():
    net = network(saltus.loss("spike_time_targets"), "lif")
    net.parameters()["hidden0_output.weights"][...] = 0.0
    with pytest.raises(RunError, match=r"sample 0: neuron 0 of population 'output' does not spike, so"):
        net.run(spikes(), targets=np.zeros((3, 3)))
