"""Where weights start."""

import numpy as np
import pytest
from small_network import T, layers, spikes

import saltus
from saltus.errors import InputError, RunError
from saltus.runtime import initialise

ALL = np.ones((4000, 3), dtype=bool)


def draw(law, synapses=ALL):
    return initialise.weights(law, np.random.default_rng(0), synapses, synapses.sum(axis=0), "here")


def test_laws_have_their_moments():
    for law, mean, std in (
        (saltus.Normal(1.0, 0.5), 1.0, 0.5),
        (saltus.FanIn(2.0, 3.0), 2.0 / 4000**0.5, 3.0 / 4000**0.5),
        (saltus.Uniform(1.0, 3.0), 2.0, 2.0 / 12**0.5),
    ):
        drawn = draw(law)
        np.testing.assert_allclose(drawn.mean(), mean, atol=4 * std / 100)
        np.testing.assert_allclose(drawn.std(), std, rtol=0.05)


def test_the_fan_in_counts_synapses():
    synapses = np.zeros((4000, 3), dtype=bool)
    synapses[:100] = True
    drawn = draw(saltus.FanIn(0.0, 1.0), synapses)
    assert not drawn[100:].any()
    np.testing.assert_allclose(drawn[:100].std(), 0.1, rtol=0.2)


def test_a_table_is_a_law():
    np.testing.assert_array_equal(
        draw({"init": "normal", "mean": 1.0, "std": 0.5}), draw(saltus.Normal(1.0, 0.5))
    )


@pytest.mark.parametrize("rate", [20.0, 60.0])
def test_scaling_to_a_rate(rate):
    net = layers(recurrent=True)
    before = {name: value.copy() for name, value in net.parameters().items()}
    factor = saltus.scale_to_rate(net, "hidden0", spikes(50), rate)
    found = net.run(spikes(50)).spikes["hidden0"]
    np.testing.assert_allclose(len(found.times) / (50 * 9 * T), rate, rtol=0.05)
    after = net.parameters()
    np.testing.assert_array_equal(after["input_hidden0.weights"], factor * before["input_hidden0.weights"])
    np.testing.assert_array_equal(after["hidden0_hidden0.weights"], before["hidden0_hidden0.weights"])


def test_a_rate_out_of_reach():
    net = layers()
    net.parameters()["input_hidden0.weights"][...] = -1.0
    with pytest.raises(
        RunError, match=r"population 'hidden0' fires at 20 spikes a second for no factor.* Give it positive"
    ):
        saltus.scale_to_rate(net, "hidden0", spikes(), 20.0)
    assert (net.parameters()["input_hidden0.weights"] == -1.0).all()


def test_wrong_arguments_of_a_rate():
    with pytest.raises(InputError, match=r"rate = -1\.0 is not positive\. Give spikes a neuron and second"):
        saltus.scale_to_rate(layers(), "hidden0", spikes(), -1.0)
    with pytest.raises(InputError, match=r"there is no population 'hidden'\. There are hidden0, output"):
        saltus.scale_to_rate(layers(), "hidden", spikes(), 20.0)


def test_a_rate_needs_spikes():
    net = saltus.Network([saltus.Layer("li", 2, inputs=4)], T=T)
    with pytest.raises(InputError, match=r"population 'output' does not spike\. Name one that does"):
        saltus.scale_to_rate(net, "output", spikes(), 20.0)


def test_boosting_silent_neurons_adds_to_their_learned_weights():
    net = layers(recurrent=True)
    before = {name: value.copy() for name, value in net.parameters().items()}
    neurons = np.arange(9) == 4
    assert net.boost("hidden0", neurons, 0.25) == 1
    change = net.parameters()["input_hidden0.weights"] - before["input_hidden0.weights"]
    np.testing.assert_allclose(change, np.where(neurons, 0.25, 0.0) * np.ones((4, 1)), atol=1e-15)
