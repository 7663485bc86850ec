"""What must hold for any network: drawn at random, in structure, parameters, weights and input."""

from __future__ import annotations

import copy
from typing import Any

import networks
import numpy as np
import oracle
import pytest
import reference
from agreement import assert_gradients, assert_spikes
from hypothesis import assume, given
from hypothesis import strategies as st

import saltus

MANY_SPIKES = 40
"""Networks with more are left out: errors are amplified spike by spike, and the oracle is slow."""

FLAT = 0.05
"""Least slope of V at a spike (thresholds a membrane time constant) where 9 digits are a fair demand."""


@given(networks.cases())
def test_gradient_is_the_oracles(case: dict[str, Any]):
    """Loss, spikes and every derivative, to 1e-9, from 50-digit tangents that know nothing of adjoints."""
    expected = evaluate(case)
    found = reference.run(case)
    assert found["loss"] == pytest.approx(float(expected["loss"]), rel=1e-10, abs=1e-12)
    assert_spikes(found["spikes"], expected["spikes"])
    assert_gradients(found["grad"], expected["grad"])


@given(networks.cases(readout="lif"), st.integers(0, 2))
def test_gradient_of_the_cross_entropy_is_the_oracles(case: dict[str, Any], label: int):
    """The same through a compiled loss head, outputs that stay silent included."""
    label %= case["populations"][1]["size"]
    assume(reference.run(case)["spikes"]["out"][label])
    times = {"tau0": 5e-3, "tau1": 2e-2, "alpha": 0.01}
    case["loss"] = {"type": "first_spike_xent", "pop": "out", "label": label, **times}
    expected = evaluate(case)
    found = reference.run(case)
    assert found["loss"] == pytest.approx(float(expected["loss"]), rel=1e-10, abs=1e-12)
    assert_gradients(found["grad"], expected["grad"])


@given(networks.cases())
def test_later_input_makes_everything_later(case: dict[str, Any]):
    """Shifting the input by one time shifts all spikes by it, if nothing moves before the input comes."""
    for population in case["populations"]:
        rest = [0.0] * population["size"]
        population["params"] |= {"V0": rest, "I0": rest}
    later = copy.deepcopy(case)
    later["T"] += 2.0**-7
    for spike in later["input"]["spikes"]:
        spike[1] += 2.0**-7
    now, then = reference.run(case)["spikes"], reference.run(later)["spikes"]
    assume(sum(len(train) for train in now["hid"]) <= MANY_SPIKES)
    shifted = {name: [[t - 2.0**-7 for t in train] for train in trains] for name, trains in then.items()}
    assert_spikes(shifted, now)


@given(networks.cases())
def test_scaling_all_voltages_changes_no_spike(case: dict[str, Any]):
    """The unit of V and I is arbitrary: thresholds, resets, states and weights times 4 (exact in binary)."""
    scaled = copy.deepcopy(case)
    for population in scaled["populations"]:
        for name in {"theta", "v_reset", "V0", "I0"} & set(population["params"]):
            population["params"][name] = [4 * x for x in population["params"][name]]
    for projection in scaled["projections"]:
        projection["weights"] = [[None if w is None else 4 * w for w in row] for row in projection["weights"]]
    assert_spikes(reference.run(scaled)["spikes"], reference.run(case)["spikes"])


@st.composite
def batches(draw: st.DrawFn) -> tuple[saltus.Network, np.ndarray, np.ndarray]:
    """A two-layer network with the paper's loss; input spike times (samples, 5) and labels of a batch."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    samples, n = draw(st.integers(1, 37)), draw(st.integers(1, 20))
    hidden = saltus.Layer(
        "lif",
        n,
        inputs=5,
        weights=rng.normal(2.2, 1.0, (5, n)),
        recurrent=draw(st.booleans()),
        recurrent_weights=rng.normal(0, 0.2, (n, n)),
    )
    output = saltus.Layer(
        "lif",
        3,
        weights=rng.normal(0.8, 0.5, (n, 3)),
        learn=("weights", "tau_mem", "theta"),
        per_neuron=("tau_mem",),
    )
    loss = saltus.loss("first_spike_cross_entropy", missing=0.05)
    network = saltus.Network([hidden, output], T=0.05, loss=loss)
    return network, rng.uniform(0, 0.03, (samples, 5)), rng.integers(0, 3, samples)


@given(batches())
def test_a_batch_is_the_mean_of_its_samples(batch):
    """Losses and input gradients of a sample do not depend on the others; the rest is the mean."""
    network, times, labels = batch
    whole = network.run(times, labels)
    gradients = copied(network.gradients(whole))
    losses, single = [], []
    for b in range(len(labels)):
        one = network.run(times[[b]], labels[[b]])
        losses.append(one.loss)
        single.append(copied(network.gradients(one)))
    np.testing.assert_array_equal(whole.losses, losses)
    together = np.concatenate([gradient["input_times"] for gradient in single])
    assert_rounding(gradients["input_times"], together / len(labels))
    for name in network.parameters():
        assert_rounding(gradients[name], np.mean([gradient[name] for gradient in single], axis=0))


@given(batches(), st.randoms(use_true_random=False))
def test_the_order_of_samples_does_not_matter(batch, random):
    network, times, labels = batch
    order = list(range(len(labels)))
    random.shuffle(order)
    first = network.run(times, labels)
    a = copied(network.gradients(first))
    second = network.run(times[order], labels[order])
    b = copied(network.gradients(second))
    np.testing.assert_array_equal(first.losses[order], second.losses)
    np.testing.assert_array_equal(a["input_times"][order], b["input_times"])
    for name in network.parameters():
        assert_rounding(a[name], b[name])


@given(batches())
def test_the_bits_do_not_depend_on_threads(batch):
    network, times, labels = batch
    found = []
    for threads in (1, 2, 3):
        network.threads = threads
        result = network.run(times, labels)
        found.append({"losses": result.losses.copy(), **copied(network.gradients(result))})
    for other in found[1:]:
        for name, array in other.items():
            np.testing.assert_array_equal(array, found[0][name], err_msg=name)


def assert_rounding(a: np.ndarray, b: np.ndarray) -> None:
    """Equal but for the order in which samples were added up."""
    np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11 * np.max(np.abs(b), initial=0.0))


def copied(gradients: Any) -> dict[str, np.ndarray]:
    """As arrays of one's own; input times (samples, 5, 1)."""
    return {name: np.array(gradient) for name, gradient in gradients.items()}


def evaluate(case: dict[str, Any]) -> dict[str, Any]:
    """The oracle's answer to a case that is fair to ask: few spikes, none of them nearly tangential."""
    counted = reference.run(case)["spikes"]
    assume(sum(len(train) for trains in counted.values() for train in trains) <= MANY_SPIKES)
    evaluated = oracle.evaluate(case)
    assume(evaluated["least_slope"] > FLAT)
    return evaluated
