"""Run by ``make wheel`` in an empty environment, outside the checkout: a shipped model, then a new one."""

import subprocess
import sys
from pathlib import Path

import numpy as np

import saltus

OWN = """
name = "mine"
title = "A leaky neuron with names of one's own and equal time constants"
source = "none"
[parameters]
tau_u = { value = 10e-3, positive = true }
tau_j = { value = 10e-3, positive = true }
h = { value = 1.0 }
[initial]
U = 0.0
J = 0.0
[dynamics]
f_U = "tau_u*dot(U) + U - J"
f_J = "tau_j*dot(J) + J"
[transition.spike]
when = "U - h"
reset = { U = "0" }
emits = true
[receive.exc]
J = "J + w"
"""


def main() -> None:
    assert "site-packages" in Path(saltus.__file__).parts, f"{saltus.__file__} is not the installed package"
    differentiate("lif")
    assert "sympy" not in sys.modules, "a shipped model needs no derivation"
    Path("mine.toml").write_text(OWN)
    differentiate("mine.toml")
    program = str(Path(sys.executable).with_name("saltus"))
    for command in (["derive", "lif"], ["doctor"]):
        subprocess.run([program, *command], check=True, stdout=subprocess.DEVNULL)
    print(f"saltus {saltus.__version__} works from its wheel")


def differentiate(model: str) -> None:
    """Two layers, a loss, and a gradient that agrees with differences."""
    rng = np.random.default_rng(1)
    net = saltus.Network(
        [
            saltus.Layer(model, 8, inputs=4, weights=rng.uniform(1.5, 3.0, (4, 8))),
            saltus.Layer(model, 3, weights=rng.uniform(0.5, 2.5, (8, 3))),
        ],
        T=0.05,
        loss=saltus.loss("first_spike_cross_entropy"),
    )
    times, labels = rng.uniform(0, 0.02, (2, 4)), [0, 2]
    name = "hidden0_output.weights"
    slope = net.gradients(net.run(times, labels))[name][3, 1]
    losses = []
    for step in (1e-6, -1e-6):
        net.parameters()[name][3, 1] += step
        losses.append(net.run(times, labels).loss)
        net.parameters()[name][3, 1] -= step
    difference = (losses[0] - losses[1]) / 2e-6
    assert abs(slope - difference) <= 1e-5 * max(abs(slope), 1e-3), (model, slope, difference)


if __name__ == "__main__":
    main()
