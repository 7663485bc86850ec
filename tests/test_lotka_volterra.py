"""A smooth system fitted to data: the gradient against Diffrax's adjoints, and the parameters recovered."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

import saltus

TIMES = np.linspace(0.5, 12.0, 24)
TRUE = {"birth": 1.1, "predation": 0.4, "growth": 0.1, "death": 0.4, "prey0": 10.0, "predators0": 5.0}
GUESS = {"birth": 0.9, "predation": 0.45, "growth": 0.12, "death": 0.35, "prey0": 8.0, "predators0": 6.0}


def network(parameters, tolerance=1e-12):
    animals = {
        "model": "lotka_volterra",
        "size": 1,
        "params": parameters,
        "learn": list(parameters),
        "sample_times": TIMES.tolist(),
    }
    return saltus.Network(T=float(TIMES[-1]), populations={"animals": animals}, tolerance=tolerance)


def states(result):
    """Prey and predators (times, 2)."""
    return np.stack([result.states["animals"][name][0, 0] for name in ("prey", "predators")], axis=1)


@pytest.fixture(scope="module")
def data():
    return states(network(TRUE).run())


def mean_square(net, data):
    """The mean square of the distance to the data, and its gradient by way of the states' cotangents."""
    result = net.run()
    apart = states(result) - data
    seeds = 2.0 * apart / apart.size
    d_states = {"animals": {"prey": seeds[None, None, :, 0], "predators": seeds[None, None, :, 1]}}
    found = net.gradients(result, d_states=d_states)
    return np.mean(apart**2), {name: float(found[f"animals.{name}"].sum()) for name in GUESS}


@pytest.mark.slow
def test_the_gradient_is_that_of_an_established_solver(data):
    """Diffrax, by back-propagation through its steps and by the continuous adjoint solved backward."""
    question = {"parameters": GUESS, "times": TIMES.tolist(), "data": data.tolist()}
    program = Path(__file__).with_name("established.py")
    answer = subprocess.run(
        [sys.executable, program], input=json.dumps(question), capture_output=True, text=True, check=True
    )
    value, gradient = mean_square(network(GUESS), data)
    for found in json.loads(answer.stdout).values():
        np.testing.assert_allclose(value, found["loss"], rtol=1e-10)
        for name, exact in found["gradient"].items():
            np.testing.assert_allclose(gradient[name], exact, rtol=1e-10, err_msg=name)


def test_the_parameters_are_recovered_from_data(data):
    net = network(GUESS)
    views = [net.all_parameters()[f"animals.{name}"] for name in GUESS]

    def objective(logarithms):
        for view, value in zip(views, np.exp(logarithms), strict=True):
            view[...] = value
        value, gradient = mean_square(net, data)
        return value, np.array(list(gradient.values())) * np.exp(logarithms)

    start = np.log(list(GUESS.values()))
    found = minimize(objective, start, jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 500})
    np.testing.assert_allclose(np.exp(found.x), list(TRUE.values()), rtol=1e-6)
