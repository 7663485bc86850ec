"""The order in which a reader expects the terms of a sum and the factors of a product.

SymPy sorts by name and class, and its order changes between versions; a person writes what the left side is
about first, constants before variables, and a derivative with respect to a parameter last. The symbols of
``notation`` carry their written form in their name, and what part they play is read from it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import sympy
from sympy import Expr, Integral, Symbol

from saltus.derive.divided_differences import exp_dd
from saltus.derive.exponential import exponential
from saltus.derive.notation import Quantity, pretty_name, text


class Part(IntEnum):
    """What a symbol stands for, in the order in which the terms of a sum come."""

    SLOPE = 0
    """The derivative of the running loss by a state."""
    MOVING = 1
    """A loss at the end of an interval or at a spike, where it multiplies the derivative of a time."""
    BRACKET = 2
    RATE = 3
    """The time derivative of a state's derivative."""
    PARTIAL = 4
    """A state's derivative by a parameter."""
    TIME = 5
    """A spike time's derivative by a parameter."""
    LOSS = 6
    CONSTRAINT = 7
    VELOCITY = 8
    STATE = 9
    ADJOINT_RATE = 10
    ADJOINT = 11
    AT_SPIKE = 12
    """The losses at a spike: l_p, l before, l after."""
    DELTA = 13
    GIVEN = 14
    """A parameter's own derivative."""
    WEIGHT = 15
    PARAMETER = 16


_FACTORS = {
    Part.PARAMETER: 0,
    Part.WEIGHT: 1,
    Part.DELTA: 2,
    Part.VELOCITY: 3,
    Part.STATE: 3,
    Part.ADJOINT_RATE: 4,
    Part.ADJOINT: 4,
    Part.CONSTRAINT: 5,
    Part.SLOPE: 6,
    Part.LOSS: 6,
    Part.AT_SPIKE: 6,
    Part.BRACKET: 6,
    Part.GIVEN: 7,
    Part.RATE: 8,
    Part.PARTIAL: 8,
    Part.TIME: 9,
}
"""Place of each among the factors of a product."""
SCALAR = 4
"""Factors from this place on stand after a fraction, not in it."""

_OF_NEURON = re.compile(r"\((?P<core>.+)\)(?P<neuron>[^()]*)")
_SIDE = str.maketrans("", "", "⁻⁺′")
_DOT = "\u0307"


@dataclass(frozen=True)
class Mark:
    """Part, the name that the symbol is about (a state's, for its multiplier too), neuron, and side."""

    part: Part
    name: str
    neuron: str = ""
    side: int = 0


@dataclass(frozen=True)
class Reading:
    """Knows the names of a model in their order, and sorts by them."""

    states: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()

    @cached_property
    def _states(self) -> dict[str, str]:
        """Written form -> name."""
        return {unicodedata.normalize("NFD", pretty_name(name)): name for name in self.states}

    def mark(self, symbol: Symbol) -> Mark:
        """What a symbol stands for."""
        if not isinstance(symbol, Quantity):
            return self._plain(str(symbol.name))
        written = unicodedata.normalize("NFD", text(symbol))
        match = _OF_NEURON.fullmatch(written)
        core, neuron = (match["core"], match["neuron"]) if match else (written, "")
        side = -1 if "⁻" in core else 1 if "⁺" in core else 0
        part, name = self._read(core.translate(_SIDE))
        if part is Part.LOSS and side:
            part = Part.AT_SPIKE
        return Mark(part, name, neuron, side)

    def _plain(self, name: str) -> Mark:
        if name in self.states:
            return Mark(Part.STATE, name)
        if name.removeprefix("lambda_") in self.states:
            return Mark(Part.ADJOINT, name.removeprefix("lambda_"))
        return Mark(Part.PARAMETER, name)

    def _read(self, core: str) -> tuple[Part, str]:
        if core in self._states:
            return Part.STATE, self._states[core]
        for pattern, part in _FORMS:
            match = pattern.fullmatch(core)
            if match is None:
                continue
            name = self._states.get(match["name"].replace(_DOT, ""), match["name"])
            if part is Part.PARTIAL and name not in self.states:
                return (Part.CONSTRAINT if name.startswith("f_") else Part.GIVEN), name
            return part, name
        if _DOT in core:
            plain = core.replace(_DOT, "")
            return Part.VELOCITY, self._states.get(plain, plain)
        return Part.PARAMETER, core

    def subject(self, left: Expr) -> frozenset[str]:
        """What the left side of an equation is about: its terms come first on the right."""
        marks = [self.mark(s) for s in _symbols(left)]
        kinds = {
            Part.ADJOINT_RATE: "λ",
            Part.ADJOINT: "λ",
            Part.STATE: "x",
            Part.VELOCITY: "v",
            Part.PARTIAL: "∂",
        }
        return frozenset(f"{kinds[m.part]}{m.name}{m.neuron}" for m in marks if m.part in kinds)

    def is_constant(self, factor: Expr) -> bool:
        """Whether a factor is the same for all terms of a sum over neurons, times or intervals."""
        return all(self.mark(s).part is Part.PARAMETER for s in _symbols(factor)) and not factor.has(Integral)

    def factor_rank(self, factor: Expr) -> int:
        """Place of a factor: that of the last of its symbols."""
        if factor.has(Integral):
            return 9
        if factor.has(sympy.exp, exponential, sympy.log, sympy.Sum, exp_dd):
            return SCALAR
        if factor.has(sympy.KroneckerDelta):
            return _FACTORS[Part.DELTA]
        return max((_FACTORS[self.mark(s).part] for s in _symbols(factor)), default=0)

    def factor_key(self, factor: Expr) -> tuple[object, ...]:
        """Sorts the factors of a product."""
        return (self.factor_rank(factor), self._first(factor), text(factor))

    def term_key(self, term: Expr, subject: frozenset[str]) -> tuple[object, ...]:
        """Sorts the terms of a sum."""
        marks = [self.mark(s) for s in _symbols(term)]
        present = {mark.part for mark in marks}
        about = {f"λ{m.name}{m.neuron}" for m in marks if m.part is Part.ADJOINT}
        about |= {f"x{m.name}{m.neuron}" for m in marks if m.part is Part.STATE}
        about |= {f"v{m.name}{m.neuron}" for m in marks if m.part is Part.VELOCITY}
        about |= {f"∂{m.name}{m.neuron}" for m in marks if m.part is Part.PARTIAL}
        part = self._part(present)
        negative = term.could_extract_minus_sign()
        partials = [m for m in marks if m.part is part and part in _GROUPED]
        group = min(((m.neuron, self._place(m.name)) for m in partials), default=("", -1))
        rest = min((self._place(m.name), m.neuron, m.side) for m in marks) if marks else (0, "", 0)
        functions = len(term.atoms(sympy.exp, sympy.log, sympy.Sum))
        linked = any(name.startswith("λ") for name in subject) and Part.ADJOINT in present
        own = 0 if about & subject and part in _OWN else 1 if linked else 2
        length = len(marks) if own == 0 else 0
        return (own, length, not term.has(Integral), part, group, negative, rest, functions, text(term))

    def _part(self, present: set[Part]) -> Part:
        if Part.TIME in present and present & {Part.AT_SPIKE, Part.LOSS}:
            return Part.MOVING
        return min(present, default=Part.PARAMETER)

    def _place(self, name: str) -> int:
        if name == "l_p":
            return -1
        known = (*self.states, *self.parameters)
        return known.index(name) if name in known else len(known)

    def _first(self, factor: Expr) -> tuple[object, ...]:
        marks = [self.mark(s) for s in _symbols(factor)]
        return min(((m.part, m.neuron, self._place(m.name), m.side) for m in marks), default=(0, "", 0, 0))


_GROUPED = (Part.BRACKET, Part.RATE, Part.PARTIAL, Part.SLOPE)
_OWN = (Part.PARTIAL, Part.VELOCITY, Part.STATE, Part.ADJOINT)
_FORMS = [
    (re.compile(pattern), part)
    for pattern, part in (
        (r"\[.*∂(?P<name>.+?)/∂.*", Part.BRACKET),
        (r"d/dt ∂(?P<name>.+)/∂.+", Part.RATE),
        (r"∂(?P<name>l_p)/∂.+", Part.AT_SPIKE),
        (r"∂l/∂(?P<name>.+)", Part.SLOPE),
        (r"∂(?P<name>.+)/∂.+", Part.PARTIAL),
        (r"d(?P<name>t[ₖ₊₁]*)/d.+", Part.TIME),
        (r"d(?P<name>.+)/dt", Part.VELOCITY),
        (rf"λ{_DOT}_(?P<name>.+)", Part.ADJOINT_RATE),
        (r"λ_(?P<name>.+)", Part.ADJOINT),
        (r"(?P<name>l)", Part.LOSS),
        (r"(?P<name>l[ₖ₊₁]*)", Part.AT_SPIKE),
        (r"(?P<name>f_.+)", Part.CONSTRAINT),
        (r"(?P<name>w.+)", Part.WEIGHT),
        (r"(?P<name>δ.+)", Part.DELTA),
    )
]


def _symbols(expression: Expr) -> set[Symbol]:
    return set(expression.atoms(Symbol))
