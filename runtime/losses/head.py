"""Losses that are a compiled head H over readouts of a population, labels and targets."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saltus.errors import ConfigError, InputError, RunError
from saltus.runtime.kernel import Kernel, head_kernel
from saltus.runtime.losses.data import Data
from saltus.runtime.losses.evaluated import Array, Evaluated, Seeds
from saltus.runtime.losses.readings import Named, Reading, Times, Trajectory, check_all_spikes, count
from saltus.templates.ir import HeadIR, dump

if TYPE_CHECKING:
    from saltus.runtime.members import Members
    from saltus.runtime.result import Result

Missing = float | Literal["error", "skip"]


@dataclass(frozen=True, eq=False)
class Loss:
    """A loss over spike times and other readouts of each neuron of a population.

    Attributes:
        head: its value and gradient.
        parameters: value of each of its parameters.
        missing: what to do where a neuron has no spike that the loss cannot do without: the label's neuron
            or, in a loss without label, any. ``"error"``; the time in seconds that stands in for it, its own
            gradient being zero; or ``"skip"``: the sample adds nothing to the loss nor to the gradient, as in
            the paper's own code, so that nobody is pushed away from a threshold by a neuron that cannot be
            pulled to it. The result counts such samples.
        spike: number of the spike that ``first`` means, 0 for the first; ``spike(k)`` counts from it.
        population: whose readouts; None: the network's only population without outgoing projections.
        readouts: for each readout that the loss declares, which of the model it is: the name of one, or of a
            state, which is its value at T; for a trajectory, its values at the sample times.
        tables: for a target by the label: its numbers for each class, ``(labels, neurons)``.
        names: what a run calls its targets, where that is not what the loss calls them.
    """

    head: HeadIR
    parameters: Mapping[str, float]
    missing: Missing = "error"
    spike: int = 0
    population: str | None = None
    readouts: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Array] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    @functools.cached_property
    def kernel(self) -> Kernel:
        """The compiled head."""
        return head_kernel(self.head)

    @functools.cached_property
    def values(self) -> Array:
        """The parameters in the head's order."""
        return np.array([self.parameters[parameter.name] for parameter in self.head.parameters])

    @property
    def labelled(self) -> bool:
        """Whether it needs labels."""
        return self.head.labelled or bool(self.tables)

    @property
    def target_names(self) -> tuple[str, ...]:
        """The targets that a run must be given."""
        return tuple(self.names.get(name, name) for name in self.head.targets if name not in self.tables)

    @property
    def spikes(self) -> tuple[int, ...]:
        """The numbers of the spikes that it reads."""
        return tuple(self.spike + r.spike for r in self.head.readouts if r.spike is not None)

    @property
    def all_spikes(self) -> bool:
        """Whether it reads sums over all spikes of a neuron."""
        return any(readout.kernel is not None for readout in self.head.readouts)

    def check(self, population: str, members: Members, kept: int | None) -> None:
        """Raises ``ConfigError`` if the population cannot give what the loss reads."""
        name, ir = self.head.name, members.model.ir
        if self.spikes and not members.model.spikes:
            raise ConfigError(
                f"loss: {name} reads spike times, and population {population!r} of {ir.name} neurons does "
                "not spike. Use a spiking model, or a loss over a readout, such as "
                'saltus.loss("max_cross_entropy", readout="...").'
            )
        if self.spikes and kept is not None and kept <= max(self.spikes):
            raise ConfigError(
                f"loss: spike = {max(self.spikes)}, but population {population!r} keeps {kept} spikes. "
                "Keep more."
            )
        if self.all_spikes:
            check_all_spikes(name, population, members, kept)
        listed = self._check_readouts(population, members)
        if listed and (self.head.labelled or not all(listed)):
            raise ConfigError(
                f"loss: {name} reads numbers for each sample time of population {population!r}, and takes a "
                "label or another readout as well. Write two losses, and add them: saltus.loss([...])."
            )

    def _check_readouts(self, population: str, members: Members) -> list[bool]:
        """Whether each readout is a number for each sample time; empty if none is."""
        ir, where = members.model.ir, f"loss: {self.head.name}"
        states = [state.name for state in ir.states if state.name not in ir.integrals]
        probes = {probe.name: probe.listed for probe in ir.probes}
        known = [*ir.integrals, *(peak.name for peak in ir.peaks), *probes, *states]
        found = []
        for readout in self.head.readouts:
            name = self.readouts.get(readout.name)
            if name is not None and name not in (states if readout.sampled else known):
                what, there = ("state", states) if readout.sampled else ("readout", known)
                raise ConfigError(
                    f"{where} reads {name!r}, and {ir.name} of population {population!r} has no such {what}. "
                    f"There are {', '.join(there) or 'none'}."
                )
            if readout.sampled and not members.sample_times:
                raise ConfigError(
                    f"{where} reads {name!r} at the sample times of population {population!r}, and it has "
                    "none. Give it sample_times = [...]."
                )
            found.append(readout.sampled or (name is not None and probes.get(name, False)))
        return found if any(found) else []

    def evaluate(self, result: Result, population: str, data: Data) -> Evaluated:
        """The loss of each sample of a run.

        Raises:
            InputError: for targets of a wrong shape.
            RunError: if a spike is missing and ``missing`` is ``"error"``, or a loss is not finite.
        """
        readings = self._readings(result, population)
        shape = readings[0].values.shape
        flat = [reading.values.reshape(len(result), -1) for reading in readings]
        values = flat[0][None] if len(flat) == 1 else np.stack(flat)
        targets = [self._target(name, data, shape).reshape(len(result), -1) for name in self.head.targets]
        found = head(self, values, data.labels, np.array(targets) if targets else None, population)
        seeds = Seeds()
        for reading, gradient in zip(readings, found.gradient, strict=True):
            reading.seed(gradient.reshape(shape), population, seeds)
        return Evaluated(found.losses, seeds, found.missing)

    def predictions(self, result: Result, population: str) -> NDArray[np.int64] | None:
        """By the first reading: the neuron that spikes first, -1 where none does; or the largest readout."""
        if not self.labelled:
            return None
        if self.head.readouts[0].spike is None:
            first = self._readings(result, population)[0].values
            return np.argmax(first, axis=1) if first.ndim == 2 else None
        times = result.spike_times(population, self.spikes[0]).time
        return np.where(np.isinf(times).all(axis=1), -1, np.argmin(times, axis=1))

    def identity(self) -> bytes:
        """All that makes this loss what it is."""
        tables = {name: table.tolist() for name, table in self.tables.items()}
        fixed = (dict(self.parameters), self.missing, self.spike, self.population, dict(self.names))
        return dump(self.head) + repr((fixed, dict(self.readouts), tables)).encode()

    def _readings(self, result: Result, population: str) -> list[Reading]:
        members = result.net.populations[population]
        found: list[Reading] = []
        for which, readout in enumerate(self.head.readouts):
            if readout.spike is not None:
                found.append(Times(*result.spike_times(population, self.spike + readout.spike)))
            elif readout.kernel is not None:
                shape = len(result), members.size
                out = result.outcomes[population].out
                found.append(count(self.kernel, which, self.values, out, shape))
            elif readout.sampled:
                name = self.readouts[readout.name]
                states = result.states_at(population, name, members.sample_times)
                found.append(Trajectory(name, states))
            else:
                name = self.readouts[readout.name]
                found.append(Named(name, self._read(result, population, name)))
        return found

    def _read(self, result: Result, population: str, name: str) -> Array:
        readouts = result.readouts_of(population)
        return readouts[name] if name in readouts else result.final_of(population)[name]

    def _target(self, name: str, data: Data, shape: tuple[int, ...]) -> Array:
        if name not in self.tables:
            return data.numbers(self.names.get(name, name), shape)
        assert data.labels is not None, "checked by the network"
        table = self.tables[name]
        if table.shape[1:] != shape[1:] or len(table) <= data.labels.max(initial=0):
            raise InputError(
                f"loss: the table {name} has shape {table.shape}, where each of the labels needs numbers of "
                f"shape {shape[1:]}. Give one row for each label."
            )
        return table[data.labels]


class HeadValues(NamedTuple):
    """losses: ``(batch,)``; gradient: dH/d(readout), ``(readouts, batch, classes)``; missing: of samples."""

    losses: Array
    gradient: Array
    missing: int


def head(
    loss: Loss, values: Array, labels: NDArray[np.int32] | None, targets: Array | None, population: str
) -> HeadValues:
    """The loss of each sample and its gradient.

    Args:
        loss: the loss.
        values: of each readout of its head, inf for a missing spike, ``(readouts, batch, classes)``.
        labels: class of each sample, if the head has labels.
        targets: ``(targets, batch, classes)``, if it has some.
        population: for messages.

    Raises:
        RunError: if a spike is missing and ``missing`` is ``"error"``, or a loss is not finite.
    """
    readouts, batch, classes = values.shape
    silent = _silent(loss, values, labels)
    missing = 0 if silent is None else int(np.count_nonzero(silent.any(axis=(0, 2))))
    if silent is not None:
        values = _stand_in(loss, values, silent, population)
    kernel, lib = loss.kernel, loss.kernel.lib
    losses, gradient = np.empty(batch), np.empty((readouts, batch, classes))
    pointer, array = kernel.pointer, kernel.array
    given: tuple[Any, ...] = (pointer(loss.values), pointer(values), array(targets), array(labels))
    lib.saltus_head(batch, classes, *given, pointer(losses), pointer(gradient))
    if silent is not None:
        gradient[silent] = 0.0
        if loss.missing == "skip":
            skipped = silent.any(axis=(0, 2))
            losses[skipped], gradient[:, skipped] = 0.0, 0.0
    if not np.isfinite(losses).all():
        b = int(np.argmin(np.isfinite(losses)))
        raise RunError(
            f"sample {b}: the loss {loss.head.name} of population {population!r} is {losses[b]}. "
            "Look at its parameters and at what it reads."
        )
    return HeadValues(losses, gradient, missing)


def _silent(loss: Loss, values: Array, labels: NDArray[np.int32] | None) -> NDArray[np.bool_] | None:
    """Which spikes are missing that the loss cannot do without, laid out like the values; None: none."""
    if np.maximum.reduce(values, axis=None, initial=0.0) < np.inf:
        return None
    needed = np.zeros(values.shape, dtype=bool)
    rows = [i for i, readout in enumerate(loss.head.readouts) if readout.spike is not None]
    if not rows:
        return None
    if labels is None or not loss.head.labelled:
        needed[rows] = np.isinf(values[rows])
    else:
        at = np.arange(len(labels))
        for row in rows:
            needed[row, at, labels] = np.isinf(values[row, at, labels])
    return needed if needed.any() else None


def _stand_in(loss: Loss, values: Array, silent: NDArray[np.bool_], population: str) -> Array:
    """The values with the stated time for each missing spike."""
    if loss.missing == "error":
        readout, b, neuron = (int(i) for i in np.argwhere(silent)[0])
        number = loss.spike + (loss.head.readouts[readout].spike or 0)
        which = "does not spike" if number == 0 else f"has no spike number {number}"
        whose = ", which is the label's," if loss.head.labelled else ""
        raise RunError(
            f"sample {b}: neuron {neuron} of population {population!r}{whose} {which}, "
            'so the loss is infinite. Give the loss missing="skip", or a time that stands in for it, or '
            "start from larger weights."
        )
    values = values.copy()
    values[silent] = 0.0 if loss.missing == "skip" else loss.missing
    return values
