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
