"""The network kernel's groups: what they add to the fast kernel's, and that both agree where both can."""

import subprocess
import sys

import numpy as np
import pytest
from small_network import T, build, spikes

import saltus
from saltus.errors import RunError
from saltus.runtime import network_group

LOSS = saltus.loss("first_spike_cross_entropy", tau_0=5e-3, tau_1=20e-3, alpha=0.01, population="out")


def network(**changes):
    """The small network, recurrent."""
    weights = np.random.default_rng(4).normal(0.1, 0.3, (6, 6))
    return build(projections__hid_hid={"pre": "hid", "post": "hid", "weights": weights}, **changes)


def excitation_and_inhibition(*, out_learns=("tau_syn",), to_out_learns=("weights",), **changes):
    """A network of two populations of different models that project to one another, and an output."""
    random = np.random.default_rng(5)
    content = {
        "populations": {
            "E": {"model": "alif", "size": 6, "learn": ["tau_mem", "beta"]},
            "I": {"model": "ei", "size": 3, "learn": ["tau_inh", "theta"], "per_neuron": ["theta"]},
            "out": {"model": "lif", "size": 2, "learn": out_learns},
        },
        "projections": {
            "in_E": {"pre": "in", "post": "E", "weights": random.normal(2.5, 0.6, (4, 6))},
            "E_I": {"pre": "E", "post": "I", "receptor": "exc", "weights": random.normal(1.5, 0.3, (6, 3))},
            "I_E": {"pre": "I", "post": "E", "weights": random.normal(-0.5, 0.2, (3, 6)), "delay": 1e-3},
            "I_I": {"pre": "I", "post": "I", "receptor": "inh", "weights": 0.3, "delay": 1.5e-3},
            "E_out": {
                "pre": "E",
                "post": "out",
                "weights": random.normal(1.0, 0.4, (6, 2)),
                "learn": to_out_learns,
            },
        },
        "inputs": {"in": 4},
        "T": T,
        "loss": LOSS,
        **changes,
    }
    return saltus.Network(**content)


def assert_gradients_agree(net, names=None, labels=(0, 1, 0)):
    found = net.check_gradient(spikes(), labels, names, entries=8, eps=1e-6)
    assert all(array.compared for array in found.arrays.values()), found
    assert found.error < 1e-6, found


def test_both_kernels_agree():
    fast = network()
    pre, post = (index.ravel() for index in np.indices((6, 6)))
    triplets = (pre, post, fast.synapses["hid_hid"].weights.ravel())
    other = network(
        projections__hid_hid__weights=triplets,
        populations__out__sample_times=[0.01],
    )
    assert "fast kernel" in fast.explain() and "fast kernel" not in other.explain()
    one, two = (net.run(spikes(), [0, 1, 2]) for net in (fast, other))
    np.testing.assert_allclose(two.losses, one.losses, rtol=1e-13)
    for name in ("hid", "out"):
        np.testing.assert_array_equal(two.spikes[name].neurons, one.spikes[name].neurons)
        np.testing.assert_allclose(two.spikes[name].times, one.spikes[name].times, rtol=1e-12)
        for state, values in one.final[name].items():
            np.testing.assert_allclose(two.final[name][state], values, rtol=1e-9, atol=1e-12)
    names = [*fast.all_parameters(), "input_times"]
    first, second = fast.gradients(one, wrt=names), other.gradients(two, wrt=names)
    assert second["hid_hid.weights"].shape == (36,)
    for name in fast.all_parameters():
        a, b = first[name].ravel(), second[name].ravel()
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-12 * np.abs(a).max(), err_msg=name)
    np.testing.assert_allclose(second["input_times"], first["input_times"], rtol=1e-9)


def test_the_choice_of_the_kernel_is_explained():
    lines = excitation_and_inhibition().explain().splitlines()
    assert lines == [
        "E and I: network kernel, because E and I project to one another.",
        "E and I: each arrival at each neuron is an event of its own there: forward × 23 to 250, "
        "backward × 37 to 430 with 256 recurrent LIF neurons.",
        "out: fast kernel: one population with a solution in closed form, dense, without delays.",
        "out: it learns tau_syn, so states and what moves them are stepped once more: forward × 1, "
        "backward × 1.7 to 2.2 with 256 recurrent LIF neurons.",
    ]
    assert "because its states are read at given" in network(populations__out__sample_times=[0.01]).explain()
    assert "dense, each delay of a source an event." in network(projections__in_hid__delay=1e-3).explain()
    assert (
        "because hid_hid is sparse"
        in network(projections__hid_hid__connect=0.5, projections__hid_hid__weights=1.0).explain()
    )
    two = network(projections__again={"pre": "hid", "post": "hid", "weights": 0.1})
    assert "because hid_hid and again are recurrent, not all with delays" in two.explain()
    nonlinear = saltus.Network([saltus.Layer("qif", 2, inputs=2)], T=T)
    assert "network kernel, because qif has a flow without a closed form, and" in nonlinear.explain()


@pytest.mark.parametrize("engine", ["event", "clock"])
def test_states_that_only_jump(engine):
    """A counter of what arrives: no rate, no parameter, and nothing for a propagator to do."""
    counter = {"name": "counter", "title": "A counter", "initial": {"V": 0.0}, "dynamics": {"f_V": "dot(V)"}}
    counter["receive"] = {"exc": {"V": "V + w"}}
    weights = np.array([[0.5, 0.75, 2.0], [0.25, 0.125, -1.0]])
    net = saltus.Network(
        T=0.1,
        inputs={"in": 2},
        populations={"out": {"model": counter, "size": 3}},
        projections={"w": {"pre": "in", "post": "out", "weights": weights}},
        **({"engine": engine, "dt": 1e-3} if engine == "clock" else {}),
    )
    if engine == "event":
        assert "network kernel, because counter has states that only jump" in net.explain()
    result = net.run([[[0.01, 0.02, 0.03], [0.04]]])
    expected = [3.0, 1.0] @ weights
    np.testing.assert_allclose(result.final["out"]["V"], [expected], rtol=1e-6)
    found = net.gradients(result, d_readouts={"out": {"V": [[1.0, 10.0, 100.0]]}})["w.weights"]
    np.testing.assert_allclose(found, np.outer([3.0, 1.0], [1.0, 10.0, 100.0]), rtol=1e-6)


def test_populations_that_project_to_one_another():
    net = excitation_and_inhibition()
    assert list(net.groups) == ["E+I", "out"] and list(net.populations) == ["E", "I", "out"]
    result = net.run(spikes())
    assert min(len(result.spikes[name].times) for name in ("E", "I", "out")) > 6
    assert_gradients_agree(net)
    assert_gradients_agree(net, names=["I_I.weights", "I_I.delays", "E.A0", "I.v_reset", "input_times"])


def test_a_loss_may_read_inside_the_circle():
    loss = saltus.loss("spike_time_targets", population="I", missing=0.05, targets=0.01 * np.eye(3))
    net = excitation_and_inhibition(loss=loss, out_learns=(), to_out_learns=())
    assert_gradients_agree(net, names=["in_E.weights", "E_I.weights", "I_E.delays"], labels=[0, 1, 2])


def test_bits_are_the_same_for_any_number_of_threads():
    nets = [excitation_and_inhibition(threads=threads) for threads in (1, 2, 5)]
    results = [net.run(spikes(samples=11), np.arange(11) % 2) for net in nets]
    gradients = [net.gradients(result) for net, result in zip(nets, results, strict=True)]
    for result, found in zip(results[1:], gradients[1:], strict=True):
        np.testing.assert_array_equal(result.losses, results[0].losses)
        for name in nets[0].learnable:
            np.testing.assert_array_equal(found[name], gradients[0][name])


def test_memory_grows_with_what_a_sample_needs(monkeypatch):
    roomy = excitation_and_inhibition().run(spikes(), [0, 1, 0])
    monkeypatch.setattr(network_group, "ENTRIES", 2)
    tight = excitation_and_inhibition()
    group = tight.groups["E+I"]
    group._capacity = 1
    found = tight.run(spikes(), [0, 1, 0])
    assert group._entries > 2 and group._capacity > 1
    np.testing.assert_array_equal(found.losses, roomy.losses)
    tight.gradients(found)


def test_gradients_are_those_of_the_run():
    """Whatever has been assigned since then."""
    net = excitation_and_inhibition()
    result = net.run(spikes(), [0, 1, 0])
    before = net.gradients(result)
    for name in ("in_E.weights", "I_E.delays", "E.tau_mem", "I.theta"):
        net.all_parameters()[name][...] *= 1.1
    net.run(spikes(), [0, 1, 0])
    after = net.gradients(result)
    for name in net.learnable:
        np.testing.assert_array_equal(after[name], before[name])


def test_models_of_one_name_are_told_apart():
    spec = {
        "name": "lif",
        "title": "Another lif",
        "source": "a test",
        "parameters": {"tau": {"value": 10e-3, "positive": True}, "theta": 0.8},
        "initial": {"V": 0.0, "I": 0.0},
        "dynamics": {"f_V": "tau*dot(V) + V - 2*I", "f_I": "tau*dot(I) + 2*I"},
        "transition": {"spike": {"when": "V - theta", "reset": {"V": "0"}, "emits": True}},
        "receive": {"exc": {"I": "I + w"}},
    }
    net = network(
        loss=LOSS,
        populations__out__model=spec,
        projections__out_hid={"pre": "out", "post": "hid", "weights": 0.2, "delay": 2e-3},
    )
    assert list(net.groups) == ["hid+out"]
    assert_gradients_agree(net, names=["in_hid.weights", "hid_out.weights", "out.tau", "hid.tau_mem"])


def test_a_trace_of_a_group():
    net = excitation_and_inhibition(loss=None)
    t = np.linspace(0.0, T, 301)
    found = net.trace(spikes(), times=t)
    final = net.run(spikes()).final
    for name in ("E", "I", "out"):
        for state, values in final[name].items():
            np.testing.assert_allclose(found.states[name][state][:, -1], values, rtol=1e-12, atol=1e-15)


def test_spikes_that_meet_at_zero_delay_are_reported():
    net = saltus.Network(
        T=T,
        inputs={"in": 1},
        populations={"a": {"model": "lif", "size": 2, "sample_times": [0.01]}},
        projections={
            "in_a": {"pre": "in", "post": "a", "weights": 8.0},
            "a_a": {"pre": "a", "post": "a", "weights": 1.0, "mask": [[0, 1], [1, 0]]},
        },
    )
    assert "joined" in [notice.kind for notice in net.run([[[1e-3]]]).warnings]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"V0": [0, 0, 2.0, 0, 0, 0]}, r"neuron 2 of population 'hid' starts at or above"),
        ({"v_reset": 1.5}, r"population 'hid' is at or above its threshold right after its reset"),
    ],
)
def test_failures_name_the_population(params, message):
    with pytest.raises(RunError, match=message):
        network(populations__hid__params=params, populations__hid__sample_times=[0.01]).run(spikes())


def test_only_the_fast_kernel_ends_neurons_early():
    with pytest.raises(
        saltus.ConfigError,
        match=r"spikes_kept = 1: only the fast kernel .* network kernel, because hid_out is sparse\. Leave",
    ):
        network(
            populations__out__spikes_kept=1,
            projections__hid_out__connect=1.0,
            projections__hid_out__weights=1.0,
        )


def test_a_run_ends_however_its_end_is_rounded():
    """Whoever has no spike to come is not looked at again: since + (T - since) may be rounded to before T."""
    program = """
import numpy as np, saltus
for T in np.linspace(6e-3, 7e-3, 50):
    net = saltus.Network(
        T=float(T),
        inputs={"in": 1},
        populations={"a": {"model": "lif", "size": 1}},
        projections={"in_a": {"pre": "in", "post": "a", "weights": ([0], [0], [0.1])}},
    )
    assert "network kernel" in net.explain()
    for at in np.linspace(0.0, 3e-3, 20):
        net.run([[[at]]])
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
