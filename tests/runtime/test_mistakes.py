"""Arguments of a wrong kind: a sentence with the place for each, from the function that was called."""

import re

import numpy as np
import pytest
from small_network import T, build, labels, layers, spikes

import saltus
from saltus.errors import ConfigError, InputError, SpecError
from saltus.runtime.data import Dataset
from saltus.runtime.losses.data import check_labels
from saltus.runtime.progress import quiet

HUGE = 10**30


def layer(**changes):
    return saltus.Network([saltus.Layer(**{"model": "lif", "size": 3, "inputs": 2, **changes})], T=T)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 3.0}, "layers[0].size: Expected `int`, got `float`"),
        ({"size": "3"}, "layers[0].size: Expected `int`, got `str`"),
        ({"size": HUGE, "recurrent": True}, f"size = {HUGE}: more than 2147483647"),
        ({"inputs": HUGE}, f"inputs.input: size {HUGE} is more than 2147483647"),
        ({"learn": "weights"}, "layers[0].learn: Expected `array`, got `str`"),
        ({"recurrent": "yes"}, "layers[0].recurrent: Expected `bool`, got `str`"),
        ({"sample_times": 0.01}, "layers[0].sample_times: Expected `array`, got `float`"),
        ({"spikes_kept": HUGE}, f"spikes_kept = {HUGE}: more than 2147483647"),
        ({"weights": 1j}, "input_output: 1j are no weights. Give a number"),
        (
            {"weights": np.ma.masked_array(np.ones((2, 3)), np.eye(2, 3))},
            "a masked array hides weights. Give",
        ),
        ({"weights": saltus.Normal("a", 1.0)}, "input_output: mean = 'a' is not a finite number"),
        ({"weights": saltus.FanIn(0.0, np.inf)}, "input_output: std = inf is not a finite number"),
        ({"weights": saltus.Normal(0.0, -1.0)}, "input_output: std = -1 is negative"),
        ({"weights": saltus.Uniform(2.0, 1.0)}, "input_output: from low = 2 to high = 1 is no range"),
        ({"weights": saltus.Uniform(-1e308, 1e308)}, "is no range"),
    ],
)
def test_a_layer_says_which_entry_is_wrong(changes, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        layer(**changes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": saltus.Layer("lif", 3, inputs=2)}, "layers: not a list. Give one saltus.Layer after"),
        ({"populations": [1]}, "populations: not a table. Give populations by name"),
        ({"populations": {"a": {"model": "lif", "size": 1}}, "seed": -1}, "seed = -1 is negative"),
    ],
)
def test_a_network_says_which_argument_is_wrong(arguments, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        saltus.Network(T=T, **arguments)


def test_numbers_and_arrays_of_numpy_are_taken_wherever_a_configuration_has_some():
    times = np.array([0.01, 0.02])
    by_layers = layer(size=np.int64(3), inputs=np.int32(2), sample_times=times)
    net = saltus.Network(
        T=np.float64(T),
        populations={"a": {"model": "lif", "size": np.int64(3), "sample_times": times}},
        inputs={"in": np.int64(2)},
    )
    for members in (*by_layers.populations.values(), *net.populations.values()):
        assert members.size == 3 and tuple(members.sample_times) == (0.01, 0.02)


def test_rows_of_several_lengths_are_no_mask():
    with pytest.raises(ConfigError, match=r"in_hid\.mask: not 0 or 1 for each of \(pre, post\)"):
        build(projections__in_hid__mask=[[1, 0], [1]])


def test_more_steps_than_can_be_counted():
    with pytest.raises(
        ConfigError, match=r"dt = 1e-06: 1e\+36 steps are more than 2147483647\. Take a longer"
    ):
        saltus.Network([saltus.Layer("lif", 3, inputs=2)], T=1e30, engine="clock", dt=1e-6)


@pytest.mark.parametrize("make", [saltus.model, saltus.adjoint, saltus.loss])
@pytest.mark.parametrize("given", [5, None, 1.5])
def test_what_can_be_no_spec(make, given):
    with pytest.raises(SpecError, match=rf"(model|loss): {given} is no spec\. Give a shipped name"):
        make(given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "sum_cross_entropy", "readout": 3}, "readout = 3 names none. Give a name"),
        ({"name": "first_spike_cross_entropy", "missing": -1}, "missing = -1 is negative. Give a time"),
        ({"name": "rate_heuristic", "target": 1, "population": ["a"]}, "there is no population ['a']. There"),
        ({"name": "rate_heuristic"}, "rate_heuristic: target is missing"),
        ({"name": "rate_heuristic", "targets": 1}, "rate_heuristic: there is no parameter 'targets'. There"),
    ],
)
def test_a_loss_says_which_argument_is_wrong(given, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        saltus.Network([saltus.Layer("lif", 3, inputs=2)], T=T, loss=given)


def data():
    return Dataset(saltus.Spikes.from_times(np.zeros((3, 4))), labels())


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda net: saltus.Trainer(net, saltus.Adam), "is no optimiser. Give one such as saltus.Adam(lr="),
        (lambda net: saltus.Trainer(net, saltus.Adam(), batch_size=1.5), "batch_size = 1.5 is not a whole"),
        (lambda net: saltus.Trainer(net, saltus.Adam(), seed=-1), "seed = -1 is negative"),
        (
            lambda net: saltus.Trainer(net, saltus.Adam()).fit((spikes(), labels()), epochs=1),
            "tuple is no data set. Give saltus.runtime.data.Dataset(spikes, labels)",
        ),
        (
            lambda net: saltus.Trainer(net, saltus.Adam()).fit(data(), epochs=1.5),
            "epochs = 1.5 is not a whole number",
        ),
        (
            lambda net: saltus.Trainer(net, saltus.Adam(), schedule=lambda epoch: np.nan).fit(
                data(), epochs=1, progress=quiet
            ),
            "the schedule gives nan for epoch 0. Give a factor",
        ),
        (lambda net: Dataset(np.zeros((3, 4)), labels()), "data set: spikes as ndarray. Give saltus.Spikes"),
        (lambda net: saltus.yin_yang((HUGE, 1, 1)), f"{HUGE} samples are more than 2147483647"),
        (lambda net: saltus.yin_yang(seeds=(-1, 1, 2)), "the seed -1 is negative"),
        (lambda net: saltus.digits(seed=-1), "the seed -1 is negative"),
        (lambda net: check_labels(np.ma.masked_array([0], [1]), 1, 3), "labels: a masked array hides some"),
    ],
)
def test_training_says_which_argument_is_wrong(act, message):
    with pytest.raises((ConfigError, InputError), match=re.escape(message)):
        act(layers())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"wrt": "input_hidden0.weights"}, "wrt = 'input_hidden0.weights' is one name. Give a list of names"),
        ({"wrt": [3]}, "there is nothing named 3"),
        ({"d_spike_times": [1.0]}, "d_spike_times: list is no dict. Give a dict by name"),
        ({"d_spike_times": {"output": "a"}}, "d_spike_times['output']: not all finite"),
        ({"d_readouts": {"output": np.zeros(3)}}, "d_readouts['output']: ndarray is no dict"),
        ({"d_readouts": {"output": {"V": "a"}}}, "d_readouts['output']['V']: not finite numbers of shape"),
    ],
)
def test_gradients_say_which_argument_is_wrong(arguments, message):
    net = layers()
    with pytest.raises(InputError, match=re.escape(message)):
        net.gradients(net.run(spikes(), labels()), **arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eps": 0.0}, "with eps = 0.0 and entries = 64 there is nothing to compare"),
        ({"entries": 0}, "entries = 0 there is nothing to compare"),
        ({"parameters": "input_times"}, "'input_times' is one name. Give a list of names"),
    ],
)
def test_a_comparison_says_which_argument_is_wrong(options, message):
    with pytest.raises(InputError, match=re.escape(message)):
        layers().check_gradient(spikes(), labels(), **options)


def test_complex_targets_are_refused():
    net = saltus.Network(
        [saltus.Layer("li", 3, inputs=4)], T=T, loss=saltus.loss("mean_squared_error", readout="sum_V")
    )
    with pytest.raises(InputError, match=r"targets\['target'\]: not finite numbers"):
        net.run(spikes(), targets=np.zeros((len(labels()), 3), complex))
