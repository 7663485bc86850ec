"""What a run says of its memory: all that NumPy allocated for it, and the law that it follows."""

import gc
import tracemalloc
from dataclasses import asdict

import numpy as np
import pytest
from small_network import LOSS, T, labels, layers

import saltus
from saltus.runtime.group import CHUNKS

SAMPLES = 100


def delayed():
    """Two populations of the network kernel, read at times of their own."""
    return saltus.Network(
        T=T,
        inputs={"in": 4},
        populations={
            "hidden": {"model": "lif", "size": 9, "sample_times": [0.01, 0.02], "learn": ["tau_mem"]},
            "output": {"model": "lif", "size": 3},
        },
        projections={
            "in_hidden": {"pre": "in", "post": "hidden", "weights": saltus.Normal(2.0, 0.7)},
            "hidden_hidden": {"pre": "hidden", "post": "hidden", "weights": 0.2, "delay": 2e-3},
            "hidden_output": {"pre": "hidden", "post": "output", "weights": saltus.Normal(0.8, 0.5)},
        },
        loss=LOSS,
    )


def late(delay):
    """What comes in, and what neurons send to themselves and to others, arrives later."""
    hidden = saltus.Layer("lif", 9, inputs=4, recurrent=True, weights=saltus.Normal(2.0, 0.7), delay=1e-3,
                          recurrent_weights=saltus.Normal(0.2, 0.4), recurrent_delay=delay)  # fmt: skip
    output = saltus.Layer("lif", 3, weights=saltus.Normal(0.8, 0.5), delay=1e-3)
    return saltus.Network([hidden, output], T=T, loss=LOSS)


def maxima():
    """A readout of maxima on a grid."""
    hidden = saltus.Layer("lif", 9, inputs=4, weights=saltus.Normal(2.0, 0.7))
    output = saltus.Layer("li_max", 3, weights=0.5)
    loss = saltus.loss("max_cross_entropy", readout="max_V")
    return saltus.Network([hidden, output], T=T, loss=loss, engine="clock", dt=1e-3)


NETWORKS = {
    "event": layers,
    "event, recurrent": lambda: layers(recurrent=True),
    "event, delays": lambda: late(2e-3),
    "event, many delays": lambda: late(1e-3 * (1 + np.arange(81).reshape(9, 9) % 3)),
    "event, network kernel": delayed,
    "clock": lambda: layers(engine="clock", dt=1e-3),
    "clock, recurrent": lambda: layers(recurrent=True, engine="clock", dt=1e-3, dtype="float64"),
    "clock, maxima": maxima,
}


def trains(samples, each=4, until=T / 2):
    times = np.random.default_rng(0).uniform(0.0, until, (samples, 4, each))
    return saltus.Spikes.from_times([list(np.sort(sample)) for sample in times])


def allocated():
    """Bytes of NumPy's arrays that are alive, of those allocated since tracing began."""
    gc.collect()
    only = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([only]).traces)


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_what_is_stated_is_what_was_allocated(make):
    net = make()
    net.gradients(net.run(trains(1), labels(1)))  # kernels are loaded
    net = make()
    tracemalloc.start()
    try:
        result = net.run(trains(SAMPLES), labels(SAMPLES))
        after_run, stated_run = allocated(), result.memory
        net.gradients(result)
        after_gradients, stated_gradients = allocated(), result.memory
    finally:
        tracemalloc.stop()
    for found, stated in ((after_run, stated_run), (after_gradients, stated_gradients)):
        assert 0 <= found - stated.total < 0.02 * found  # the rest: weights as laid out for kernels
    assert stated_run.gradients == 0 < stated_gradients.gradients
    assert stated_run.adjoints < stated_gradients.adjoints


def test_the_parts_are_those_of_the_arrays():
    net = layers()
    result = net.run(trains(SAMPLES), labels(SAMPLES))
    net.gradients(result)
    memory, tapes, groups = result.memory, result.tape.groups.values(), net.groups.values()
    assert memory.states >= sum(tape.state.nbytes + tape.final.nbytes for tape in tapes)
    assert memory.spikes >= sum(tape.capacity for tape in tapes) * SAMPLES * (8 + 4 + 4 + 8)
    assert memory.scratch == sum(group._workspace.nbytes for group in groups)
    assert memory.gradients >= sum(a.nbytes for group in groups for a in group._gradient_arrays)
    assert memory.total == sum(value for name, value in asdict(memory).items() if name != "batch")
    assert memory.per_sample == (memory.total - memory.gradients - memory.scratch) / SAMPLES


def test_spikes_of_a_chunk_have_no_gaps_between_samples():
    net = layers()
    result = net.run(trains(SAMPLES), labels(SAMPLES))
    tape = next(iter(result.tape.groups.values()))
    start, count, chunks = tape.out.start, tape.out.count, min(SAMPLES, CHUNKS)
    first = np.arange(chunks) * SAMPLES // chunks
    follow = np.setdiff1d(np.arange(SAMPLES), first)
    assert len(follow) > 0 and count.sum() > 0
    np.testing.assert_array_equal(start[first], first * tape.capacity)
    np.testing.assert_array_equal(start[follow], (start + count)[follow - 1])


def run(net, each, until=0.5):
    """Bytes of a sample, and its spikes and events."""
    result = net.run(trains(4, each, until))
    trains_of = (result.inputs["input"], *result.spikes.values())
    return result.memory.per_sample, sum(len(train.times) for train in trains_of) / 4


def test_memory_is_linear_in_spikes_and_events():
    """Not more than twice, since room for spikes is doubled when it does not suffice."""
    few, events = run(layers(T=0.5), 50)
    many, more = run(layers(T=0.5), 800)
    assert more > 8 * events
    assert 0.5 < (many / more) / (few / events) < 2.0


def test_memory_of_the_event_engine_knows_no_steps():
    """Nothing happens between the last spike and the end, however late that is."""
    short, events = run(layers(T=0.6), 50)
    long, same = run(layers(T=6.0), 50)
    assert (long, same) == (short, events)


def test_the_clock_pays_for_steps():
    """A number of four bytes for each step: of the input's events, and of each group's spikes."""

    def silent(dt):
        net = layers(T=0.5, engine="clock", dt=dt)
        net.parameters()["input_hidden0.weights"][...] = 0.0
        return net.run(trains(4)).memory.per_sample

    assert silent(1e-4) - silent(1e-3) == 4500 * 4 * 3


def test_the_summary_is_readable():
    result = layers().run(trains(2), labels(2))
    assert str(result.memory).endswith("a sample")
    assert "gradients 0 B" in str(result.memory)
