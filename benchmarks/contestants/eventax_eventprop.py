"""Eventax on the Yin-Yang task: integration from event to event by Diffrax, EventProp, float32, compiled.

Solver (one of Diffrax's) and step in ms come after the others. It stops when all outputs have fired.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import diffrax
import equinox
import jax
import jax.numpy as jnp
import numpy as np
import optimistix
from contestant import Outcome, serve
from eventax.adjoint import EventPropAdjoint
from eventax.evnn import FFEvNN
from eventax.neuron_models import LIF
from points import ALPHA, HIDDEN, HORIZON, INPUTS, OUTPUTS, TAU_0, TAU_1, TAU_MEM, Points

MS = 1e3
"""The network is in milliseconds, as in Eventax's examples."""


def network(task: Points, most_events: int) -> FFEvNN:
    solver, step = getattr(diffrax, sys.argv[4]), float(sys.argv[5])
    weights = np.zeros((HIDDEN + OUTPUTS + INPUTS, HIDDEN + OUTPUTS))
    weights[-INPUTS:, :HIDDEN] = task.weights_1
    weights[:HIDDEN, HIDDEN:] = task.weights_2
    return FFEvNN(
        layers=[HIDDEN, OUTPUTS],
        in_size=INPUTS,
        neuron_model=LIF,
        max_solver_time=HORIZON * MS,
        key=jax.random.PRNGKey(0),
        thresh=1.0,
        tmem=TAU_MEM * MS,
        tsyn=task.tau_syn * MS,
        init_weights=weights,
        init_bias=0.0,
        solver=solver(),
        solver_stepsize=step,
        root_finder=optimistix.Newton(1e-4, 1e-4, optimistix.rms_norm),
        adjoint=EventPropAdjoint(),
        max_event_steps=most_events,
    )


def build(task: Points, batch: int, threads: int) -> Callable[[], Outcome]:
    times = jnp.asarray(task.times[:batch, :, None] * MS, jnp.float32)
    label = jax.nn.one_hot(task.labels[:batch], OUTPUTS)
    spikes = _spikes(network(task, 2000), times)
    net = network(task, int(1.5 * spikes.max()) + INPUTS)

    @equinox.filter_jit
    @equinox.filter_value_and_grad
    def differentiated(net: FFEvNN) -> jax.Array:
        first = jnp.minimum(jax.vmap(net.ttfs)(times), HORIZON * MS) / MS
        early = ALPHA * jnp.expm1((label * first).sum(axis=1) / TAU_1)
        return (early - (label * jax.nn.log_softmax(-first / TAU_0)).sum(axis=1)).mean()

    def step() -> Outcome:
        loss, gradients = differentiated(net)
        gradient = np.asarray(gradients.neuron_model.weights)[-INPUTS:, :HIDDEN]
        return Outcome(float(loss), int(spikes.sum()), gradient)

    return step


def _spikes(net: FFEvNN, times: jax.Array) -> np.ndarray[Any, Any]:
    """Hidden spikes of each sample until the horizon."""
    found, neurons, _ = equinox.filter_jit(jax.vmap(net.record))(times)
    return np.asarray(((found < HORIZON * MS) & (neurons < HIDDEN)).sum(axis=1))


if __name__ == "__main__":
    serve(Points.load, build, "eventax", "diffrax", "jax")
