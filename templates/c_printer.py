"""Prints IR expressions and blocks as C: precedence and names, no algebra."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterator, Mapping
from functools import singledispatch

from saltus.errors import EmitError
from saltus.templates.ir import Assign, Block, Call, Const, Expr, Op, Reduce, Ref

_SUM, _PRODUCT, _UNARY, _ATOM = 1, 2, 3, 4
_EXACT_IN_DOUBLE = 2**53


def expression(expr: Expr) -> str:
    """The C text of an expression of doubles; rationals are printed as quotients of exact doubles."""
    return _render(expr)[0]


def function_name(block: Block, prefix: str = "model") -> str:
    """The C name of a block, apart from the names that a spec can bring."""
    return f"{prefix}_{block.name}"


def signature(block: Block) -> str:
    """The parameter list of a block's function: inputs by value, outputs by pointer."""
    inputs = [f"const double {name}" for name in block.inputs]
    return ", ".join([*inputs, *_outputs(block)])


def vector_signature(block: Block) -> str:
    """The parameter list of a block's function on vectors of neurons, whose C type is ``vec``."""
    return signature(block).replace("double ", "vec ")


def vector_statement(block: Block, assign: Assign) -> str:
    """As ``statement``, on vectors of ``real``.

    Raises:
        EmitError: where a function is called, which vectors have none of.
    """
    if any(_calls(assign.value)):
        raise EmitError(f"{block.name} calls a function at each step. Make it a constant of the model.")
    text = statement(block, assign).replace("const double ", "const vec ")
    target, rest = text.split(" = ", 1)
    value, comment = rest.rsplit("; /* ", 1)
    value = _NUMBER.sub(r"(real)\g<0>", value)
    return f"{target} = {value if _names(assign.value) else f'splat({value})'}; /* {comment}"


def head_signature(block: Block, arrays: Collection[str]) -> str:
    """The parameter list of a block of a loss head: arrays over the classes, class indices as integers."""
    kinds = {name: f"const double *restrict {name}" for name in arrays}
    kinds |= {name: f"int32_t {name}" for name in ("classes", "label", "k")}
    return ", ".join(kinds.get(name, f"const double {name}") for name in head_inputs(block))


def head_inputs(block: Block) -> list[str]:
    """What a block of a loss head takes: the number of classes first, where it sums over them or uses it."""
    loops = any(isinstance(assign.value, Reduce) for assign in block.body)
    inputs = [name for name in block.inputs if name != "classes"]
    return ["classes", *inputs] if loops or "classes" in block.inputs else inputs


def statement(block: Block, assign: Assign) -> str:
    """One assignment of a block, with its label."""
    outputs = {name: Ref(f"(*{name})") for name in block.outputs}
    target = assign.target
    place = f"*{target}" if target in outputs else f"const double {target}"
    return f"{place} = {expression(_renamed(assign.value, outputs))}; /* {assign.label} */"


def changed(block: Block) -> list[str]:
    """The outputs of a jump that are not what they were: ``x_next = x`` needs no code."""
    same = {
        assign.target for assign in block.body if assign.value == Ref(assign.target.removesuffix("_next"))
    }
    return [name for name in block.outputs if name not in same]


def wrapped(text: str, indent: int) -> str:
    """The text in lines of 110 characters, continued at ``indent``; declarations and comments stay whole."""
    whole = _UNBROKEN.sub(lambda match: match.group().replace(" ", "\0"), text)
    lines = textwrap.wrap(
        whole, 110, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines).replace("\0", " ")


_UNBROKEN = re.compile(r"/\*.*?\*/|(const )?(double|int32_t) (\*restrict )?\w")


_NUMBER = re.compile(r"(?<![\w.])\d+\.\d+")


def _names(expr: Expr) -> bool:
    """Whether there is a name in an expression."""
    if isinstance(expr, Op):
        return any(map(_names, expr.args))
    return isinstance(expr, Ref)


def _calls(expr: Expr) -> Iterator[bool]:
    """Whether each node is a call."""
    yield isinstance(expr, Call)
    if isinstance(expr, Op):
        for argument in expr.args:
            yield from _calls(argument)


def _outputs(block: Block) -> list[str]:
    return [f"double *restrict {name}" for name in block.outputs]


def _renamed(expr: Expr, names: Mapping[str, Ref]) -> Expr:
    if isinstance(expr, Ref):
        return names.get(expr.name, expr)
    if isinstance(expr, Op):
        return Op(expr.op, tuple(_renamed(arg, names) for arg in expr.args))
    if isinstance(expr, Call):
        return Call(expr.function, tuple(_renamed(arg, names) for arg in expr.args))
    return expr


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
    arguments = [expression(argument) for argument in expr.args]
    name = _divided_difference(arguments) if expr.function == "exp_dd" else _FUNCTIONS[expr.function]
    return f"{name}({', '.join(arguments)})", _ATOM


@_render.register
def _(expr: Op) -> tuple[str, int]:
    return _OPERATORS[expr.op](expr.args)


@_render.register
def _(expr: Reduce) -> tuple[str, int]:
    raise EmitError(f"{expr.kind} over {expr.index} is a loop. Hoist it into an assignment of its own.")


def _divided_difference(nodes: list[str]) -> str:
    """The C function for these nodes; a double node next to a single one has a fast one of its own."""
    if len(nodes) == 3 and len(set(nodes)) == 2:
        double = max(set(nodes), key=nodes.count)
        (single,) = set(nodes) - {double}
        nodes[:] = [double, single]
        return "saltus_exp_dd21"
    return "saltus_exp" if len(nodes) == 1 else f"saltus_exp_dd{len(nodes)}"


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
    return f"-{_wrap(args[0], _PRODUCT)}", _PRODUCT


_FUNCTIONS = {"exp": "saltus_exp", "log": "log"}
_OPERATORS = {"add": _add, "mul": _mul, "div": _div, "neg": _neg}
