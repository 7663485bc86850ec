"""Models beyond the shipped ones, each for something that the leaky neuron does not have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from saltus.derive import spec
from saltus.derive.spec import ModelSpec

ADAPTIVE = """
name = "adaptive"
title = "Threshold that rises with adaptation, soft reset, and two receptors"
source = "a test"
[parameters]
tau_u = { value = 20e-3, positive = true }
tau_g = { value = 5e-3, positive = true }
tau_a = { value = 100e-3, positive = true }
c = 0.3
b = 0.2
theta = 1.0
[initial]
U = 0.0
G = 0.0
A = 0.0
[dynamics]
f_U = "tau_u*dot(U) + U - G + c*A"
f_G = "tau_g*dot(G) + G"
f_A = "tau_a*dot(A) + A - U"
[transition.spike]
when = "U - theta - A/2"
reset = { U = "U - theta", A = "A + b*U" }
emits = true
[receive.exc]
G = "G + w"
[receive.inh]
G = "G - c*w"
"""

BALL = """
name = "ball"
title = "A bouncing ball with drag: no receptor, and dynamics that are not linear"
source = "a test"
[parameters]
g = 9.81
r = 0.8
k = 0.1
[initial]
h = 1.0
v = 0.0
[dynamics]
f_h = "dot(h) - v"
f_v = "dot(v) + g + k*v*v*v"
[transition.bounce]
when = "-h"
reset = { v = "-r*v" }
emits = false
"""

COUPLED = """
name = "coupled"
title = "Time derivatives that mix, a reset that is not linear, and an integral"
source = "a test"
[parameters]
m = { value = 2.0, positive = true }
k = 0.8
theta = 1.0
[initial]
x = 0.0
y = 0.0
[dynamics]
f_x = "m*dot(x) + dot(y) + k*x - y"
f_y = "dot(y) - k*dot(x) + y"
[transition.spike]
when = "x - theta"
reset = { x = "k*x*x", y = "y*x" }
emits = true
[receive.exc]
y = "y + w"
[readouts]
q = "integral(x + k*y)"
"""


def adaptive() -> ModelSpec:
    """Three states, a guard that watches two of them, two receptors, one of them with a parameter."""
    return spec.parse(ADAPTIVE, "adaptive.toml")


def ball() -> ModelSpec:
    """Two states, no receptor."""
    return spec.parse(BALL, "ball.toml")


def coupled() -> ModelSpec:
    """A full M."""
    return spec.parse(COUPLED, "coupled.toml")


def two_thresholds() -> ModelSpec:
    """The leaky neuron with a second threshold below, which the reader of specs does not allow yet."""
    lif = spec.load("lif")
    (above,) = lif.transitions
    V, I = lif.x
    theta = lif.symbols()["theta"]
    below = replace(above, name="dip", when=-V - theta, reset=(V / 2, I), emits=False)
    return replace(lif, name="two_thresholds", transitions=(above, below))


def reader(**readouts: str) -> dict[str, Any]:
    """The spec of a leaky integrator with a gain, and a time that can be learned, read as told."""
    return {
        "name": "reader",
        "title": "A leaky integrator that is read",
        "parameters": {
            "tau": {"value": 0.02, "positive": True},
            "tau_s": {"value": 0.005, "positive": True},
            "gain": 2.0,
            "t_read": {"value": 0.03, "positive": True},
        },
        "initial": {"V": 0.0, "I": 0.0},
        "dynamics": {"f_V": "tau*dot(V) + V - I", "f_I": "tau_s*dot(I) + I"},
        "receive": {"exc": {"I": "I + w"}},
        "readouts": readouts,
    }
