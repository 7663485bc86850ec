"""A model as data: its equations in SymPy, its parameters and states, and every symbol that stands for them.

All symbols are made here, once, with their assumptions: ``State.symbol`` (x), ``State.dot`` (its time
derivative) and ``State.adjoint`` (lambda), ``Parameter.symbol``, and ``WEIGHT``, ``EXTERNAL``,
``SENSITIVITY`` below.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import sympy
from sympy import Expr, Matrix, Symbol

from saltus.derive.exponential import exponential

_Named = TypeVar("_Named", "Transition", "Receptor", "Phase")

WEIGHT = Symbol("w", real=True)
"""The weight of an arriving spike."""
EXTERNAL = Symbol("external", real=True)
"""What a spike's time is worth outside its own neuron: dl_p/dt_k + l- - l+ + the credits of its arrivals."""
SENSITIVITY = Symbol("sensitivity", real=True)
"""dL/dt_k in full: ``EXTERNAL`` and the term of the neuron's own reset."""
TIME = Symbol("t", nonnegative=True)
"""The time since the start of a run, which a readout may use."""
END = Symbol("T", positive=True)
"""The end of a run, which the times of readouts may use."""


@dataclass(frozen=True)
class Parameter:
    """A constant of the model; ``default`` in ``unit``, ``positive`` if it must stay so."""

    name: str
    symbol: Symbol
    default: float
    unit: str = "1"
    positive: bool = False
    doc: str = ""


@dataclass(frozen=True)
class State:
    """A state x: its symbol, its time derivative, its adjoint lambda, and the parameter x(0).

    ``initial`` is None for the running integral of a readout and for a clock, which start at zero, and for an
    input, which is given.
    """

    name: str
    symbol: Symbol
    dot: Symbol
    adjoint: Symbol
    initial: Parameter | None


@dataclass(frozen=True)
class Transition:
    """At an upward zero of ``when`` the state becomes ``reset``, which gives each state from those before.

    goto: the name of the phase that follows, None for the model's own dynamics.
    """

    name: str
    when: Expr
    reset: tuple[Expr, ...]
    emits: bool
    goto: str | None = None


@dataclass(frozen=True)
class Phase:
    """Dynamics that hold for a time ``duration`` after a transition that goes here.

    dynamics: one expression a state, as in ``ModelSpec``; release: the name of the transition that ends it;
    reset: what the state becomes then; goto: the phase that follows, None for the model's own dynamics.
    """

    name: str
    dynamics: tuple[Expr, ...]
    release: str
    duration: Parameter
    reset: tuple[Expr, ...]
    goto: str | None = None


@dataclass(frozen=True)
class Receptor:
    """A spike of weight w that arrives turns the state into ``jump`` (one expression a state)."""

    name: str
    jump: tuple[Expr, ...]


@dataclass(frozen=True)
class Readout:
    """The integral of ``integrand``, an expression of states, parameters and ``TIME``, over the run; among a
    model's ``peaks``, its maximum over the run, and without ``TIME``.

    window: from when to when instead, in parameters and ``END``.
    """

    name: str
    integrand: Expr
    window: tuple[Expr, Expr] | None = None


@dataclass(frozen=True)
class Reading:
    """``value``, an expression of states and parameters, at ``time``, one of parameters and ``END``."""

    value: Expr
    time: Expr


@dataclass(frozen=True)
class Probe:
    """The readout that is the sum of ``readings``; ``listed``: its only one at each time of a list instead,
    which a population is given.
    """

    name: str
    readings: tuple[Reading, ...]
    listed: bool = False


@dataclass(frozen=True)
class ModelSpec:
    """One model: equations over one neuron's states, its parameters and the weight of an arriving spike.

    dynamics: one expression a state, in states, their ``dot`` and parameters; each is zero along a
    trajectory. parameters: those of the spec; the initial values follow from ``states``. origin: the file
    or shipped name that messages point to. inputs: names of the states that are given from outside,
    piecewise constant in time. peaks: readouts that are a maximum over time. phases: what transitions go to,
    with dynamics of their own. probes: readouts of the state at given times.
    """

    name: str
    title: str
    source: str
    origin: str
    parameters: tuple[Parameter, ...]
    states: tuple[State, ...]
    dynamics: tuple[Expr, ...]
    transitions: tuple[Transition, ...]
    receptors: tuple[Receptor, ...]
    readouts: tuple[Readout, ...]
    inputs: tuple[str, ...] = ()
    phases: tuple[Phase, ...] = ()
    peaks: tuple[Readout, ...] = ()
    probes: tuple[Probe, ...] = ()

    @property
    def initial(self) -> tuple[Parameter, ...]:
        """The initial values, which are parameters too, in the order of the states."""
        return tuple(state.initial for state in self.states if state.initial is not None)

    @property
    def all_parameters(self) -> tuple[Parameter, ...]:
        """The spec's parameters, then the initial values."""
        return self.parameters + self.initial

    @property
    def readout_names(self) -> tuple[str, ...]:
        """The names of all readouts."""
        names = [readout.name for readout in (*self.readouts, *self.peaks)]
        return (*names, *(probe.name for probe in self.probes))

    @property
    def x(self) -> Matrix:
        """The states, as a column."""
        return Matrix([state.symbol for state in self.states])

    @property
    def x_dot(self) -> Matrix:
        """The states' time derivatives, as a column."""
        return Matrix([state.dot for state in self.states])

    @property
    def adjoints(self) -> Matrix:
        """The adjoint variables lambda, as a column; entry i belongs to ``dynamics[i]``."""
        return Matrix([state.adjoint for state in self.states])

    @cached_property
    def mass(self) -> Matrix:
        """M in the dynamics M x' + h(x, p) = 0."""
        return Matrix(
            len(self.states), len(self.states), lambda i, j: self.dynamics[i].diff(self.states[j].dot)
        )

    @cached_property
    def force(self) -> Matrix:
        """h in the dynamics M x' + h(x, p) = 0, as a column."""
        at_rest = {state.dot: sympy.Integer(0) for state in self.states}
        return Matrix([f.xreplace(at_rest) for f in self.dynamics])

    @cached_property
    def vector_field(self) -> Matrix:
        """x' = -M^-1 h, as a column: the explicit form of the dynamics."""
        return (-self.mass.LUsolve(self.force)).applyfunc(lambda e: sympy.factor_terms(sympy.cancel(e)))

    def symbols(self) -> dict[str, Symbol]:
        """Every state and parameter (initial values included) by name."""
        named = {state.name: state.symbol for state in self.states}
        return named | {parameter.name: parameter.symbol for parameter in self.all_parameters}

    def transition(self, name: str) -> Transition:
        """The transition called ``name``; raises ``KeyError`` with the known ones."""
        return _named(self.transitions, name)

    def receptor(self, name: str) -> Receptor:
        """The receptor called ``name``; raises ``KeyError`` with the known ones."""
        return _named(self.receptors, name)

    def in_phase(self, name: str | None) -> ModelSpec:
        """The model as it is in a phase, without transitions; None is for its own dynamics, with them.

        The phase's equations are multiplied by constants so that M is the model's own, which changes no
        velocity: a = -M^T lambda is then one convention for all phases.
        """
        if name is None:
            return self
        phase = _named(self.phases, name)
        alone = replace(self, dynamics=phase.dynamics, transitions=(), phases=())
        if alone.mass == self.mass:
            return alone
        rows = self.mass * (self.x_dot - alone.vector_field)
        return replace(alone, dynamics=tuple(sympy.expand(row) for row in rows))

    def with_integrals(self) -> ModelSpec:
        r"""The same model with each readout \int q dt as a state, \dot Q = q, Q(0) = 0, instead.

        Where q depends on time, there are clocks too, which start at 0 as well: s = t, and c = e^{-rt} - 1
        for a factor e^{-rt}. The integral over a window is what Q gains in it: a probe of a state of its own.
        """
        clocks = Clocks.of(self)
        taken = {*self.symbols(), *self.readout_names}
        taken |= {clock.name for clock in clocks.states}
        integrals = tuple(
            make_state(readout.name, None)
            if readout.window is None
            else _fresh_state(f"running_{readout.name}", taken)
            for readout in self.readouts
        )
        gains = tuple(
            Probe(readout.name, _gain(state.symbol, *readout.window))
            for state, readout in zip(integrals, self.readouts, strict=True)
            if readout.window is not None
        )
        rows = tuple(
            state.dot - clocks.told(readout.integrand)
            for state, readout in zip(integrals, self.readouts, strict=True)
        )
        added = clocks.states + integrals
        kept = tuple(state.symbol for state in added)
        return replace(
            self,
            states=self.states + added,
            dynamics=self.dynamics + clocks.dynamics + rows,
            transitions=tuple(replace(t, reset=t.reset + kept) for t in self.transitions),
            receptors=tuple(replace(r, jump=r.jump + kept) for r in self.receptors),
            phases=tuple(
                replace(p, dynamics=p.dynamics + clocks.dynamics + rows, reset=p.reset + kept)
                for p in self.phases
            ),
            readouts=(),
            probes=gains + self.probes,
        )


@dataclass(frozen=True)
class Clocks:
    """The states that tell the time to the readouts, and what they stand for in an integrand."""

    states: tuple[State, ...]
    dynamics: tuple[Expr, ...]
    meaning: Mapping[Expr, Expr]

    @classmethod
    def of(cls, spec: ModelSpec) -> Clocks:
        """A clock for each rate of decay that the readouts have, and one that counts the time itself."""
        taken = {*spec.symbols(), *spec.readout_names}
        clocks: dict[Expr, State] = {}
        meaning: dict[Expr, Expr] = {}
        integrands = sympy.Tuple(*(readout.integrand for readout in spec.readouts))
        for decay in sorted((e for e in integrands.atoms(exponential) if _decays(e, spec)), key=str):
            rate = -decay.args[0].coeff(TIME)
            if rate not in clocks:
                clocks[rate] = _fresh_state("clock", taken)
            meaning[decay] = (1 + clocks[rate].symbol) * exponential(decay.args[0] + TIME * rate)
        dynamics = [clock.dot + rate * (1 + clock.symbol) for rate, clock in clocks.items()]
        states = list(clocks.values())
        if integrands.xreplace(meaning).has(TIME):
            states.append(_fresh_state("elapsed", taken))
            dynamics.append(states[-1].dot - 1)
            meaning[TIME] = states[-1].symbol
        return cls(tuple(states), tuple(dynamics), meaning)

    def told(self, integrand: Expr) -> Expr:
        """``integrand`` with the clocks in the place of the time."""
        return integrand.xreplace(dict(self.meaning))


def _gain(running: Expr, begin: Expr, end: Expr) -> tuple[Reading, ...]:
    return Reading(running, end), Reading(-running, begin)


def _fresh_state(stem: str, taken: set[str]) -> State:
    """A state whose name is not ``taken`` yet, and now is."""
    names = itertools.chain([stem], (f"{stem}_{i}" for i in itertools.count(2)))
    name = next(name for name in names if name not in taken)
    taken.add(name)
    return make_state(name, None)


def _decays(factor: Expr, spec: ModelSpec) -> bool:
    """Whether exp(...) is one of the time alone: its exponent linear in t, with parameters as factors."""
    exponent = factor.args[0]
    return bool(
        exponent.has(TIME) and not exponent.diff(TIME).has(TIME, *spec.x) and not exponent.has(*spec.x)
    )


def make_state(name: str, initial: Parameter | None) -> State:
    """The state ``name`` with its three symbols."""
    return State(
        name,
        Symbol(name, real=True),
        Symbol(f"{name}_dot", real=True),
        Symbol(f"lambda_{name}", real=True),
        initial,
    )


def make_parameter(name: str, default: float, unit: str, positive: bool, doc: str) -> Parameter:
    """The parameter ``name`` with its symbol, positive where declared so."""
    symbol = Symbol(name, positive=True) if positive else Symbol(name, real=True)
    return Parameter(name, symbol, default, unit, positive, doc)


def _named(items: tuple[_Named, ...], name: str) -> _Named:
    for item in items:
        if item.name == name:
            return item
    raise KeyError(f"{name} is not one of: {', '.join(item.name for item in items)}")
