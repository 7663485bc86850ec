"""Expressions with exact rationals, and blocks of assignments: what every formula of the IR is made of."""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain, product

import msgspec


class Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record of the IR."""


class Const(Node, tag="const", frozen=True):
    """The exact rational ``p/q``."""

    p: int
    q: int = 1


class Ref(Node, tag="ref", frozen=True):
    """A value by name; ``index`` names a running index where the value is an array (in heads)."""

    name: str
    index: str | None = None


class Op(Node, tag="op", frozen=True):
    """``op`` applied to ``args``: add (n-ary), mul (n-ary), neg (unary), div (binary)."""

    op: str
    args: tuple[Expr, ...]


class Call(Node, tag="call", frozen=True):
    """A function of the kernels' library: ``exp``, ``log`` or ``exp_dd`` (a divided difference of exp)."""

    function: str
    args: tuple[Expr, ...]


class Reduce(Node, tag="reduce", frozen=True):
    """``sum`` or ``logsumexp`` of ``body`` over all values of ``index``."""

    kind: str
    index: str
    body: Expr


Expr = Const | Ref | Op | Call | Reduce


class Label(Node, frozen=True):
    """The derivation step an assignment comes from, and the source's number where it has one."""

    step: str
    source: str | None = None

    def __str__(self) -> str:
        return self.step if self.source is None else f"{self.step}, {self.source}"


class Assign(Node, frozen=True):
    """``target = value``; a target that is not an output of its block is local to it."""

    target: str
    value: Expr
    label: Label


class Block(Node, frozen=True):
    """A pure function: one mathematical object, named after it."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    body: tuple[Assign, ...]


def terms(block: Block, variables: Collection[str]) -> dict[str, frozenset[frozenset[str]]]:
    """Of each value of a block, which products of ``variables`` it is a sum of, each times others.

    An expression that is no polynomial in them counts as one product of all that are in it.
    """
    found = {name: frozenset({frozenset({name})}) for name in variables}
    for assign in block.body:
        found[assign.target] = _terms(assign.value, found)
    return found


def _terms(value: Expr, found: dict[str, frozenset[frozenset[str]]]) -> frozenset[frozenset[str]]:
    """The same of an expression; ``found``: of what it refers to, itself alone where nothing is."""
    if isinstance(value, Ref):
        return found.get(value.name, frozenset({frozenset()}))
    if isinstance(value, Const):
        return frozenset({frozenset()})
    if isinstance(value, Reduce):
        parts = [_terms(value.body, found)]
    else:
        parts = [_terms(part, found) for part in value.args]
    if isinstance(value, Op) and value.op in {"add", "neg"}:
        return frozenset().union(*parts)
    if isinstance(value, Op) and value.op == "mul":
        return frozenset(frozenset().union(*factors) for factors in product(*parts))
    if isinstance(value, Op) and parts[1] == {frozenset()}:  # a quotient
        return parts[0]
    return frozenset({frozenset().union(*chain.from_iterable(parts))})
