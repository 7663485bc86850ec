"""What a run gives: spikes, readouts, the loss, and what is doubtful about its gradient."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from saltus.runtime.footprint import Held, Memory, measure
from saltus.runtime.group import Run
from saltus.runtime.losses.data import Labels
from saltus.runtime.losses.evaluated import Evaluated, Seeds
from saltus.runtime.members import Outcome
from saltus.runtime.probes import Probes
from saltus.runtime.spikes import Spikes, pack
from saltus.runtime.tape import Tape
from saltus.runtime.trains import Kth, Train

if TYPE_CHECKING:
    from saltus.runtime.network import Network

Array = NDArray[np.float64]

TANGENTIAL = 1e-3
"""A spike is nearly tangential if the guard's slope is below this share of the population's median."""

NEAR_MISS = 1e-6
"""A maximum below threshold is a near miss if the guard, at its median slope, would rise by the gap within
this share of the simulated time."""


@dataclass(frozen=True)
class Notice:
    """Something that the gradient does not see, or sees too large.

    kind: ``tangential``, ``near_miss``, ``joined``, ``tied`` or ``missing``; count: of spikes, samples,
    pairs, pairs or samples.
    """

    kind: str
    population: str
    count: int
    text: str

    def __str__(self) -> str:
        return self.text


class Result:
    """One run over a batch.

    Attributes:
        outcomes: what each population did, for those who look inside.
        probes: how states are read at given times, of populations that say so.
        labels: the labels, or None.
        losses: the loss of each sample, ``(batch,)``; None without labels or a loss.
        missing: samples without a spike that the loss needs, so that it did what its ``missing`` says.
        seeds: the derivatives of the losses by what they read; None without a loss.
    """

    def __init__(
        self, net: Network, tape: Tape, run: Run, inputs: Mapping[str, Spikes], trains: Mapping[str, Train]
    ):
        self.net = net
        self.tape = tape
        self.run = run
        self.outcomes: dict[str, Outcome] = {}
        self.probes: dict[str, Probes] = {}
        self.inputs = inputs
        self.trains = trains
        self.labels: Labels | None = None
        self.losses: Array | None = None
        self.seeds: Seeds | None = None
        self.missing = 0
        self._packed: dict[str, Spikes] = {}

    def __del__(self) -> None:
        """The memory goes to the next run; all that users were given are copies."""
        self.net.tapes.give_back(self.tape)

    def __len__(self) -> int:
        """The number of samples."""
        return self.run.batch

    def __repr__(self) -> str:
        counts = []
        for name, members in self.net.populations.items():
            if members.model.spikes:
                kept = self.net.config.populations[name].spikes_kept
                limit = "" if kept is None else f" (at most {kept} a neuron kept)"
                counts.append(f"{int(self.outcomes[name].out.count.sum())} spikes of {name}{limit}")
        loss = "" if self.losses is None else f"; loss {self.loss:.6g}"
        return f"Result({len(self)} samples: {', '.join(counts) or 'no spiking population'}{loss})"

    @property
    def loss(self) -> float:
        """The mean loss over the batch; nan without labels or a loss."""
        return float("nan") if self.losses is None else float(self.losses.mean())

    @property
    def spikes(self) -> Mapping[str, Spikes]:
        """The spikes of each population that can spike."""
        return _Spikes(self)

    @property
    def final(self) -> dict[str, dict[str, Array]]:
        """The states at t = T, by population and state, each ``(batch, neurons)``."""
        return {name: self.final_of(name) for name in self.net.populations}

    def final_of(self, population: str) -> dict[str, Array]:
        """Those of one population, by state."""
        members, final = self.net.populations[population], self.outcomes[population].final
        states = enumerate(members.model.ir.states)
        return {state.name: final[:, i, : members.size].copy() for i, state in states}

    @property
    def readouts(self) -> dict[str, dict[str, Array]]:
        """The integrals, maxima and states read, by population and readout, each ``(batch, neurons)``.

        What is read at each of the sample times is ``(batch, neurons, times)``.
        """
        return {name: self.readouts_of(name) for name in self.net.populations}

    def readouts_of(self, population: str) -> dict[str, Array]:
        """Those of one population, by readout."""
        ir, seen = self.net.populations[population].model.ir, self.outcomes[population]
        states = self.final_of(population)
        found = {integral: states[integral] for integral in ir.integrals}
        found |= self._peaks(population, seen.peaks)
        if (probes := self.probes.get(population)) is not None:
            found |= {probe.name: probes.values(probe, seen) for probe in probes.members.model.ir.probes}
        return found

    @property
    def peak_times(self) -> dict[str, dict[str, Array]]:
        """When the readouts that are maxima are attained first, as ``readouts``."""
        return {name: self._peaks(name, seen.peak_times) for name, seen in self.outcomes.items()}

    @property
    def states(self) -> dict[str, dict[str, Array]]:
        """The states at a population's sample times, by population and state, ``(batch, neurons, times)``.

        Just before what arrives at such a time; populations without sample times are left out.
        """
        return {
            name: {
                state.name: self.states_at(name, state.name, members.sample_times)
                for state in members.model.ir.states
            }
            for name, members in self.net.populations.items()
            if members.sample_times
        }

    def states_at(self, population: str, name: str, times: Collection[float]) -> Array:
        """A state at some of a population's sample times, ``(batch, neurons, times)``."""
        members, seen = self.net.populations[population], self.outcomes[population]
        i = [state.name for state in members.model.ir.states].index(name)
        found = seen.at(np.array(list(times)))[:, :, i, : members.size]
        return np.ascontiguousarray(found.transpose(0, 2, 1))

    def predictions(self) -> NDArray[np.int64] | None:
        """The class of each sample: the output neuron that spikes first, -1 where none does.

        With a loss over another readout, the neuron with the largest. The output is the loss's population, or
        else the only one without outgoing projections; None if that one cannot spike, if there are several,
        or if the loss knows no classes.
        """
        if self.net.terms:
            return self.net.terms[0].objective.predictions(self, self.net.terms[0].population)
        name = self.net.output
        if name is None:
            return None
        times = self.spike_times(name, 0).time
        return np.where(np.isinf(times).all(axis=1), -1, np.argmin(times, axis=1))

    def silent(self) -> dict[str, NDArray[np.bool_]]:
        """For each population that can spike, which of its neurons spiked in no sample, ``(neurons,)``."""
        found = {}
        for name, members in self.net.populations.items():
            if members.model.spikes:
                out = self.outcomes[name].out
                found[name] = np.bincount(out.row[out.cells.at], minlength=members.size) == 0
        return found

    @property
    def warnings(self) -> tuple[Notice, ...]:
        """What is doubtful about the gradient of this run."""
        found = [] if not self.missing else [self._missing()]
        for name, members in self.net.populations.items():
            if members.model.spikes:
                found += self._doubtful(name)
        for name, tape in self.tape.groups.items():
            populations = " and ".join(self.net.groups[name].populations)
            found += self._joined(populations, int(tape.joined.sum()))
            found += self._tied(populations, int(tape.tied.sum()))
        return tuple(found)

    @property
    def memory(self) -> Memory:
        """What the run holds by now, in bytes, by what it is for; gradients add to it."""
        given = chain.from_iterable(spikes.arrays for spikes in self.inputs.values())
        packed = chain.from_iterable(spikes.arrays for spikes in self._packed.values())
        seeds = () if self.seeds is None else self.seeds.arrays
        own = Held(spikes=tuple(packed), events=tuple(given), adjoints=(*seeds, self.losses))
        tapes = (tape.held() for tape in self.tape.groups.values())
        groups = (group.held() for group in self.net.groups.values())
        return measure(len(self), (*tapes, *groups, own))

    def spike_times(self, population: str, k: int) -> Kth:
        """Time of each neuron's k-th spike (inf: none) and its place in the tape, ``(batch, neurons)``."""
        return self.outcomes[population].out.kth(k, self.net.populations[population].size)

    def evaluated(self, labels: Labels | None, found: Evaluated) -> None:
        """Takes over what the loss says."""
        self.labels, self.losses, self.missing = labels, found.losses, found.missing
        self.seeds = found.seeds

    def _missing(self) -> Notice:
        name = self.net.loss_population
        text = (
            f"{self.missing} of {len(self)} samples: a neuron of population {name!r} whose spike the loss "
            "needs has none, so the loss did what its missing= says, with gradient zero."
        )
        return Notice("missing", name, self.missing, text)

    def _peaks(self, name: str, values: Array | None) -> dict[str, Array]:
        peaks = self.net.populations[name].model.ir.peaks
        return {} if values is None else {peak.name: values[:, :, i].copy() for i, peak in enumerate(peaks)}

    def _joined(self, name: str, count: int) -> list[Notice]:
        text = (
            f"{count} pairs of neurons of population {name!r} that are joined without delay spiked at "
            "the same time: the loss has no derivative there."
        )
        return [Notice("joined", name, count, text)] if count else []

    def _tied(self, name: str, count: int) -> list[Notice]:
        text = (
            f"{count} pairs of events met at one neuron of population {name!r} at one time, a spike that an "
            "arrival made or the end of a phase among them: derivatives by their times and delays are "
            "one-sided, those of the order in which they were taken."
        )
        return [Notice("tied", name, count, text)] if count else []

    def _doubtful(self, name: str) -> list[Notice]:
        seen = self.outcomes[name]
        found = []
        slopes = seen.slope[seen.out.cells.at]
        slopes = slopes[np.isfinite(slopes)]  # a spike that an arrival made has none
        median = float(np.median(slopes)) if len(slopes) else 0.0
        if flat := int((slopes < TANGENTIAL * median).sum()):
            text = (
                f"{flat} spikes of population {name!r} are nearly tangential: the slope at threshold is "
                f"below {TANGENTIAL:g} of the median, "
                f"and their gradient over {1 / TANGENTIAL:g} times as large."
            )
            found.append(Notice("tangential", name, flat, text))
        close = NEAR_MISS * median * self.run.horizon
        if near := 0 if seen.nearest_miss is None else int((seen.nearest_miss < close).sum()):
            text = (
                f"{near} samples have a neuron of population {name!r} that all but reached its threshold: a "
                "spike is about to appear there, which the gradient does not see."
            )
            found.append(Notice("near_miss", name, near, text))
        return found


class _Spikes(Mapping[str, Spikes]):
    """Packs a population's spikes when they are asked for."""

    def __init__(self, result: Result) -> None:
        self._result = result
        self._names = [name for name, members in result.net.populations.items() if members.model.spikes]

    def __getitem__(self, name: str) -> Spikes:
        if name not in self._names:
            raise KeyError(name)
        packed = self._result._packed
        if name not in packed:
            size = self._result.net.populations[name].size
            packed[name] = pack(self._result.outcomes[name].out, size)
        return packed[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
