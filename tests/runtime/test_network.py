"""Networks: building, running, and gradients by every route."""

import numpy as np
from small_network import T, build, labels, layers, spikes

import saltus


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
