"""Recurrent spikes wait for the end of an interval before they act on everyone; that may hide no crossing."""

import numpy as np
import pytest

import saltus

N, INPUTS = 40, 12


def weights(seed, strength):
    random = np.random.default_rng(seed)
    recurrent = strength * (random.standard_normal((N, N)) - 0.5)  # more inhibition: no avalanche
    np.fill_diagonal(recurrent, 0.0)
    return random.uniform(0.0, 2.5, (INPUTS, N)), recurrent


def fast(between, inwards, T, **params):
    both = {"weights": inwards, "recurrent_weights": between}
    layer = saltus.Layer("lif", N, inputs=INPUTS, recurrent=True, name="a", **both, **params)
    net = saltus.Network([layer], T=T)
    assert net.explain().count("fast kernel")
    return net


def slow(between, inwards, T, **params):
    """The same in the network kernel, which delivers each spike to each neuron when it comes."""
    pre, post = np.nonzero(between)
    net = saltus.Network(
        T=T,
        inputs={"in": INPUTS},
        populations={"a": {"model": "lif", "size": N, **params}},
        projections={
            "input_a": {"pre": "in", "post": "a", "weights": inwards},
            "a_a": {"pre": "a", "post": "a", "weights": (pre, post, between[pre, post])},
        },
    )
    assert net.explain().count("network kernel")
    return net


def trains(seed, events, T):
    random = np.random.default_rng(seed)
    return [[np.sort(random.uniform(0.0, T, events)) for _ in range(INPUTS)] for _ in range(2)]


@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
@pytest.mark.parametrize(
    ("strength", "events", "T"),
    [(0.05, 20, 0.05), (0.5, 60, 0.05), (0.7, 8, 0.1), (-0.5, 20, 0.1), (0.3, 40, 1.0)],
    ids=["weak", "strong", "far apart", "negative", "long"],
)
def test_waiting_loses_no_spike(strength, events, T, own):
    inwards, between = weights(events, abs(strength))
    if strength < 0:
        between = -np.abs(between)
    params = {}
    if own:
        theta = np.random.default_rng(3).uniform(0.8, 1.2, N)
        params = {"params": {"theta": theta}, "per_neuron": ("theta",)}
    spikes = trains(events, events, T)
    one, other = (build(between, inwards, T, **params).run(spikes) for build in (fast, slow))
    assert 40 < len(one.spikes["a"].times) < 10_000
    np.testing.assert_array_equal(one.spikes["a"].neurons, other.spikes["a"].neurons)
    np.testing.assert_allclose(one.spikes["a"].times, other.spikes["a"].times, rtol=0, atol=1e-11)


@pytest.mark.parametrize("recurrent", [False, True], ids=["feed-forward", "recurrent"])
def test_a_long_silence_hides_no_spike(recurrent):
    """Behind the spike nothing happens for 5,000 time constants: exp(-T/tau_mem) is rounded to zero."""
    layer = saltus.Layer("lif", 2, inputs=1, recurrent=recurrent, weights=8.0)
    found = {}
    for T in (1.0, 100.0):
        spikes = saltus.Network([layer], T=T).run([[[0.01]]]).spikes["output"]
        found[T] = spikes.times
    assert len(found[1.0]) == 2 * len(set(found[1.0])) > 0
    np.testing.assert_allclose(found[100.0], found[1.0], rtol=1e-14)
