"""Where events meet: cascades, ties, what stays above a threshold; exact, refused or reported."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from exactness import Loss, assert_exact, build
from hybrid import Case
from test_every_model import spec

import saltus
from saltus.errors import RunError, SaltusError

T = 0.03


def case(populations: dict[str, Any], projections: dict[str, Any], spikes: list[list[float]]) -> Case:
    """``projections``: ``pre_post`` or ``pre_post_receptor`` to weights, or to weights and delays."""
    described = {}
    for name, given in projections.items():
        pre, post, *receptor = name.split("_")
        weights, delay = given if isinstance(given, tuple) else (given, None)
        described[name] = {"pre": pre, "post": post, "receptor": receptor[0] if receptor else "exc"}
        described[name] |= {"weights": np.array(weights, float)}
        if delay is not None:
            described[name]["delay"] = np.array(delay, float)
    network = {
        "T": T,
        "inputs": {"in": len(next(w["weights"] for w in described.values() if w["pre"] == "in"))},
        "populations": populations,
        "projections": described,
    }
    return Case(network, spikes)


def kinds(found: Case, **run: Any) -> list[str]:
    result = build(found).run([list(found.spikes)] if found.spikes else None, **run)
    return [notice.kind for notice in result.warnings]


def delta(size: int = 1, **params: Any) -> dict[str, Any]:
    given = {"tau_mem": 20e-3, "theta": 1.0, "v_reset": 0.0, "V0": 0.0} | params
    return {
        "model": "lif_delta",
        "size": size,
        "params": {k: np.full(size, v, float) for k, v in given.items()},
    }


# cascades


@pytest.mark.parametrize("delay", [None, 1e-3])
def test_a_cascade_hands_all_that_its_last_spike_is_worth_to_the_first(delay: float | None):
    """in -> a -> b -> c, each spike made by the arrival of the one before; then c drives a leaky neuron."""

    def link(weight: float) -> Any:
        return [[weight]] if delay is None else ([[weight]], [[delay]])

    chain = {"in_a": link(1.3), "a_b": link(1.4), "b_c": link(1.5), "c_out": link(6.0)}
    leaky = {"model": "lif", "size": 1, "params": {"v_reset": np.array([-0.1])}}
    populations = {name: delta(v_reset=-0.2) for name in "abc"} | {"out": leaky}
    found = case(populations, chain, [[2e-3, 9e-3]])
    trajectory = assert_exact(found)
    assert [len(trajectory.spikes(name)[0]) for name in "abc"] == [2, 2, 2]
    assert len(trajectory.spikes("out")[0]) > 1
    assert kinds(found) == []


def test_a_cascade_may_fan_out_and_meet_again():
    """Two neurons that one input lifts at once, and a third that only both together lift, at that time."""
    weights = {"in_a": [[1.2, 1.3]], "a_b": [[0.7], [0.6]]}
    trajectory = assert_exact(case({"a": delta(2), "b": delta()}, weights, [[3e-3, 11e-3]]), Loss(seed=3))
    assert trajectory.spikes("b")[0] == trajectory.spikes("a")[0] == trajectory.spikes("a")[1]


@pytest.mark.parametrize("links", [[[1.5]], [[0.0, 1.5], [1.5, 0.0]]])
def test_a_cascade_that_comes_back_is_refused(links: list[list[float]]):
    size = len(links)
    first = [[1.5, *[0.0] * (size - 1)]]
    found = case({"a": delta(size)}, {"in_a": first, "a_a": links}, [[4e-3]])
    with pytest.raises(RunError, match=r"population 'a' would spike twice at one time.*Give the synapses"):
        build(found).run([found.spikes])


def test_what_comes_with_an_arrival_is_taken_with_it():
    """One input spike lifts V by one receptor and lowers it by another: no spike, whatever the order."""
    model = spec("lif_delta")
    model["receive"]["inh"] = {"V": "V - w/2"}
    populations = {"a": delta() | {"model": model}}
    up, down = {"in_a_exc": [[1.2]]}, {"in_a_inh": [[1.6]]}
    for weights in (up | down, down | up):
        trajectory = assert_exact(case(populations, weights, [[2e-3, 4e-3, 6e-3, 8e-3]]))
        assert len(trajectory.spikes("a")[0]) == 1  # 0.4, 0.8, 1.1 after decay


# what stays above


@pytest.mark.parametrize("model", ["lif_delta", "lif", "lif_soft", "alif", "lif_refractory", "resonator"])
def test_above_the_threshold_at_the_start_is_refused(model: str):
    population = {"model": model, "size": 2, "params": {"V0": [0.0, 1.2]}}
    net = saltus.Network(T=T, populations={"a": population})
    with pytest.raises(
        RunError, match=r"neuron 1 of population 'a' starts at or above its threshold, at t = 0"
    ):
        net.run()


def test_above_the_threshold_after_a_reset_is_refused():
    """An arrival lifts V to 2.5 thresholds, and a soft reset takes one away."""
    model = spec("lif_delta")
    model["transition"]["spike"]["reset"] = {"V": "V - theta"}
    population = delta() | {"model": model}
    del population["params"]["v_reset"], model["parameters"]["v_reset"]
    found = case({"a": population}, {"in_a": [[2.5]]}, [[2e-3]])
    with pytest.raises(RunError, match=r"at or above its threshold right after its reset, at t = 0\.002 s"):
        build(found).run([found.spikes])


def test_above_the_threshold_after_its_own_synapse_spikes_at_once_or_is_refused():
    """A self-connection without delay that lifts V over the threshold again is a cascade without end."""
    found = case({"a": delta()}, {"in_a": [[1.1]], "a_a": [[1.1]]}, [[2e-3]])
    with pytest.raises(RunError, match="would spike twice at one time"):
        build(found).run([found.spikes])


def test_above_the_threshold_at_the_end_of_a_phase_is_refused():
    """The membrane is held by its reset, and the threshold is below that."""
    population = {"model": "lif_refractory", "size": 1, "params": {"v_reset": 1.5}}
    net = saltus.Network(
        T=T,
        inputs={"in": 1},
        populations={"a": population},
        projections={"in_a": {"pre": "in", "post": "a", "weights": 20.0}},
    )
    with pytest.raises(RunError, match=r"at or above its threshold at the end of a phase.*Lower"):
        net.run([[[2e-3]]])


def test_a_phase_that_an_arrival_lifts_over_the_threshold_ends_above_it():
    """A delta synapse in a phase moves V without a spike; what is left at its end is refused, not spiked."""
    model = spec("lif_delta")
    model["parameters"]["t_ref"] = {"value": 2e-3, "positive": True}
    model["transition"]["spike"]["goto"] = "held"
    model["transition"]["release"] = {"mode": "held", "after": "t_ref"}
    model["mode"] = {"held": {"dynamics": {"f_V": "dot(V)"}}}
    population = delta(t_ref=2e-3) | {"model": model}
    below = case(
        {"a": population},
        {
            "in_a": [
                [
                    0.6,
                ]
            ]
        },
        [[2e-3, 3e-3, 4e-3, 8e-3, 9e-3]],
    )
    trajectory = assert_exact(below)
    assert len(trajectory.spikes("a")[0]) == 2
    above = case({"a": population}, {"in_a": [[1.1]]}, [[2e-3, 3e-3]])
    with pytest.raises(RunError, match="at or above its threshold at the end of a phase"):
        build(above).run([above.spikes])


# ties


def test_arrivals_at_one_time_that_only_add_up_have_a_derivative():
    """Currents: any order gives the same, so nothing is reported and all is exact."""
    params = {"v_reset": np.array([-0.1, 0.1])}
    populations = {"a": {"model": "lif", "size": 2, "params": params}}
    weights = {"in_a": ([[3.0, 3.5], [3.2, 2.9]], [[1e-3, 1e-3], [1e-3, 1e-3]])}
    found = case(populations, weights, [[2e-3, 8e-3], [2e-3, 8e-3]])
    assert_exact(found)
    assert kinds(found) == []


@pytest.mark.parametrize("weights", [[[0.7], [0.6]], [[1.2], [0.6]], [[1.2], [1.3]]])
def test_a_spike_that_one_of_several_arrivals_makes_is_reported(weights: list[list[float]]):
    """Neither alone, the first alone, or each, which makes two spikes at one time.

    So their derivatives by the two times are one-sided. What is given is that of the order of arrival, and
    the sum over both is that of moving them together.
    """
    found = case({"a": delta()}, {"in_a": weights}, [[2e-3], [2e-3]])
    net = build(found)
    result = net.run([found.spikes])
    assert [notice.kind for notice in result.warnings] == ["tied"]
    assert "one-sided" in str(result.warnings[0])
    count = len(result.spikes["a"].times)
    assert count == (2 if np.min(weights) > 1.0 else 1)
    slopes = net.gradients(result, d_spike_times={"a": np.ones(count)})["input_times"][0]
    assert sum(float(s[0]) for s in slopes) == count
    apart = case({"a": delta()}, {"in_a": weights}, [[2e-3], [2.001e-3]])
    assert kinds(apart) == []


def test_an_arrival_at_the_end_of_a_phase_is_reported():
    """A self-connection as long as the refractory time: on one side V moves at once, on the other later."""
    params = {"t_ref": np.array([2e-3])}
    population = {"a": {"model": "lif_refractory", "size": 1, "params": params}}
    weights = {"in_a": ([[9.0]], [[1e-3]])}
    assert kinds(case(population, weights | {"a_a": ([[1.0]], [[2e-3]])}, [[2e-3]])) == ["tied"]
    assert kinds(case(population, weights | {"a_a": ([[1.0]], [[2.1e-3]])}, [[2e-3]])) == []


def test_a_maximum_that_is_attained_twice_is_taken_once():
    """Two inputs alike, 60 time constants apart: the derivative of one maximum, not of a mean or a sum."""
    params = {"tau_mem": np.array([0.5e-3]), "tau_syn": np.array([0.4e-3])}
    population = {"out": {"model": "li_max", "size": 1, "params": params}}
    net = build(case(population, {"in_out": [[1.0], [1.0]]}, []))
    result = net.run([[[0.0], [2.0**-6]]])
    top, at = (found["out"]["max_V"][0, 0] for found in (result.readouts, result.peak_times))
    gradient = net.gradients(result, d_readouts={"out": {"max_V": [[1.0]]}})["in_out.weights"].ravel()
    first = int(at > 2.0**-6)
    assert gradient[first] == pytest.approx(top, rel=1e-12)  # V is linear in the weights
    assert abs(gradient[1 - first]) < 1e-9 * top


def test_a_current_that_would_lift_the_guard_over_zero_is_refused():
    """Such a spike would have the time at which the current is set, which has no slope."""
    model = spec("lif_bias")
    model["transition"]["spike"]["when"] = "V - theta + I_ext"
    with pytest.raises(SaltusError, match=r"depends on the input I_ext, which jumps.*\nLet the input drive"):
        saltus.model(model)
