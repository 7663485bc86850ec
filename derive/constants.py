"""Reciprocals of parameters, computed once instead of divided by at every event.

A rewriting of the IR that changes no value but its last bits: ``x/(p*q)`` with parameters ``p``, ``q``
becomes ``x*per_p*per_q``, where the model's block ``constants`` holds ``per_p = 1/p``. Kernels evaluate that
block once a chunk of samples; a division at each event would cost as much as the rest of a propagator.
"""

from __future__ import annotations

from typing import Any

import msgspec

from saltus.templates.ir import Assign, Block, Call, Const, Expr, Label, ModelIR, Op, Ref

PREFIX = "per_"


def hoist_reciprocals(model: ModelIR) -> ModelIR:
    """The same model, its divisions by products of parameters written with constants ``per_<parameter>``."""
    names = [parameter.name for parameter in model.parameters]
    hoisted: ModelIR = _map_blocks(model, frozenset(names))
    used = _inputs(hoisted)
    divisors = tuple(name for name in names if PREFIX + name in used)
    body = tuple(
        Assign(PREFIX + name, Op("div", (Const(1), Ref(name))), Label("constants")) for name in divisors
    )
    constants = Block("constants", divisors, tuple(PREFIX + name for name in divisors), body)
    return msgspec.structs.replace(hoisted, constants=constants)


def _map_blocks(node: Any, parameters: frozenset[str]) -> Any:
    if isinstance(node, Block):
        return _in_block(node, parameters)
    if isinstance(node, tuple):
        return tuple(_map_blocks(item, parameters) for item in node)
    if isinstance(node, msgspec.Struct):
        fields = {name: _map_blocks(getattr(node, name), parameters) for name in node.__struct_fields__}
        return msgspec.structs.replace(node, **fields)
    return node


def _in_block(block: Block, parameters: frozenset[str]) -> Block:
    body = tuple(
        msgspec.structs.replace(assign, value=_in_expression(assign.value, parameters))
        for assign in block.body
    )
    read: dict[str, None] = {}
    for assign in body:
        _collect(assign.value, read)
    constants = tuple(name for name in read if name.startswith(PREFIX))
    kept = tuple(name for name in block.inputs if name in read)
    return msgspec.structs.replace(block, inputs=kept + constants, body=body)


def _in_expression(expr: Expr, parameters: frozenset[str]) -> Expr:
    if isinstance(expr, Call):
        return Call(expr.function, tuple(_in_expression(arg, parameters) for arg in expr.args))
    if not isinstance(expr, Op):
        return expr
    args = tuple(_in_expression(arg, parameters) for arg in expr.args)
    if expr.op != "div":
        return Op(expr.op, args)
    factors = (
        expr.args[1].args if isinstance(expr.args[1], Op) and expr.args[1].op == "mul" else expr.args[1:]
    )
    divisors = [factor for factor in factors if isinstance(factor, Ref) and factor.name in parameters]
    others = tuple(_in_expression(factor, parameters) for factor in factors if factor not in divisors)
    if not divisors:
        return Op("div", args)
    numerator = _times(args[0], [Ref(PREFIX + factor.name) for factor in divisors])
    if not others:
        return numerator
    return Op("div", (numerator, others[0] if len(others) == 1 else Op("mul", others)))


def _times(numerator: Expr, constants: list[Ref]) -> Expr:
    if numerator == Const(1):
        return constants[0] if len(constants) == 1 else Op("mul", tuple(constants))
    factors = numerator.args if isinstance(numerator, Op) and numerator.op == "mul" else (numerator,)
    return Op("mul", (*factors, *constants))


def _collect(expr: Expr, read: dict[str, None]) -> None:
    if isinstance(expr, Ref):
        read[expr.name] = None
    elif isinstance(expr, Op | Call):
        for arg in expr.args:
            _collect(arg, read)


def _inputs(node: Any) -> set[str]:
    if isinstance(node, Block):
        return set(node.inputs)
    if isinstance(node, tuple):
        return set().union(*(_inputs(item) for item in node))
    if isinstance(node, msgspec.Struct):
        return set().union(*(_inputs(getattr(node, name)) for name in node.__struct_fields__))
    return set()
