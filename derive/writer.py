"""Writes the blocks of one model: it knows the order of its symbols and the numbers of its source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sympy import Expr, Symbol

from saltus.derive.arrange import Order, arrange, names_in
from saltus.derive.flow import DT
from saltus.derive.model import EXTERNAL, SENSITIVITY, WEIGHT, ModelSpec
from saltus.derive.source_numbers import numbers, short
from saltus.templates import ir


@dataclass(frozen=True)
class Writer:
    """Symbols by their part in a model, in the spec's order, and what labels cite.

    locals: symbols of a block's own, such as entries of the flow.
    numbers: step of the derivation -> number of the source, where it has one.
    """

    outside: tuple[Symbol, ...]
    adjoints: tuple[Symbol, ...]
    states: tuple[Symbol, ...]
    weight: tuple[Symbol, ...]
    parameters: tuple[Symbol, ...]
    time: tuple[Symbol, ...]
    numbers: Mapping[str, str] = field(default_factory=dict)
    locals: tuple[Symbol, ...] = ()

    @property
    def order(self) -> Order:
        """Terms: what jumps first, constants last. Factors: constants first, states last."""
        return Order.of(
            (self.outside, 3),
            (self.adjoints, 4),
            (self.states, 5),
            (self.weight, 6),
            (self.locals, 2),
            (self.parameters, 0),
            (self.time, 1),
        )

    def with_locals(self, symbols: Iterable[Symbol]) -> Writer:
        """The same for a block that also uses ``symbols``."""
        return replace(self, locals=(*self.locals, *symbols))

    def with_adjoints(self, symbols: Iterable[Symbol]) -> Writer:
        """The same for a block that also uses ``symbols``, in the places of adjoints."""
        return replace(self, adjoints=(*self.adjoints, *symbols))

    def fresh(self, name: str) -> Symbol:
        """A symbol called ``name``, with an underscore after it for as long as the model has that name."""
        taken = {str(symbol) for symbol in self.order.terms}
        while name in taken:
            name += "_"
        return Symbol(name, real=True)

    def label(self, step: str) -> ir.Label:
        """The label of a derivation step, with the source's number where it has one."""
        return ir.Label(step, self.numbers.get(step))

    def assign(self, target: str, value: Expr, label: ir.Label) -> ir.Assign:
        """``target = value``, arranged."""
        return ir.Assign(target, arrange(value, self.order), label)

    def single(self, name: str, target: str, value: Expr, label: ir.Label) -> ir.Block:
        """A block of one assignment."""
        return self.block(name, [self.assign(target, value, label)], [target])

    def block(self, name: str, body: Sequence[ir.Assign], outputs: Sequence[str]) -> ir.Block:
        """A block of assignments; its inputs are the names that it uses and does not assign."""
        used = set().union(*(names_in(assign.value) for assign in body))
        inputs = [
            *self.time,
            *self.states,
            *self.adjoints,
            *self.weight,
            *self.outside,
            *self.locals,
            *self.parameters,
        ]
        wanted = used - {assign.target for assign in body}
        return ir.Block(name, tuple(str(i) for i in inputs if str(i) in wanted), tuple(outputs), tuple(body))


def model_writer(spec: ModelSpec) -> Writer:
    """The writer for a model."""
    return Writer(
        outside=(EXTERNAL, SENSITIVITY),
        adjoints=tuple(spec.adjoints),
        states=tuple(spec.x),
        weight=(WEIGHT,),
        parameters=tuple(parameter.symbol for parameter in spec.all_parameters),
        time=(DT,),
        numbers={step: short(number) for step, number in numbers(spec).items()},
    )
