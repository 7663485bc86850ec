"""A parameter that is learned and cannot change the loss is refused; one that can is not.

What is refused has gradient zero, and what is accepted has another one: both are run, too.
"""

import numpy as np
import pytest

import saltus
from saltus.errors import ConfigError
from saltus.runtime.data.dataset import Dataset
from saltus.runtime.model import shipped
from saltus.runtime.progress import quiet

T = 40e-3
SPIKES = saltus.Spikes.from_times([[[1e-3, 6e-3, 11e-3], [2e-3, 9e-3], [4e-3]]])


def stack(output="li", loss=None, hidden=(), learn=(), **options):
    layers = [
        saltus.Layer("lif", 5, inputs=3, weights=saltus.Normal(3.0, 0.5), learn=("weights", *hidden)),
        saltus.Layer(output, 2, weights=saltus.Normal(1.5, 0.1), learn=("weights", *learn), **options),
    ]
    return saltus.Network(layers, T=T, loss=loss)


SUM = saltus.loss("sum_cross_entropy", readout="sum_V", scale=100.0)
FIRST = saltus.loss("first_spike_cross_entropy", missing="skip")


def beside(learn=(), theta=False):
    """A population that hears the input, and that nobody hears."""
    return saltus.Network(
        T=T,
        inputs={"input": 3},
        populations={
            "idle": {"model": "lif", "size": 2, "learn": ("theta",) if theta else ()},
            "output": {"model": "li", "size": 2},
        },
        projections={
            "input_idle": {"pre": "input", "post": "idle", "learn": learn},
            "input_output": {"pre": "input", "post": "output"},
        },
        loss=saltus.loss("sum_cross_entropy", readout="sum_V", population="output"),
    )


def unjoined():
    """A recurrent projection without a synapse."""
    return saltus.Network(
        T=T,
        inputs={"input": 3},
        populations={"hidden": {"model": "lif", "size": 2}},
        projections={
            "input_hidden": {"pre": "input", "post": "hidden"},
            "hidden_hidden": {"pre": "hidden", "post": "hidden", "mask": np.zeros((2, 2))},
        },
        loss=FIRST,
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: stack(loss=saltus.loss("last_value_cross_entropy", readout="I"), learn=["tau_mem"]),
            "output.tau_mem is to be learned, but nothing that the loss reads depends on it, so its gradient "
            "would be zero whatever the data. Take it out of learn, or choose a loss that it can change",
        ),
        (lambda: stack("lif", FIRST, learn=["v_reset"]), "output.v_reset is to be learned"),
        (lambda: stack("lif", FIRST, learn=["v_reset"], spikes_kept=1), "output.v_reset is to be learned"),
        (lambda: beside(learn=("weights",)), "input_idle.weights is to be learned, but nothing"),
        (
            lambda: beside(theta=True),
            "idle.theta is to be learned, but nothing that the loss reads depends on population 'idle'",
        ),
        (unjoined, "hidden_hidden.weights is to be learned"),
    ],
)
def test_what_cannot_change_the_loss_is_refused_by_name(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


ALL_LIF = ("theta", "v_reset", "tau_mem", "tau_syn", "V0", "I0")


@pytest.mark.parametrize(
    ("net", "others"),
    [
        (lambda: stack(loss=SUM, hidden=ALL_LIF, learn=("tau_mem", "tau_syn", "V0", "I0")), ()),
        (lambda: stack("lif", FIRST, ALL_LIF, ("theta", "tau_mem", "tau_syn", "V0", "I0")), ()),
        (lambda: stack("lif", saltus.loss("spike_time_targets", spike=1), ALL_LIF, ALL_LIF), ("targets",)),
    ],
)
def test_what_is_accepted_has_a_gradient(net, others):
    net = net()
    targets = np.full((1, 2), 20e-3) if others else None
    result = net.run(SPIKES, None if others else [1], targets)
    found = net.gradients(result, wrt=list(net.parameters()))
    assert all(np.any(gradient != 0.0) for gradient in found.values()), found


def test_what_is_refused_has_gradient_zero():
    """The same parameters, asked for in spite of that: zero, to the bit."""
    cases = [
        (stack(loss=saltus.loss("last_value_cross_entropy", readout="I")), "output.tau_mem"),
        (stack("lif", FIRST), "output.v_reset"),
        (beside(), "idle.theta"),
    ]
    for net, name in cases:
        assert not np.any(net.gradients(net.run(SPIKES, [1]), wrt=[name])[name]), name


def test_without_a_loss_anything_may_be_read():
    assert "output.v_reset" in stack("lif", learn=["v_reset"]).parameters()


def test_recurrence_gives_later_spikes_a_path_to_first_ones():
    """The reset of a neuron is felt by another one's first spike."""
    layer = saltus.Layer("lif", 3, inputs=3, recurrent=True, learn=("weights", "v_reset"))
    net = saltus.Network([layer], T=T, loss=FIRST)
    assert "output.v_reset" in net.parameters()


@pytest.mark.parametrize("name", shipped("models"))
def test_every_parameter_of_a_shipped_model_acts_on_something(name):
    """Learned together under a loss of an unknown kind, which may read all, none is refused."""

    class Anything:
        population = None
        labelled = False
        target_names = ()

        def check(self, population, members, kept):
            pass

        def evaluate(self, result, population, data):
            raise NotImplementedError

        def identity(self):
            return b""

    ir = saltus.model(name).ir
    learn = tuple(parameter.name for parameter in ir.parameters)
    inputs = {"input": 1} if ir.arrivals else {}
    projections = {
        f"p{i}": {"pre": "input", "post": "neurons", "receptor": arrival.receptor}
        for i, arrival in enumerate(ir.arrivals)
    }
    times = [1e-3] if any(probe.listed for probe in ir.probes) else ()
    population = {"model": name, "size": 1, "learn": learn, "sample_times": times}
    saltus.Network(
        T=T, inputs=inputs, populations={"neurons": population}, projections=projections, loss=Anything()
    )


@pytest.mark.parametrize("engine", [{}, {"engine": "clock", "dt": 1e-3}], ids=["event", "clock"])
def test_one_neuron_alone_has_no_recurrent_projection(engine, tmp_path):
    """There are no self-connections: it is shown, trained and resumed as a layer that is not recurrent."""

    def network(recurrent):
        one = {"recurrent": recurrent, "recurrent_weights": 9.0, "recurrent_delay": 1e-3}
        layers = [saltus.Layer("lif", 1, inputs=3, weights=8.0, **one), saltus.Layer("li", 2)]
        return saltus.Network(layers, T=T, loss=SUM, **engine)

    data = Dataset(SPIKES, np.array([1]))
    options = {"checkpoint": tmp_path / "run.npz", "progress": quiet}
    net, plain = network(recurrent=True), network(recurrent=False)
    assert list(net.synapses) == ["input_hidden0", "hidden0_output"]
    assert net.explain() == plain.explain() and net._repr_html_() == plain._repr_html_()
    assert np.any(net.gradients(net.run(SPIKES, [1]))["input_hidden0.weights"])
    saltus.Trainer(net, saltus.Adam(lr=1e-2)).fit(data, epochs=1, **options)
    saltus.Trainer(plain, saltus.Adam(lr=1e-2)).fit(data, epochs=2, resume=True, **options)
    saltus.Trainer(net, saltus.Adam(lr=1e-2)).fit(data, epochs=2, resume=True, **options)
    for name, values in plain.parameters().items():
        np.testing.assert_array_equal(net.parameters()[name], values)
