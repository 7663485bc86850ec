"""Prints IR expressions and blocks as C: precedence and names, no algebra."""

from __future__ import annotations

from functools import singledispatch

from saltus.errors import EmitError
from saltus.templates.ir import Assign, Block, Call, Const, Expr, Op, Reduce, Ref

_SUM, _PRODUCT, _UNARY, _ATOM = 1, 2, 3, 4
_EXACT_IN_DOUBLE = 2**53


def expression(expr: Expr) -> str:
    """The C text of an expression of doubles; rationals are printed as quotients of exact doubles."""
    return _render(expr)[0]


def function_name(block: Block) -> str:
    """The C name of a block: its own, with dots made underscores."""
    return block.name.replace(".", "_")


def signature(block: Block) -> str:
    """The parameter list of a block's function: inputs by value, outputs by pointer."""
    inputs = [f"const double {name}" for name in block.inputs]
    outputs = [f"double *restrict {name}" for name in block.outputs]
    return ", ".join(inputs + outputs)


def statement(block: Block, assign: Assign) -> str:
    """One assignment of a block, without its label."""
    target = assign.target
    place = f"*{target}" if target in block.outputs else f"const double {target}"
    return f"{place} = {expression(assign.value)};"


def _wrap(expr: Expr, least: int) -> str:
    text, precedence = _render(expr)
    return text if precedence >= least else f"({text})"


@singledispatch
def _render(expr: Expr) -> tuple[str, int]:
    raise EmitError(f"{type(expr).__name__} has no C form here. Hoist it into an assignment of its own.")


@_render.register
def _(expr: Const) -> tuple[str, int]:
    if max(abs(expr.p), expr.q) > _EXACT_IN_DOUBLE:
        raise EmitError(f"{expr.p}/{expr.q} is not exact in C. Use rationals below 2^53.")
    if expr.q == 1:
        return f"{expr.p}.0", _ATOM if expr.p >= 0 else _UNARY
    return f"{expr.p}.0 / {expr.q}.0", _PRODUCT


@_render.register
def _(expr: Ref) -> tuple[str, int]:
    return (expr.name if expr.index is None else f"{expr.name}[{expr.index}]"), _ATOM


@_render.register
def _(expr: Call) -> tuple[str, int]:
    arguments = ", ".join(expression(argument) for argument in expr.args)
    if expr.function == "exp_dd":
        if len(expr.args) == 1:
            return f"saltus_exp({arguments})", _ATOM
        return f"saltus_exp_dd{len(expr.args)}({arguments})", _ATOM
    return f"{_FUNCTIONS[expr.function]}({arguments})", _ATOM


@_render.register
def _(expr: Op) -> tuple[str, int]:
    return _OPERATORS[expr.op](expr.args)


@_render.register
def _(expr: Reduce) -> tuple[str, int]:
    raise EmitError(f"{expr.kind} over {expr.index} is a loop. Hoist it into an assignment of its own.")


def _add(args: tuple[Expr, ...]) -> tuple[str, int]:
    text = _wrap(args[0], _SUM)
    for term in args[1:]:
        if isinstance(term, Op) and term.op == "neg":
            text += f" - {_wrap(term.args[0], _PRODUCT)}"
        else:
            text += f" + {_wrap(term, _PRODUCT)}"
    return text, _SUM


def _mul(args: tuple[Expr, ...]) -> tuple[str, int]:
    return " * ".join([_wrap(args[0], _PRODUCT), *(_wrap(a, _UNARY) for a in args[1:])]), _PRODUCT


def _div(args: tuple[Expr, ...]) -> tuple[str, int]:
    return f"{_wrap(args[0], _PRODUCT)} / {_wrap(args[1], _UNARY)}", _PRODUCT


def _neg(args: tuple[Expr, ...]) -> tuple[str, int]:
    return f"-{_wrap(args[0], _UNARY)}", _UNARY


_FUNCTIONS = {"exp": "saltus_exp", "log": "log"}
_OPERATORS = {"add": _add, "mul": _mul, "div": _div, "neg": _neg}
