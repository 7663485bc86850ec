"""The oracle for any spec: networks simulated in 28 digits, with tangents through the times of all events.

Reads a spec's equations itself (hybrid_spec.py). Between events the states of a neuron are Taylor series,
step after step (hybrid_cell.py); the time of a spike is a root of the guard's series, differentiated by the
implicit function theorem; jumps are evaluated with tangents. Phases, arrivals that make spikes, given
currents, delays, integrals and maxima are simulated as they are defined. Linear or not makes no difference.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
from hybrid_cell import Cell, StillAboveError
from hybrid_spec import spec_of
from taylor import CONTEXT, ZERO, Jet, directions, number

MOST = 200
"""Spikes of a network before it is given up."""

Key = tuple[Any, ...]


class TooManySpikesError(Exception):
    """More than ``MOST``."""


@dataclass(frozen=True)
class Case:
    """A network with one input, and what it is given.

    network: arguments of ``saltus.Network``, with dense arrays; spikes: of each input neuron;
    currents: as ``Network.run`` takes them, values ``(times, neurons)``.
    """

    network: Mapping[str, Any]
    spikes: Sequence[Sequence[float]]
    currents: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Arrival:
    """batch: what the arrivals of one spike that have no delays have in common."""

    time: Jet
    order: int
    batch: int | None
    target: Cell
    receptor: str
    weight: Jet


class Trajectory:
    """A case, simulated. ``cells[population]``: its neurons; ``keys``: what the tangents are by."""

    def __init__(self, case: Case) -> None:
        with localcontext(CONTEXT):
            self.case = case
            self.keys: dict[Key, int] = {}
            self._given: list[tuple[Key, Decimal]] = []
            self._declare()
            unit = directions(len(self._given))
            self.jets = {key: Jet(x, unit[i]) for i, (key, x) in enumerate(self._given)}
            self._probes: list[tuple[Jet, Cell, str, str]] = []
            self.cells = {name: self._cells(name, p) for name, p in case.network["populations"].items()}
            self._arrivals: list[_Arrival] = []
            self._order = itertools.count()
            self._settings = self._all_settings()
            self._probes.sort(key=lambda probe: -probe[0].value)
            self._count = 0
            self._run(Decimal(float(case.network["T"])))

    def _declare(self) -> None:
        network = self.case.network
        for name, p in network["populations"].items():
            defaults = spec_of(p["model"]).parameters
            for key, default in defaults.items():
                for i, x in enumerate(np.broadcast_to(p.get("params", {}).get(key, default), p["size"])):
                    self._given.append((("params", name, key, i), Decimal(float(x))))
        for name, p in network["projections"].items():
            for kind in ("weights", "delay"):
                for (pre, post), x in np.ndenumerate(np.asarray(p.get(kind, np.empty((0, 0))))):
                    self._given.append(((kind, name, pre, post), Decimal(float(x))))
        for i, train in enumerate(self.case.spikes):
            for j, t in enumerate(train):
                self._given.append((("input_times", i, j), Decimal(float(t))))
        for name, states in self.case.currents.items():
            for state, (_, values) in states.items():
                for (j, i), x in np.ndenumerate(np.asarray(values)):
                    self._given.append((("currents", name, state, j, i), Decimal(float(x))))
        self.keys = {key: i for i, (key, _) in enumerate(self._given)}

    def _cells(self, name: str, population: Mapping[str, Any]) -> list[Cell]:
        spec, found = spec_of(population["model"]), []
        for i in range(population["size"]):
            parameters = {key: self.jets["params", name, key, i] for key in spec.parameters}
            states = {s: parameters.get(f"{s}0", Jet(ZERO)) for s in spec.states}
            known = parameters | {"T": Jet(Decimal(float(self.case.network["T"])))}
            windows = {key: (_time(a, known), _time(b, known)) for key, (_, a, b) in spec.maxima.items()}
            found.append(Cell(spec, parameters, states, windows=windows))
            for key, readings in spec.probes.items():
                self._probes += [(_time(time, known), found[-1], key, q) for q, time in readings]
        return found

    def _all_settings(self) -> list[tuple[Decimal, Cell, str, Jet]]:
        found = [
            (Decimal(float(t)), self.cells[name][i], state, self.jets["currents", name, state, j, i])
            for name, states in self.case.currents.items()
            for state, (times, values) in states.items()
            for j, t in enumerate(times)
            for i in range(np.shape(values)[1])
        ]
        return sorted(found, key=lambda setting: -setting[0])

    def _send(self, source: str, i: int, t: Jet) -> None:
        """Puts a spike's arrivals among those to come, the soonest last."""
        first = next(self._order)
        for name, p in self.case.network["projections"].items():
            if p["pre"] != source:
                continue
            for post in range(np.shape(p["weights"])[1]):
                if "mask" in p and not p["mask"][i][post]:
                    continue
                delay = self.jets.get(("delay", name, i, post), Jet(ZERO))
                target, weight = self.cells[p["post"]][post], self.jets["weights", name, i, post]
                batch = None if "delay" in p else first
                receptor = p.get("receptor", next(iter(target.spec.receive)))
                self._arrivals.append(_Arrival(t + delay, next(self._order), batch, target, receptor, weight))
        self._arrivals.sort(key=lambda arrival: (-arrival.time.value, -arrival.order))

    def _read(self, until: Decimal) -> None:
        """Takes the readouts that come first."""
        while self._probes and self._probes[-1][0].value <= until:
            at, cell, key, q = self._probes.pop()
            cell.probe(key, q, at)

    def _run(self, horizon: Decimal) -> None:
        everyone = [(name, i, c) for name, group in self.cells.items() for i, c in enumerate(group)]
        (source,) = self.case.network.get("inputs", {"": 0})
        for i, train in enumerate(self.case.spikes):
            for j in range(len(train)):
                self._send(source, i, self.jets["input_times", i, j])
        for _, _, cell in everyone:
            if cell.above():
                raise StillAboveError(0.0)
            cell.predict(horizon)
        never = Decimal("Infinity")
        while True:
            own = [
                (c.crossing if c.due is None else c.due.value, name, i, c)
                for name, i, c in everyone
                if c.crossing is not None or c.due is not None
            ]
            first = min(own, key=lambda o: o[0], default=(never, "", 0, None))
            setting = self._settings[-1][0] if self._settings else never
            arrival = self._arrivals[-1].time.value if self._arrivals else never
            t = min(first[0], setting, arrival)
            self._read(min(t, horizon))
            if t > horizon:
                break
            if first[0] == t:
                _, name, i, cell = first
                if cell.due is not None:
                    cell.advance(cell.due)
                    cell.release()
                else:
                    self._fire(name, i, cell, cell.spike_time())
                cell.predict(horizon)
            elif setting == t:
                _, cell, state, jet = self._settings.pop()
                cell.advance(Jet(t))
                cell.states = cell.states | {state: jet}
                cell.predict(horizon)
            else:
                self._deliver(everyone, horizon)
        for _, _, cell in everyone:
            cell.advance(Jet(horizon))

    def _fire(self, name: str, i: int, cell: Cell, t: Jet) -> None:
        cell.advance(t)
        cell.fire(t)
        self._count += 1
        if self._count > MOST:
            raise TooManySpikesError
        self._send(name, i, t)

    def _deliver(self, everyone: Sequence[tuple[str, int, Cell]], horizon: Decimal) -> None:
        """One arrival, and those that come with it; then the spikes that they make."""
        touched: dict[int, Cell] = {}
        batch = self._arrivals[-1].batch
        while True:
            arrival = self._arrivals.pop()
            cell = arrival.target
            cell.advance(arrival.time)
            cell.jump(cell.spec.receive[arrival.receptor], w=arrival.weight)
            touched[id(cell)] = cell
            if batch is None or not self._arrivals or self._arrivals[-1].batch != batch:
                break
        for name, i, cell in everyone:
            if id(cell) in touched:
                if cell.above():
                    self._fire(name, i, cell, cell.time)
                cell.predict(horizon)

    def spikes(self, population: str) -> list[list[Decimal]]:
        return [[t.value for t in cell.spikes] for cell in self.cells[population]]

    def gradient(self, loss: Jet) -> dict[str, Any]:
        """A loss's derivatives as ``Network.gradients`` names and shapes them, floats."""
        found: dict[str, Any] = {}
        network = self.case.network
        d = np.zeros(len(self.keys)) if not np.ndim(loss.d) else loss.d.astype(float)
        for name, p in network["populations"].items():
            for key in spec_of(p["model"]).parameters:
                at = [self.keys["params", name, key, i] for i in range(p["size"])]
                found[f"{name}.{key}"] = d[at]
        for name, p in network["projections"].items():
            for kind, entry in (("weights", "weights"), ("delay", "delays")):
                if kind in p:
                    at = [
                        [self.keys[kind, name, i, j] for j in range(len(row))]
                        for i, row in enumerate(p[kind])
                    ]
                    found[f"{name}.{entry}"] = d[np.array(at)]
        if self.case.spikes:
            trains = enumerate(self.case.spikes)
            at = [self.keys["input_times", i, j] for i, train in trains for j in range(len(train))]
            found["input_times"] = d[at]
        for name, states in self.case.currents.items():
            for state, (times, _) in states.items():
                size = network["populations"][name]["size"]
                at = [
                    [self.keys["currents", name, state, j, i] for i in range(size)] for j in range(len(times))
                ]
                found.setdefault("currents", {}).setdefault(name, {})[state] = d[np.array(at)]
        return found


def _time(text: str, known: Mapping[str, Jet]) -> Jet:
    found = number(text, known)
    return found if isinstance(found, Jet) else Jet(found)
