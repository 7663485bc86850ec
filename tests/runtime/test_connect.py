"""Where synapses are: sparse and dense forms, delays, and a message for each that does not fit."""

import numpy as np
import pytest
from scipy import sparse
from small_network import LOSS, T, labels, spikes

import saltus
from saltus.errors import ConfigError, RunError

WEIGHTS = np.random.default_rng(3).normal(2.0, 0.5, (4, 6))
EXISTS = np.random.default_rng(4).random((4, 6)) < 0.7


def network(hidden=None, output=None, **options):
    projections = {
        "in_hid": {"pre": "in", "post": "hid", "weights": WEIGHTS, **(hidden or {})},
        "hid_out": {"pre": "hid", "post": "out", "weights": 1.5, **(output or {})},
    }
    populations = {"hid": {"model": "lif", "size": 6}, "out": {"model": "lif", "size": 3}}
    content = {
        "populations": populations,
        "projections": projections,
        "inputs": {"in": 4},
        "T": T,
        "loss": LOSS,
    }
    return saltus.Network(**{**content, **options})


def test_all_forms_of_one_pattern_agree():
    pre, post = np.nonzero(EXISTS)
    values = WEIGHTS[EXISTS]
    forms = [
        {"mask": EXISTS},
        {"weights": sparse.csr_array(np.where(EXISTS, WEIGHTS, 0.0))},
        {"weights": sparse.coo_matrix(np.where(EXISTS, WEIGHTS, 0.0))},
        {"weights": (pre, post, values)},
        {"weights": values, "connect": {"pre": pre.tolist(), "post": post.tolist()}},
        {"weights": values, "connect": sparse.csr_array(EXISTS)},
        {"weights": (pre[::-1], post[::-1], values[::-1])},
    ]
    nets = [network(form) for form in forms]
    results = [net.run(spikes(), labels()) for net in nets]
    gradients = [net.gradients(result) for net, result in zip(nets, results, strict=True)]
    dense = gradients[0]["in_hid.weights"]
    assert dense.shape == (4, 6) and not dense[~EXISTS].any()
    for net, result, found in zip(nets[1:], results[1:], gradients[1:], strict=True):
        np.testing.assert_allclose(result.losses, results[0].losses, rtol=1e-12)
        ends = net.synapses["in_hid"].ends
        np.testing.assert_allclose(found["in_hid.weights"], dense[ends.pre, ends.post], rtol=1e-8, atol=1e-12)


def test_a_probability_draws_synapses():
    law = {"init": "fan_in", "mean": 6.0, "std": 1.0}
    same = [network({"connect": {"probability": 0.4, "seed": 7}, "weights": law}, seed=s) for s in (1, 2)]
    for one, other in zip(*(net.synapses["in_hid"].ends for net in same), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(*(net.parameters()["in_hid.weights"] for net in same))
    drawn = [
        network({"connect": 0.4, "weights": 1.0}, seed=seed).synapses["in_hid"].ends for seed in (1, 1, 2)
    ]
    assert np.array_equal(drawn[0], drawn[1]) and not np.array_equal(drawn[0].post, drawn[2].post)
    large = saltus.Network(
        T=T,
        inputs={"in": 200},
        populations={"out": {"model": "lif", "size": 100}},
        projections={"in_out": {"pre": "in", "post": "out", "connect": 0.1, "weights": law}},
    )
    weights = large.parameters()["in_out.weights"]
    assert abs(len(weights) / 20000 - 0.1) < 0.01
    np.testing.assert_allclose(weights.mean(), 6.0 / np.sqrt(20), rtol=0.1)


def test_two_synapses_may_join_the_same_neurons():
    """With different delays, say."""
    net = network({"weights": ([0, 0, 1], [2, 2, 2], [3.0, 2.0, 4.0]), "delay": [1e-3, 4e-3, 2e-3]})
    assert net.run(spikes()).spikes["hid"].counts()[:, 2].all()
    assert net.gradients(net.run(spikes(), labels()), wrt=["in_hid.delays"])["in_hid.delays"].shape == (3,)


@pytest.mark.parametrize(
    ("hidden", "shape"),
    [
        ({"delay": 2e-3}, (4, 6)),
        ({"delay": np.linspace(1e-3, 3e-3, 24).reshape(4, 6)}, (4, 6)),
        ({"delay": {"init": "uniform", "low": 1e-3, "high": 5e-3}, "mask": EXISTS}, (4, 6)),
        ({"delay": 1e-3, "connect": {"probability": 0.6, "seed": 1}, "weights": 2.5}, None),
    ],
)
def test_delays_are_learned(hidden, shape):
    net = network({**hidden, "learn": ["weights", "delays"]})
    delays = net.parameters()["in_hid.delays"]
    assert "in_hid.delays" in net.positive() and shape in (None, delays.shape)
    check = net.check_gradient(spikes(), labels(), ["in_hid.delays", "in_hid.weights"], entries=10, eps=1e-4)
    assert check.error < 1e-6, check
    before = net.run(spikes(), labels()).loss
    optimiser = saltus.Adam(lr=0.02)
    state = optimiser.start(net.parameters())
    for _ in range(5):
        found = net.gradients(net.run(spikes(), labels()), wrt=net.learnable)
        values, state = optimiser.update(net.parameters(), found, state, net.positive())
        for name, value in values.items():
            net.parameters()[name][...] = value
    assert net.run(spikes(), labels()).loss < before and (delays > 0.0).all()


def test_a_delay_shifts_what_arrives():
    late = network({"delay": 5e-3}).run(spikes()).spikes["hid"]
    now = network().run(spikes()).spikes["hid"]
    count = int((now.times[now.start[0] : now.start[1]] < T - 5e-3).sum())
    np.testing.assert_allclose(late.times[:count], now.times[:count] + 5e-3, rtol=1e-12)


def test_delays_that_are_zero_are_learned_as_they_are():
    net = network({"learn": ["weights", "delays"]})
    assert "in_hid.delays" in net.learnable and "in_hid.delays" not in net.positive()
    found = net.gradients(net.run(spikes(), labels()))
    assert np.abs(found["in_hid.delays"]).max() > 0.0


def test_a_delay_that_became_negative_is_refused():
    net = network({"delay": 1e-3, "learn": ["delays"]})
    net.parameters()["in_hid.delays"][2, 3] = -1e-4
    with pytest.raises(
        RunError, match=r"in_hid\.delays: the one from neuron 2 to 3 is not a time: .* smaller"
    ):
        net.run(spikes())


def test_a_sparse_weight_that_is_not_finite_is_named():
    net = network({"weights": ([0, 3], [1, 5], [1.0, 2.0])})
    net.parameters()["in_hid.weights"][1] = np.inf
    with pytest.raises(RunError, match=r"in_hid\.weights: the one from neuron 3 to 5 is not a finite number"):
        net.run(spikes())


def test_sparse_weights_can_be_boosted():
    net = network({"weights": ([0, 3, 2], [1, 5, 1], [1.0, 2.0, 3.0])})
    assert net.boost("hid", np.arange(6) == 1, 0.5) == 1
    assert net.parameters()["in_hid.weights"].tolist() == [1.5, 2.0, 3.5]


def test_layers_have_delays():
    net = saltus.Network(
        [
            saltus.Layer("lif", 5, inputs=4, recurrent=True, delay=1e-3, recurrent_delay=2e-3, weights=2.0,
                         learn=("weights", "delays")),
            saltus.Layer("lif", 3),
        ],
        T=T,
    )  # fmt: skip
    assert (net.parameters()["input_hidden0.delays"] == 1e-3).all()
    assert (net.parameters()["hidden0_hidden0.delays"] == 2e-3).all()


def test_a_toml_file_can_say_it_all(tmp_path):
    (tmp_path / "net.toml").write_text(
        """
        T = 0.06
        tolerance = 1e-9
        [inputs]
        in = 4
        [populations.E]
        model = "lif"
        size = 6
        [populations.I]
        model = "lif"
        size = 2
        sample_times = [0.01, 0.02]
        [projections.in_E]
        pre = "in"
        post = "E"
        connect = { probability = 0.8, seed = 2 }
        weights = { init = "normal", mean = 3.0, std = 0.3 }
        [projections.E_I]
        pre = "E"
        post = "I"
        delay = 1e-3
        weights = 2.0
        learn = ["weights", "delays"]
        [projections.I_E]
        pre = "I"
        post = "E"
        connect = { pre = [0, 1], post = [3, 4] }
        weights = [-1.0, -2.0]
        delay = [1e-3, 2e-3]
        """
    )
    net = saltus.Network.from_toml(tmp_path / "net.toml")
    assert net.learnable == ("in_E.weights", "E_I.weights", "E_I.delays", "I_E.weights")
    assert net.run(spikes()).states["I"]["V"].shape == (3, 2, 2)


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        ({"weights": ([0, 4], [0, 0], [1.0, 1.0])}, r"in_hid\.weights: there is no pre neuron 4\. There"),
        ({"weights": ([0], [6], [1.0])}, r"in_hid\.weights: there is no post neuron 6\. .* 0 \.\.\. 5"),
        ({"weights": ([0, 1], [0], [1.0])}, r"in_hid\.weights: 2 pre and 1 post neurons\. Give one"),
        ({"weights": ([0, 1], [0, 1], [1.0])}, r"weights of shape \(1,\) where there are 2 synapses"),
        ({"weights": ([0.5], [0], [1.0])}, r"in_hid\.weights: pre is not a list of neurons\. Give one whole"),
        ({"weights": sparse.eye_array(4)}, r"sparse matrix of shape \(4, 4\) .* transpose"),
        ({"weights": ([0], [0], [np.nan])}, r"in_hid: there are weights that are not finite"),
        ({"connect": 0.5, "mask": EXISTS}, r"in_hid: mask and connect both say where .* Give one"),
        ({"connect": 0.5, "weights": sparse.csr_array(WEIGHTS)}, r"connect and weights both say"),
        ({"connect": 1.5}, r"in_hid\.connect: 1\.5 is not a probability above 0\. Give one up to 1"),
        ({"connect": "some"}, r"connect: 'some' does not say where synapses are\. Give a"),
        ({"connect": {"p": 0.5}}, r"in_hid\.connect: \{'p': 0\.5\} does not say"),
        ({"connect": {"probability": 0.5, "seed": -1}}, r"in_hid\.connect: seed = -1 is not a whole number"),
        ({"delay": -1e-3}, r"in_hid\.delay: -0\.001 s is negative\. A spike arrives after"),
        ({"delay": np.inf}, r"in_hid\.delay: there are delays that are not finite"),
        ({"delay": np.ones(4)}, r"in_hid\.delay: delays of shape \(4,\) where \(pre, post\) = \(4, 6\)"),
        ({"delay": np.full((4, 6), np.nan)}, r"in_hid\.delay: there are delays that are not finite"),
        ({"delay": "soon"}, r"in_hid\.delay: 'soon' are no delays\. Give a number"),
        ({"delay": sparse.csr_array(WEIGHTS)}, r"in_hid\.delay: a sparse matrix, but the weights are dense"),
        (
            {"weights": ([0], [0], [1.0]), "delay": sparse.csr_array(WEIGHTS)},
            r"in_hid\.delay: its entries are not where the weights' are",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(hidden, message):
    with pytest.raises(ConfigError, match=message):
        network({"weights": 1.0, **hidden})
