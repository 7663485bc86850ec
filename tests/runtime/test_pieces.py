"""In a long interval a candidate goes by halves to the piece where it crosses; that may hide no crossing."""

import numpy as np
import pytest

import saltus

N, INPUTS = 48, 6
TAU_MEM, TAU_SYN = 20e-3, 5e-3
GROWS = {
    "name": "grows",
    "title": "A membrane that leaves its rest, the faster the farther away it is",
    "parameters": {
        "tau_mem": {"value": 1e-3, "positive": True},
        "tau_syn": {"value": 20e-3, "positive": True},
        "theta": {"value": 1.0},
        "v_reset": {"value": 0.0},
    },
    "initial": {"V": 0.0, "I": 0.0},
    "dynamics": {"f_V": "tau_mem*dot(V) - V + I", "f_I": "tau_syn*dot(I) + I"},
    "transition": {"spike": {"when": "V - theta", "reset": {"V": "v_reset"}, "emits": True}},
    "receive": {"exc": {"I": "I + w"}},
}


def both(weights, T, model="lif", **params):
    """The same layer in the fast kernel and in the network kernel, which follows each neuron for itself."""
    pre, post = np.nonzero(weights)
    found = []
    for given, kernel in ((weights, "fast kernel"), ((pre, post, weights[pre, post]), "network kernel")):
        net = saltus.Network(
            T=T,
            inputs={"in": len(weights)},
            populations={"a": {"model": model, "size": weights.shape[1], "params": params}},
            projections={"in_a": {"pre": "in", "post": "a", "weights": given}},
        )
        assert kernel in net.explain()
        found.append(net)
    return found


def maximum():
    """When the response to a unit weight is at its maximum, and how high that is."""
    s = TAU_MEM * TAU_SYN / (TAU_MEM - TAU_SYN) * np.log(TAU_MEM / TAU_SYN)
    return s, TAU_SYN / (TAU_MEM - TAU_SYN) * (np.exp(-s / TAU_MEM) - np.exp(-s / TAU_SYN))


def compare(nets, spikes, least):
    one, two = (net.run(spikes) for net in nets)
    found, expected = one.spikes["a"], two.spikes["a"]
    assert len(found.times) >= least
    np.testing.assert_array_equal(found.neurons, expected.neurons)
    np.testing.assert_allclose(found.times, expected.times, rtol=1e-12)
    for name, values in one.final["a"].items():
        scale = np.abs(two.final["a"][name]).max()
        np.testing.assert_allclose(values, two.final["a"][name], rtol=0, atol=1e-11 * scale)


@pytest.mark.parametrize("strength", [9.0, 20.0, 300.0], ids=["few", "some", "many in a piece"])
@pytest.mark.parametrize("gap", [0.4, 0.9, 1.9, 3.9, 7.9, 15.0, 40.0])
def test_no_spike_is_lost_whatever_the_length(gap, strength):
    """gap: between inputs, in time constants: all numbers of halvings, and none at either end."""
    random = np.random.default_rng(int(10 * gap))
    weights = strength * random.uniform(-0.5, 1.0, (INPUTS, N))
    times = gap * TAU_SYN * (np.arange(INPUTS) + random.uniform(0.0, 0.3, (2, INPUTS)))
    T = gap * TAU_SYN * (INPUTS + 1)
    nets = both(weights, T, tau_mem=TAU_MEM, tau_syn=TAU_SYN)
    compare(nets, [[[t] for t in sample] for sample in times], N // 8)


@pytest.mark.parametrize("near", [1e-2, 1e-5, 1e-9])
def test_maxima_at_threshold_are_found_out(near):
    """Weights for which a potential just reaches its threshold, or just does not, anywhere in the run."""
    _, peak = maximum()
    weights = np.full((1, N), 1.0 / peak) * (1.0 + near * np.linspace(-1.0, 1.0, N))
    nets = both(weights, 60e-3, tau_mem=TAU_MEM, tau_syn=TAU_SYN)
    for offset in np.linspace(0.0, 5e-3, 7):  # where in its piece it is
        one, two = (net.run([[[offset]]]) for net in nets)
        assert one.spikes["a"].neurons.tolist() == two.spikes["a"].neurons.tolist()
        assert sorted(one.spikes["a"].neurons) == list(range(N // 2, N))
        missed = one.outcomes["a"].nearest_miss  # by the highest that does not, not by one that does
        np.testing.assert_allclose(missed, near / (N - 1), rtol=0, atol=1e-15)


@pytest.mark.parametrize("T", np.linspace(3e-3, 12e-3, 10))
def test_convex_potentials_cross_a_negative_threshold_from_below(T):
    """They fall before they rise. Where one neuron has another threshold, none goes by pieces."""
    weights = -np.linspace(0.0, 1.5, N)[None]
    found = []
    for other in (-0.5, -0.4):
        theta = np.full(N, -0.5)
        theta[0] = other  # of one who gets no input and crosses neither
        params = {"tau_mem": TAU_MEM, "tau_syn": TAU_SYN, "V0": -0.505, "v_reset": -2.0, "theta": theta}
        layer = saltus.Layer("lif", N, inputs=1, weights=weights, params=params, name="a")
        found.append(saltus.Network([layer], T=T).run([[[0.0]]]).spikes["a"])
    one, two = ({n: t for n, t in zip(f.neurons, f.times, strict=True) if n > 0} for f in found)
    assert len(one) > N // 4
    assert one == pytest.approx(two, rel=1e-12)


@pytest.mark.slow
def test_convex_potentials_may_still_fall_in_the_middle_and_cross():
    """V = k w exp(-t/tau_syn) + (V0 - k w) exp(t/tau_mem), k = tau_syn/(tau_mem + tau_syn)."""
    V0, k, T = 0.2, 20.0 / 21.0, 10e-3
    weights = ((V0 - np.exp(-np.linspace(8.0, 12.0, N))) / k)[None]  # V is 1 after 8 to 12 tau_mem
    compare(both(weights, T, GROWS, V0=V0), [[[0.0]]], N // 4)


def test_a_near_miss_in_a_long_interval_is_reported():
    """The maximum is looked at, though the tangents at the ends of its piece show that it is too low."""
    s, peak = maximum()
    weights = np.random.default_rng(2).uniform(1.5, 3.0, (1, N)) / peak
    weights[0, 7] = (1.0 - 1e-7) / peak
    layer = saltus.Layer("lif", N, inputs=1, weights=weights, params={"tau_mem": TAU_MEM, "tau_syn": TAU_SYN})
    for after in (1e-3, 1e-6):  # the middle of the interval, in which a piece ends
        result = saltus.Network([layer], T=2.0 * s * (1.0 + after)).run([[[0.0]]])
        assert [notice.kind for notice in result.warnings] == ["near_miss"]


@pytest.mark.parametrize("size", [4, 40])
def test_one_neuron_may_spike_twice_at_one_time(size):
    """From so close below threshold that a time as it is written down cannot tell the two spikes apart."""
    params = {"v_reset": np.nextafter(1.0, 0.0), "theta": 1.0, "tau_syn": 5e-3}
    weights = [300.0 * np.linspace(1.0, 1.01, size)]
    layer = saltus.Layer("lif", size, inputs=1, weights=weights, name="a", params=params, spikes_kept=3)
    spikes = saltus.Network([layer], T=1.0).run([[[0.5]]]).spikes["a"]
    np.testing.assert_array_equal(np.bincount(spikes.neurons, minlength=size), 3)
    assert (np.diff(spikes.times) >= 0.0).all() and (spikes.times > 0.5).all()


@pytest.mark.parametrize("gap", [1e-3, 60e-3], ids=["brief", "in pieces"])
@pytest.mark.parametrize("own", [0.0, 0.1], ids=["shared", "own"])
def test_a_reset_to_above_the_threshold_is_refused(gap, own):
    params = {"v_reset": 1.5, "theta": 1.0 + own * np.arange(N) / N}
    layer = saltus.Layer("lif", N, inputs=1, weights=np.full((1, N), 300.0), params=params, name="a")
    with pytest.raises(saltus.errors.RunError, match="at or above its threshold right after its reset"):
        saltus.Network([layer], T=gap).run([[[0.0]]])
