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
from saltus.runtime.gradients import Plan, gradients
from saltus.runtime.group import Group, Run
from saltus.runtime.loss import as_loss
from saltus.runtime.losses import terms
from saltus.runtime.losses.data import Data, Labels, check_labels, check_targets
from saltus.runtime.result import Result
from saltus.runtime.spikes import Spikes, as_spikes, check_horizon
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
        engine: ``"event"``: exact spike times and gradients.
        seed: of the weights that are drawn.
        threads: None: ``SALTUS_NUM_THREADS``, or all cores that the process may use. The bits of all
            results are the same for any number.

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
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        content = {
            "T": T,
            "layers": None if layers is None else list(layers),
            "populations": dict(populations or {}),
            "projections": dict(projections or {}),
            "inputs": dict(inputs or {}),
            "loss": loss,
            "engine": engine,
            "seed": seed,
            "threads": threads,
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
        self.groups = build.groups(config, np.random.default_rng(config.seed))
        self.loss = as_loss(config.loss)
        self.terms = build.terms(config, self.loss, self.groups)
        self.loss_population = self.terms[0].population if self.terms else ""
        last = self.loss_population or build.sink(config)
        self.output = last if last is not None and self.groups[last].model.spikes else None
        self.tapes = TapePool(tuple(self.groups))
        self.lock = threading.RLock()  # kernels let go of Python's own lock
        self.plans: dict[tuple[str, ...], Plan] = {}
        self.synapses = {s.name: s for group in self.groups.values() for s in group.synapses}
        self._values = self._all_values()
        self.learnable = tuple(name for name in self._values if self._learns(name))

    def run(self, spikes: Any, labels: ArrayLike | None = None, targets: Any = None) -> Result:
        """Simulates a batch, and evaluates the loss if there is what it needs.

        Args:
            spikes: ``saltus.Spikes``; or for each sample a list of times for each input neuron, or a tuple
                ``(times, neurons)``; or an array ``(samples, neurons)``, one spike each. With several
                inputs, a dict of such by their names.
            labels: class of each sample, ``(samples,)``.
            targets: what a loss compares with, as it says: e.g. ``(samples, neurons)``; a dict by name
                where the loss takes several.

        Returns:
            Spikes, readouts, losses and warnings.

        Raises:
            InputError: for spikes or labels that are wrong, naming the place.
            RunError: if a simulation cannot go on, naming sample, neuron and time.
        """
        given = self.checked_spikes(spikes)
        batch = len(next(iter(given.values())))
        data = self.checked_data(labels, targets, batch)
        result = self.simulate(given, Run(batch, self.horizon, min(self.threads, batch)))
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
                sources = [trains[synapses.pre] for synapses in group.inputs]
                group.forward(tape.groups[name], sources, run)
                trains[name] = tape.groups[name].out
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
    ) -> dict[str, Any]:
        """The exact gradient of the batch's mean loss, and of any other function of spikes and readouts.

        Args:
            result: of ``run``; if labels were given, the loss's gradient is part of the sum.
            d_spike_times: dL/dt for each population: one number for each of ``result.spikes[name].times``, or
                ``(batch, neurons)`` for first spikes, or ``(batch, neurons, k)``; not divided by the batch.
            d_readouts: dL/d(readout) for each population and readout, or state at T: ``(batch, neurons)``.
            wrt: names of what is differentiated by: any of ``all_parameters()``, and ``"input_times"``.
                None: all that is learned, and the input times.

        Returns:
            Arrays shaped like the parameters; ``"input_times"`` in the form in which the spikes were given
            (a dict by input where there are several).

        Raises:
            InputError: for a name that does not exist, a wrong shape, or a spike that does not exist.
        """
        with self.lock:
            return gradients(self, result, d_spike_times or {}, d_readouts or {}, wrt)

    def parameters(self) -> dict[str, Array]:
        """What is learned, by name: live arrays, to be assigned into.

        ``<population>.<parameter>``: ``()`` if shared, else ``(neurons,)``;
        ``<projection>.weights``: ``(pre, post)``.
        """
        return {name: self._values[name] for name in self.learnable}

    def all_parameters(self) -> dict[str, Array]:
        """The same for everything, learned or frozen."""
        return dict(self._values)

    def positive(self) -> frozenset[str]:
        """Names of the learned parameters that must stay positive."""
        positive = {
            f"{group.name}.{name}"
            for group in self.groups.values()
            for name, must in zip(group.parameters.names, group.parameters.positive, strict=True)
            if must
        }
        return frozenset(positive & set(self.learnable))

    def incoming(self, population: str) -> list[Array]:
        """Live weights ``(pre, post)`` of the projections into a population from elsewhere."""
        return [synapses.weights for synapses in self._group(population).inputs]

    def boost(self, population: str, neurons: NDArray[np.bool_], amount: float) -> int:
        """Adds ``amount`` to each learned weight from elsewhere into these neurons; returns how many neurons.

        A heuristic against silent neurons, which have no gradient.
        """
        for synapses in self._group(population).inputs:
            if f"{synapses.name}.weights" in self.learnable:
                exists = np.ones(synapses.weights.shape, bool) if synapses.mask is None else synapses.mask
                synapses.weights[exists & neurons] += amount
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

    def fingerprint(self) -> str:
        """A digest of all that is not learned: models, sizes, masks, loss, horizon and frozen values."""
        digest = hashlib.sha256(repr((self.horizon, self.inputs, self.learnable)).encode())
        for name, group in self.groups.items():
            digest.update(f"{name} {group.size} {self.config.populations[name].spikes_kept}".encode())
            digest.update(dump(group.model.ir))
        for synapses in self.synapses.values():
            mask = b"" if synapses.mask is None else synapses.mask.tobytes()
            digest.update(f"{synapses.name} {synapses.pre} {synapses.receptor}".encode() + mask)
        for name, value in self._values.items():
            if name not in self.learnable:
                digest.update(name.encode() + np.ascontiguousarray(value).tobytes())
        for term in self.terms:
            digest.update(f"{term.weight} {term.population}".encode() + term.objective.identity())
        return digest.hexdigest()

    def checked_spikes(self, given: Any) -> dict[str, Spikes]:
        """The spikes of each input, in any of the accepted forms; raises ``InputError`` naming the place."""
        if not isinstance(given, Mapping):
            if len(self.inputs) != 1:
                raise InputError(
                    f"spikes: the network has the inputs {', '.join(self.inputs) or 'none'}. Give a dict "
                    "by these names."
                )
            given = {next(iter(self.inputs)): given}
        if set(given) != set(self.inputs):
            raise InputError(
                f"spikes: given for {', '.join(map(str, given))}, and the inputs are "
                f"{', '.join(self.inputs)}. Give spikes for each input."
            )
        found = {name: as_spikes(given[name], size, name) for name, size in self.inputs.items()}
        lengths = {name: len(spikes) for name, spikes in found.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(
                f"spikes: different numbers of samples, {lengths}. Give the same for each input."
            )
        if 0 in lengths.values():
            raise InputError("spikes: there are no samples. Give at least one.")
        for name, spikes in found.items():
            check_horizon(spikes, self.horizon, name)
        return found

    def checked_data(self, labels: ArrayLike | None, targets: Any, batch: int) -> Data | None:
        """Labels and targets of a run whose loss is to be evaluated; None: it is not.

        A loss that needs neither is evaluated always. Raises ``InputError`` for wrong ones, for some without
        the others, and without a loss to use them.
        """
        found = None if labels is None else self.checked_labels(labels, batch)
        names = tuple(dict.fromkeys(name for t in self.terms for name in t.objective.target_names))
        labelled = any(term.objective.labelled for term in self.terms)
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
        return check_labels(given, batch, self.groups[self.loss_population].size)

    def __repr__(self) -> str:
        sizes = [f"{name} {size}" for name, size in self.inputs.items()]
        sizes += [f"{name} {group.size} {group.model.name}" for name, group in self.groups.items()]
        learns = ", ".join(self.learnable) or "nothing"
        return f"Network({', '.join(sizes)}; T = {self.horizon:g} s; learns {learns})"

    def _group(self, population: str) -> Group:
        if population not in self.groups:
            raise InputError(f"there is no population {population!r}. There are {', '.join(self.groups)}.")
        return self.groups[population]

    def _all_values(self) -> dict[str, Array]:
        """Projections in the order in which they were given, then populations."""
        order = [name for name in self.config.projections if name in self.synapses]
        values = {f"{name}.weights": self.synapses[name].weights for name in order}
        for name in self.config.populations:
            values |= {f"{name}.{key}": value for key, value in self.groups[name].parameters.values.items()}
        return values

    def _learns(self, name: str) -> bool:
        owner, parameter = name.split(".")
        owners: dict[str, Any] = {**self.config.populations, **self.config.projections}
        return parameter in owners[owner].learn
