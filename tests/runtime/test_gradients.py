"""Gradients by composition: several sources, masks, losses of one's own, and what is refused."""

import numpy as np
import pytest
from small_network import LOSS, T, labels, layers, spikes

import saltus
from saltus.errors import InputError

RANDOM = np.random.default_rng(5)
W_IN = RANDOM.normal(2.0, 0.5, (4, 6))
W_OUT = RANDOM.normal(1.0, 0.5, (6, 3))


def network(projections, inputs=None, **options):
    """Hidden 6, output 3, with these projections."""
    options = {"T": T, "loss": LOSS, **options}
    populations = {"hid": {"model": "lif", "size": 6}, "out": {"model": "lif", "size": 3}}
    tables = {
        name: {"pre": pre, "post": post, "weights": weights}
        for name, (pre, post, weights) in projections.items()
    }
    return saltus.Network(populations=populations, projections=tables, inputs=inputs or {"in": 4}, **options)


PLAIN = {"in_hid": ("in", "hid", W_IN), "hid_out": ("hid", "out", W_OUT)}


def run(net, given=None):
    result = net.run(spikes() if given is None else given, labels())
    return result, net.gradients(result)


def flat(values):
    return np.concatenate([np.ravel(train) for sample in values for train in sample])


def test_splitting_a_projection_changes_nothing():
    """Two inputs that share the neurons of one give the same bits, through the merged event list."""
    both = spikes()
    parts = {}
    for name, first, size in (("a", 0, 3), ("b", 3, 1)):
        nested = [[both.train(b, n) for n in range(first, first + size)] for b in range(3)]
        parts[name] = saltus.Spikes.from_times(nested)
    whole, gradient = run(network(PLAIN))
    split = network(
        {"a_hid": ("a", "hid", W_IN[:3]), "b_hid": ("b", "hid", W_IN[3:]), "hid_out": ("hid", "out", W_OUT)},
        {"a": 3, "b": 1},
    )
    result, divided = run(split, parts)
    assert result.loss == whole.loss
    np.testing.assert_array_equal(divided["a_hid.weights"], gradient["in_hid.weights"][:3])
    np.testing.assert_array_equal(divided["b_hid.weights"], gradient["in_hid.weights"][3:])
    ordered = [np.concatenate([flat([s]) for s in divided["input_times"][name]]) for name in ("a", "b")]
    expected = gradient["input_times"]
    np.testing.assert_array_equal(
        ordered[0], np.concatenate([np.concatenate(sample[:3]) for sample in expected])
    )
    np.testing.assert_array_equal(
        ordered[1], np.concatenate([np.concatenate(sample[3:]) for sample in expected])
    )


def test_two_projections_from_one_source_add_up():
    whole, gradient = run(network(PLAIN))
    half = 0.5 * W_IN
    result, divided = run(
        network({"one": ("in", "hid", half), "two": ("in", "hid", half), "hid_out": ("hid", "out", W_OUT)})
    )
    np.testing.assert_allclose(result.loss, whole.loss, rtol=1e-12)
    for name in ("one", "two"):
        np.testing.assert_allclose(
            divided[f"{name}.weights"], gradient["in_hid.weights"], rtol=1e-9, atol=1e-14
        )
    np.testing.assert_allclose(
        flat(divided["input_times"]), flat(gradient["input_times"]), rtol=1e-9, atol=1e-12
    )


def test_a_skip_connection_agrees_with_differences():
    """Input and hidden layer both project to the output; the hidden layer to another one as well."""
    net = saltus.Network(
        populations={name: {"model": "lif", "size": n} for name, n in (("a", 5), ("b", 4), ("out", 3))},
        projections={
            "in_a": {"pre": "in", "post": "a", "weights": W_IN[:, :5]},
            "a_b": {"pre": "a", "post": "b", "weights": W_IN[:, :5].T},
            "a_out": {"pre": "a", "post": "out", "weights": 0.3},
            "b_out": {"pre": "b", "post": "out", "weights": W_OUT[:4]},
            "in_out": {"pre": "in", "post": "out", "weights": 0.4},
            "a_a": {"pre": "a", "post": "a", "weights": RANDOM.normal(0.0, 0.3, (5, 5))},
        },
        inputs={"in": 4},
        T=T,
        loss=LOSS,
    )
    check = net.check_gradient(spikes(), labels(), [*net.all_parameters(), "input_times"], eps=1e-6)
    assert check.error < 2e-5, str(check)
    assert check.left_out < 10, str(check)


@pytest.mark.parametrize("projection", ["in_hid", "hid_hid"])
def test_a_mask_leaves_no_weight_and_no_gradient(projection):
    shape = {"in_hid": (4, 6), "hid_hid": (6, 6)}[projection]
    mask = np.random.default_rng(0).random(shape) < 0.6
    tables = {
        "in_hid": {"pre": "in", "post": "hid", "weights": W_IN},
        "hid_hid": {"pre": "hid", "post": "hid", "weights": 0.2},
        "hid_out": {"pre": "hid", "post": "out", "weights": W_OUT},
    }
    tables[projection]["mask"] = mask
    net = saltus.Network(
        populations={"hid": {"model": "lif", "size": 6}, "out": {"model": "lif", "size": 3}},
        projections=tables, inputs={"in": 4}, T=T, loss=LOSS,
    )  # fmt: skip
    _, gradient = run(net)
    assert not net.parameters()[f"{projection}.weights"][~mask].any()
    assert not gradient[f"{projection}.weights"][~mask].any()
    assert (gradient[f"{projection}.weights"][mask] != 0.0).any()


def test_the_batch_gradient_is_the_mean():
    net = layers(recurrent=True)
    batch = spikes(7)
    whole = net.gradients(net.run(batch, labels(7)))
    each = [net.gradients(net.run(batch.take([b]), labels(7)[[b]])) for b in range(7)]
    for name in net.learnable:
        mean = np.mean([gradient[name] for gradient in each], axis=0)
        np.testing.assert_allclose(whole[name], mean, rtol=1e-9, atol=1e-13)


def test_a_loss_of_ones_own_on_spike_times():
    """L = sum t^2 over all output spikes, given for each spike, or for each neuron and number."""
    net = network(PLAIN, loss=None)
    result = net.run(spikes())
    out = result.spikes["out"]
    counts = out.counts()
    dense = np.zeros((3, 3, counts.max()))
    for k in range(counts.max()):
        times = out.first(k)
        dense[:, :, k] = np.where(np.isinf(times), 0.0, 2.0 * times)
    one = net.gradients(result, d_spike_times={"out": 2.0 * out.times})
    other = net.gradients(result, d_spike_times={"out": dense})
    np.testing.assert_array_equal(one["in_hid.weights"], other["in_hid.weights"])

    def loss(step):
        changed = network({**PLAIN, "in_hid": ("in", "hid", W_IN + step)}, loss=None)
        return sum(t**2 for t in changed.run(spikes()).spikes["out"].times)

    h = 1e-6
    difference = (loss(h) - loss(-h)) / (2.0 * h)
    np.testing.assert_allclose(one["in_hid.weights"].sum(), difference, rtol=1e-6)


def test_a_loss_of_ones_own_on_readouts_and_final_states():
    net = saltus.Network(
        [saltus.Layer("lif", 6, inputs=4, weights=W_IN), saltus.Layer("li", 3, weights=W_OUT)], T=T
    )
    result = net.run(spikes())
    seeds = {"output": {"sum_V": np.ones((3, 3)), "V": np.full((3, 3), 2.0)}}
    gradient = net.gradients(result, d_readouts=seeds)["input_hidden0.weights"]

    def loss(step):
        net.parameters()["input_hidden0.weights"][...] = W_IN + step
        found = net.run(spikes())
        return found.readouts["output"]["sum_V"].sum() + 2.0 * found.final["output"]["V"].sum()

    h = 1e-6
    np.testing.assert_allclose(gradient.sum(), (loss(h) - loss(-h)) / (2.0 * h), rtol=1e-6)


def test_only_what_is_asked_for():
    net = layers()
    result = net.run(spikes(), labels())
    everything = net.gradients(result)
    names = ["hidden0.tau_mem", "output.theta"]
    found = net.gradients(result, wrt=names)
    assert list(found) == names
    np.testing.assert_array_equal(found["hidden0.tau_mem"], everything["hidden0.tau_mem"])
    assert found["output.theta"] != 0.0, "frozen, but asked for by name"
    assert set(net.gradients(result, wrt=["hidden0_output.weights"])) == {"hidden0_output.weights"}


def test_the_loss_and_other_seeds_add_up():
    net = network(PLAIN)
    result = net.run(spikes(), labels())
    bare = net.run(spikes())
    seeds = {"hid": np.ones(len(result.spikes["hid"].times))}
    total = net.gradients(result, d_spike_times=seeds)["in_hid.weights"]
    parts = (
        net.gradients(result)["in_hid.weights"] + net.gradients(bare, d_spike_times=seeds)["in_hid.weights"]
    )
    np.testing.assert_allclose(total, parts, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"wrt": ["hid.tau"]}, r"there is nothing named 'hid\.tau'\. There are in_hid\.weights"),
        ({"wrt": ["in_hid.delays"]}, r"'in_hid\.delays': the projection has no delays\. Give it"),
        ({"d_spike_times": {"in": [1.0]}}, r"d_spike_times: no population 'in' spikes\. There are hid, out"),
        (
            {"d_spike_times": {"out": [1.0]}},
            r"d_spike_times\['out'\]: shape \(1,\) where .* Give one number a spike",
        ),
        (
            {"d_spike_times": {"out": np.full((3, 3), np.nan)}},
            r"d_spike_times\['out'\]: not all finite\. Give 0",
        ),
        ({"d_spike_times": {"out": np.ones((3, 3, 99))}}, r"neuron \d has no spike number \d+\. Give 0"),
        (
            {"d_readouts": {"out": {"sum_V": 1.0}}},
            r"d_readouts\['out'\]: there is no 'sum_V'\. There are V, I",
        ),
        ({"d_readouts": {"o": {"V": 1.0}}}, r"d_readouts: there is no population 'o'\. There are hid, out"),
        (
            {"d_readouts": {"out": {"V": [1.0]}}},
            r"d_readouts\['out'\]\['V'\]: not finite numbers of shape .*\(3, 3\)\. Give",
        ),
    ],
)
def test_what_cannot_be_differentiated_is_named(arguments, message):
    net = network(PLAIN)
    with pytest.raises(InputError, match=message):
        net.gradients(net.run(spikes(), labels()), **arguments)


def test_no_labels_no_gradient():
    net = network(PLAIN)
    with pytest.raises(
        InputError, match=r"the run had no loss to differentiate\. Give run\(spikes, labels\)"
    ):
        net.gradients(net.run(spikes()))


def test_a_result_belongs_to_its_network():
    result = network(PLAIN).run(spikes(), labels())
    with pytest.raises(InputError, match=r"the result is of another network"):
        network(PLAIN).gradients(result)
