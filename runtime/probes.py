"""The readouts of the state at given times, of one population in one run: values and derivatives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from saltus.errors import RunError
from saltus.runtime.cotangent import Cotangent, Kick
from saltus.runtime.kernel import Kernel, probe_kernel
from saltus.runtime.members import Members, Outcome
from saltus.templates.ir import Probe, Reading

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Probes:
    """What a run with the parameters ``block``, ``(parameters, neurons)``, reads of a population.

    times: of each reading that has its own, by its number, ``(neurons,)``.
    """

    members: Members
    block: Array
    times: dict[int, Array]

    @classmethod
    def of(cls, members: Members, horizon: float) -> Probes:
        """With the parameters as they are now.

        Raises:
            RunError: for a time that is not in [0, T].
        """
        block = np.ascontiguousarray(members.parameters.block[:, : members.size])
        made = cls(members, block, {})
        for number, probe, reading in made._readings():
            if reading.time is not None:
                made.times[number] = made._time(number, probe, horizon)
        return made

    def values(self, probe: Probe, seen: Outcome) -> Array:
        """``(batch, neurons)``, or ``(batch, neurons, times)`` where the times are listed."""
        return sum((self._value(number, probe, seen) for number, _ in self._of(probe)), start=np.zeros(()))

    def pull(self, probe: Probe, share: Array, seen: Outcome, found: Cotangent) -> None:
        """Adds what ``share``, dL/d(readout), says of the states and the parameters."""
        if found.parameters is None:
            found.parameters = np.zeros_like(self.block)
        for number, reading in self._of(probe):
            x = self._states(number, probe, seen)
            laid_out = np.moveaxis(share, 2, 1) if probe.listed else share
            count, dx = x.size // (self.members.size * x.shape[-1]), np.empty_like(x)
            call = self._kernel.pointer
            self._kernel.lib.saltus_probe_back(
                number, count, self.members.size, call(self.block), call(x),
                call(np.ascontiguousarray(laid_out)), call(dx), call(found.parameters),
            )  # fmt: skip
            if number in self.times:
                found.kicks.append(Kick(self.times[number], dx))
                continue
            there = found.states if probe.listed else found.final
            for i, state in enumerate(self.members.model.ir.states):
                if f"{state.name}_partial" in reading.partials.outputs:
                    kick = np.moveaxis(dx[..., i], 1, 2) if probe.listed else dx[..., i]
                    there[state.name] = there.get(state.name, 0.0) + kick

    def _value(self, number: int, probe: Probe, seen: Outcome) -> Array:
        x = self._states(number, probe, seen)
        value = np.empty(x.shape[:-1])
        call = self._kernel.pointer
        self._kernel.lib.saltus_probe(
            number, value.size // self.members.size, self.members.size, call(self.block), call(x), call(value)
        )
        return np.moveaxis(value, 1, 2) if probe.listed else value

    def _states(self, number: int, probe: Probe, seen: Outcome) -> Array:
        """``(batch, neurons, states)``, or ``(batch, times, neurons, states)`` where the times are listed."""
        size = self.members.size
        if number in self.times:
            found = seen.at(self.times[number])[:, np.arange(size), :, np.arange(size)].transpose(1, 0, 2)
        elif probe.listed:
            found = seen.at(np.array(self.members.sample_times))[..., :size].transpose(0, 1, 3, 2)
        else:
            found = seen.final[:, :, :size].transpose(0, 2, 1)
        return np.ascontiguousarray(found, dtype=np.float64)

    def _time(self, number: int, probe: Probe, horizon: float) -> Array:
        time = np.empty(self.members.size)
        call = self._kernel.pointer
        self._kernel.lib.saltus_probe_time(number, self.members.size, horizon, call(self.block), call(time))
        if len(bad := np.flatnonzero(~((time >= 0.0) & (time <= horizon)))):
            raise RunError(
                f"{self.members.parameters.where}: the readout {probe.name} of neuron {bad[0]} is taken at "
                f"t = {time[bad[0]]:g} s, which is not in [0, T = {horizon:g}]. Choose another time."
            )
        return time

    def _of(self, probe: Probe) -> Iterator[tuple[int, Reading]]:
        return ((number, reading) for number, own, reading in self._readings() if own is probe)

    def _readings(self) -> Iterator[tuple[int, Probe, Reading]]:
        """All readings with their numbers in the kernel."""
        pairs = ((probe, reading) for probe in self.members.model.ir.probes for reading in probe.readings)
        return ((number, *pair) for number, pair in enumerate(pairs))

    @cached_property
    def _kernel(self) -> Kernel:
        return probe_kernel(self.members.model.ir)
