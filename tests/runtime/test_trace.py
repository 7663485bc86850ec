"""Trajectories of states and adjoints."""

import numpy as np
import pytest
from small_network import T, labels, layers, spikes

import saltus
from saltus.errors import InputError


def test_states_solve_the_equations_between_events():
    net = layers()
    t = np.linspace(0.0, T, 301)
    trace = net.trace(spikes(), times=t)
    v, i = (trace.states["hidden0"][name] for name in ("V", "I"))
    assert v.shape == (3, 301, 9)
    dt, tau_mem, tau_syn = t[1], 20e-3, 5e-3
    given, found = spikes(), trace.result.spikes["hidden0"]
    checked = 0
    for b in range(3):
        for k in range(300):
            inside = (given.sample(b)[0] >= t[k]) & (given.sample(b)[0] <= t[k + 1])
            fired = (found.sample(b)[0] >= t[k]) & (found.sample(b)[0] <= t[k + 1])
            if not inside.any() and not fired.any():
                decay_v, decay_i = np.exp(-dt / tau_mem), np.exp(-dt / tau_syn)
                gain = tau_syn / (tau_mem - tau_syn) * (decay_v - decay_i)
                np.testing.assert_allclose(i[b, k + 1], i[b, k] * decay_i, rtol=1e-12, atol=1e-15)
                np.testing.assert_allclose(
                    v[b, k + 1], v[b, k] * decay_v + i[b, k] * gain, rtol=1e-11, atol=1e-14
                )
                checked += 1
    assert checked > 300


@pytest.mark.parametrize("recurrent", [False, True])
def test_probes_change_nothing(recurrent):
    net = layers(recurrent)
    result = net.run(spikes(), labels())
    trace = net.trace(spikes(), labels(), times=np.linspace(0.0, T, 50))
    np.testing.assert_allclose(
        trace.result.spikes["output"].times, result.spikes["output"].times, rtol=0, atol=1e-14
    )
    np.testing.assert_allclose(trace.result.loss, result.loss, rtol=1e-10)


def test_adjoints_are_derivatives_by_the_state():
    """-tau_syn lambda_I(0) is dL/dI(0), which is the gradient by the initial value."""
    net = saltus.Network(
        [
            saltus.Layer(
                "lif",
                3,
                inputs=4,
                weights=saltus.Normal(2.0, 0.7),
                per_neuron=("V0", "I0"),
                learn=("V0", "I0"),
            )
        ],
        T=T,
        loss=saltus.loss("first_spike_cross_entropy", missing=0.1),
    )
    gradient = net.gradients(net.run(spikes(), labels()))
    adjoints = net.trace(spikes(), labels(), times=[0.0]).adjoints["output"]
    np.testing.assert_allclose(
        gradient["output.I0"], -5e-3 * adjoints["lambda_I"][:, 0].sum(axis=0), rtol=1e-9
    )
    np.testing.assert_allclose(
        gradient["output.V0"], -20e-3 * adjoints["lambda_V"][:, 0].sum(axis=0), rtol=1e-9
    )


def test_without_labels_there_are_no_adjoints():
    assert layers().trace(spikes(), times=[0.0, T]).adjoints is None


@pytest.mark.parametrize("times", [[], [-1e-3], [2 * T], [0.02, 0.01], [[0.0]]])
def test_wrong_times_are_refused(times):
    with pytest.raises(
        InputError, match=r"trace: times are not an ascending list within \[0, 0\.06\]\. Give"
    ):
        layers().trace(spikes(), times=times)
