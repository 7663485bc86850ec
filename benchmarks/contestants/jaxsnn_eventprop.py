"""jaxsnn on the Yin-Yang task: exact spike times and EventProp, float32, compiled.

Its spike times are closed forms for tau_mem = 2 tau_syn and tau_mem = tau_syn. It goes from event to event, a
given number of them: just as many as there are here, as a first run tells.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from contestant import Outcome, serve
from jaxsnn.event.loss import first_spike
from jaxsnn.event.modules import LIF, LIFParameters, Linear, Source
from jaxsnn.event.topology import Topology
from jaxsnn.event.types import Spike
from points import ALPHA, HIDDEN, HORIZON, INPUTS, OUTPUTS, TAU_0, TAU_1, TAU_MEM, Points

ROOM = 2048
"""Events of the first run, at most."""


def network(task: Points, hidden: int, output: int) -> tuple[Any, Any]:
    """Weights, and the function from inputs and weights to events, ``hidden`` and ``output`` at most."""
    parameters = LIFParameters(tau_syn=task.tau_syn, tau_mem=TAU_MEM, v_th=1.0, v_reset=0.0)
    topology = Topology(t_max=HORIZON, backprop_method="eventprop")
    topology.add(
        {
            "input": Source(INPUTS),
            "hidden": LIF(HIDDEN, hidden, parameters),
            "output": LIF(OUTPUTS, output, parameters),
            "input_hidden": Linear(pre_weights=task.weights_1),
            "hidden_output": Linear(pre_weights=task.weights_2),
        }
    )
    names = ("input", "input_hidden", "hidden", "hidden_output", "output")
    topology.connect(list(pairwise(names)))
    initial, run = topology.done()
    return initial(jax.random.PRNGKey(0)), run


def build(task: Points, batch: int, threads: int) -> Callable[[], Outcome]:
    order = np.argsort(task.times[:batch], axis=1)
    times = jnp.asarray(np.take_along_axis(task.times[:batch], order, axis=1))
    nothing = jnp.zeros_like(times)
    inputs = {"input": Spike(times, jnp.asarray(order), nothing, nothing.astype(int), nothing == 0.0)}
    label = jax.nn.one_hot(task.labels[:batch], OUTPUTS)

    weights, run = network(task, ROOM, 1)
    spikes = _spikes(run(inputs, weights)["hidden"])
    most = int(spikes.max())
    if most + INPUTS >= ROOM:
        raise SystemExit(f"More than {ROOM} events in a sample: raise ROOM.")
    weights, run = network(task, most + INPUTS, most + OUTPUTS)

    @jax.jit
    @jax.value_and_grad
    def differentiated(weights: Any) -> jax.Array:
        found = jax.vmap(first_spike, in_axes=(0, None))(run(inputs, weights)["output"], OUTPUTS)
        first = jnp.minimum(found, HORIZON)
        early = ALPHA * jnp.expm1((label * first).sum(axis=1) / TAU_1)
        return (early - (label * jax.nn.log_softmax(-first / TAU_0)).sum(axis=1)).mean()

    def step() -> Outcome:
        loss, gradients = differentiated(weights)
        return Outcome(float(loss), int(spikes.sum()), np.asarray(gradients["input_hidden"]))

    return step


def _spikes(events: Spike) -> np.ndarray[Any, Any]:
    """How many of the events of each sample are the layer's own spikes."""
    return np.asarray((events.internal & (events.idx >= 0) & (events.time < HORIZON)).sum(axis=1))


if __name__ == "__main__":
    serve(Points.load, build, "jaxsnn", "jax")
