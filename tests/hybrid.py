"""The oracle for any spec: networks simulated in 28 digits, with tangents through the times of all events.

Reads a spec's equations itself. Between events the states are Taylor series of order 24, step after step; the
time of a spike is a root of the guard's series, differentiated by the implicit function theorem; jumps are
evaluated with tangents. Phases, arrivals that make spikes, given currents, delays, integrals and maxima are
simulated as they are defined. Linear or not makes no difference here.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from importlib import resources
from typing import Any

import numpy as np
from taylor import CONTEXT, ONE, ZERO, Jet, Known, derivative, directions, horner, inverse, number, series
from taylor import value as plain

ORDER = 24
LOCAL_ERROR = Decimal("1e-20")
PIECES = 8
"""Of a step, in each of which the guard's slope is taken to change its sign once at most."""

MOST = 200
"""Spikes of a network before it is given up."""

Key = tuple[Any, ...]


class StillAboveError(Exception):
    """A neuron has no crossing to come: it is at or above its threshold at the start, or after a reset."""


class TooManySpikesError(Exception):
    """More than ``MOST``."""


class Spec:
    """A model as its file says it."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.parameters = {
            name: entry["value"] if isinstance(entry, Mapping) else entry
            for name, entry in content.get("parameters", {}).items()
        }
        initial = {
            name: entry["value"] if isinstance(entry, Mapping) else entry
            for name, entry in content["initial"].items()
        }
        self.parameters |= {f"{name}0": start for name, start in initial.items()}
        self.inputs = tuple(content.get("inputs", {}))
        self.dynamics = {name: content["dynamics"][f"f_{name}"] for name in initial}
        self.dynamics |= {name: f"dot({name})" for name in self.inputs}
        self.maxima: dict[str, tuple[str, str, str]] = {}
        self.probes: dict[str, list[tuple[str, str]]] = {}
        for name, text in content.get("readouts", {}).items():
            found = re.fullmatch(r"(integral|max|final|at)\(([^,]*)(?:, ([^,]*))?(?:, ([^,]*))?\)", text)
            assert found is not None, text
            kind, q, first, last = found.groups()
            if kind == "max":
                self.maxima[name] = (q, first or "0", last or "T")
            elif kind != "integral":
                self.probes[name] = [(q, first or "T")]
            elif first is None:
                self.dynamics[name] = f"dot({name}) - ({q})"
            else:
                self.dynamics[f"running_{name}"] = f"dot(running_{name}) - ({q})"
                self.probes[name] = [(f"running_{name}", last or "T"), (f"-running_{name}", first)]
        self.states = tuple(self.dynamics)
        self.modes = {"": self.dynamics}
        for mode, entry in content.get("mode", {}).items():
            rows = {key.removeprefix("f_"): text for key, text in entry["dynamics"].items()}
            self.modes[mode] = {**self.dynamics, **rows}
        transitions = content.get("transition", {}).values()
        self.spike = next((t for t in transitions if "when" in t), None)
        self.ends = {t["mode"]: t for t in transitions if "after" in t}
        self.receive = content.get("receive", {})


def spec_of(model: Any) -> Spec:
    """Of a shipped model's name, or the content of a spec."""
    if isinstance(model, str):
        text = resources.files("saltus.derive.models").joinpath(f"{model}.toml").read_text(encoding="utf-8")
        model = tomllib.loads(text)
    return Spec(model)


@dataclass
class Step:
    """Taylor coefficients of the states over a step; ``at``: where it begins, ``length``: of it."""

    at: Decimal
    length: Decimal
    states: list[list[Any]]
    series: dict[str, Any]

    def of(self, text: str) -> list[Any]:
        """The coefficients of an expression."""
        found = series(text, self.series)
        return [found.at(k) for k in range(ORDER)]


@dataclass
class Cell:
    """One neuron: parameters and states as global jets, at the last event that touched it."""

    spec: Spec
    parameters: dict[str, Jet]
    states: dict[str, Jet]
    time: Jet = field(default_factory=lambda: Jet(ZERO))
    mode: str = ""
    due: Jet | None = None  # the end of a phase
    crossing: Decimal | None = None
    spikes: list[Jet] = field(default_factory=list)
    windows: dict[str, tuple[Jet, Jet]] = field(default_factory=dict)  # of the maxima
    probes: dict[str, Jet] = field(default_factory=dict)
    peaks: dict[str, Jet] = field(default_factory=dict)
    least_slope: float = float("inf")
    near_miss: float = float("inf")
    masses: dict[str, Any] = field(default_factory=dict)

    def steps(self, span: Decimal, local: bool) -> Iterator[Step]:
        """The course of the states for a time ``span``; ``local``: with tangents by states and parameters."""
        spec, n = self.spec, len(self.spec.states)
        rows = directions(n + len(self.parameters)) if local else None
        x = [self._seed(s, rows, i) for i, s in enumerate(self.states.values())]
        p = [self._seed(s, rows, n + i) for i, s in enumerate(self.parameters.values())]
        names: dict[str, Any] = {
            k: Known([v], constant=True) for k, v in zip(self.parameters, p, strict=True)
        }
        names |= {f"dot {s}": Known([ZERO], constant=True) for s in spec.states}
        dynamics = spec.modes[self.mode]
        flow = self._inverse_mass(names, (self.mode, local))
        at = ZERO
        while True:
            coefficients = [[start] for start in x]
            names |= {s: Known(c) for s, c in zip(spec.states, coefficients, strict=True)}
            rest = [series(dynamics[s], names) for s in spec.states]
            for k in range(ORDER):
                h = [f.at(k) for f in rest]
                for row, c in zip(flow, coefficients, strict=True):
                    total = sum((m * v for m, v in zip(row, h, strict=True) if plain(m) != 0), ZERO)
                    c.append(-total / (k + 1))
            length = min(span - at, _radius(coefficients))
            yield Step(at, length, coefficients, dict(names))
            at += length
            if at >= span:
                return
            x = [horner(c, length) for c in coefficients]

    @staticmethod
    def _seed(jet: Jet, rows: Any, i: int) -> Any:
        return jet.value if rows is None else Jet(jet.value, rows[i])

    def _inverse_mass(self, names: dict[str, Any], key: Key) -> Any:
        """Of the factors of the derivatives, which depend on parameters alone."""
        if key not in self.masses:
            spec = self.spec
            still = names | {s: Known([ZERO], constant=True) for s in spec.states}
            matrix = []
            for s in spec.states:
                text = spec.modes[self.mode][s]
                base = series(text, still).at(0)
                moved = (
                    series(text, still | {f"dot {r}": Known([ONE], constant=True)}).at(0) for r in spec.states
                )
                matrix.append([f - base for f in moved])
            self.masses[key] = inverse(matrix)
        return self.masses[key]

    def values(self) -> dict[str, Jet]:
        return {**self.parameters, **self.states}

    def at(self, t: Jet) -> tuple[dict[str, Jet], dict[str, Decimal]]:
        """States, and their time derivatives, at a later time."""
        span = t.value - self.time.value
        *_, last = self.steps(span, local=True)
        z = [*self.states.values(), *self.parameters.values()]
        late = t.d - self.time.d
        states, slopes = {}, {}
        for name, c in zip(self.spec.states, last.states, strict=True):
            end, slope = horner(c, last.length), plain(horner(derivative(c), last.length))
            total = late * slope
            for weight, jet in zip(end.d, z, strict=True):
                if weight != 0:
                    total = total + jet.d * weight
            states[name], slopes[name] = Jet(end.value, total), slope
        return states, slopes

    def advance(self, t: Jet) -> None:
        """Moves to time ``t``, tangents included; keeps the maxima on the way."""
        for name, (text, _, _) in self.spec.maxima.items():
            self._climb(name, self.time)
            for bound in self.windows[name]:
                if self.time.value < bound.value < t.value:
                    self._climb(name, bound)
            for step in self.steps(t.value - self.time.value, local=False):
                q = step.of(text)
                for left, right in _pieces(step.length):
                    if horner(derivative(q), left) > 0 > horner(derivative(q), right):
                        self._climb(name, Jet(self.time.value + step.at + _root(derivative(q), left, right)))
        self.states, _ = self.at(t)
        self.time = t
        for name in self.spec.maxima:
            self._climb(name, self.time)

    def _climb(self, name: str, t: Jet) -> None:
        begin, end = self.windows[name]
        if not begin.value <= t.value <= end.value:
            return
        states = self.states if t is self.time else self.at(t)[0]
        height = number(self.spec.maxima[name][0], {**self.parameters, **states})
        if name not in self.peaks or height.value > self.peaks[name].value:
            self.peaks[name] = height

    def probe(self, name: str, text: str, t: Jet) -> None:
        """Adds what a readout takes at ``t``."""
        self.advance(t)
        self.probes[name] = self.probes.get(name, Jet(ZERO)) + number(text, self.values())

    def above(self) -> bool:
        """Whether it is at or above its threshold, so that after an arrival it must spike now."""
        if self.spec.spike is None or self.mode:
            return False
        g = number(self.spec.spike["when"], self.values()).value
        self.near_miss = min(self.near_miss, float(abs(g)))
        return bool(g >= 0)

    def predict(self, horizon: Decimal) -> None:
        """Finds the next crossing if nothing else happens."""
        self.crossing = None
        if self.spec.spike is None or self.mode:
            return
        for step in self.steps(horizon - self.time.value, local=False):
            g = step.of(self.spec.spike["when"])
            slope = derivative(g)
            for left, right in _pieces(step.length):
                turns = horner(slope, left) > 0 > horner(slope, right)
                top = _root(slope, left, right) if turns else right
                if horner(g, top) >= 0:
                    self.crossing = self.time.value + step.at + _root(g, left, top)
                    return
                if turns:
                    scale = abs(horner(slope, left)) * step.length + abs(g[0])
                    self.near_miss = min(self.near_miss, float(-horner(g, top) / scale))

    def spike_time(self) -> Jet:
        """The predicted crossing with its tangents, by the implicit function theorem."""
        assert self.crossing is not None and self.spec.spike is not None
        states, slopes = self.at(Jet(self.crossing))
        g = number(self.spec.spike["when"], {**self.parameters, **states})
        moving = {name: Jet(states[name].value, slopes[name]) for name in states}
        still = {name: p.value for name, p in self.parameters.items()}
        slope = number(self.spec.spike["when"], {**still, **moving}).d
        size = sum(abs(s) for s in slopes.values())
        self.least_slope = min(self.least_slope, float(slope / size) if size else 0.0)
        return Jet(self.crossing, g.d / -slope)

    def jump(self, changes: Mapping[str, str], **more: Jet) -> None:
        """All at once, from the values before."""
        values = {**self.values(), **more}
        self.states = self.states | {name: number(text, values) for name, text in changes.items()}

    def fire(self, t: Jet) -> None:
        """Spikes at ``t``, where it is now."""
        assert self.spec.spike is not None
        self.spikes.append(t)
        self.jump(self.spec.spike.get("reset", {}))
        self._enter(self.spec.spike.get("goto", ""))

    def release(self) -> None:
        """The phase ends."""
        end = self.spec.ends[self.mode]
        self.jump(end.get("reset", {}))
        self._enter(end.get("goto", ""))

    def _enter(self, mode: str) -> None:
        self.mode = mode
        self.due = self.time + self.parameters[self.spec.ends[mode]["after"]] if mode else None
        if self.above():
            raise StillAboveError(float(self.time.value))


def _time(text: str, known: Mapping[str, Jet]) -> Jet:
    found = number(text, known)
    return found if isinstance(found, Jet) else Jet(found)


def _radius(coefficients: Sequence[Sequence[Any]]) -> Decimal:
    """How far the series, those of the tangents among them, may be trusted (Jorba & Zou 2005)."""
    found = Decimal("1e3")
    rows = [[_parts(x) for x in (c[0], c[1], c[ORDER - 1], c[ORDER])] for c in coefficients]
    for place, k in ((2, ORDER - 1), (3, ORDER)):
        most = ZERO
        for row in rows:
            for parts in itertools.zip_longest(*row, fillvalue=ZERO):  # no tangents: none there
                scale = max(abs(parts[0]), abs(parts[1]) * Decimal("1e-3"), Decimal("1e-3"))
                most = max(most, abs(parts[place]) / scale)
        if most > 0:
            found = min(found, ((LOCAL_ERROR / most).ln() / k).exp())
    return found


def _parts(x: Any) -> list[Decimal]:
    return [x.value, *np.atleast_1d(x.d)] if isinstance(x, Jet) else [x]


def _pieces(length: Decimal) -> Iterator[tuple[Decimal, Decimal]]:
    for i in range(PIECES):
        yield length * i / PIECES, length * (i + 1) / PIECES


def _root(c: Sequence[Decimal], left: Decimal, right: Decimal) -> Decimal:
    """The root of a polynomial that changes its sign between ``left`` and ``right``: bracketed Newton."""
    slope, sign = derivative(c), 1 if horner(c, right) >= 0 else -1
    s = (left + right) / 2
    for _ in range(300):
        y = horner(c, s)
        left, right = (left, s) if y * sign >= 0 else (s, right)
        rise = horner(slope, s)
        new = s - y / rise if rise != 0 else left
        if not left < new < right:
            new = (left + right) / 2
        if abs(new - s) <= Decimal("1e-24") or right - left <= Decimal("1e-25"):
            return new
        s = new
    raise ArithmeticError(f"no root between {left} and {right}")


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
