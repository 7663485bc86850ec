"""Random intervals between events with certified answers: does V reach theta within [0, T], and where?

An interval is a state (V, I) below threshold, two time constants, a threshold and a length. V is largest at
an end or where V' = 0, a place with a closed form; V reaches theta exactly if that largest value does. It is
computed in floating point first, by formulas without cancellation whose error is below 32 eps (|V| + |I|).
Where that leaves doubt (closer to theta than 1e-9 of the scale, six orders more than the error), 40 digits
and the exact float64 inputs decide, so the answer is certain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

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

    def select(self, where: NDArray[Any]) -> Intervals:
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

    def certify(self, steps: float = 1.0) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether V reaches theta, and whether that can be decided in float64, in so many steps.

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
                decidable[i] = abs(exact) > UNDECIDABLE * steps * scale[i] or (falls[i] and not reaches[i])
        return reaches, decidable


def _phi(x: NDArray[np.longdouble]) -> NDArray[np.longdouble]:
    """(exp(x) - 1)/x."""
    return np.where(x == 0, 1, np.expm1(x) / np.where(x == 0, 1, x))


Source = Callable[[np.random.Generator, int, float], Intervals]
"""(generator, n, T) -> n intervals."""

Grazing = Callable[[np.random.Generator, int, float, Source], Intervals]
"""The same, made from a source's intervals to come very close to the threshold."""


def draw(rng: np.random.Generator, n: int, source: Source, grazings: tuple[Grazing, ...]) -> Intervals:
    """``n`` intervals of 20 ms in random order: half as ``source`` gives them, half grazing the threshold."""
    T, each = 0.02, n // 2 // len(grazings)
    parts = [source(rng, n - each * len(grazings), T), *(graze(rng, each, T, source) for graze in grazings)]
    order = rng.permutation(n)
    return _joined(parts, T).select(order)


def anywhere(rng: np.random.Generator, n: int, T: float) -> Intervals:
    """States below any threshold; time constants from T/20 to 20 T, their ratio anything, 1, or nearly 1."""
    tau_mem = T * 10 ** rng.uniform(-1.3, 1.3, n)
    ratio = 10 ** rng.uniform(-1.3, 1.3, n)
    near = 1 + rng.choice([-1, 1], n) * 10 ** rng.uniform(-15, -3, n)
    kind = rng.random(n)
    tau_syn = tau_mem * np.where(kind < 0.1, 1.0, np.where(kind < 0.2, near, ratio))
    theta = np.where(rng.random(n) < 0.7, 1.0, rng.uniform(-1, 2, n))
    V = theta - rng.exponential(0.7, n) - 1e-6
    I = np.where(rng.random(n) < 0.05, 0.0, rng.normal(2, 4, n))
    return Intervals(V, I, tau_mem, tau_syn, theta, T)


def one_model(rng: np.random.Generator, T: float) -> Source:
    """Source of intervals that all have the same time constants, as neurons of a usual population have."""
    tau_mem = T * 10 ** rng.uniform(-0.5, 0.3)
    tau_syn = tau_mem * rng.choice([1.0, 10 ** rng.uniform(-1, 0)])

    def source(rng: np.random.Generator, n: int, T: float) -> Intervals:
        return replace(anywhere(rng, n, T), tau_mem=np.full(n, tau_mem), tau_syn=np.full(n, tau_syn))

    return source


def at_rest(rng: np.random.Generator, n: int, T: float) -> Intervals:
    """From V = 0 below a positive threshold, the current alone being random."""
    drawn = anywhere(rng, n, T)
    return replace(drawn, V=np.zeros(n), theta=np.abs(drawn.theta) + 0.05)


def at_peak(rng: np.random.Generator, n: int, T: float, source: Source) -> Intervals:
    """A maximum inside the interval, at theta but for a small distance."""

    def accept(drawn: Intervals) -> NDArray[np.bool_]:
        return (drawn.turn() < T) & (drawn.I > 0) & (drawn.theta > 0.1)

    def grazing(drawn: Intervals) -> Intervals:
        return _scaled(drawn, drawn.theta * _offset(rng, len(drawn)) / drawn.voltage(drawn.turn()))

    return _until(rng, n, T, source, accept, grazing)


def at_end(rng: np.random.Generator, n: int, T: float, source: Source) -> Intervals:
    """V still rises at the end of the interval, and is there at theta but for a small distance."""

    def accept(drawn: Intervals) -> NDArray[np.bool_]:
        end = drawn.voltage(np.full(len(drawn), T))
        rises = drawn.current(np.full(len(drawn), T)) > end
        return rises & (end * drawn.theta > 0.01) & ((drawn.turn() > T) | (drawn.I < drawn.V))

    def grazing(drawn: Intervals) -> Intervals:
        end = drawn.voltage(np.full(len(drawn), T))
        return _scaled(drawn, drawn.theta * _offset(rng, len(drawn)) / end)

    return _until(rng, n, T, source, accept, grazing)


def at_start(rng: np.random.Generator, n: int, T: float, source: Source) -> Intervals:
    """V starts just below theta, down to the last representable number, and rises or falls from there."""
    drawn = source(rng, n, T)
    theta = np.where(np.abs(drawn.theta) < 0.1, 1.0, drawn.theta)
    V = theta - np.abs(theta * np.float64(_offset(rng, n) - 1))
    V = np.where(rng.random(n) < 0.2, np.nextafter(theta, -np.inf), V)
    I = V + rng.choice([-1, 1], n) * 10 ** rng.uniform(-4, 1, n)
    return replace(drawn, V=V, I=I, theta=theta)


def _offset(rng: np.random.Generator, n: int) -> NDArray[np.longdouble]:
    """1 + a relative distance from threshold, +-1e-12 for half of them, up to +-1e-3."""
    distance = np.where(rng.random(n) < 0.5, 1e-12, 10 ** rng.uniform(-12, -3, n))
    return 1 + np.longdouble(rng.choice([-1, 1], n) * distance)


def _scaled(drawn: Intervals, factor: NDArray[np.longdouble]) -> Intervals:
    """The flow is linear: scaling the state scales V everywhere."""
    return replace(drawn, V=np.float64(drawn.V * factor), I=np.float64(drawn.I * factor))


def _until(
    rng: np.random.Generator,
    n: int,
    T: float,
    source: Source,
    accept: Callable[[Intervals], NDArray[np.bool_]],
    grazing: Callable[[Intervals], Intervals],
) -> Intervals:
    """Draws until ``n`` intervals fulfil ``accept`` and, made to graze by ``grazing``, start below theta."""
    found: list[Intervals] = []
    for _ in range(1000):
        drawn = source(rng, 4 * n + 50, T)
        made = grazing(drawn.select(accept(drawn)))
        found.append(made.select(made.theta > made.V))
        if sum(map(len, found)) >= n:
            return _joined(found, T).select(np.arange(n))
    raise ArithmeticError("hardly any interval can be made to graze its threshold")


def _joined(parts: list[Intervals], T: float) -> Intervals:
    names = [f.name for f in fields(Intervals) if f.name != "T"]
    return Intervals(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names}, T=T)
