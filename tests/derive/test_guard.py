"""What a reset does to the guard, as far as algebra can tell; what only a run can tell is left to it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from models import ball

import saltus
from saltus.derive import files, spec
from saltus.derive.guard import keeps_guard
from saltus.errors import RunError, SpecError

lif = spec.load("lif")
V, I = lif.x
theta = lif.symbols()["theta"]


@pytest.mark.parametrize("factor", [0, 1, 2])
def test_a_reset_of_the_height_keeps_the_guard_at_zero(factor) -> None:
    """h+ = c h- is zero where h- is, whatever c."""
    model = ball()
    h, v = model.x
    assert keeps_guard(model, replace(model.transitions[0], reset=(factor * h, -v / 2)))
    assert not keeps_guard(model, replace(model.transitions[0], reset=(factor * h + v, -v / 2)))


def test_a_reset_to_the_threshold_keeps_the_guard_at_zero() -> None:
    """The guard is eliminated, so it does not matter that the reset forgets V; the shipped reset moves it."""
    spike = lif.transitions[0]
    assert keeps_guard(lif, replace(spike, reset=(theta, I)))
    assert not keeps_guard(lif, spike)


def cell(reset: dict[str, str], **more: Any) -> dict[str, Any]:
    """A leaky neuron with an adaptation and this reset; b and theta may be negative, c and tau may not."""
    positive = {"value": 20e-3, "unit": "s", "positive": True}
    values = {"tau": positive, "tau_a": positive, "c": positive, "theta": 1.0, "b": 0.3, "v_reset": 0.0}
    return {
        "name": "cell",
        "title": "A cell",
        "parameters": values,
        "initial": {"V": 0.0, "I": 0.0, "A": 0.0},
        "dynamics": {"f_V": "tau*dot(V) + V - I + A", "f_I": "tau*dot(I) + I", "f_A": "tau_a*dot(A) + A"},
        "transition": {"spike": {"when": "V - theta", "reset": reset, "emits": True}},
        "receive": {"exc": {"I": "I + w"}},
        **more,
    }


@pytest.mark.parametrize(
    "reset",
    [
        {},
        {"V": "theta"},
        {"V": "theta + b*b"},
        {"V": "V + c"},
        {"V": "V + A*A"},
        {"V": "2*theta - V"},  # where V is theta, that is theta again
        {"A": "A - c"},  # the guard stays and rises faster
        {"V": "theta", "I": "I + c/2", "A": "A - c/2"},
    ],
)
def test_a_guard_that_cannot_be_below_zero_after_its_reset_is_refused(reset: dict[str, str]) -> None:
    with pytest.raises(SpecError, match=r"\[transition.spike\] reset: V - theta is not below zero after it"):
        spec.from_dict(cell(reset))


@pytest.mark.parametrize(
    "reset",
    [
        {"V": "v_reset"},
        {"V": "b*V"},
        {"V": "V - theta"},
        {"V": "V + b"},
        {"V": "V + A"},
        {"A": "A + b"},  # the guard stays, and falls if b is more than V's velocity
        {"A": "A + c"},
        {"I": "b*I"},
    ],
)
def test_what_values_decide_is_left_to_a_run(reset: dict[str, str]) -> None:
    spec.from_dict(cell(reset))


def test_a_guard_that_only_an_arrival_lifts_may_be_mirrored() -> None:
    """An arrival takes V beyond theta, and 2 theta - V is below it by as much: no crossing, and V decays."""
    mirrored = cell({"V": "2*theta - V"}, receive={"exc": {"V": "V + w"}})
    spec.from_dict(mirrored)
    with pytest.raises(SpecError, match="is not below zero after it"):
        spec.from_dict(cell({"V": "V + c"}, receive={"exc": {"V": "V + w"}}))


def test_a_guard_that_only_an_arrival_lifts_may_be_put_at_zero() -> None:
    """V decays from theta, so it has fallen below at once; theta + c is not below it at any time."""
    decaying = files.toml(files.read("models", "lif_delta")[0], "lif_delta")
    decaying["transition"]["spike"]["reset"] = {"V": "theta"}
    population = {"model": decaying, "size": 1}
    net = saltus.Network(
        T=0.05,
        inputs={"in": 1},
        populations={"a": population},
        projections={"in_a": {"pre": "in", "post": "a", "receptor": "exc", "weights": [[1.5]]}},
    )
    np.testing.assert_array_equal(
        net.run(saltus.Spikes.from_times([[[1e-3, 5e-3]]])).spikes["a"].times, [1e-3, 5e-3]
    )
    decaying["parameters"]["c"] = {"value": 0.1, "positive": True}
    decaying["transition"]["spike"]["reset"] = {"V": "theta + c"}
    with pytest.raises(SpecError, match="is not below zero after it"):
        spec.from_dict(decaying)


@pytest.mark.parametrize(("share", "refused"), [("c", True), ("-c", False), ("b", False)])
def test_a_share_of_the_slope_decides_on_a_bounce(share: str, refused: bool) -> None:
    """A ball that goes on downwards with a share of its speed is below the ground at once."""
    content = files.toml(files.read("models", "bouncing_ball")[0], "ball")
    content["parameters"] |= {"c": {"value": 0.5, "positive": True}, "b": 0.5}
    content["transition"]["bounce"]["reset"] = {"velocity": f"{share}*velocity"}
    if not refused:
        spec.from_dict(content)
        return
    with pytest.raises(SpecError, match=r"\[transition.bounce\] reset: -height is not below zero after it"):
        spec.from_dict(content)


def test_a_reset_that_changes_nothing_may_begin_a_phase() -> None:
    """In a phase no guard is watched; at its end the run sees whether V has fallen, and says so if not."""
    phase = {
        "mode": {"refractory": {"dynamics": {}}},
        "transition": {
            "spike": {"when": "V - theta", "reset": {}, "emits": True, "goto": "refractory"},
            "ready": {"mode": "refractory", "after": "c"},
        },
    }
    model = cell({}, **phase)
    population = {"model": model, "size": 1, "params": {"c": 80e-3}}
    projection = {"pre": "in", "post": "a", "receptor": "exc", "weights": [[4.0]]}
    network = {"inputs": {"in": 1}, "populations": {"a": population}, "projections": {"in_a": projection}}
    train = saltus.Spikes.from_times([[[0.0, 0.1, 0.2]]])
    net = saltus.Network(T=0.3, **network)
    assert len(net.run(train).spikes["a"].times) == 3
    population["params"]["c"] = 5e-3
    with pytest.raises(RunError, match="at or above its threshold at the end of"):
        saltus.Network(T=0.3, **network).run(train)
