"""Losses over spike times: a compiled head H(t, label) and its gradient, for one population's spikes."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saltus.errors import ConfigError, InputError, RunError
from saltus.runtime.kernel import Kernel, head_kernel
from saltus.runtime.model import head as read_head
from saltus.templates.ir import HeadIR

Array = NDArray[np.float64]
Labels = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Loss:
    """A loss over one spike time of each neuron of a population.

    Attributes:
        head: its value and gradient.
        parameters: value of each of its parameters.
        missing: what to do where the label's neuron has no such spike: ``"error"``; the time in seconds that
            stands in for it, its own gradient being zero; or ``"skip"``: the sample adds nothing to the loss
            nor to the gradient, as in the paper's own code, so that nobody is pushed away from a threshold
            by a neuron that cannot be pulled to it. The result counts such samples.
        spike: which spike of a neuron, 0 for the first.
        population: whose spikes; None: the network's only population without outgoing projections.
    """

    head: HeadIR
    parameters: Mapping[str, float]
    missing: float | Literal["error", "skip"] = "error"
    spike: int = 0
    population: str | None = None

    @functools.cached_property
    def kernel(self) -> Kernel:
        """The compiled head."""
        return head_kernel(self.head)

    @functools.cached_property
    def values(self) -> Array:
        """The parameters in the head's order."""
        return np.array([self.parameters[parameter.name] for parameter in self.head.parameters])


@dataclass(frozen=True, eq=False)
class Evaluated:
    """The loss of each sample.

    losses: ``(batch,)``; gradient: dH/dt, ``(batch, classes)``; missing: samples without the label's spike.
    """

    losses: Array
    gradient: Array
    missing: int


def loss(
    name: str | Path | Mapping[str, Any],
    *,
    missing: float | Literal["error", "skip"] = "error",
    spike: int = 0,
    population: str | None = None,
    **parameters: float,
) -> Loss:
    """A loss by its shipped name, the path of a ``.toml`` spec, or a spec's content.

    Args:
        name: e.g. ``"first_spike_cross_entropy"``.
        missing: see ``Loss``.
        spike: see ``Loss``.
        population: see ``Loss``.
        parameters: values that differ from the spec's.

    Raises:
        SpecError: if there is no such loss.
        ConfigError: for a parameter that it does not have, or a value that makes no sense.
    """
    head = read_head(name)
    defaults = {parameter.name: parameter.default for parameter in head.parameters}
    if unknown := [given for given in parameters if given not in defaults]:
        raise ConfigError(
            f"loss {head.name}: there is no parameter {unknown[0]!r}. There are {', '.join(defaults)}."
        )
    values = {
        key: _number(parameters.get(key, value), f"loss {head.name}: {key}")
        for key, value in defaults.items()
    }
    for parameter in head.parameters:
        if parameter.positive and values[parameter.name] <= 0.0:
            raise ConfigError(
                f"loss {head.name}: {parameter.name} = {values[parameter.name]:g} must be positive."
            )
    if missing not in ("error", "skip"):
        missing = _number(missing, f"loss {head.name}: missing")
    if isinstance(spike, bool) or not isinstance(spike, int) or spike < 0:
        raise ConfigError(
            f"loss {head.name}: spike = {spike!r} is not 0 for the first spike, 1 for the second, ..."
        )
    return Loss(head, values, missing, spike, population)


def as_loss(given: Any) -> Loss | None:
    """A ``Loss``, from one, or from a table ``{name = ..., <arguments of loss>}``."""
    if given is None or isinstance(given, Loss):
        return given
    if not isinstance(given, Mapping) or "name" not in given:
        raise ConfigError("loss: give saltus.loss(...), or a table with the name of one.")
    return loss(**given)


def evaluate(loss: Loss, times: Array, labels: Labels, population: str) -> Evaluated:
    """The loss of each sample and its gradient.

    Args:
        loss: the loss.
        times: spike time of each neuron, inf where there is none, ``(batch, classes)``.
        labels: class of each sample.
        population: for messages.

    Raises:
        RunError: if the label's neuron does not spike and ``missing`` is ``"error"``.
    """
    batch, classes = times.shape
    rows = np.arange(batch)
    silent = np.isinf(times[rows, labels])
    missing = np.count_nonzero(silent)
    if missing:
        times = _stand_in(loss, times, labels, silent, population)
    kernel = loss.kernel
    losses, gradient = np.empty(batch), np.empty((batch, classes))
    arrays: tuple[NDArray[Any], ...] = (loss.values, times, labels, losses, gradient)
    kernel.lib.saltus_head(batch, classes, *map(kernel.pointer, arrays))
    if missing:
        gradient[rows[silent], labels[silent]] = 0.0
        if loss.missing == "skip":
            losses[silent], gradient[silent] = 0.0, 0.0
    return Evaluated(losses, gradient, int(missing))


def check_labels(given: ArrayLike, batch: int, classes: int) -> Labels:
    """Labels as an array ``(batch,)``.

    Raises:
        InputError: for a wrong number of labels, or one that is no class.
    """
    labels = np.asarray(given)
    if labels.shape != (batch,):
        raise InputError(
            f"labels: shape {labels.shape} where there are {batch} samples. Give one label for each."
        )
    if batch and labels.dtype.kind not in "iu":
        raise InputError(f"labels: type {labels.dtype} is not whole numbers. Give the class as an integer.")
    if len(bad := np.flatnonzero((labels < 0) | (labels >= classes))):
        raise InputError(
            f"labels, sample {bad[0]}: {labels[bad[0]]} is not one of the {classes} classes. "
            "Count them from 0."
        )
    return np.ascontiguousarray(labels, dtype=np.int32)


def _stand_in(loss: Loss, times: Array, labels: Labels, silent: NDArray[np.bool_], population: str) -> Array:
    """The times with the stated one for each missing spike of a label's neuron."""
    if loss.missing == "error":
        b = int(np.argmax(silent))
        which = "does not spike" if loss.spike == 0 else f"has no spike number {loss.spike}"
        raise RunError(
            f"sample {b}: neuron {labels[b]} of population {population!r}, which is the label's, {which}, "
            'so the loss is infinite. Give the loss missing="skip", or a time that stands in for it, or '
            "start from larger weights."
        )
    times = times.copy()
    times[silent, labels[silent]] = 0.0 if loss.missing == "skip" else loss.missing
    return times


def _number(given: Any, where: str) -> float:
    if (
        isinstance(given, bool)
        or not isinstance(given, int | float | np.floating)
        or not math.isfinite(given)
    ):
        raise ConfigError(f"{where} = {given!r} is not a finite number. Give one.")
    return float(given)
