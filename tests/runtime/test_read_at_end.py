"""A population without spikes is read at the end in closed form, by near pieces of events or far ones."""

import numpy as np
import pytest

import saltus

INPUTS, N = 7, 5
READ = ("V", "I", "sum_V")


def read(spikes, cotangent, T, own):
    """States at T, gradients of weights and times; own time constants are stepped through time."""
    random = np.random.default_rng(1)
    population = {"model": "li", "size": N, "learn": ["tau_mem"] if own else []}
    if own:
        population["params"] = {"tau_mem": 20e-3 * (1.0 + 1e-14 * np.arange(N))}
    net = saltus.Network(
        T=T,
        inputs={"in": INPUTS},
        populations={"a": population},
        projections={"in_a": {"pre": "in", "post": "a", "weights": random.standard_normal((INPUTS, N))}},
    )
    result = net.run(spikes)
    found = net.gradients(result, wrt=["in_a.weights", "input_times"], d_readouts={"a": cotangent})
    times = np.concatenate([train for sample in found["input_times"] for train in sample])
    return [*(result.final["a"][name] for name in READ), found["in_a.weights"], times]


@pytest.mark.parametrize("reads", [["sum_V"], ["V", "sum_V"], READ], ids="-".join)
@pytest.mark.parametrize("T", [0.05, 30.0], ids=["near", "far"])
@pytest.mark.parametrize("events", [1, 5, 25])
def test_closed_form_is_as_stepped(events, T, reads):
    random = np.random.default_rng(events)
    spikes = [[np.sort(random.uniform(0.5 * T, T, events)) for _ in range(INPUTS)] for _ in range(2)]
    cotangent = {name: random.standard_normal((2, N)) for name in reads}
    for one, other in zip(*(read(spikes, cotangent, T, own) for own in (False, True)), strict=True):
        assert np.abs(other).max() > 0.0
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-14 + 1e-12 * np.abs(other).max())


def test_arrivals_that_keep_what_they_bring_have_no_credit():
    """What arrives does not decay, so nothing depends on when it does."""
    spec = {
        "name": "keeps",
        "title": "A sum of what has arrived",
        "parameters": {"tau": {"value": 20e-3, "positive": True}, "b": {"value": 0.3}},
        "initial": {"V": 0.1, "U": 0.2},
        "dynamics": {"f_V": "tau*dot(V) + V - b", "f_U": "dot(U)"},
        "receive": {"exc": {"U": "U + w"}},
    }
    weights = np.arange(1.0, 7.0).reshape(2, 3)
    net = saltus.Network(
        T=0.1,
        inputs={"in": 2},
        populations={"a": {"model": spec, "size": 3}},
        projections={"in_a": {"pre": "in", "post": "a", "weights": weights}},
    )
    result = net.run([[[0.01, 0.03], [0.02]]])
    np.testing.assert_allclose(result.final["a"]["U"], [0.2 + 2.0 * weights[0] + weights[1]])
    found = net.gradients(
        result, wrt=["in_a.weights", "input_times"], d_readouts={"a": {"U": np.ones((1, 3))}}
    )
    np.testing.assert_allclose(found["in_a.weights"], [[2.0] * 3, [1.0] * 3])
    assert all(not np.any(train) for sample in found["input_times"] for train in sample)
