"""Losses over spike times: values, gradients, missing spikes, and messages."""

import numpy as np
import pytest
from small_network import T, labels, layers, spikes

import saltus
from saltus.errors import ConfigError, RunError, SpecError
from saltus.runtime.loss import as_loss
from saltus.runtime.losses.head import head

TAU_0, TAU_1, ALPHA = 5e-3, 20e-3, 0.01
PARAMETERS = {"tau_0": TAU_0, "tau_1": TAU_1, "alpha": ALPHA}
TIMES = np.array([[0.010, 0.012, np.inf], [0.020, 0.015, 0.011]])
LABELS = np.array([0, 1], dtype=np.int32)


def cross_entropy(**changes):
    return saltus.loss("first_spike_cross_entropy", **PARAMETERS, **changes)


def evaluate(loss, times, labels, population):
    """The head on first spike times alone."""
    found = head(loss, times[None], labels, None, population)
    return found._replace(gradient=found.gradient[0])


def by_hand(times, labels):
    """The loss as the source writes it, and its gradient."""
    p = np.exp(-times / TAU_0)
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(len(times))
    late = np.exp(times[rows, labels] / TAU_1)
    gradient = -p / TAU_0
    gradient[rows, labels] += 1.0 / TAU_0 + ALPHA * late / TAU_1
    return -np.log(p[rows, labels]) + ALPHA * (late - 1.0), gradient


def test_value_and_gradient_are_those_of_the_source():
    found = evaluate(cross_entropy(), TIMES, LABELS, "out")
    losses, gradient = by_hand(TIMES, LABELS)
    np.testing.assert_allclose(found.losses, losses, rtol=1e-13)
    np.testing.assert_allclose(found.gradient, gradient, rtol=1e-12, atol=1e-14)
    assert found.missing == 0


def test_a_missing_spike_of_the_label_is_an_error():
    with pytest.raises(
        RunError, match=r"sample 0: neuron 2 of population 'out', which is the label's, does not spike.*"
    ):
        evaluate(cross_entropy(), TIMES, np.array([2, 0], dtype=np.int32), "out")


def test_a_stand_in_time_has_no_gradient_of_its_own():
    given = np.array([2, 0], dtype=np.int32)
    found = evaluate(cross_entropy(missing=0.05), TIMES, given, "out")
    filled = TIMES.copy()
    filled[0, 2] = 0.05
    losses, gradient = by_hand(filled, given)
    gradient[0, 2] = 0.0
    np.testing.assert_allclose(found.losses, losses, rtol=1e-13)
    np.testing.assert_allclose(found.gradient, gradient, rtol=1e-12, atol=1e-14)
    assert found.missing == 1


def test_a_skipped_sample_adds_nothing():
    found = evaluate(cross_entropy(missing="skip"), TIMES, np.array([2, 0], dtype=np.int32), "out")
    assert found.losses[0] == 0.0 and not found.gradient[0].any()
    assert found.losses[1] > 0.0 and found.missing == 1


def test_missing_spikes_are_counted_in_the_result():
    net = saltus.Network(
        [saltus.Layer("lif", 3, inputs=4, weights=np.diag([3.0, 3.0, 0.0, 0.0])[:, :3])],
        T=T,
        loss=cross_entropy(missing=0.1),
    )
    result = net.run(spikes(), labels())
    assert result.missing == 1
    (notice,) = result.warnings
    assert (notice.kind, notice.population, notice.count) == ("missing", "output", 1)
    assert "1 of 3 samples" in str(notice)


def test_the_second_spike_can_be_the_one_that_counts():
    net = layers(loss=cross_entropy(spike=1, missing=0.1))
    check = net.check_gradient(spikes(), labels(), ["input_hidden0.weights"], eps=1e-6)
    assert check.error < 1e-5, str(check)


def test_predictions_are_the_first_to_spike():
    result = layers().run(spikes(), labels())
    first = result.spikes["output"].first()
    assert result.predictions().tolist() == np.argmin(first, axis=1).tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"tau": 1.0},
            r"first_spike_cross_entropy: there is no parameter 'tau'\. There are tau_0, tau_1, alpha",
        ),
        ({"tau_0": -1.0}, r"tau_0 = -1 must be positive"),
        ({"tau_0": "1 ms"}, r"tau_0 = '1 ms' is not a finite number\. Give one"),
        ({"missing": np.inf}, r"missing = inf is not a finite number"),
        ({"spike": -1}, r"spike = -1 is not 0 for the first spike"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ConfigError, match=message):
        saltus.loss("first_spike_cross_entropy", **arguments)


def test_an_unknown_loss_is_named():
    with pytest.raises(
        SpecError, match=r"'mse' is not among the shipped losses \(first_spike_cross_entropy, .*\)\. Give"
    ):
        saltus.loss("mse")


def test_a_table_is_a_loss():
    made = as_loss({"name": "first_spike_cross_entropy", "tau_0": 1e-3, "population": "out"})
    assert made.parameters["tau_0"] == 1e-3 and made.population == "out"
    with pytest.raises(ConfigError, match=r"give saltus\.loss\(\.\.\.\), or a table with the name"):
        as_loss({"tau_0": 1e-3})


@pytest.mark.slow
def test_a_loss_of_ones_own(tmp_path):
    """A spec that is not shipped: derived, compiled, and right."""
    (tmp_path / "squares.toml").write_text(
        """
        name = "late_label"
        title = "How late the label's neuron is"
        [parameters]
        tau = { value = 1e-2, unit = "s", positive = true, doc = "time scale" }
        [loss]
        data = { label = "class" }
        value = "exp(first[label]/tau) - 1"
        """
    )
    made = saltus.loss(tmp_path / "squares.toml")
    found = evaluate(made, TIMES, LABELS, "out")
    np.testing.assert_allclose(found.losses, np.expm1([1.0, 1.5]), rtol=1e-12)
    np.testing.assert_allclose(found.gradient[0], [np.exp(1.0) / 1e-2, 0.0, 0.0], rtol=1e-12)
