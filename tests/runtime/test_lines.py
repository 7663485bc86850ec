"""Delays on the fast path: the network kernel's spikes, losses and gradients, event by event."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_network import T, spikes

import saltus
from saltus.errors import RunError
from saltus.runtime import choice

LOSS = saltus.loss("first_spike_cross_entropy", tau_0=5e-3, tau_1=20e-3, alpha=0.01, population="out")
TWO = np.where(np.arange(24).reshape(4, 6) % 3 == 0, 1e-3, 3.5e-3)
"""Two delays a source."""
MASK = np.arange(24).reshape(4, 6) % 5 > 0


def network(delays: dict[str, Any], *, at: tuple[float, ...] = (), **changes: Any) -> saltus.Network:
    """4 inputs, 6 neurons of two receptors, 3 outputs; ``at``: times that take it to the network kernel."""
    random = np.random.default_rng(3)
    populations: dict[str, Any] = {
        "hid": {"model": "ei", "size": 6, "learn": ["tau_mem", "theta"], "sample_times": at},
        "out": {"model": "lif", "size": 3, "learn": ["tau_syn"], "sample_times": at},
    }
    projections: dict[str, Any] = {
        "exc": {"pre": "in", "post": "hid", "receptor": "exc", "weights": random.normal(3.5, 0.5, (4, 6))},
        "inh": {"pre": "in", "post": "hid", "receptor": "inh", "weights": random.normal(0.4, 0.1, (4, 6))},
        "to": {"pre": "hid", "post": "out", "weights": random.normal(1.6, 0.4, (6, 3))},
        "past": {"pre": "in", "post": "out", "weights": random.normal(1.5, 0.4, (4, 3))},
    }
    for name, delay in delays.items():
        projections[name]["delay"] = delay
    for name, more in changes.items():
        projections[name] = {**projections.get(name, {}), **more}
    return saltus.Network(T=T, inputs={"in": 4}, populations=populations, projections=projections, loss=LOSS)


def flat(values: Any) -> np.ndarray:
    """All numbers in nested lists of arrays."""
    return np.hstack([flat(each) for each in values]) if isinstance(values, list) else np.ravel(values)


def assert_same(fast: saltus.Network, slow: saltus.Network, given: Any = None) -> saltus.Result:
    """Loss, spikes, states at the end and all gradients."""
    assert "network kernel" not in fast.explain() and "fast kernel" not in slow.explain()
    one, two = (net.run(spikes() if given is None else given, [0, 1, 2]) for net in (fast, slow))
    np.testing.assert_allclose(one.losses, two.losses, rtol=1e-12)
    for name in one.spikes:
        np.testing.assert_array_equal(one.spikes[name].neurons, two.spikes[name].neurons)
        np.testing.assert_allclose(one.spikes[name].times, two.spikes[name].times, rtol=1e-12)
        for state, values in two.final[name].items():
            np.testing.assert_allclose(one.final[name][state], values, rtol=1e-10, atol=1e-13)
    names = [*fast.all_parameters(), "input_times"]
    first, second = fast.gradients(one, wrt=names), slow.gradients(two, wrt=names)
    for name in names:
        found, expected = flat(first[name]), flat(second[name])
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12 * scale, err_msg=name)
    for name in (name for name in names if name.endswith(".delays")):
        alone = fast.gradients(one, wrt=[name])[name]
        np.testing.assert_allclose(alone, first[name], rtol=1e-10, atol=1e-13 * np.abs(alone).max())
    return one


DELAYS: dict[str, dict[str, Any]] = {
    "one of the input": {"exc": 2e-3},
    "one of the neurons": {"to": 2e-3},
    "both, another one each": {"exc": 1e-3, "inh": 2e-3, "to": 0.5e-3, "past": 4e-3},
    "one of each source": {"exc": np.linspace(0.0, 5e-3, 4)[:, None] * np.ones(6)},
    "two of each source": {"exc": TWO, "inh": TWO[::-1]},
    "a column longer than T": {"exc": np.where(np.arange(6) == 2, 2 * T, 1e-3) * np.ones((4, 1))},
    "all longer than T": {"inh": 1.01 * T, "past": T},
    "none and some": {"past": [[0.0, 1e-3, 0.0]] * 4, "to": np.eye(6, 3) * 2e-3},
}


@pytest.mark.parametrize("delays", DELAYS.values(), ids=DELAYS)
def test_delays_are_exact_on_the_fast_path(delays):
    result = assert_same(network(delays), network(delays, at=(0.01,)))
    assert min(len(each.times) for each in result.spikes.values()) > 4


def test_delays_of_masked_synapses():
    more: dict[str, Any] = {"mask": MASK, "weights": saltus.Normal(3.5, 0.5), "delay": TWO}
    assert_same(network({}, exc=more), network({}, at=(0.01,), exc=more))


def test_arrivals_at_one_time_and_at_the_end():
    """Of both sources and both projections, at times that are sums of powers of two; some at T exactly."""
    net, other = (network({"exc": T / 4, "inh": T / 8, "past": T / 2}, at=at) for at in ((), (0.01,)))
    sample = [[T / 8, T / 4], [T / 8], [T / 2, 3 * T / 4], [0.0, T / 4]]
    assert_same(net, other, [sample, sample[::-1], sample])


def test_a_population_that_is_read_at_the_end():
    random = np.random.default_rng(7)
    weights = {"in_a": random.normal(3.0, 0.5, (4, 6)), "a_b": random.normal(1.0, 1.0, (6, 3))}
    delays = {"in_a": 1e-3, "a_b": 1e-3 * np.arange(18).reshape(6, 3)}
    nets = [
        saltus.Network(
            T=T,
            inputs={"in": 4},
            populations={
                "a": {"model": "lif", "size": 6, "sample_times": at},
                "b": {"model": "li", "size": 3, "per_neuron": ["V0", "I0"], "sample_times": at},
            },
            projections={
                name: {
                    **dict(zip(("pre", "post"), name.split("_"), strict=True)),
                    "weights": w,
                    "delay": delays[name],
                }
                for name, w in weights.items()
            },
            loss=saltus.loss("sum_cross_entropy", readout="sum_V", scale=30.0),
        )
        for at in ((), (0.01,))
    ]
    assert_same(*nets)


def test_with_recurrence():
    again: dict[str, Any] = {"pre": "hid", "post": "hid", "receptor": "exc", "weights": 0.1}
    delays = {"exc": TWO, "to": 1e-3}
    assert_same(network(delays, again=again), network(delays, at=(0.01,), again=again))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from([0.0, 0.5e-3, 2e-3, T]), min_size=6, max_size=6), min_size=4, max_size=4
    ),
    st.lists(st.floats(0.0, 1.2 * T), min_size=6, max_size=6),
)
def test_any_delays(of_input, of_hidden):
    delays = {"exc": of_input, "to": np.outer(of_hidden, np.ones(3))}
    if not (np.any(of_input) and np.any(of_hidden)):
        return
    assert_same(network(delays), network(delays, at=(0.01,)))


def test_a_delay_that_is_assigned_makes_its_own_events():
    """Also where there are more of them than are chosen for; a run keeps the events that it had."""
    net, other = (network({"exc": 1e-3}, at=at) for at in ((), (0.01,)))
    before = net.run(spikes(), [0, 1, 2])
    expected = net.gradients(before)
    for each in (net, other):
        each.all_parameters()["exc.delays"][...] = np.linspace(0.5e-3, 4e-3, 24).reshape(4, 6)
    assert_same(net, other)
    found = net.gradients(before)
    for name in net.learnable:
        np.testing.assert_array_equal(found[name], expected[name])
    net.all_parameters()["exc.delays"][1, 2] = -1.0
    with pytest.raises(RunError, match=r"exc\.delays: the one from neuron 1 to 2 is not a time"):
        net.run(spikes())


def test_learned_delays_are_fast_where_few_synapses_have_one_source():
    learns = {"learn": ["weights", "delays"]}
    net, other = (network({"to": 1e-3, "past": 2e-3}, at=at, to=learns, past=learns) for at in ((), (0.01,)))
    assert_same(net, other)
    assert "to.delays" in net.learnable


def test_many_delays_are_not(monkeypatch):
    """Each would need a row of weights."""
    monkeypatch.setattr(choice, "LINES", 5)
    learned = network({"exc": 1e-3}, exc={"learn": ["weights", "delays"]})
    assert "because exc learns its delays and has more than 5 synapses a source" in learned.explain()
    spread = network({"exc": np.linspace(1e-3, 2e-3, 24).reshape(4, 6)})
    assert "because exc has more than 5 different delays a source" in spread.explain()
    assert (
        "hid: fast kernel: one population with a solution in closed form, dense, each delay of a source an "
        in (network({"exc": np.linspace(1e-3, 2e-3, 24).reshape(4, 6) // 2e-4 * 2e-4}).explain())
    )


@pytest.mark.parametrize(
    "make", [lambda at: network({"exc": TWO, "to": 1e-3}, at=at), lambda at: looped(2e-3, at)]
)
def test_a_trace_sees_the_arrivals(make):
    times = np.linspace(0.0, T, 41)
    one, two = (make(at).trace(spikes(), [0, 1, 2], times) for at in ((), (0.01,)))
    for name in ("hid", "out"):
        for found, expected in ((one.states, two.states), (one.adjoints, two.adjoints)):
            assert found is not None and expected is not None
            for state, values in expected[name].items():
                np.testing.assert_allclose(
                    found[name][state], values, rtol=1e-9, atol=1e-11 * np.abs(values).max()
                )


def halving(at: tuple[float, ...] = (), **more: Any) -> saltus.Network:
    """A spike halves V wherever it arrives, whatever its weight; one of two projections has delays."""
    spec: dict[str, Any] = {
        "name": "halving",
        "title": "One that forgets by half at each spike",
        "source": "a test",
        "parameters": {"tau": {"value": 10e-3, "positive": True}},
        "initial": {"V": 1.0},
        "dynamics": {"f_V": "tau*dot(V) + V"},
        "readouts": {"v": "final(V)"},
        "receive": {"exc": {"V": "V/2 + w"}},
    }
    ends: dict[str, Any] = {"pre": "in", "post": "a"}
    weights = [[3.0, 0.0], [2.0, 4.0]]
    return saltus.Network(
        T=T,
        inputs={"in": 2},
        populations={"a": {"model": spec, "size": 2, "sample_times": at}},
        projections={"w": {**ends, "weights": weights, **more}, "v": {**ends, "weights": 0.5}},
    )


def test_a_row_has_no_gaps_where_a_spike_without_weight_acts():
    """Those that it does not reach keep their V."""
    gone = [np.exp(-t / 10e-3) for t in (T, T - 12e-3, T - 10e-3)]
    expected = gone[0] / 8 + gone[1] * 0.5 + gone[2] * (4.0 / 4 + 0.5 / 2)
    masked = halving(mask=[[1, 0], [1, 1]])
    assert "leaves neurons out, and a spike without weight acts at exc" in masked.explain()
    found = masked.run([[[12e-3], [10e-3]]]).final["a"]["V"][0, 1]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    whole, split = halving(delay=1e-3), halving(delay=[[1e-3, 2e-3]] * 2)
    assert "fast kernel" in whole.explain() and "leaves neurons out" in split.explain()
    whole.all_parameters()["w.delays"][0, 1] = 2e-3
    with pytest.raises(
        RunError, match=r"w\.delays: several of one source, and to halving a spike without weight"
    ):
        whole.run([[[12e-3], [10e-3]]])


LOOPS: dict[str, Any] = {
    "one delay": 2e-3,
    "of each neuron": np.linspace(0.5e-3, 8e-3, 6)[:, None] * np.ones(6),
    "three of each": np.array([1e-3, 1.5e-3, 7e-3])[np.add.outer(np.arange(6), np.arange(6)) % 3],
    "none, and longer than T": np.where(np.eye(6), 2 * T, np.linspace(0.0, 1e-3, 6)[:, None]),
    "shorter than any interval": 1e-7,
}


@pytest.mark.parametrize("delay", [4e-3, [[4e-3] * 2, [2e-3] * 2]])
def test_the_order_at_one_time_is_that_of_the_network_kernel(delay):
    """First what has no delays, then the earlier; of what was sent at one time, the last neuron first."""
    given = [[[0.0, 4e-3, 8e-3], [0.0, 2e-3, 6e-3, 8e-3]]]
    one, two = (halving(at, delay=delay).run(given).final["a"]["V"] for at in ((), (0.01,)))
    np.testing.assert_allclose(one, two, rtol=1e-13)


@pytest.mark.parametrize("delay", LOOPS.values(), ids=LOOPS)
def test_delays_within_a_population(delay):
    weights = np.random.default_rng(4).normal(0.15, 0.4, (6, 6))
    again: dict[str, Any] = {
        "pre": "hid",
        "post": "hid",
        "receptor": "exc",
        "weights": weights,
        "delay": delay,
    }
    nets = [network({"exc": TWO, "to": 1e-3}, at=at, again=again) for at in ((), (0.01,))]
    result = assert_same(*nets)
    assert len(result.spikes["hid"].times) > 20
    nets = [network({}, at=at, again=again) for at in ((), (0.01,))]
    assert_same(*nets)


def looped(delay: Any, at: tuple[float, ...] = (), **more: Any) -> saltus.Network:
    """Two projections of hidden neurons to themselves."""
    random = np.random.default_rng(6)
    ends = {"pre": "hid", "post": "hid"}
    again = {**ends, "receptor": "exc", "weights": random.normal(0.2, 0.4, (6, 6)), "delay": delay, **more}
    other = {**ends, "receptor": "inh", "weights": 0.1, "delay": 1e-3, "mask": 1 - np.eye(6)}
    return network({"to": 1e-3}, at=at, again=again, other=other)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from([0.0, 1e-4, 3e-3, T]), min_size=6, max_size=6), min_size=6, max_size=6)
)
def test_any_delays_within_a_population(delay):
    assert_same(looped(np.array(delay) + 1e-5), looped(np.array(delay) + 1e-5, at=(0.01,)))


def test_learned_delays_within_a_population():
    """One synapse a source: each neuron has the one before it for a target."""
    more = {"mask": np.roll(np.eye(6), 1, axis=1), "weights": saltus.Normal(1.0, 0.2), "learn": ["delays"]}
    net, other = (looped(2e-3, at, **more) for at in ((), (0.01,)))
    assert_same(net, other)
    assert "again.delays" in net.learnable


def test_a_spike_comes_back_at_the_end():
    """Its delay is all the time that is left."""
    first = looped(2e-3).run(spikes(), [0, 1, 2]).spikes["hid"].times[0]
    left = T - first
    while first + left > T:
        left = np.nextafter(left, 0.0)
    assert first + left == T
    given = spikes().to_times()
    nets = [looped(left, at) for at in ((), (0.01,))]
    ends = [net.run(given).final["hid"] for net in nets]
    for state in ends[1]:
        np.testing.assert_allclose(ends[0][state], ends[1][state], rtol=1e-12)
    later = looped(left + 1e-12).run(given).final["hid"]
    assert any(np.abs(later[state] - ends[0][state]).max() > 1e-3 for state in later)


def test_room_and_threads_do_not_matter_within_a_population():
    one, two = looped(2e-3), looped(2e-3)
    two.groups["hid"]._capacity = 1
    two.threads = 3
    results = [net.run(spikes(), [0, 1, 2]) for net in (one, two)]
    np.testing.assert_array_equal(results[0].losses, results[1].losses)
    found = [net.gradients(result) for net, result in zip((one, two), results, strict=True)]
    for name in one.learnable:
        np.testing.assert_array_equal(found[0][name], found[1][name])


def test_a_long_time_without_input_is_looked_into_bit_by_bit():
    """Neurons that spike by a current of their own and are silenced by one another."""
    model: dict[str, Any] = {
        "name": "driven",
        "title": "One that spikes by itself",
        "source": "a test",
        "parameters": {"tau": {"value": 5e-3, "positive": True}, "theta": 1.0, "E": 1.5},
        "initial": {"V": 0.0, "I": 0.0},
        "dynamics": {"f_V": "tau*dot(V) + V - E - I", "f_I": "tau*dot(I) + 2*I"},
        "transition": {"spike": {"when": "V - theta", "reset": {"V": "0"}, "emits": True}},
        "receive": {"exc": {"I": "I + w"}},
    }
    nets = []
    for at in ((), (0.01,)):
        own = {"model": model, "size": 6, "params": {"E": np.linspace(1.5, 2.5, 6)}, "learn": ["E", "tau"]}
        nets.append(
            saltus.Network(
                T=T,
                inputs={"in": 3},
                populations={"out": {**own, "sample_times": at}},
                projections={
                    "w": {"pre": "in", "post": "out", "weights": np.ones((3, 6))},
                    "again": {
                        "pre": "out",
                        "post": "out",
                        "weights": np.random.default_rng(8).normal(0.0, 0.3, (6, 6)),
                        "delay": 0.7e-3,
                    },
                },
                loss=LOSS,
            )
        )
    result = assert_same(nets[0], nets[1], [[[T / 2]] * 3] * 3)
    assert len(result.spikes["out"].times) > 100
