"""Few neurons go from event to event a vector at a time; that may hide no crossing, and no credit."""

import numpy as np
import pytest

import saltus

INPUTS, IDLE, T = 30, 40, 0.06
STRENGTH = {"exc": (0.05, 0.5), "inh": (0.01, 0.1)}


def net(model, n, receptors, kept, idle, own=False):
    """n neurons, and others that get no input: many go from event to event in another way.

    own: they have time constants of their own, all between those of the model and half as much again.
    """
    random = np.random.default_rng(n)
    weights = {name: random.uniform(*STRENGTH[name], (INPUTS, n)) for name in receptors}
    taus = {p.name: p.default for p in saltus.model(model).ir.parameters if p.name.startswith("tau")}
    params = {name: tau * random.uniform(1.0, 1.5, n + IDLE)[: n + idle] for name, tau in taus.items() if own}
    return saltus.Network(
        T=T,
        inputs=dict.fromkeys(receptors, INPUTS),
        populations={
            "a": {
                "model": model,
                "size": n + idle,
                "spikes_kept": kept,
                "params": params,
                "learn": list(taus) if own else [],
            }
        },
        projections={
            name: {"pre": name, "post": "a", "receptor": name, "weights": np.pad(given, ((0, 0), (0, idle)))}
            for name, given in weights.items()
        },
    )


def trains(receptors, grid):
    random = np.random.default_rng(7)
    times = {name: random.uniform(0.0, T, (2, INPUTS, 4)) for name in receptors}
    if grid:
        times = {name: grid * np.floor(values / grid) for name, values in times.items()}
    return {name: [[np.unique(t) for t in sample] for sample in values] for name, values in times.items()}


@pytest.mark.parametrize("grid", [0.0, 1e-3], ids=["any time", "grid"])
@pytest.mark.parametrize("kept", [None, 1])
@pytest.mark.parametrize("n", [3, 19, 32])
@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
@pytest.mark.parametrize(
    ("model", "receptors"), [("lif", ["exc"]), ("ei", ["exc", "inh"])], ids=["lif", "ei"]
)
def test_few_neurons_are_as_among_many(model, receptors, own, n, kept, grid):
    found = []
    for idle in (0, IDLE):
        result = net(model, n, receptors, kept, idle, own).run(trains(receptors, grid))
        spikes = result.spikes["a"]
        seeds = np.random.default_rng(3).standard_normal(len(spikes.times))
        gradients = result.net.gradients(result, d_spike_times={"a": seeds})
        times = gradients["input_times"] if len(receptors) > 1 else {"exc": gradients["input_times"]}
        found.append(
            [
                *(values[:, :n] for values in result.final["a"].values()),
                *(gradients[f"{name}.weights"][:, :n] for name in receptors),
                *(gradients[name][:n] for name in gradients if name.startswith("a.")),
                *(np.concatenate([t for sample in times[name] for t in sample]) for name in receptors),
            ]
        )
        found[-1] += [spikes.times, spikes.neurons]
    assert len(found[0][-1]) > n / 2
    np.testing.assert_array_equal(found[0].pop(), found[1].pop())
    np.testing.assert_allclose(found[0].pop(), found[1].pop(), rtol=1e-12)
    for one, two in zip(*found, strict=True):
        assert np.abs(two).max() > 0.0
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-9 * np.abs(two).max())


@pytest.mark.parametrize("grid", [0.0, 1e-3], ids=["any time", "grid"])
@pytest.mark.parametrize("n", [40, 72, 104])
@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
@pytest.mark.parametrize(
    ("model", "receptors"), [("lif", ["exc"]), ("ei", ["exc", "inh"])], ids=["lif", "ei"]
)
def test_weights_gain_the_same_whether_or_not_times_do(model, receptors, own, n, grid):
    """Only where times gain nothing, many neurons go back from event to event some at a time."""
    result = net(model, n, receptors, None, 0, own).run(trains(receptors, grid))
    assert len(result.spikes["a"].times) > 0
    names = [f"{name}.weights" for name in receptors]
    seeds = {"a": np.random.default_rng(3).standard_normal(len(result.spikes["a"].times))}
    alone = result.net.gradients(result, d_spike_times=seeds, wrt=names)
    both = result.net.gradients(result, d_spike_times=seeds, wrt=[*names, "input_times"])
    for name in names:
        np.testing.assert_allclose(alone[name], both[name], rtol=0, atol=1e-12 * np.abs(both[name]).max())


@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
def test_states_go_on_when_all_have_spiked_as_often_as_they_may(own):
    """Nobody is looked at any more; among others, who get no input and might still spike, everybody is."""
    one, two = (net("lif", 3, ["exc"], 1, idle, own).run(trains(["exc"], 0.0)) for idle in (0, IDLE))
    assert len(one.spikes["a"].times) == 2 * 3
    assert one.spikes["a"].times.max() < 0.5 * T
    for name, values in one.final["a"].items():
        np.testing.assert_allclose(values, two.final["a"][name][:, :3], rtol=1e-11)
