"""Lotka and Volterra's equations in Diffrax: the loss and its gradient by two of its adjoints.

Run as a program of its own (JAX keeps threads, after which nothing may fork): a question as JSON on standard
input, the answer as JSON on standard output.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import diffrax
import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)

TOLERANCE = 1e-12


def field(t: Any, x: Any, p: Any) -> Any:
    prey, predators = x
    return (
        p["birth"] * prey - p["predation"] * prey * predators,
        p["growth"] * prey * predators - p["death"] * predators,
    )


def loss(parameters: Any, times: Any, data: Any, adjoint: diffrax.AbstractAdjoint) -> Any:
    """Mean square of the distance to the data (times, states)."""
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field),
        diffrax.Tsit5(),
        t0=0.0,
        t1=times[-1],
        dt0=1e-3,
        y0=(parameters["prey0"], parameters["predators0"]),
        args=parameters,
        saveat=diffrax.SaveAt(ts=times),
        stepsize_controller=diffrax.PIDController(rtol=TOLERANCE, atol=TOLERANCE),
        adjoint=adjoint,
        max_steps=20_000,
    )
    return jnp.mean((jnp.stack(solution.ys, axis=1) - data) ** 2)


def main() -> None:
    question = json.load(sys.stdin)
    parameters = {name: jnp.asarray(value) for name, value in question["parameters"].items()}
    times, data = jnp.asarray(question["times"]), jnp.asarray(question["data"])
    controller = diffrax.PIDController(rtol=TOLERANCE, atol=TOLERANCE)
    adjoints = {
        "discrete": diffrax.RecursiveCheckpointAdjoint(),
        "continuous": diffrax.BacksolveAdjoint(solver=diffrax.Tsit5(), stepsize_controller=controller),
    }
    answer = {}
    for name, adjoint in adjoints.items():
        value, gradient = jax.value_and_grad(loss)(parameters, times, data, adjoint)
        answer[name] = {"loss": float(value), "gradient": {k: float(v) for k, v in gradient.items()}}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
