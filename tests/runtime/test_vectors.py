"""With parameters of their own, neurons are searched in bundles, and go back a vector at a time."""

import numpy as np
import pytest

import saltus

T, INPUTS = 0.06, 5
STRENGTH = {"exc": (0.2, 1.2), "inh": (0.02, 0.2)}
SCALE = {"lif": 8.0, "ei": 12.0, "alpha": 8.0}


def both(model, receptors, n, own, delay=None):
    """A layer in the fast kernel and, with weights in a list, in the network kernel, which steps each alone.

    own: whether its parameters differ between neurons; delay: with which it hears itself.
    """
    random = np.random.default_rng(n)
    values = {p.name: p.default for p in saltus.model(model).ir.parameters}
    params = {
        name: value * random.uniform(0.8, 1.2, n) if value else random.uniform(-0.1, 0.1, n)
        for name, value in values.items()
        if own
    }
    weights = {r: SCALE[model] * random.uniform(*STRENGTH[r], (INPUTS, n)) for r in receptors}
    loop = np.where(random.uniform(size=(n, n)) < 0.2, 0.02, 0.0)
    nets = []
    for listed in (False, True):
        projections = {
            r: {"pre": r, "post": "a", "receptor": r, "weights": as_list(w) if listed else w}
            for r, w in weights.items()
        }
        if delay is not None:
            given = as_list(loop) if listed else loop
            projections["loop"] = {
                "pre": "a",
                "post": "a",
                "receptor": "exc",
                "weights": given,
                "delay": delay,
            }
        population = {"model": model, "size": n, "params": params, "learn": list(values)}
        net = saltus.Network(
            T=T,
            inputs=dict.fromkeys(receptors, INPUTS),
            populations={"a": population},
            projections=projections,
        )
        assert ("network kernel" in net.explain()) == listed
        nets.append(net)
    return nets


def as_list(weights):
    pre, post = np.nonzero(weights)
    return pre, post, weights[pre, post]


def trains(receptors):
    random = np.random.default_rng(7)
    return {
        r: [[[t] for t in sample] for sample in random.uniform(0.0, T / 2, (2, INPUTS))] for r in receptors
    }


@pytest.mark.parametrize("ends", [False, True], ids=["spikes", "and states at the end"])
@pytest.mark.parametrize("n", [5, 43])
@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
@pytest.mark.parametrize(
    ("model", "receptors"),
    [("lif", ["exc"]), ("ei", ["exc", "inh"]), ("alpha", ["exc"])],
    ids=["lif", "ei", "alpha"],
)
def test_neurons_go_backward_as_each_alone(model, receptors, own, n, ends):
    """More spikes than events: a vector of neurons goes to its last spike, or to the end, and back."""
    found = []
    for net in both(model, receptors, n, own):
        result = net.run(trains(receptors))
        spikes = result.spikes["a"]
        seeds = np.random.default_rng(3).standard_normal(len(spikes.times))
        seeds[-len(seeds) // 5 :] = 0.0
        final = {name: np.cos(np.arange(v.size)).reshape(v.shape) for name, v in result.final["a"].items()}
        gradients = net.gradients(
            result, d_spike_times={"a": seeds}, d_readouts={"a": final} if ends else None
        )
        times = gradients.pop("input_times")
        times = times if len(receptors) > 1 else {"exc": times}
        found.append({k: np.ravel(v) for k, v in gradients.items()})
        found[-1] |= {r: np.concatenate([t for sample in times[r] for t in sample]) for r in receptors}
        found[-1] |= {"times": spikes.times, "neurons": spikes.neurons}
    one, two = found
    assert len(one["times"]) > 2 * (INPUTS + 1) * len(receptors)  # in both samples
    np.testing.assert_array_equal(one.pop("neurons"), two.pop("neurons"))
    for name, expected in two.items():
        assert np.abs(expected).max() > 0.0, name
        np.testing.assert_allclose(
            one[name], expected, rtol=0, atol=1e-9 * np.abs(expected).max(), err_msg=name
        )


@pytest.mark.parametrize("n", [5, 43])
def test_delayed_spikes_arrive_at_neurons_of_different_parameters(n):
    one, two = (net.run(trains(["exc"])).spikes["a"] for net in both("lif", ["exc"], n, True, 1.5e-3))
    assert len(one.times) > 2 * n
    np.testing.assert_array_equal(one.neurons, two.neurons)
    np.testing.assert_allclose(one.times, two.times, rtol=1e-11)
