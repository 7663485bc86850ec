"""What the clock engine refuses: models without rules on the grid, times between its steps, neurons above."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from on_the_grid import DT

import saltus
from saltus.errors import ConfigError, RunError


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("qif", r"populations\.x: qif: its dynamics are not linear.*Use engine = \"event\"\."),
        ("lif_conductance", r"its dynamics are not linear"),
        ("lif_delta", r"lif_delta, receive\.exc: an arrival can lift the guard over zero"),
        ("bouncing_ball", r"bouncing_ball: bounce leaves its guard where it is"),
    ],
)
def test_a_model_without_rules_on_the_grid_is_refused(model: str, message: str) -> None:
    """By name, with the way out."""
    with pytest.raises(ConfigError, match=message):
        saltus.Network(T=0.05, populations={"x": {"model": model, "size": 1}}, engine="clock", dt=DT)


def test_times_between_steps_are_refused() -> None:
    """Delays and sample times; input spikes act at the first step at or after them."""
    with pytest.raises(RunError, match=r"w\.delays: 0\.0015 s is no multiple of dt = 0\.001 s\."):
        one_synapse(delay=1.5e-3).run([[[0.001]]])
    with pytest.raises(ConfigError, match=r"x\.sample_times: 0\.0005 s is no multiple"):
        one_synapse(sample_times=[5e-4])
    late, exact = (one_synapse().run([[[time]]]).final["x"]["V"] for time in (0.0013, 0.002))
    np.testing.assert_array_equal(late, exact)


def one_synapse(delay: float = 0.0, **population: Any) -> saltus.Network:
    return saltus.Network(
        T=0.05,
        inputs={"in": 1},
        populations={"x": {"model": "lif", "size": 1, **population}},
        projections={"w": {"pre": "in", "post": "x", "weights": 1.0, "delay": delay}},
        engine="clock",
        dt=DT,
    )


def test_a_neuron_that_is_above_is_named() -> None:
    """At the start, and after a reset."""
    with pytest.raises(RunError, match=r"sample 0: neuron 0 of population 'x' starts at or above"):
        one_synapse(params={"V0": 2.0}).run([[[0.001]]])
    with pytest.raises(
        RunError, match=r"neuron 0 of population 'x' is at or above its threshold right after"
    ):
        one_synapse(params={"I0": 20.0, "v_reset": 1.5}).run([[[0.001]]])
