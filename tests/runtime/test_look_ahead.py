"""Crossings of flows that are followed step by step are sought in windows, whose ends change nothing."""

import numpy as np
import pytest

import saltus

T = 0.2


def run(model, between, weight):
    """Two input spikes, far apart; the events ``between`` are another neuron's, which is never heard of."""
    net = saltus.Network(
        T=T,
        inputs={"in": 2},
        populations={
            "a": {"model": model, "size": 2, "learn": ["theta"]},
            "b": {"model": "lif", "size": 1},
        },
        projections={
            "in_a": {"pre": "in", "post": "a", "weights": ([0, 0], [0, 1], weight)},
            "in_b": {"pre": "in", "post": "b", "weights": ([1], [0], [0.1])},
            "a_b": {"pre": "a", "post": "b", "weights": ([0], [0], [0.1])},
            "b_a": {"pre": "b", "post": "a", "weights": ([0], [0], [1.0])},
        },
        tolerance=1e-10,
    )
    result = net.run([[[0.001, 0.151], list(between)]])
    found = net.gradients(result, d_spike_times={"a": np.ones(len(result.spikes["a"].times))})
    return result.spikes["a"], float(found["a.theta"].sum())


@pytest.mark.parametrize(("model", "weight"), [("qif", [40.0, 50.0]), ("resonator", [8.0, 9.0])])
def test_the_windows_of_the_search_change_no_crossing(model, weight):
    plain, by_plain = run(model, [], weight)
    assert len(plain.times) >= 4
    at_spikes, just_before = plain.times, plain.times - 1e-9
    many = np.random.default_rng(0).uniform(0.0, T, 200)
    twice = np.repeat(many[:20], 2)
    for between in (at_spikes, just_before, many, twice):
        other, by_other = run(model, np.sort(between), weight)
        np.testing.assert_array_equal(other.neurons, plain.neurons)
        np.testing.assert_allclose(other.times, plain.times, rtol=1e-12)
        assert abs(by_other - by_plain) < 1e-9 * abs(by_plain)
