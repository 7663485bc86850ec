"""Recurrent spikes, and input in volleys, wait before they act on everyone; that may hide no crossing."""

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


def trains(seed, events, T, grid=0.0):
    random = np.random.default_rng(seed)
    times = random.uniform(0.0, T, (2, INPUTS, events))
    if grid:
        times = grid * np.floor(times / grid)  # many at one time
    return [[np.unique(train) for train in sample] for sample in times]


OWN = {"theta": (0.8, 1.2), "tau_mem": (15e-3, 25e-3), "tau_syn": (3e-3, 6e-3)}
"""Between what the parameters lie that neurons have for themselves."""


@pytest.mark.parametrize("own", [(), ("theta",), ("tau_mem", "tau_syn"), tuple(OWN)], ids="-".join)
@pytest.mark.parametrize(
    ("strength", "events", "T"),
    [(0.05, 20, 0.05), (0.5, 60, 0.05), (0.7, 8, 0.1), (-0.5, 20, 0.1), (0.3, 40, 1.0)],
    ids=["weak", "strong", "far apart", "negative", "long"],
)
def test_waiting_loses_no_spike(strength, events, T, own):
    inwards, between = weights(events, abs(strength))
    if strength < 0:
        between = -np.abs(between)
    random = np.random.default_rng(3)
    params = {"params": {name: random.uniform(*OWN[name], N) for name in own}, "per_neuron": own}
    spikes = trains(events, events, T)
    one, other = (build(between, inwards, T, **params).run(spikes) for build in (fast, slow))
    assert 40 < len(one.spikes["a"].times) < 10_000
    np.testing.assert_array_equal(one.spikes["a"].neurons, other.spikes["a"].neurons)
    np.testing.assert_allclose(one.spikes["a"].times, other.spikes["a"].times, rtol=0, atol=1e-11)


@pytest.mark.parametrize("spread", [0.0, 1e-6, 0.3], ids=["at one time", "close", "apart"])
@pytest.mark.parametrize("crowd", [6, 12, N])
def test_a_crowd_at_threshold_loses_no_spike(crowd, spread):
    """As many cross within an interval as a vector holds or more, also at the same time to the last bit."""
    random = np.random.default_rng(2)
    between = 0.05 * random.standard_normal((N, N))
    np.fill_diagonal(between, 0.0)
    inwards = 1.5 + spread * random.standard_normal((INPUTS, N))
    inwards[:, crowd:] *= 0.1
    spikes = trains(7, 5, 0.1)
    one, other = (build(between, inwards, 0.1).run(spikes) for build in (fast, slow))
    assert len(one.spikes["a"].times) > 10 * crowd
    np.testing.assert_array_equal(one.spikes["a"].neurons, other.spikes["a"].neurons)
    np.testing.assert_allclose(one.spikes["a"].times, other.spikes["a"].times, rtol=0, atol=1e-11)


@pytest.mark.parametrize("grid", [5e-4, 1e-3, 2e-3])
def test_those_left_out_of_a_vector_stay_below_threshold(grid):
    """More than eight come close in each interval, and their spikes lift one another."""
    random = np.random.default_rng(5)
    between = 0.15 * random.uniform(0.0, 1.0, (N, N))
    np.fill_diagonal(between, 0.0)
    inwards = 1.0 + 0.1 * random.standard_normal((INPUTS, N))
    inwards[:, 12:] *= 0.1
    inwards[0] = 0.0
    spikes = [[np.arange(0.0, 0.1, grid), *sample[1:]] for sample in trains(5, 6, 0.1, grid)]
    one, other = (build(between, inwards, 0.1).run(spikes) for build in (fast, slow))
    assert len(one.spikes["a"].times) > 500
    np.testing.assert_array_equal(one.spikes["a"].neurons, other.spikes["a"].neurons)
    np.testing.assert_allclose(one.spikes["a"].times, other.spikes["a"].times, rtol=0, atol=1e-11)


TWO_RECEPTORS = {
    "name": "pair",
    "title": "LIF neuron with two receptors of one current",
    "parameters": {
        "tau_mem": {"value": 20e-3, "positive": True},
        "tau_syn": {"value": 5e-3, "positive": True},
        "theta": {"value": 1.0},
    },
    "initial": {"V": 0.0, "I": 0.0},
    "dynamics": {"f_V": "tau_mem*dot(V) + V - I", "f_I": "tau_syn*dot(I) + I"},
    "transition": {"spike": {"when": "V - theta", "reset": {"V": "0"}, "emits": True}},
    "receive": {"exc": {"I": "I + w"}, "inh": {"I": "I - w/2"}},
}


def without_recurrence(model, inwards, T, sparse, **params):
    """Half of the inputs into the first receptor, half into the last; sparse ones take the network kernel."""
    size, half = len(inwards[0]), INPUTS // 2
    receptors = [arrival.receptor for arrival in saltus.model(model).ir.arrivals]
    projections = {}
    for name, rows, receptor in (("x", inwards[:half], receptors[0]), ("y", inwards[half:], receptors[-1])):
        pre, post = np.nonzero(rows)
        weights = (pre, post, rows[pre, post]) if sparse else rows
        projections[f"{name}_a"] = {"pre": name, "post": "a", "weights": weights, "receptor": receptor}
    net = saltus.Network(
        T=T,
        inputs={"x": half, "y": INPUTS - half},
        populations={"a": {"model": model, "size": size, **params}},
        projections=projections,
    )
    assert net.explain().count("network kernel" if sparse else "fast kernel")
    return net


@pytest.mark.parametrize("model", ["lif", "lif_soft", TWO_RECEPTORS], ids=["lif", "soft", "two receptors"])
@pytest.mark.parametrize(
    ("low", "high", "events", "T"),
    [
        (-0.3, 1.0, 60, 0.05),
        (-1.5, 1.5, 100, 0.1),
        (0.0, 1.5, 20, 0.05),
        (0.0, 0.3, 300, 0.1),
        (-0.2, 2.5, 6, 0.2),
    ],
    ids=["dense", "signed", "strong", "denser", "sparse"],
)
@pytest.mark.parametrize("grid", [0.0, 3e-4], ids=["any time", "grid"])
def test_input_in_volleys_loses_no_spike(model, low, high, events, T, grid):
    inwards = np.random.default_rng(events).uniform(low, high, (INPUTS, N))
    spikes = trains(events, events, T, grid)
    given = {
        "x": [sample[: INPUTS // 2] for sample in spikes],
        "y": [sample[INPUTS // 2 :] for sample in spikes],
    }
    nets = [without_recurrence(model, inwards, T, sparse) for sparse in (False, True)]
    one, other = (net.run(given) for net in nets)
    assert 40 < len(one.spikes["a"].times) < 10_000
    np.testing.assert_array_equal(one.spikes["a"].neurons, other.spikes["a"].neurons)
    np.testing.assert_allclose(one.spikes["a"].times, other.spikes["a"].times, rtol=0, atol=1e-12)
    ones = {"a": np.ones(len(one.spikes["a"].times))}
    by_time = [
        net.gradients(result, d_spike_times=ones) for net, result in zip(nets, (one, other), strict=True)
    ]
    pre, post = np.nonzero(inwards[: INPUTS // 2])
    found, expected = by_time[0]["x_a.weights"][pre, post], by_time[1]["x_a.weights"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


def test_volleys_leave_out_who_has_spiked_often_enough():
    inwards = np.random.default_rng(1).uniform(-0.3, 1.0, (INPUTS, N))
    spikes = trains(1, 60, 0.05)
    layers = [
        saltus.Layer("lif", N, inputs=INPUTS, weights=inwards, name="a", **kept)
        for kept in ({}, {"spikes_kept": 2})
    ]
    every, two = (saltus.Network([layer], T=0.05).run(spikes) for layer in layers)
    for sample in range(2):
        for neuron in range(N):
            first, kept = (r.spikes["a"].train(sample, neuron) for r in (every, two))
            np.testing.assert_allclose(kept, first[:2], rtol=0, atol=1e-12)
    assert len(two.spikes["a"].times) > 2 * N


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


@pytest.mark.parametrize("model", ["alif", "alpha", "ei"])
@pytest.mark.parametrize("slow_kernel", [False, True], ids=["fast kernel", "network kernel"])
def test_a_long_silence_hides_no_spike_of_a_longer_ladder(model, slow_kernel):
    """Rungs between guard and last are rounded to zero there, and hide that they changed their sign."""
    weights = ([0, 0], [0, 1], [40.0, 40.0]) if slow_kernel else np.full((1, 2), 40.0)
    counts = []
    for T in (1.0, 12.0, 120.0):
        net = saltus.Network(
            T=T,
            inputs={"x": 1},
            populations={"a": {"model": model, "size": 2}},
            projections={"x_a": {"pre": "x", "post": "a", "weights": weights, "receptor": "exc"}},
        )
        assert ("network kernel" in net.explain()) == slow_kernel
        counts.append(len(net.run([[np.arange(0.0, 0.5, 0.1)]]).spikes["a"].times))
    assert counts[0] == counts[1] == counts[2] > 10


def test_arrivals_of_several_kinds_at_one_time_all_act():
    """Three groups at one time, the last too many for a volley, in a recurrent population."""
    found = []
    for slow_kernel in (False, True):
        projections = {}
        for name, pre, size, weight, receptor in (
            ("x", "x", 1, 2.0, "exc"),
            ("y", "y", 2, 0.4, "inh"),
            ("a", "a", N, -1e-3, "exc"),
        ):
            weights = np.full((size, N), weight)
            if slow_kernel:
                weights = (*np.nonzero(weights), weights.ravel())
            projections[f"{name}_a"] = {"pre": pre, "post": "a", "weights": weights, "receptor": receptor}
        net = saltus.Network(
            T=4e-3,
            inputs={"x": 1, "y": 2},
            populations={"a": {"model": TWO_RECEPTORS, "size": N}},
            projections=projections,
        )
        found.append(net.run({"x": [[[0.0, 1e-3]]], "y": [[[0.0, 1e-3], [0.0, 1e-3]]]}).final["a"]["I"])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)
