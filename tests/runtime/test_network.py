"""Networks: building, running, gradients by every route, and a message for every mistake."""

import numpy as np
import pytest
from small_network import LOSS, T, labels, layers, spikes

import saltus
from saltus.errors import ConfigError, InputError, RunError


def dicts(**changes):
    """The same as a network of populations; ``changes`` go into the hidden population or the projections."""
    random = np.random.default_rng(3)
    content = {
        "populations": {"hid": {"model": "lif", "size": 6}, "out": {"model": "lif", "size": 3}},
        "projections": {
            "in_hid": {"pre": "in", "post": "hid", "weights": random.normal(2.0, 0.5, (4, 6))},
            "hid_out": {"pre": "hid", "post": "out", "weights": random.normal(1.0, 0.5, (6, 3))},
        },
        "inputs": {"in": 4},
        "T": T,
        "loss": LOSS,
    }
    for place, change in changes.items():
        part = content
        *path, last = place.split("__")
        for key in path:
            part = part[key]
        part[last] = change
    return content


def build(**changes):
    return saltus.Network(**dicts(**changes))


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(np.hstack(np.ravel(first[name])), np.hstack(np.ravel(second[name])))


# building


def test_layers_are_named_and_joined():
    net = layers(recurrent=True)
    assert list(net.groups) == ["hidden0", "output"]
    assert list(net.synapses) == ["input_hidden0", "hidden0_hidden0", "hidden0_output"]
    assert net.parameters().keys() == {
        "input_hidden0.weights",
        "hidden0_hidden0.weights",
        "hidden0_output.weights",
        "hidden0.tau_mem",
        "hidden0.theta",
    }
    assert net.parameters()["hidden0.tau_mem"].shape == ()
    assert not np.diagonal(net.parameters()["hidden0_hidden0.weights"]).any()


def test_parameters_are_live():
    net = layers()
    before = net.run(spikes(), labels()).loss
    net.parameters()["hidden0.theta"][...] = 1.1
    net.parameters()["input_hidden0.weights"][:] *= 1.2
    after = net.run(spikes(), labels()).loss
    assert after != before
    other = layers()
    other.all_parameters()["hidden0.theta"][...] = 1.1
    other.parameters()["input_hidden0.weights"][:] *= 1.2
    assert other.run(spikes(), labels()).loss == after


def test_shared_and_per_neuron_parameters_agree():
    shared = build(
        populations__hid={"model": "lif", "size": 6, "params": {"tau_mem": 15e-3}, "learn": ["tau_mem"]}
    )
    each = build(
        populations__hid={
            "model": "lif", "size": 6, "params": {"tau_mem": 15e-3}, "per_neuron": ["tau_mem"], "learn":
            ["tau_mem"],
        }
    )  # fmt: skip
    results = [net.run(spikes(), labels()) for net in (shared, each)]
    assert results[0].loss == results[1].loss
    one, many = (net.gradients(r)["hid.tau_mem"] for net, r in zip((shared, each), results, strict=True))
    assert one.shape == () and many.shape == (6,)
    np.testing.assert_allclose(one, many.sum(), rtol=1e-12)


def test_weights_depend_on_the_seed_alone():
    assert_same(layers().parameters(), layers().parameters())
    first, second = (layers(seed=seed).parameters()["input_hidden0.weights"] for seed in (1, 2))
    assert (first != second).all()


def test_a_fingerprint_changes_with_what_is_frozen_only():
    net = layers()
    before = net.fingerprint()
    net.parameters()["hidden0.theta"][...] = 1.1
    assert net.fingerprint() == before
    net.all_parameters()["output.theta"][...] = 1.1
    assert net.fingerprint() != before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"T": -1.0}, r"T = -1\.0: not the end of a simulation\. Give a positive time"),
        ({"engine": "spike"}, r"engine = 'spike': not known\. Use any of event, clock"),
        ({"threads": 0}, r"threads = 0: not a number of threads\. Leave it out"),
        ({"populations": {}}, r"populations: there is none\. Give layers"),
        ({"populations__hid__size": 0}, r"populations\.hid\.size = 0: not positive\. Give the number"),
        ({"populations__hid__size": "six"}, r"populations\.hid\.size: Expected `int`, got `str`"),
        ({"populations__hid__sizes": 3}, r"populations\.hid: .*unknown field `sizes`"),
        (
            {"populations__hid__model": "lief"},
            r"'lief' is not among the shipped models \(.*lif.*\)\. Give one of these",
        ),
        (
            {"populations__hid__params": {"tau": 1.0}},
            r"populations\.hid: there is no parameter 'tau'\. There are tau_mem",
        ),
        (
            {"populations__hid__learn": ["w"]},
            r"populations\.hid: there is no parameter 'w'\. There are tau_mem",
        ),
        (
            {"populations__hid__params": {"theta": [1.0, 2.0]}},
            r"hid\.theta: shape \(2,\) where there are 6 neurons\. Give",
        ),
        ({"populations__hid__params": {"theta": "high"}}, r"hid\.theta: 'high' is not a number\. Give one"),
        (
            {"populations__hid__params": {"tau_mem": -1.0}},
            r"hid\.tau_mem: -1 \(neuron 0\) is not a positive number\.",
        ),
        ({"populations__hid__spikes_kept": 0}, r"hid\.spikes_kept = 0: not positive\. Leave it out"),
        (
            {"populations__in": {"model": "lif", "size": 2}},
            r"populations\.in: an input or a projection has the same name",
        ),
        ({"inputs": {"in": 0}}, r"inputs\.in: size 0 is not positive"),
        ({"inputs": {"in.a": 1}}, r"'in\.a': not a name\. Use letters"),
        (
            {"projections__in_hid__pre": "inn"},
            r"projections\.in_hid: there is no population 'inn' here\. There are in, hid",
        ),
        (
            {"projections__in_hid__post": "in"},
            r"projections\.in_hid: there is no population 'in' here\. There are hid, out",
        ),
        (
            {"projections__in_hid__learn": ["delay"]},
            r"in_hid\.learn: 'delay' is not of a projection\. Use any",
        ),
        ({"tolerance": 0.0}, r"tolerance = 0\.0: not a tolerance\. Give one such as 1e-8"),
        ({"projections__in_hid__receptor": "inh"}, r"in_hid: lif has no receptor 'inh'\. There are exc"),
        (
            {"projections__in_hid__weights": np.ones((6, 4))},
            r"in_hid: weights of shape \(6, 4\) where .*transpose them",
        ),
        ({"projections__in_hid__weights": np.full((4, 6), np.nan)}, r"in_hid: .* not finite\. Use a mask"),
        ({"projections__in_hid__weights": "big"}, r"in_hid: 'big' are no weights\. Give a number"),
        ({"projections__in_hid__weights": {"init": "beta"}}, r"in_hid: .*'beta'.* Use init = \"fan_in\""),
        (
            {"projections__in_hid__mask": np.full((4, 6), 2)},
            r"in_hid\.mask: not 0 or 1 for each of \(pre, post\) = \(4, 6\)",
        ),
        ({"loss": "mse"}, r"loss: give saltus\.loss"),
        (
            {"populations__out__model": "li"},
            r"loss: .*population 'out' of li neurons does not spike\. Use a spiking",
        ),
        (
            {"loss": {"name": "first_spike_cross_entropy", "population": "o"}},
            r"loss: there is no population 'o'\. There",
        ),
        (
            {"loss": {"name": "first_spike_cross_entropy", "tau": 1}},
            r"there is no parameter 'tau'\. There are tau_0",
        ),
        (
            {"loss": {"name": "first_spike_cross_entropy", "spike": 1}, "populations__out__spikes_kept": 1},
            r"keeps 1 spikes",
        ),
        (
            {"projections__hid_hid": {"pre": "hid", "post": "hid"}, "populations__hid__spikes_kept": 1},
            r"hid\.spikes_kept = 1: the population is recurrent.* Leave it out",
        ),
    ],
)
def test_a_wrong_network_is_refused_by_name(changes, message):
    with pytest.raises((ConfigError, saltus.SpecError), match=message):
        build(**changes)


def test_populations_that_do_not_spike_send_nothing():
    with pytest.raises(
        ConfigError, match=r"projections\.hid_out: li neurons of 'hid' do not spike\. Project from"
    ):
        build(populations__hid={"model": "li", "size": 6})


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        ([], r"layers is empty\. Give at least one"),
        ([saltus.Layer("lif", 3)], r"the first layer has no number of inputs"),
        (
            [saltus.Layer("lif", 3, inputs=2), saltus.Layer("lif", 3, inputs=2)],
            r"layer 1 has inputs, but gets its input",
        ),
        (
            [saltus.Layer("lif", 3, inputs=2, name="input")],
            r"names input are not all different, or one is 'input'",
        ),
    ],
)
def test_wrong_layers_are_refused(stack, message):
    with pytest.raises(ConfigError, match=message):
        saltus.Network(stack, T=T)


def test_a_network_from_toml(tmp_path):
    (tmp_path / "net.toml").write_text(
        """
        T = 0.06
        seed = 1
        [inputs]
        in = 4
        [populations.hid]
        model = "lif"
        size = 6
        learn = ["theta"]
        [projections.in_hid]
        pre = "in"
        post = "hid"
        weights = { init = "normal", mean = 2.0, std = 0.5 }
        [loss]
        name = "first_spike_cross_entropy"
        missing = 0.1
        """
    )
    net = saltus.Network.from_toml(tmp_path / "net.toml")
    assert np.isfinite(net.run(spikes(), labels()).loss)
    assert net.learnable == ("in_hid.weights", "hid.theta")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("T = x", r"bad\.toml is not TOML: .*line 1.*\. Correct it there"),
        (
            "T = 1.0\n[populations.E]\nmodel = 'lif'\nsize = 'x'",
            r"bad\.toml: populations\.E\.size: Expected `int`",
        ),
        ("T = 1.0\nhorizon = 2", r"bad\.toml: Object contains unknown field `horizon`"),
        ("[inputs]\nx = 1", r"bad\.toml: Object missing required field `T`"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, text, message):
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        saltus.Network.from_toml(tmp_path / "bad.toml")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml cannot be read \(No such file"):
        saltus.Network.from_toml(tmp_path / "none.toml")


# running


def test_every_form_of_input_gives_the_same():
    net, packed = layers(), spikes()
    forms = [
        packed,
        packed.to_times(),
        [packed.sample(b) for b in range(3)],
        {"input": packed},
        saltus.Spikes.from_pairs([np.stack(packed.sample(b)[::-1], axis=1) for b in range(3)], 4),
    ]
    losses = {net.run(form, labels()).loss for form in forms}
    assert len(losses) == 1


@pytest.mark.parametrize("sample_times", [(), (0.01,)])
def test_a_weight_without_a_synapse_is_refused(sample_times):
    """In either kernel: what the mask leaves out is neither used nor dropped in silence."""
    hidden = saltus.Layer("lif", 3, inputs=4, recurrent=True, sample_times=sample_times)
    net = saltus.Network([hidden, saltus.Layer("lif", 3)], T=T, loss=LOSS)
    net.run(spikes(), labels())
    net.parameters()["hidden0_hidden0.weights"][1, 1] = 0.5
    message = r"hidden0_hidden0.weights: the one from neuron 1 to 1 is not zero, .* Write zero, or unmask it"
    with pytest.raises(RunError, match=message):
        net.run(spikes(), labels())


def test_samples_do_not_see_one_another():
    net, batch = layers(recurrent=True), spikes(5)
    whole = net.run(batch, labels(5)).losses
    alone = [net.run(batch.take([b]), labels(5)[[b]]).losses[0] for b in range(5)]
    np.testing.assert_array_equal(whole, alone)


def test_results_stay_when_the_network_runs_again():
    net = layers()
    first = net.run(spikes(), labels())
    times, loss = first.spikes["output"].times.copy(), first.loss
    gradient = net.gradients(first)
    for seed in range(5):
        net.run(spikes(seed=seed), labels())
    assert first.loss == loss
    np.testing.assert_array_equal(first.spikes["output"].times, times)
    assert_same(net.gradients(first), gradient)


def test_readouts_are_integrals():
    net = saltus.Network([saltus.Layer("li", 3, inputs=4, weights=1.0)], T=T)
    result = net.run(spikes())
    t = np.linspace(0.0, T, 20001)
    v = net.trace(spikes(), times=t).states["output"]["V"]
    np.testing.assert_allclose(result.readouts["output"]["sum_V"], np.trapezoid(v, t, axis=1), rtol=1e-6)
    assert result.spikes == {} and result.predictions() is None and np.isnan(result.loss)


def test_no_spikes_at_all():
    net = layers()
    result = net.run([[[], [], [], []]], [0])
    assert result.spikes["output"].times.size == 0
    assert result.predictions().tolist() == [-1]
    assert result.silent()["hidden0"].all()
    assert all(not np.any(g) for name, g in net.gradients(result).items() if name != "input_times")


def test_keeping_first_spikes_changes_no_loss():
    all_kept, first_kept = build(), build(populations__out__spikes_kept=1)
    results = [net.run(spikes(), labels()) for net in (all_kept, first_kept)]
    assert results[0].loss == results[1].loss
    assert results[0].spikes["out"].counts().max() > 1 == results[1].spikes["out"].counts().max()
    one, other = (net.gradients(r) for net, r in zip((all_kept, first_kept), results, strict=True))
    np.testing.assert_allclose(one["in_hid.weights"], other["in_hid.weights"], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            [[[0.07], [], [], []]],
            r"spikes of 'input', sample 0, neuron 0: .* beyond the end, T = 0\.06 s\. Raise T",
        ),
        ([], r"spikes: there are no samples\. Give at least one"),
        ({"in": [[[], [], [], []]]}, r"spikes: given for in, and the inputs are input\. Give spikes"),
        ([[[], []]], r"spikes of 'input': 2 neurons where the network has 4\. Give a list"),
    ],
)
def test_wrong_spikes_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        layers().run(given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([0, 1], r"labels: shape \(2,\) where there are 3 samples\. Give one label for each"),
        ([0, 1, 3], r"labels, sample 2: 3 is not one of the 3 classes\. Count them from 0"),
        ([0, 1, -1], r"labels, sample 2: -1 is not one of the 3 classes"),
        ([0.0, 1.0, 2.0], r"labels: type float64 is not whole numbers\. Give the class"),
    ],
)
def test_wrong_labels_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        layers().run(spikes(), given)


def test_labels_need_a_loss():
    with pytest.raises(InputError, match=r"labels: the network has no loss\. Give"):
        layers(loss=None).run(spikes(), labels())


def test_a_population_that_starts_above_threshold():
    with pytest.raises(
        RunError, match=r"sample 0: neuron 2 of population 'hid' starts at or above .* Lower its initial"
    ):
        build(populations__hid={"model": "lif", "size": 6, "params": {"V0": [0, 0, 2.0, 0, 0, 0]}}).run(
            spikes()
        )


def test_a_reset_above_threshold():
    with pytest.raises(
        RunError, match=r"population 'hid' is at or above its threshold right after .* at t = .* Lower"
    ):
        build(populations__hid={"model": "lif", "size": 6, "params": {"v_reset": 1.5}}).run(spikes())


def test_weights_that_are_not_finite():
    net = layers()
    net.parameters()["hidden0_output.weights"][2, 1] = np.nan
    with pytest.raises(
        RunError, match=r"hidden0_output\.weights: the one from neuron 2 to 1 is not a finite number"
    ):
        net.run(spikes())


@pytest.mark.parametrize(("dtype", "weight"), [("float32", 1e39), ("float32", np.nan), ("float64", np.inf)])
def test_weights_that_are_not_finite_on_a_grid(dtype, weight):
    net = layers(engine="clock", dt=1e-3, dtype=dtype)
    net.parameters()["hidden0_output.weights"][2, 1] = weight
    with pytest.raises(RunError, match=rf"neuron 2 to 1 is not a finite number in {dtype}\. If learning"):
        net.run(spikes())


def test_parameters_that_left_their_range():
    net = layers()
    net.parameters()["hidden0.tau_mem"][...] = -1e-3
    with pytest.raises(
        RunError, match=r"populations\.hidden0\.tau_mem: -0\.001 .* not a positive number\. If learning"
    ):
        net.run(spikes())
