"""Networks inside PyTorch: autograd's own check, training, and messages."""

import sys

import numpy as np
import pytest
from models import reader

import saltus
from saltus.errors import ConfigError, InputError

torch = pytest.importorskip("torch")

from saltus.torch import Network  # noqa: E402  after the check that PyTorch is there

T = 0.05


def network(**changes) -> saltus.Network:
    """3 inputs, 4 spiking neurons, 2 readouts."""
    hidden = saltus.Layer(
        "lif", 4, inputs=3, weights=saltus.Normal(3.0, 0.7), learn=("weights", "tau_mem", "theta"), **changes
    )
    out = saltus.Layer("li", 2, weights=saltus.Normal(0.5, 0.5), learn=("weights", "tau_syn"))
    return saltus.Network([hidden, out], T=T, seed=3)


def times() -> "torch.Tensor":
    random = np.random.default_rng(1)
    return torch.tensor(np.sort(random.uniform(0.0, T / 2, (2, 3, 3)), axis=2), requires_grad=True)


LATE = {"recurrent": True, "delay": 2e-3, "recurrent_delay": 1e-3}


@pytest.mark.parametrize("more", [{}, {"recurrent": True}, LATE])
def test_gradcheck(more):
    """Of all outputs by all parameters and input times."""
    module = Network(network(**more), spikes=2)
    names = list(module.names)

    def outputs(spikes, *values):
        found = torch.func.functional_call(module, dict(zip(names, values, strict=True)), (spikes,))
        first = torch.where(torch.isinf(found.spike_times["hidden0"]), 0.0, found.spike_times["hidden0"])
        rest = [*found.readouts["output"].values(), *found.final["output"].values()]
        return first * 1e3, *rest

    given = [module.get_parameter(name).detach().clone().requires_grad_() for name in names]
    assert torch.isfinite(module(times()).spike_times["hidden0"]).sum() > 8
    assert torch.autograd.gradcheck(outputs, (times(), *given), eps=1e-7, atol=1e-4, rtol=1e-4)


READER = reader(
    last="final(gain*V**2)",
    there="at(gain*V - I, t_read)",
    followed="at(gain*V)",
    early="integral(gain*V, t_read/2, t_read)",
    top="max(gain*V, t_read, T)",
)


def test_gradcheck_of_readouts_of_the_state():
    """At the end, at times that are learned or listed, and over windows; and the states at sample times."""
    hidden = saltus.Layer("lif", 4, inputs=3, weights=saltus.Normal(3.0, 0.7))
    learn = ("weights", "gain", "t_read", "tau")
    out = saltus.Layer(
        READER, 2, weights=saltus.Normal(0.5, 0.5), learn=learn, sample_times=[0.01, 0.03, 0.045]
    )
    module = Network(saltus.Network([hidden, out], T=T, seed=3))
    names = list(module.names)

    def outputs(spikes, *values):
        found = torch.func.functional_call(module, dict(zip(names, values, strict=True)), (spikes,))
        return *found.readouts["output"].values(), *found.states["output"].values()

    given = [module.get_parameter(name).detach().clone().requires_grad_() for name in names]
    found = module(times())
    assert set(found.readouts["output"]) == set(READER["readouts"])
    assert found.readouts["output"]["followed"].shape == found.states["output"]["V"].shape == (2, 2, 3)
    assert torch.autograd.gradcheck(outputs, (times(), *given), eps=1e-7, atol=1e-4, rtol=1e-4)


def test_it_is_the_gradient_of_the_runtime():
    module = Network(network())
    spikes = times()
    found = module(spikes)
    (found.spike_times["hidden0"][torch.isfinite(found.spike_times["hidden0"])].sum() * 1e3).backward()
    net = network()
    result = net.run([[list(n) for n in sample] for sample in spikes.detach().numpy()])
    seeds = np.where(np.isinf(result.spikes["hidden0"].first()), 0.0, 1e3)
    exact = net.gradients(result, d_spike_times={"hidden0": seeds})
    for name in module.names:
        np.testing.assert_array_equal(module.get_parameter(name).grad.numpy(), exact[name])
    np.testing.assert_array_equal(spikes.grad.numpy(), np.array(exact["input_times"]))


def test_a_step_before_the_backward_run_of_an_earlier_one_does_no_harm():
    """Each backward run sees the values of its own forward run."""
    module = Network(network())
    alone = torch.autograd.grad(loss_of(module(times())), list(module.parameters()), allow_unused=True)
    first = loss_of(module(times()))
    with torch.no_grad():
        other = {name: 1.1 * value for name, value in module.named_parameters()}
    torch.func.functional_call(module, other, (times(),))
    again = torch.autograd.grad(first, list(module.parameters()), allow_unused=True)
    for a, b in zip(alone, again, strict=True):
        assert torch.equal(a, b)


def test_an_optimiser_of_pytorch_learns():
    module = Network(network())
    adam = torch.optim.Adam(module.parameters(), lr=1e-3)
    losses = []
    for _ in range(20):
        adam.zero_grad()
        loss = (module(times()).readouts["output"]["sum_V"] * 1e2 - 1.0).square().mean()
        loss.backward()
        adam.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]


def test_the_state_is_named_as_in_saltus():
    module = Network(network())
    assert set(module.state_dict()) == set(module.net.parameters())


def test_no_spike_is_infinite_and_has_no_gradient():
    module = Network(network())
    nothing = torch.full((1, 3), torch.inf, requires_grad=True)
    found = module(nothing)
    assert torch.isinf(found.spike_times["hidden0"]).all()
    torch.exp(-found.spike_times["hidden0"] / 1e-3).sum().backward()
    assert not nothing.grad.any()


def test_what_does_not_fit_is_named():
    with pytest.raises(ConfigError, match=r"the network has a loss, which PyTorch would not see\. Leave"):
        Network(saltus.Network([saltus.Layer("lif", 2, inputs=1)], T=T, loss=saltus.loss(
            "first_spike_cross_entropy")))  # fmt: skip
    with pytest.raises(ConfigError, match=r"spikes = 0 is not a number of spikes\. Give 1 or more"):
        Network(network(), spikes=0)
    with pytest.raises(ConfigError, match=r"no population 'output' spikes\. There are hidden0"):
        Network(network(), spikes={"output": 1})
    with pytest.raises(InputError, match=r"a tensor of shape \(3,\) is not one time for each"):
        Network(network())(torch.zeros(3))
    with pytest.raises(InputError, match=r"the spike at t = -1 s is negative"):
        Network(network())(torch.full((1, 3), -1.0))


def test_without_pytorch_it_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "saltus.torch")
    monkeypatch.delitem(sys.modules, "saltus.runtime.bridges.torch")
    with pytest.raises(ConfigError, match=r"needs PyTorch\. Install it: pip install 'saltus\[torch\]'\."):
        __import__("saltus.torch")


def loss_of(found):
    first = found.spike_times["hidden0"]
    return first[torch.isfinite(first)].square().sum() + found.readouts["output"]["sum_V"].square().sum()


def test_layers_as_modules_are_the_network():
    """One module's spike times are the next one's input: the same outputs and gradients as in one network."""
    whole = Network(network())
    hidden, out = (
        whole.net.all_parameters()[f"{name}.weights"] for name in ("input_hidden0", "hidden0_output")
    )
    learn = ("weights", "tau_mem", "theta")
    first = Network(saltus.Network([saltus.Layer("lif", 4, inputs=3, weights=hidden, learn=learn)], T=T), 12)
    second = Network(saltus.Network([saltus.Layer("li", 2, inputs=4, weights=out)], T=T))
    together, apart = times(), times()
    loss = whole(together).readouts["output"]["sum_V"].square().sum()
    spikes = first(apart).spike_times["output"]
    assert torch.isinf(spikes[:, :, -1]).all(), "all spikes are handed on"
    chained = second(spikes).readouts["output"]["sum_V"].square().sum()
    assert torch.allclose(loss, chained, rtol=1e-13)
    loss.backward()
    chained.backward()
    assert torch.allclose(together.grad, apart.grad, rtol=1e-11)
    found = first.get_parameter("input_output.weights").grad
    assert torch.allclose(whole.get_parameter("input_hidden0.weights").grad, found, rtol=1e-11)


@pytest.mark.parametrize("kind", [torch.bool, torch.complex128])
def test_tensors_that_hold_no_times_are_refused(kind):
    with pytest.raises(InputError, match=rf"a tensor of {kind} holds no times\. Give numbers"):
        Network(network())(torch.zeros((2, 3), dtype=kind))


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_times_of_fewer_bits_are_taken_and_have_a_gradient(kind):
    late = torch.full((2, 3), 2.0**-7, dtype=kind, requires_grad=True)
    found = Network(network())(late).final["output"]["V"]
    found.sum().backward()
    exact = Network(network())(late.detach().double()).final["output"]["V"]
    assert torch.equal(found, exact) and late.grad.dtype is kind and late.grad.abs().sum() > 0
