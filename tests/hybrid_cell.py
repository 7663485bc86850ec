"""The oracle's neuron: Taylor series of order 24 between events, with tangents through their times."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from hybrid_spec import Spec
from taylor import ONE, ZERO, Jet, Known, derivative, directions, horner, inverse, number, series
from taylor import value as plain

ORDER = 24
LOCAL_ERROR = Decimal("1e-20")
PIECES = 8
"""Of a step, in each of which the guard's slope is taken to change its sign once at most."""


class StillAboveError(Exception):
    """A neuron has no crossing to come: it is at or above its threshold at the start, or after a reset."""


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

    def _inverse_mass(self, names: dict[str, Any], key: tuple[str, bool]) -> Any:
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
