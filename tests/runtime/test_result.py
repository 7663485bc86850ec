"""What a result says besides numbers: doubtful spikes, memory, its summary."""

import gc
import threading

import numpy as np
from small_network import T, labels, layers, spikes

import saltus


def one_neuron(weights, **options):
    weights = np.asarray(weights, dtype=float)
    return saltus.Network([saltus.Layer("lif", weights.shape[1], inputs=1, weights=weights)], T=T, **options)


def peak_weight():
    """The weight of one input whose V just reaches 1: V is at most (x - x^4) / 3 of it, x = 4^(-1/3)."""
    return 1.0 / ((4.0 ** (-1 / 3) - 4.0 ** (-4 / 3)) / 3.0)


def kinds(result):
    return [notice.kind for notice in result.warnings]


def test_an_ordinary_run_has_no_warnings():
    assert layers().run(spikes(), labels()).warnings == ()


def test_a_nearly_tangential_spike_is_reported():
    just = peak_weight() * (1.0 + 1e-9)
    result = one_neuron([[just, 10.0, 11.0, 12.0]]).run([[[0.01]]])
    assert kinds(result) == ["tangential"]
    assert "1 spikes of population 'output' are nearly tangential" in str(result.warnings[0])


def test_a_near_miss_is_reported():
    just_not = peak_weight() * (1.0 - 1e-9)
    result = one_neuron([[just_not, 10.0, 11.0, 12.0]]).run([[[0.01]]])
    assert kinds(result) == ["near_miss"]


def test_joined_neurons_that_spike_together_are_reported():
    def net(recurrent):
        layer = saltus.Layer("lif", 2, inputs=1, weights=10.0, recurrent=recurrent, recurrent_weights=0.1)
        return saltus.Network([layer], T=T)

    assert kinds(net(False).run([[[0.01]]])) == []
    together = net(True).run([[[0.01]]])
    assert kinds(together) == ["joined"]
    assert "joined without delay" in str(together.warnings[0])
    first = together.spikes["output"].first()
    assert first[0, 0] == first[0, 1]


def test_the_summary_names_what_was_kept():
    layer = saltus.Layer("lif", 2, inputs=1, weights=30.0, spikes_kept=1)
    result = saltus.Network([layer], T=T).run([[[0.01]]])
    assert repr(result) == "Result(1 samples: 2 spikes of output (at most 1 a neuron kept))"


def test_memory_grows_with_the_spikes():
    net = layers()
    few = net.run(spikes(2)).memory.total
    net.parameters()["input_hidden0.weights"][...] *= 30.0
    assert net.run(spikes(2)).memory.total > few > 0


def test_memory_is_used_again():
    net = layers()
    tape = net.run(spikes()).tape
    gc.collect()
    assert net.run(spikes()).tape is tape


def test_two_python_threads_may_share_a_network():
    net = layers()
    expected = [net.run(spikes(seed=seed), labels()).loss for seed in range(8)]
    found = {}

    def work(seed):
        for _ in range(20):
            found[seed] = net.run(spikes(seed=seed), labels()).loss

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [found[seed] for seed in range(8)] == expected
