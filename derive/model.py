"""A model as data: its equations in SymPy, its parameters and states, and every symbol that stands for them.

All symbols are made here, once, with their assumptions: ``State.symbol`` (x), ``State.dot`` (its time
derivative) and ``State.adjoint`` (lambda), ``Parameter.symbol``, and ``WEIGHT``, ``EXTERNAL``,
``SENSITIVITY`` below.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import sympy
from sympy import Expr, Matrix, Symbol

_Named = TypeVar("_Named", "Transition", "Receptor")

WEIGHT = Symbol("w", real=True)
"""The weight of an arriving spike."""
EXTERNAL = Symbol("external", real=True)
"""What a spike's time is worth outside its own neuron: dl_p/dt_k + l- - l+ + the credits of its arrivals."""
SENSITIVITY = Symbol("sensitivity", real=True)
"""dL/dt_k in full: ``EXTERNAL`` and the term of the neuron's own reset."""


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

    ``initial`` is None for the running integral of a readout: that one starts at zero.
    """

    name: str
    symbol: Symbol
    dot: Symbol
    adjoint: Symbol
    initial: Parameter | None


@dataclass(frozen=True)
class Transition:
    """At an upward zero of ``when`` the state becomes ``reset``, which gives each state from those before."""

    name: str
    when: Expr
    reset: tuple[Expr, ...]
    emits: bool


@dataclass(frozen=True)
class Receptor:
    """A spike of weight w that arrives turns the state into ``jump`` (one expression a state)."""

    name: str
    jump: tuple[Expr, ...]


@dataclass(frozen=True)
class Readout:
    """The integral of ``integrand`` over the run."""

    name: str
    integrand: Expr


@dataclass(frozen=True)
class ModelSpec:
    """One model: equations over one neuron's states, its parameters and the weight of an arriving spike.

    dynamics: one expression a state, in states, their ``dot`` and parameters; each is zero along a
    trajectory. parameters: those of the spec; the initial values follow from ``states``. origin: the file
    or shipped name that messages point to.
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

    @property
    def initial(self) -> tuple[Parameter, ...]:
        """The initial values, which are parameters too, in the order of the states."""
        return tuple(state.initial for state in self.states if state.initial is not None)

    @property
    def all_parameters(self) -> tuple[Parameter, ...]:
        """The spec's parameters, then the initial values."""
        return self.parameters + self.initial

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

    def with_integrals(self) -> ModelSpec:
        r"""The same model with each readout \int q dt as a state, \dot Q = q, Q(0) = 0, instead."""
        integrals = tuple(make_state(readout.name, None) for readout in self.readouts)
        rows = tuple(
            state.dot - readout.integrand for state, readout in zip(integrals, self.readouts, strict=True)
        )
        kept = tuple(state.symbol for state in integrals)
        return replace(
            self,
            states=self.states + integrals,
            dynamics=self.dynamics + rows,
            transitions=tuple(replace(t, reset=t.reset + kept) for t in self.transitions),
            receptors=tuple(replace(r, jump=r.jump + kept) for r in self.receptors),
            readouts=(),
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
