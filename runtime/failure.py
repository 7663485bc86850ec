"""The kernels' status codes as sentences."""

from __future__ import annotations

from typing import Any

from saltus.errors import RunError

CAPACITY = 1
STARTS_ABOVE = 2
WORKSPACE = 4

_SENTENCES = {
    2: (
        "starts at or above its threshold",
        "Lower its initial values or raise the threshold.",
    ),
    3: (
        "is at or above its threshold right after its reset",
        "Lower the value that it is reset to, raise the threshold, or weaken its self-connection.",
    ),
    5: (
        "has a threshold crossing that the root search did not find to rounding",
        "Please report it, with the network and the input: this should not happen.",
    ),
    6: (
        "needs an integration step too small for float64",
        "Its solution may grow without bound before it spikes: look at its parameters and input, or give the "
        "network a larger tolerance.",
    ),
    7: (
        "would spike twice at one time: a cascade of spikes without delay comes back to it",
        "Give the synapses of that circle a delay, or smaller weights.",
    ),
    9: (
        "has transitions that come ever faster and accumulate",
        "End the simulation before that time, or give the model a reset that moves it off its condition.",
    ),
    10: (
        "seeks a maximum in a window that ends before it begins, or that is not within [0, T]",
        "Look at the bounds in the model's readouts, and at the parameters in them.",
    ),
    8: (
        "is at or above its threshold at the end of a phase",
        "Lower the value that it is held at, raise the threshold, or make the phase longer.",
    ),
}


def failure(population: str, status: Any, first: int = 0) -> RunError:
    """The error for a status: which sample, population, neuron and time, and the way out.

    ``first``: the population's first neuron, as the status counts them.
    """
    what, remedy = _SENTENCES.get(status.code, (f"failed with code {status.code}", "Please report it."))
    return RunError(
        f"sample {status.sample}: neuron {status.neuron - first} of population {population!r} {what}, "
        f"at t = {status.time:.9g} s. {remedy}"
    )


def out_of_memory(population: str, spikes: int) -> RunError:
    """The error for spikes or a workspace that do not fit into memory."""
    return RunError(
        f"population {population!r} does not fit into memory with up to {spikes} spikes a sample. "
        "Use smaller batches, a shorter T, or weights under which it fires less."
    )
