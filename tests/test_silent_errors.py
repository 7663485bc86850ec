"""What other tools for exact spike gradients were seen to get wrong without a word; each is one test here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import exactness
import numpy as np
import oracle
import pytest
import reference
from agreement import assert_gradients, assert_spikes
from hybrid import Case
from test_every_model import spec

import saltus

MODELS = Path(saltus.__file__).resolve().parent / "derive" / "models"


def case(weights: list[float], times: list[float], **params: float) -> dict[str, Any]:
    """One input of one spike each, into one neuron; the loss is the sum of the neuron's spike times."""
    values = {"tau_mem": 20e-3, "tau_syn": 5e-3, "theta": 1.0, "v_reset": 0.0, "V0": 0.0, "I0": 0.0} | params
    return network([weights], [[i, t] for i, t in enumerate(times)], values)


def network(
    weights: list[list[float]], spikes: list[list[float]], values: dict[str, float]
) -> dict[str, Any]:
    """A population "out" with ``weights[post][pre]`` from the inputs."""
    size = len(weights)
    return {
        "T": 0.06,
        "populations": [
            {
                "name": "out",
                "size": size,
                "model": "lif",
                "params": {k: [v] * size for k, v in values.items()},
            }
        ],
        "input": {"name": "in", "size": len(weights[0]), "spikes": spikes},
        "projections": [{"name": "in_out", "pre": "in", "post": "out", "receptor": 0, "weights": weights}],
        "loss": {"type": "linear", "pop": "out", "coefficients": [1.0], "integrals": []},
    }


def assert_exact(described: dict[str, Any]) -> dict[str, Any]:
    """Spikes and all derivatives as in the oracle; returns what Saltus found."""
    found, expected = reference.run(described), oracle.evaluate(described)
    assert_spikes(found["spikes"], expected["spikes"])
    assert_gradients(found["grad"], expected["grad"])
    return found


def test_threshold_and_reset_have_gradients():
    """mlGeNN: exactly 0 for both, where they are learned."""
    found = assert_exact(case([12.0, 9.0], [1e-3, 8e-3], v_reset=-0.3))
    assert len(found["spikes"]["out"][0]) > 1
    assert all(
        abs(found["grad"]["params"]["out"][name][0]) > 1e-6 for name in ("theta", "v_reset", "tau_mem")
    )


def test_derivatives_by_all_times_add_up_to_the_spike_time():
    """mlGeNN: tau_mem's lacks a factor dt. With time in another unit every spike time is just that: Euler."""
    described = case([12.0, 9.0], [1.3e-3, 8.7e-3], v_reset=-0.3, V0=0.2, I0=-0.1)
    found = assert_exact(described)
    params, grad = described["populations"][0]["params"], found["grad"]
    total = sum(params[name][0] * grad["params"]["out"][name][0] for name in ("tau_mem", "tau_syn"))
    total += sum(
        t * slope for (_, t), slope in zip(described["input"]["spikes"], grad["input_times"], strict=True)
    )
    assert total == pytest.approx(sum(found["spikes"]["out"][0]), rel=1e-12)


def test_no_jump_of_the_adjoint_is_clamped():
    """mlGeNN clamps them. Here the gradient is linear in the cotangent, to the last bit and at any size."""
    random = np.random.default_rng(0)
    layer = saltus.Layer(
        "lif", 4, inputs=2, weights=random.normal(6.0, 1.0, (2, 4)), recurrent=True, recurrent_weights=0.3
    )
    net = saltus.Network([layer], T=0.06)
    result = net.run([[[1e-3, 9e-3], [4e-3, 20e-3]]])
    count = len(result.spikes["output"].times)
    assert count > 12
    seeds = random.normal(size=count)
    names = [*net.all_parameters(), "input_times"]
    small, large = (net.gradients(result, {"output": c * seeds}, wrt=names) for c in (2.0**-40, 2.0**40))
    small["input_times"], large["input_times"] = (np.concatenate(g["input_times"][0]) for g in (small, large))
    for name in names:
        np.testing.assert_array_equal(large[name], 2.0**80 * np.asarray(small[name]), err_msg=name)
        assert np.abs(large[name]).max() > 1e6


def test_a_variable_of_the_threshold_that_does_not_jump_keeps_its_adjoint():
    """mlGeNN: it loses its adjoint. Here V goes on through the spike, and only the threshold moves."""
    model = spec("alif")
    model["transition"]["spike"]["reset"] = {"A": "A + 1"}
    params = {"beta": np.array([0.8]), "tau_adapt": np.array([8e-3])}
    network = {
        "T": 0.04,
        "inputs": {"in": 1},
        "populations": {"out": {"model": model, "size": 1, "params": params}},
        "projections": {
            "in_out": {"pre": "in", "post": "out", "receptor": "exc", "weights": np.array([[7.0]])}
        },
    }
    trajectory = exactness.assert_exact(Case(network, [[1e-3, 7e-3, 13e-3]]))
    assert len(trajectory.spikes("out")[0]) > 2


@pytest.mark.parametrize("shift", [0.0, 0.37e-3, 0.5e-3])
def test_inputs_between_the_points_of_a_grid(shift: float):
    """mlGeNN: at dt = 1 ms the gradient by input weights is off by 43 %. There is no grid here."""
    times = [[i % 3, (1 + 2 * i) * 1e-3 + shift] for i in range(9)]
    values = {"tau_mem": 20e-3, "tau_syn": 5e-3, "theta": 1.0, "v_reset": 0.0, "V0": 0.0, "I0": 0.0}
    found = assert_exact(network([[2.0, 3.0, 2.5], [3.5, 1.5, 2.0]], times, values))
    assert all(len(train) > 2 for train in found["spikes"]["out"])


@pytest.mark.parametrize("reset", ['{ V = "v_reset", I = "I - V/2" }', '{ I = "I - V/2", V = "v_reset" }'])
def test_a_jump_uses_the_values_before_all_jumps(tmp_path: Path, reset: str):
    """mlGeNN: one jump after the other. Here I loses half of V as it was before, in either order."""
    spec = tmp_path / "coupled.toml"
    spec.write_text((MODELS / "lif.toml").read_text().replace('{ V = "v_reset" }', reset))
    net = saltus.Network(
        T=0.03,
        inputs={"in": 1},
        populations={"out": {"model": str(spec), "size": 1, "learn": ["theta"]}},
        projections={"in_out": {"pre": "in", "post": "out", "weights": [[12.0]]}},
    )

    def run() -> saltus.Result:
        return net.run(saltus.Spikes.from_times([[[1e-3]]]))

    result = run()
    times = result.spikes["out"].times
    assert len(times) == 2
    current, last = 12.0, 1e-3
    for time in times:
        current, last = current * np.exp((last - time) / 5e-3) - 0.5, time
    assert result.final["out"]["I"][0, 0] == pytest.approx(current * np.exp((last - 0.03) / 5e-3))
    slope = net.gradients(result, d_spike_times={"out": [0.0, 1.0]})["out.theta"]
    seconds = []
    for step in (1e-6, -2e-6, 1e-6):
        net.parameters()["out.theta"][...] += step
        seconds.append(run().spikes["out"].times[1])
    assert slope == pytest.approx((seconds[0] - seconds[1]) / 2e-6, rel=1e-6)


def test_no_spike_is_dropped_when_there_are_very_many():
    """mlGeNN: spikes beyond its buffer are sent but have no part in the gradient. Buffers grow here."""
    described = case([40.0] * 6, [1e-3 * k for k in range(6)], theta=0.05, v_reset=0.0)
    found = reference.run(described)
    (train,) = found["spikes"]["out"]
    assert len(train) > 400
    later = case([40.0] * 6, [1e-3 * k + 1e-7 for k in range(6)], theta=0.05, v_reset=0.0)
    (moved,) = reference.run(later)["spikes"]["out"]
    assert len(moved) == len(train)
    difference = (np.sum(moved) - np.sum(train)) / 1e-7
    assert sum(found["grad"]["input_times"]) == pytest.approx(difference, rel=1e-4)
    assert difference == pytest.approx(len(train), rel=1e-6)  # all spikes move with all inputs


def test_the_running_loss_before_and_after_a_spike_counts(tmp_path):
    """mlGeNN leaves l_V^- - l_V^+ out, so an integral over V of neurons that spike is wrong there."""
    spec = tmp_path / "integrating.toml"
    spec.write_text((MODELS / "lif.toml").read_text() + '\n[readouts]\nsum_V = "integral(V)"\n')
    described = case([12.0, 9.0], [1e-3, 8e-3], v_reset=-0.3)
    described["loss"] |= {"coefficients": [0.0], "integrals": [1.0]}
    expected = oracle.evaluate(described)
    described["populations"][0]["model"] = str(spec)
    found = reference.run(described)
    assert found["loss"] == pytest.approx(float(expected["loss"]), rel=1e-12)
    assert_gradients(found["grad"], expected["grad"])


def test_nothing_flows_to_an_input_after_the_spike():
    """Eventax: a spike that pre-empts an input event passes a gradient to it all the same."""
    found = assert_exact(case([7.0, 0.1], [1e-3, 30e-3]))
    assert len(found["spikes"]["out"][0]) == 1
    assert found["spikes"]["out"][0][0] < 30e-3
    assert found["grad"]["input_times"][0] != 0.0
    assert found["grad"]["input_times"][1] == 0.0
    assert found["grad"]["weights"]["in_out"][0][1] == 0.0


def test_nothing_flows_to_a_delay_that_is_too_long():
    """Eventax: delays wrong. The spike comes before the second input arrives, though after it was sent."""
    described = case([7.0, 0.1], [1e-3, 2e-3])
    described["projections"][0]["delays"] = [[1e-3, 28e-3]]
    found = assert_exact(described)
    assert 2e-3 < found["spikes"]["out"][0][0] < 30e-3
    assert found["grad"]["delays"]["in_out"][0][0] == found["grad"]["input_times"][0] != 0.0
    assert found["grad"]["delays"]["in_out"][0][1] == found["grad"]["input_times"][1] == 0.0


def test_inputs_at_one_time_into_neurons_alike():
    """Eventax: wrong. Two inputs at the same time, two identical neurons: all four spikes by the book."""
    values = {"tau_mem": 20e-3, "tau_syn": 5e-3, "theta": 1.0, "v_reset": 0.0, "V0": 0.0, "I0": 0.0}
    found = assert_exact(network([[3.0, 4.0], [3.0, 4.0]], [[0, 2e-3], [1, 2e-3], [0, 9e-3]], values))
    assert found["spikes"]["out"][0] == found["spikes"]["out"][1] != []


@pytest.mark.parametrize("tau_syn", [3e-3, 7e-3, 10e-3, 20e-3, 20e-3 * (1 + 1e-12), 31e-3])
def test_any_ratio_of_time_constants(tau_syn: float):
    """jaxsnn: the formula for 2:1 at any other ratio; exact-event-adjoint: division by zero at 1:1."""
    assert_exact(case([4.0, 3.0], [1e-3, 8e-3], tau_syn=tau_syn))


def test_a_reset_to_another_value_with_several_spikes():
    """jaxsnn: 15 % off."""
    found = assert_exact(case([12.0, 9.0], [1e-3, 8e-3], v_reset=-0.7))
    assert len(found["spikes"]["out"][0]) > 1


def test_a_bump_that_is_above_threshold_for_a_moment():
    """exact-event-adjoint: inputs at 1 and 5, time constants 15 and 4 ms: spikes at 9.94, reported silent."""
    weight = 1 / (response(8.94e-3, 15e-3, 4e-3) + response(4.94e-3, 15e-3, 4e-3))
    found = assert_exact(case([weight] * 2, [1e-3, 5e-3], tau_mem=15e-3, tau_syn=4e-3))
    assert found["spikes"]["out"][0] == [pytest.approx(9.94e-3, rel=1e-14)]


def response(s: Any, tau_mem: float, tau_syn: float) -> Any:
    """V a time ``s`` after an input of weight 1."""
    return tau_syn / (tau_mem - tau_syn) * (np.exp(-s / tau_mem) - np.exp(-s / tau_syn))


@pytest.mark.parametrize("excess", [1e-4, 1e-6, 1e-8])
def test_a_nearly_tangential_crossing_has_a_large_gradient_of_the_right_sign(excess: float):
    """exact-snn-nn: the wrong sign, or no spike. More weight or an earlier input: an earlier spike."""
    t = np.linspace(5e-3, 20e-3, 300_001)
    weight = (1 + excess) / np.max(response(t - 1e-3, 20e-3, 5e-3) + response(t - 5e-3, 20e-3, 5e-3))
    described = case([weight] * 2, [1e-3, 5e-3])
    found, expected = reference.run(described), oracle.evaluate(described)
    assert len(found["spikes"]["out"][0]) == 1
    slopes = found["grad"]["weights"]["in_out"][0]
    right = [float(slope) for slope in expected["grad"]["weights"]["in_out"][0]]
    np.testing.assert_allclose(slopes, right, rtol=1e-14 / excess)
    assert max(slopes) < -1e-3 / np.sqrt(excess) * 0.1
