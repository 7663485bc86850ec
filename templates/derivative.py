"""Derivatives of expressions and blocks of the IR, along given derivatives of the names in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatch

from saltus.errors import EmitError
from saltus.templates.ir import Block, Call, Const, Expr, Op, Ref

Moving = Mapping[str, Expr]
"""The derivatives of some names; all others do not move."""


def block_derivatives(block: Block, moving: Moving) -> dict[str, Expr]:
    """The derivatives of a block's outputs, those that are not always zero; its locals are written out."""
    known = dict(moving)
    values: dict[str, Expr] = {}
    for assign in block.body:
        values[assign.target] = _written_out(assign.value, values)
        moved = derivative(values[assign.target], known)
        if moved is not None:
            known[assign.target] = moved
    return {output: known[output] for output in block.outputs if output in known}


@singledispatch
def derivative(expr: Expr, moving: Moving) -> Expr | None:
    """The derivative of an expression; None: it does not move.

    Raises:
        EmitError: for a function that has no rule here.
    """
    raise EmitError(f"{type(expr).__name__} has no derivative here. Use sums, products and quotients.")


@derivative.register
def _(expr: Const, moving: Moving) -> Expr | None:
    return None


@derivative.register
def _(expr: Ref, moving: Moving) -> Expr | None:
    return moving.get(expr.name)


@derivative.register
def _(expr: Call, moving: Moving) -> Expr | None:
    inner = [part for part in (derivative(argument, moving) for argument in expr.args) if part is not None]
    if not inner:
        return None
    if expr.function == "exp":
        return product([expr, *inner])
    if expr.function == "log":
        return Op("div", (inner[0], expr.args[0]))
    raise EmitError(f"{expr.function} has no derivative here. Use exp or log.")


@derivative.register
def _(expr: Op, moving: Moving) -> Expr | None:
    parts = [derivative(argument, moving) for argument in expr.args]
    return _RULES[expr.op](expr, parts)


def _of_sum(expr: Op, parts: Sequence[Expr | None]) -> Expr | None:
    return total([part for part in parts if part is not None])


def _of_negative(expr: Op, parts: Sequence[Expr | None]) -> Expr | None:
    return None if parts[0] is None else negative(parts[0])


def _of_product(expr: Op, parts: Sequence[Expr | None]) -> Expr | None:
    return total(
        [
            product([*expr.args[:i], part, *expr.args[i + 1 :]])
            for i, part in enumerate(parts)
            if part is not None
        ]
    )


def _of_quotient(expr: Op, parts: Sequence[Expr | None]) -> Expr | None:
    above, below = parts
    terms = [] if above is None else [above]
    terms += [] if below is None else [negative(product([expr, below]))]
    moved = total(terms)
    return None if moved is None else Op("div", (moved, expr.args[1]))


_RULES = {"add": _of_sum, "neg": _of_negative, "mul": _of_product, "div": _of_quotient}


def total(terms: Sequence[Expr]) -> Expr | None:
    """The sum of some terms; None without any."""
    if len(terms) < 2:
        return terms[0] if terms else None
    parts = [term.args if isinstance(term, Op) and term.op == "add" else (term,) for term in terms]
    return Op("add", tuple(part for group in parts for part in group))


def product(factors: Sequence[Expr]) -> Expr:
    """The product of some factors, signs in front."""
    bare = [without_sign(factor) for factor in factors]
    odd = sum(one != factor for one, factor in zip(bare, factors, strict=True)) % 2
    left = [factor for factor in bare if factor != Const(1)]
    found = left[0] if len(left) == 1 else Op("mul", tuple(left)) if left else Const(1)
    return Op("neg", (found,)) if odd else found


def negative(expr: Expr) -> Expr:
    """An expression with its sign changed."""
    signed = product(expr.args) if isinstance(expr, Op) and expr.op == "mul" else expr
    bare = without_sign(signed)
    return bare if bare != signed else Op("neg", (bare,))


def without_sign(expr: Expr) -> Expr:
    """An expression without a sign in front."""
    return expr.args[0] if isinstance(expr, Op) and expr.op == "neg" else expr


def _written_out(expr: Expr, values: Mapping[str, Expr]) -> Expr:
    if isinstance(expr, Ref):
        return values.get(expr.name, expr)
    if isinstance(expr, Op):
        return Op(expr.op, tuple(_written_out(argument, values) for argument in expr.args))
    if isinstance(expr, Call):
        return Call(expr.function, tuple(_written_out(argument, values) for argument in expr.args))
    return expr
