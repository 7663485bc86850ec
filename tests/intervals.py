"""Random intervals between events with certified answers: does V reach theta within [0, T], and where?

An interval is a state (V, I) below threshold, two time constants, a threshold and a length. V is largest at
an end or where V' = 0, a place with a closed form; V reaches theta exactly if that largest value does. It is
computed in floating point first, by formulas without cancellation whose error is below 32 eps (|V| + |I|).
Where that leaves doubt (closer to theta than 1e-9 of the scale, six orders more than the error), 40 digits
and the exact float64 inputs decide, so the answer is certain.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from integrator import Course
from mpmath import mp, mpf
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DOUBTFUL = 1e-9
UNDECIDABLE = 2e-15
"""V and theta closer than this fraction of the scale: no float64 program can be expected to tell."""


@dataclass(frozen=True)
class Intervals:
    """One interval per entry: float64 arrays (n,); all have the length ``T``. Times in seconds."""

    V: Floats
    I: Floats
    tau_mem: Floats
    tau_syn: Floats
    theta: Floats
    T: float

    def __len__(self) -> int:
        return len(self.V)

    def scale(self) -> Floats:
        """What rounding errors of V are relative to."""
        return np.maximum(np.maximum(np.abs(self.V), np.abs(self.I)), np.abs(self.theta))

    def select(self, where: NDArray[np.bool_]) -> Intervals:
        arrays = {f.name: getattr(self, f.name)[where] for f in fields(self) if f.name != "T"}
        return Intervals(**arrays, T=self.T)

    def voltage(self, s: NDArray[np.floating]) -> NDArray[np.longdouble]:
        """V(s) in long double."""
        V, I = (np.longdouble(x) for x in (self.V, self.I))
        a, b = 1 / np.longdouble(self.tau_mem), 1 / np.longdouble(self.tau_syn)
        s = np.longdouble(s)
        return V * np.exp(-a * s) + I * a * s * np.exp(-np.minimum(a, b) * s) * _phi(-np.abs(a - b) * s)

    def current(self, s: NDArray[np.floating]) -> NDArray[np.longdouble]:
        """I(s) in long double."""
        return np.longdouble(self.I) * np.exp(-np.longdouble(s) / np.longdouble(self.tau_syn))

    def turn(self) -> NDArray[np.longdouble]:
        """Where V' = 0: 1/(a-b) log(1 + (a-b)(I-V)/(b I)); infinite where V never turns."""
        V, I = (np.longdouble(x) for x in (self.V, self.I))
        a, b = 1 / np.longdouble(self.tau_mem), 1 / np.longdouble(self.tau_syn)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (I - V) / (b * I)
            x = (a - b) * z
            s = z * np.where(x == 0, 1, np.log1p(x) / np.where(x == 0, 1, x))
        return np.where(np.isfinite(s) & (s > 0) & (x > -1), s, np.inf)

    def peak(self) -> NDArray[np.longdouble]:
        """The largest V on [0, T]; an error in the place of a turn is of second order."""
        places = (np.zeros(len(self)), np.full(len(self), self.T), np.minimum(self.turn(), self.T))
        return np.maximum.reduce([self.voltage(s) for s in places])

    def course(self, i: int) -> Course:
        return Course(*(mpf(float(x[i])) for x in (self.V, self.I, self.tau_mem, self.tau_syn)))

    def certify(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether V reaches theta, and whether that can be decided in float64.

        A V that starts below theta, by as little as it may be, and clearly falls from there can be decided.
        """
        above = np.asarray(self.peak() - self.theta)
        scale = self.scale()
        reaches, doubtful = above > 0, np.abs(above) < DOUBTFUL * scale
        falls = 1e-6 * scale < self.V - self.I
        decidable = np.ones(len(self), bool)
        with mp.workdps(40):
            for i in np.flatnonzero(doubtful):
                exact = self.course(i).maximum(mpf(self.T)) - mpf(float(self.theta[i]))
                reaches[i] = exact > 0
                decidable[i] = abs(exact) > UNDECIDABLE * scale[i] or (falls[i] and not reaches[i])
        return reaches, decidable


def _phi(x: NDArray[np.longdouble]) -> NDArray[np.longdouble]:
    """(exp(x) - 1)/x."""
    return np.where(x == 0, 1, np.expm1(x) / np.where(x == 0, 1, x))


def draw(rng: np.random.Generator, n: int, T: float = 0.02) -> Intervals:
    """``n`` intervals: half anywhere, half made to graze the threshold at a peak, an end or the start."""
    parts = [_anywhere(rng, n - 3 * (n // 6), T), *(graze(rng, n // 6, T) for graze in (_peak, _end, _start))]
    arrays = {
        f.name: np.concatenate([getattr(p, f.name) for p in parts])
        for f in fields(Intervals)
        if f.name != "T"
    }
    order = rng.permutation(n)
    return Intervals(**{name: array[order] for name, array in arrays.items()}, T=T)


def _anywhere(rng: np.random.Generator, n: int, T: float) -> Intervals:
    tau_mem, tau_syn = _time_constants(rng, n, T)
    theta = np.where(rng.random(n) < 0.7, 1.0, rng.uniform(-1, 2, n))
    V = theta - rng.exponential(0.7, n) - 1e-6
    I = np.where(rng.random(n) < 0.05, 0.0, rng.normal(2, 4, n))
    return Intervals(V, I, tau_mem, tau_syn, theta, T)


def _time_constants(rng: np.random.Generator, n: int, T: float) -> tuple[Floats, Floats]:
    """From T/20 to 20 T; their ratio anything, exactly 1, or 1 to 3 to 15 digits."""
    tau_mem = T * 10 ** rng.uniform(-1.3, 1.3, n)
    ratio = 10 ** rng.uniform(-1.3, 1.3, n)
    near = 1 + rng.choice([-1, 1], n) * 10 ** rng.uniform(-15, -3, n)
    kind = rng.random(n)
    return tau_mem, tau_mem * np.where(kind < 0.1, 1.0, np.where(kind < 0.2, near, ratio))


def _offset(rng: np.random.Generator, n: int) -> Floats:
    """1 + a relative distance from threshold, +-1e-12 for half of them, up to +-1e-3."""
    distance = np.where(rng.random(n) < 0.5, 1e-12, 10 ** rng.uniform(-12, -3, n))
    return 1 + rng.choice([-1, 1], n) * distance


def _scaled(intervals: Intervals, factor: NDArray[np.longdouble]) -> Intervals:
    """The flow is linear: scaling the state scales V everywhere."""
    V, I = (np.float64(np.longdouble(x) * factor) for x in (intervals.V, intervals.I))
    return Intervals(V, I, intervals.tau_mem, intervals.tau_syn, intervals.theta, intervals.T)


def _until(rng: np.random.Generator, n: int, T: float, accept, grazing) -> Intervals:
    """Draws until ``n`` intervals fulfil ``accept`` and, made to graze by ``grazing``, start below theta."""
    found: list[Intervals] = []
    while sum(map(len, found)) < n:
        drawn = _anywhere(rng, 4 * n + 50, T)
        made = grazing(drawn.select(accept(drawn)))
        found.append(made.select(made.theta > made.V))
    arrays = {
        f.name: np.concatenate([getattr(p, f.name) for p in found])[:n]
        for f in fields(Intervals)
        if f.name != "T"
    }
    return Intervals(**arrays, T=T)


def _peak(rng: np.random.Generator, n: int, T: float) -> Intervals:
    """A maximum inside the interval, at theta but for a small distance."""

    def accept(drawn: Intervals) -> NDArray[np.bool_]:
        return (drawn.turn() < T) & (drawn.I > 0) & (drawn.theta > 0.1)

    def grazing(drawn: Intervals) -> Intervals:
        return _scaled(
            drawn, drawn.theta * np.longdouble(_offset(rng, len(drawn))) / drawn.voltage(drawn.turn())
        )

    return _until(rng, n, T, accept, grazing)


def _end(rng: np.random.Generator, n: int, T: float) -> Intervals:
    """V still rises at the end of the interval, and is there at theta but for a small distance."""

    def accept(drawn: Intervals) -> NDArray[np.bool_]:
        end = drawn.voltage(np.full(len(drawn), T))
        rises = drawn.current(np.full(len(drawn), T)) > end
        return rises & (end * drawn.theta > 0.01) & ((drawn.turn() > T) | (drawn.I < drawn.V))

    def grazing(drawn: Intervals) -> Intervals:
        end = drawn.voltage(np.full(len(drawn), T))
        return _scaled(drawn, drawn.theta * np.longdouble(_offset(rng, len(drawn))) / end)

    return _until(rng, n, T, accept, grazing)


def _start(rng: np.random.Generator, n: int, T: float) -> Intervals:
    """V starts just below theta, down to the last representable number, and rises or falls from there."""
    drawn = _anywhere(rng, n, T)
    theta = np.where(np.abs(drawn.theta) < 0.1, 1.0, drawn.theta)
    V = theta - np.abs(theta * (_offset(rng, n) - 1))
    V = np.where(rng.random(n) < 0.2, np.nextafter(theta, -np.inf), V)
    I = V + rng.choice([-1, 1], n) * 10 ** rng.uniform(-4, 1, n)
    return Intervals(V, I, drawn.tau_mem, drawn.tau_syn, theta, T)
