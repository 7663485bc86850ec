"""Networks: a message for every mistake."""

import numpy as np
import pytest
from small_network import LOSS, T, build, labels, layers, spikes

import saltus
from saltus.errors import ConfigError, InputError, RunError

# building


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


def test_a_value_that_was_refused_leaves_nothing_behind():
    net = layers()
    before = net.run(spikes(), labels()).loss
    for wrong in (-1e-3, np.nan):
        net.parameters()["hidden0.tau_mem"][...] = wrong
        with pytest.raises(RunError, match="not a positive number"):
            net.run(spikes(), labels())
        net.parameters()["hidden0.tau_mem"][...] = 20e-3
        assert net.run(spikes(), labels()).loss == before
