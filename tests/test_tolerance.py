"""The accuracy of what is integrated follows the tolerance, whatever the units."""

import numpy as np
import pytest
from tolerance import INTEGRATED, Reference

import saltus

QUICK = ("qif", "lotka_volterra")
"""Those whose oracle takes a second or two."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in INTEGRATED]
)
def test_gradients_follow_the_tolerance(name):
    """All derivatives of a recurrent network, entry by entry; at 1e-10 they are right to 1e-7."""
    reference = Reference(name)
    for cells in reference.trajectory.cells.values():
        for cell in cells:
            assert cell.spec.spike is None or len(cell.spikes) >= 2
            assert cell.least_slope > 1e-3, "drawn too close to a tangency: take another seed"
    coarse, middle, fine = (reference.error(tolerance) for tolerance in (1e-4, 1e-7, 1e-10))
    assert fine < 1e-7
    assert coarse > 100 * middle > 10_000 * fine


def gradients(scale, tolerance):
    """A logistic growth that saturates, its state in units of ``scale``."""
    spec = {
        "name": "growth",
        "title": "Logistic growth",
        "parameters": {"speed": 3.0, "most": scale},
        "initial": {"x": 0.01 * scale},
        "dynamics": {"f_x": "dot(x) - speed*x*(1 - x/most)"},
    }
    net = saltus.Network(T=1.5, populations={"a": {"model": spec, "size": 1}}, tolerance=tolerance)
    result = net.run()
    found = net.gradients(result, d_readouts={"a": {"x": np.ones((1, 1))}}, wrt=["a.speed"])
    return float(result.final["a"]["x"].sum()) / scale, float(found["a.speed"].sum()) / scale


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e9])
def test_the_unit_of_a_state_makes_no_difference(scale):
    """Picoamperes or amperes: the same accuracy. x(T) = most/(1 + 99 exp(-speed T))."""
    part = 99 * np.exp(-4.5)
    x, by_speed = gradients(scale, 1e-6)
    assert abs(x * (1 + part) - 1) < 3e-6
    assert abs(by_speed / (1.5 * part / (1 + part) ** 2) - 1) < 3e-5


@pytest.mark.parametrize("tolerance", [1e-6, 1e-9, 1e-12])
def test_rest_is_not_taken_for_an_error(tolerance):
    """At a point of rest velocities are rounding of what cancels, which no step is too short for."""
    spec = {
        "name": "rest",
        "title": "Rests where large terms cancel",
        "parameters": {"drive": 3.0},
        "initial": {"x": 1.0},
        "dynamics": {"f_x": "dot(x) + drive*exp(x) - drive"},
    }
    net = saltus.Network(T=100.0, populations={"a": {"model": spec, "size": 1}}, tolerance=tolerance)
    assert abs(net.run().final["a"]["x"][0, 0]) < 1e-12
