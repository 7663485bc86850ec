"""Expressions with exact rationals, and blocks of assignments: what every formula of the IR is made of."""

from __future__ import annotations

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
