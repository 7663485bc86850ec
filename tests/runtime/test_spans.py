"""Tangents by spans, where neurons have their own time constants, against the network kernel."""

import numpy as np
import pytest

import saltus

N, INPUTS, T = 24, 12, 0.1

PAIR = {
    "name": "pair",
    "title": "Two receptors, arrivals with a parameter, and a reset that mixes states",
    "parameters": {
        "tau_mem": {"value": 20e-3, "positive": True},
        "tau_syn": {"value": 5e-3, "positive": True},
        "c": {"value": 0.8},
        "b": {"value": 0.3},
        "theta": {"value": 1.0},
    },
    "initial": {"V": 0.0, "I": 0.0},
    "dynamics": {"f_V": "tau_mem*dot(V) + V - c*I", "f_I": "tau_syn*dot(I) + I"},
    "transition": {
        "spike": {"when": "V - theta", "reset": {"V": "b*V - c", "I": "I - b*V*c"}, "emits": True}
    },
    "receive": {"exc": {"I": "I + c*w"}, "inh": {"I": "I - w/c"}},
}
OWN = {
    "lif": {"tau_mem": (15e-3, 25e-3), "tau_syn": (3e-3, 6e-3), "theta": (0.8, 1.2), "v_reset": (-0.2, 0.2)},
    "pair": {"tau_mem": (15e-3, 25e-3), "tau_syn": (3e-3, 6e-3), "c": (0.6, 1.2), "b": (-0.2, 0.2)},
}
TO = {"lif": ("exc", "exc"), "pair": ("exc", "inh")}


def network(model, inwards, between, params, sparse):
    """Half of the inputs into the first receptor, half into the other; sparse: in the network kernel."""
    first, second = TO[model]
    projections = {}
    half = INPUTS // 2
    rows = {"x": (inwards[:half], first), "y": (inwards[half:], second), "a": (between, first)}
    for pre, (given, receptor) in rows.items():
        source, target = np.nonzero(given)
        weights = (source, target, given[source, target]) if sparse else given
        projections[f"{pre}_a"] = {"pre": pre, "post": "a", "weights": weights, "receptor": receptor}
    own = {"params": params, "per_neuron": tuple(params), "learn": tuple(params)}
    population = {"model": PAIR if model == "pair" else model, "size": N, **own}
    net = saltus.Network(
        T=T, inputs={"x": half, "y": half}, populations={"a": population}, projections=projections
    )
    assert net.explain().count("network kernel" if sparse else "fast kernel")
    return net


@pytest.mark.parametrize("model", ["lif", "pair"])
@pytest.mark.parametrize("grid", [0.0, 7e-4, 2e-4], ids=["any time", "grid", "fine grid"])
@pytest.mark.parametrize("events", [4, 40, 400], ids=["few", "many", "several batches"])
def test_gradients_by_spans(model, grid, events):
    random = np.random.default_rng(events)
    inwards = random.uniform(0.0, 60.0 / events, (INPUTS, N)) * (1.0 if events > 4 else 0.4)
    between = 0.2 * (random.standard_normal((N, N)) - 0.5)
    np.fill_diagonal(between, 0.0)
    params = {name: random.uniform(*ends, N) for name, ends in OWN[model].items()}
    times = random.uniform(0.0, T, (2, INPUTS, events))
    times = np.sort(grid * np.floor(times / grid) if grid else times)
    trains = {
        "x": [list(map(np.unique, sample[: INPUTS // 2])) for sample in times],
        "y": [list(map(np.unique, sample[INPUTS // 2 :])) for sample in times],
    }
    given = {"x": inwards[: INPUTS // 2], "y": inwards[INPUTS // 2 :], "a": between}
    nets = [network(model, inwards, between, params, sparse) for sparse in (False, True)]
    results = [net.run(trains) for net in nets]
    one, other = (result.spikes["a"] for result in results)
    assert len(one.times) > 40
    np.testing.assert_array_equal(one.neurons, other.neurons)
    wanted = tuple(f"{name}_a.weights" for name in "xya") + tuple(f"a.{name}" for name in params)
    seeds = {"a": np.random.default_rng(1).normal(size=len(one.times))}
    for wrt in (wanted, (*wanted, "input_times")):  # by spans, and event by event
        found, expected = (
            net.gradients(result, d_spike_times=seeds, wrt=wrt)
            for net, result in zip(nets, results, strict=True)
        )
        for name in wanted:
            dense = found[name][np.nonzero(given[name[0]])] if name.endswith("weights") else found[name]
            most = np.abs(expected[name]).max()
            np.testing.assert_allclose(dense, expected[name], rtol=0, atol=1e-8 * most, err_msg=name)
    for name in "xy":
        mine, its = (
            np.concatenate([t for sample in gradient["input_times"][name] for t in sample])
            for gradient in (found, expected)
        )
        np.testing.assert_allclose(mine, its, rtol=0, atol=1e-8 * np.abs(its).max(), err_msg=name)


@pytest.mark.parametrize("grid", [0.0, 7e-4], ids=["any time", "grid"])
@pytest.mark.parametrize("events", [2, 40, 400], ids=["few", "many", "several batches"])
def test_a_readout_by_spans(grid, events):
    """It never spikes, and has integrals of its states among them."""
    random = np.random.default_rng(events)
    weights = random.normal(size=(INPUTS, N))
    params = {"tau_mem": random.uniform(15e-3, 25e-3, N), "tau_syn": random.uniform(3e-3, 6e-3, N)}
    times = random.uniform(0.0, T, (2, INPUTS, events))
    times = np.sort(grid * np.floor(times / grid) if grid else times)
    trains = [list(map(np.unique, sample)) for sample in times]
    seeds = {"a": {name: random.normal(size=(2, N)) for name in ("V", "I", "sum_V")}}
    found = []
    for given in (weights, (*np.nonzero(weights), weights[np.nonzero(weights)])):
        net = saltus.Network(
            T=T,
            inputs={"x": INPUTS},
            populations={"a": {"model": "li", "size": N, "params": params, "learn": tuple(params)}},
            projections={"x_a": {"pre": "x", "post": "a", "weights": given}},
        )
        assert net.explain().count("fast kernel" if given is weights else "network kernel")
        result = net.run(trains)
        found.append((result.final["a"], net.gradients(result, d_readouts=seeds)))
    for one, other in zip(*found, strict=True):
        for name, expected in other.items():
            mine, its = one[name], expected
            if name == "x_a.weights":
                mine = mine[np.nonzero(weights)]
            if name == "input_times":
                mine, its = (np.concatenate([t for sample in g for t in sample]) for g in (mine, its))
            np.testing.assert_allclose(mine, its, rtol=0, atol=1e-11 * np.abs(its).max(), err_msg=name)
