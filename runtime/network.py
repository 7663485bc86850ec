"""A network: populations and projections that run on spikes, with the exact gradient of what came out."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saltus.errors import InputError
from saltus.runtime import build, threads
from saltus.runtime.config import Layer, NetworkConfig, network_config, read
from saltus.runtime.costs import explain
from saltus.runtime.currents import checked
from saltus.runtime.gradients import Plan, gradients
from saltus.runtime.group import Run
from saltus.runtime.inputs import checked_inputs
from saltus.runtime.loss import as_loss
from saltus.runtime.losses import terms
from saltus.runtime.losses.data import Data, Labels, check_labels, check_targets
from saltus.runtime.probes import Probes
from saltus.runtime.reach import require_paths
from saltus.runtime.result import Result
from saltus.runtime.seeds import Given
from saltus.runtime.spikes import Spikes
from saltus.runtime.synapses import Synapses
from saltus.runtime.tape import TapePool
from saltus.runtime.trains import Train
from saltus.templates.ir import dump

if TYPE_CHECKING:
    from saltus.runtime.gradient_check import GradientCheck
    from saltus.runtime.trace import Trace

__all__ = ["Network", "Result"]

Array = NDArray[np.float64]


class Network:
    """Populations of spiking neurons, joined by projections.

    Either a stack of layers, or populations and projections by name; see ``saltus.Layer``, and
    ``saltus.Population`` and ``saltus.Projection``, which may be written as dicts, too.

    Args:
        layers: from the input to the output.
        T: end of the simulation in seconds; it begins at 0.
        populations, projections: by name.
        inputs: number of neurons of each input pseudo-population, by name.
        loss: ``saltus.loss(...)``; without one, gradients start from ``d_spike_times`` or ``d_readouts``.
        engine: ``"event"``: exact spike times and gradients; ``"clock"``: a grid of time steps.
        dt, dtype: the clock's step in seconds, and the type of its states and weights, ``"float32"`` or
            ``"float64"``.
        seed: of the weights that are drawn.
        threads: None: ``SALTUS_NUM_THREADS``, or all cores that the process may use. The bits of all
            results are the same for any number.
        tolerance: how far off, relatively, the velocity of a state may be where its solution has no closed
            form; gradients follow it (docs/kernels.md).

    Attributes:
        populations: what each population is, by name.
        groups: what runs one after the other: populations that project to one another, together.

    Raises:
        ConfigError: for anything that does not fit, naming it.
    """

    def __init__(
        self,
        layers: Sequence[Layer] | None = None,
        *,
        T: float,
        populations: Mapping[str, Any] | None = None,
        projections: Mapping[str, Any] | None = None,
        inputs: Mapping[str, int] | None = None,
        loss: Any = None,
        engine: str = "event",
        dt: float | None = None,
        dtype: str = "float32",
        seed: int = 0,
        threads: int | None = None,
        tolerance: float = 1e-8,
    ) -> None:
        content = {
            "T": T,
            "layers": layers,
            "populations": populations or {},
            "projections": projections or {},
            "inputs": inputs or {},
            "loss": loss,
            "engine": engine,
            "dt": dt,
            "dtype": dtype,
            "seed": seed,
            "threads": threads,
            "tolerance": tolerance,
        }
        self._set_up(network_config(content, "network"))

    @classmethod
    def from_toml(cls, path: str | Path) -> Network:
        """The network that a TOML file describes; raises ``ConfigError`` naming the file and the entry."""
        network = cls.__new__(cls)
        network._set_up(read(path))
        return network

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], where: str = "network") -> Network:
        """The network that a dict as from TOML describes; ``where`` begins the messages."""
        network = cls.__new__(cls)
        network._set_up(network_config(content, where))
        return network

    def _set_up(self, config: NetworkConfig) -> None:
        self.config = config
        self.horizon = config.T
        self.inputs = dict(config.inputs)
        self.threads = config.threads or threads.available()
        self.loss = as_loss(config.loss)
        self.groups = build.groups(config, np.random.default_rng(config.seed))
        self.populations = build.members(self.groups, config.populations)
        self.terms = build.terms(config, self.loss, self.populations)
        self.loss_population = self.terms[0].population if self.terms else ""
        targets = dict.fromkeys(name for term in self.terms for name in term.objective.target_names)
        self._reads = tuple(targets), any(term.objective.labelled for term in self.terms)
        last = self.loss_population or build.sink(config)
        self.output = last if last is not None and self.populations[last].model.spikes else None
        self.tapes = TapePool(lambda: {name: group.new_tape() for name, group in self.groups.items()})
        self.lock = threading.RLock()  # kernels let go of Python's own lock
        self.plans: dict[tuple[str, ...], Plan] = {}
        found = {synapses.name: synapses for group in self.groups.values() for synapses in group.synapses}
        self.synapses = {name: found[name] for name in config.projections}
        self._values = self._all_values()
        self.learnable = tuple(name for name in self._values if self._learns(name))
        synapses = self.synapses.values()
        require_paths(self.learnable, self.terms, self.populations, config.populations, synapses)

    def run(
        self,
        spikes: Any = None,
        labels: ArrayLike | None = None,
        targets: Any = None,
        *,
        currents: Mapping[str, Mapping[str, Any]] | None = None,
        samples: int = 1,
    ) -> Result:
        """Simulates a batch, and evaluates the loss if there is what it needs.

        Args:
            spikes: ``saltus.Spikes``; or for each sample a list of times for each input neuron, or a tuple
                ``(times, neurons)``; or an array ``(samples, neurons)``, one spike each. With several
                inputs, a dict of such by their names.
            labels: class of each sample, ``(samples,)``.
            targets: what a loss compares with, as it says: e.g. ``(samples, neurons)``; a dict by name
                where the loss takes several.
            currents: what input states are set to, ``{population: {state: (times, values)}}``: constant from
                each time to the next, zero before the first; values ``(times,)``, ``(times, neurons)`` or
                ``(samples, times, neurons)``.
            samples: how many, where the network has no inputs and so no spikes are given.

        Returns:
            Spikes, readouts, losses and warnings.

        Raises:
            InputError: for spikes or labels that are wrong, naming the place.
            RunError: if a simulation cannot go on, naming sample, neuron and time.
        """
        given = self.checked_spikes(spikes)
        batch = len(next(iter(given.values()))) if given else samples
        if batch < 1:
            raise InputError(f"samples = {samples}: there must be one at least. Give a positive number.")
        data = self.checked_data(labels, targets, batch)
        set_to = checked(currents, self.populations, batch, self.horizon)
        result = self.simulate(given, Run(batch, self.horizon, min(self.threads, batch), None, set_to))
        if data is not None:
            self.evaluate(result, data)
        return result

    def simulate(self, inputs: Mapping[str, Spikes], run: Run) -> Result:
        """Runs all groups in order, on spikes that were checked; ``run`` is what users call."""
        with self.lock:
            tape = self.tapes.take(run.batch)
            trains: dict[str, Train] = {name: spikes.as_train for name, spikes in inputs.items()}
            result = Result(self, tape, run, inputs, trains)
            for name, group in self.groups.items():
                group.refresh()
                for own, members in group.populations.items():
                    if members.model.ir.probes:
                        result.probes[own] = Probes.of(members, run.horizon)
                sources = [trains[source] for source in group.listens]
                group.forward(tape.groups[name], sources, run)
                result.outcomes |= tape.groups[name].outcomes
                trains |= {own: seen.out for own, seen in tape.groups[name].outcomes.items()}
        return result

    def evaluate(self, result: Result, data: Data) -> None:
        """Puts the loss of each sample into a result."""
        result.evaluated(data.labels, terms.evaluate(self.terms, result, data))

    def gradients(
        self,
        result: Result,
        d_spike_times: Mapping[str, ArrayLike] | None = None,
        d_readouts: Mapping[str, Mapping[str, ArrayLike]] | None = None,
        wrt: Collection[str] | None = None,
        *,
        d_states: Mapping[str, Mapping[str, ArrayLike]] | None = None,
    ) -> dict[str, Any]:
        """The exact gradient of the batch's mean loss, and of any other function of spikes and readouts.

        Args:
            result: of ``run``; if labels were given, the loss's gradient is part of the sum.
            d_spike_times: dL/dt for each population: one number for each of ``result.spikes[name].times``, or
                ``(batch, neurons)`` for first spikes, or ``(batch, neurons, k)``; not divided by the batch.
            d_readouts: dL/d(readout) for each population and readout, or state at T: ``(batch, neurons)``.
            wrt: names of what is differentiated by: any of ``all_parameters()``, ``"input_times"`` and
                ``"currents"``. None: all that is learned, the input times, and the currents that were given.
            d_states: dL/d(state at the sample times) by population and state: ``(batch, neurons, times)``.

        Returns:
            Arrays shaped like the parameters; ``"input_times"`` in the form in which the spikes were given
            (a dict by input where there are several); ``"currents"`` by population and state, shaped like
            the values that were given.

        Raises:
            InputError: for a name that does not exist, a wrong shape, or a spike that does not exist.
        """
        with self.lock:
            given = Given(d_spike_times or {}, d_readouts or {}, d_states or {})
            return gradients(self, result, given, wrt)

    def parameters(self) -> dict[str, Array]:
        """What is learned, by name: live arrays, to be assigned into.

        ``<population>.<parameter>``: ``()`` if shared, else ``(neurons,)``;
        ``<projection>.weights``, ``<projection>.delays``: ``(pre, post)``, or ``(synapses,)`` if sparse.
        """
        return {name: self._values[name] for name in self.learnable}

    def all_parameters(self) -> dict[str, Array]:
        """The same for everything, learned or frozen."""
        return dict(self._values)

    def positive(self) -> frozenset[str]:
        """Names of the learned parameters that must stay positive.

        Delays are among them if all of a projection's are; where one is zero, they move as they are, and a
        run refuses a negative one.
        """
        positive = {
            f"{members.name}.{name}"
            for members in self.populations.values()
            for name, must in zip(members.parameters.names, members.parameters.positive, strict=True)
            if must
        }
        positive |= {
            f"{name}.delays"
            for name, synapses in self.synapses.items()
            if synapses.delays is not None and (synapses.delays > 0.0).all()
        }
        return frozenset(positive & set(self.learnable))

    def incoming(self, population: str) -> list[Array]:
        """Live weights of the projections into a population from elsewhere."""
        return [synapses.weights for synapses in self._into(population)]

    def boost(self, population: str, neurons: NDArray[np.bool_], amount: float) -> int:
        """Adds ``amount`` to each learned weight from elsewhere into these neurons; returns how many neurons.

        A heuristic against silent neurons, which have no gradient.
        """
        for synapses in self._into(population):
            if f"{synapses.name}.weights" in self.learnable:
                synapses.raise_weights(neurons, amount)
        return int(np.count_nonzero(neurons))

    def check_gradient(
        self,
        spikes: Any,
        labels: ArrayLike | None = None,
        parameters: Collection[str] | None = None,
        **options: Any,
    ) -> GradientCheck:
        """Compares the gradient with differences of the loss; see ``gradient_check.check_gradient``."""
        from saltus.runtime.gradient_check import check_gradient

        return check_gradient(self, spikes, labels, parameters, **options)

    def trace(self, spikes: Any, labels: ArrayLike | None = None, times: ArrayLike = ()) -> Trace:
        """States and adjoints at given times; see ``trace.trace``."""
        from saltus.runtime.trace import trace

        return trace(self, spikes, labels, times)

    def explain(self) -> str:
        """Which kernel runs what, why, and what costs more there: lines for each group, as they run."""
        return explain(self.groups, self.learnable)

    def fingerprint(self) -> str:
        """A digest of all that is not learned: models, sizes, synapses, loss, horizon and frozen values."""
        config = self.config
        clock = (config.dt, config.dtype) if config.engine == "clock" else ()
        fixed = (self.horizon, config.tolerance, self.inputs, self.learnable, *clock)
        digest = hashlib.sha256(repr(fixed).encode())
        for name, members in self.populations.items():
            kept = self.config.populations[name].spikes_kept
            digest.update(f"{name} {members.size} {kept} {members.sample_times}".encode())
            digest.update(dump(members.model.ir))
        for synapses in self.synapses.values():
            ends = b"".join(index.tobytes() for index in synapses.ends or ())
            mask = b"" if synapses.mask is None else synapses.mask.tobytes()
            joins = f"{synapses.name} {synapses.pre} {synapses.post} {synapses.receptor}"
            digest.update(joins.encode() + mask + ends)
        for name, value in self._values.items():
            if name not in self.learnable:
                digest.update(name.encode() + np.ascontiguousarray(value).tobytes())
        for term in self.terms:
            digest.update(f"{term.weight} {term.population}".encode() + term.objective.identity())
        return digest.hexdigest()

    def checked_spikes(self, given: Any) -> dict[str, Spikes]:
        """The spikes of each input, in any of the accepted forms; raises ``InputError`` naming the place."""
        return checked_inputs(given, self.inputs, self.horizon)

    def checked_data(self, labels: ArrayLike | None, targets: Any, batch: int) -> Data | None:
        """Labels and targets of a run whose loss is to be evaluated; None: it is not.

        A loss that needs neither is evaluated always. Raises ``InputError`` for wrong ones, for some without
        the others, and without a loss to use them.
        """
        found = None if labels is None else self.checked_labels(labels, batch)
        names, labelled = self._reads
        if labels is None and targets is None and (not self.terms or labelled or names):
            return None
        if found is None and labelled:
            raise InputError("labels: missing, and the loss needs the class of each sample. Give labels.")
        if targets is not None and not self.terms:
            raise InputError(
                "targets: the network has no loss. Give Network(..., loss=saltus.loss(...)) one."
            )
        return Data(found, check_targets(targets, names))

    def checked_labels(self, given: ArrayLike, batch: int) -> Labels:
        """The labels as an array; raises ``InputError`` for wrong ones, or without a loss to use them."""
        if self.loss is None:
            raise InputError("labels: the network has no loss. Give Network(..., loss=saltus.loss(...)) one.")
        return check_labels(given, batch, self.populations[self.loss_population].size)

    def __repr__(self) -> str:
        sizes = [f"{name} {size}" for name, size in self.inputs.items()]
        sizes += [f"{name} {members.size} {members.model.name}" for name, members in self.populations.items()]
        learns = ", ".join(self.learnable) or "nothing"
        return f"Network({', '.join(sizes)}; T = {self.horizon:g} s; learns {learns})"

    def _repr_html_(self) -> str:
        from saltus.runtime.overview import overview_html

        return overview_html(self)

    def _into(self, population: str) -> list[Synapses]:
        """The projections into a population from elsewhere."""
        if population not in self.populations:
            names = ", ".join(self.populations)
            raise InputError(f"there is no population {population!r}. There are {names}.")
        return [s for s in self.synapses.values() if s.post == population != s.pre]

    def _all_values(self) -> dict[str, Array]:
        """Projections, then populations, in the order in which they were given."""
        values: dict[str, Array] = {}
        for name, synapses in self.synapses.items():
            values[f"{name}.weights"] = synapses.weights
            if synapses.delays is not None:
                values[f"{name}.delays"] = synapses.delays
        for name, members in self.populations.items():
            values |= {f"{name}.{key}": value for key, value in members.parameters.values.items()}
        return values

    def _learns(self, name: str) -> bool:
        owner, parameter = name.split(".")
        owners: dict[str, Any] = {**self.config.populations, **self.config.projections}
        return parameter in owners[owner].learn
