"""Evaluates IR blocks in mpmath: the meaning of the IR, without C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mpmath

from saltus.templates import ir


def run(block: ir.Block, values: Mapping[str, Any], constants: ir.Block | None = None) -> dict[str, Any]:
    """The outputs of ``block``; ``values`` holds its inputs, arrays as lists, indices as integers."""
    known = dict(values)
    if constants is not None:
        known |= run(constants, known)
    for name in block.inputs:
        assert name in known, f"{block.name} needs {name}"
    scope = {name: known[name] for name in block.inputs}
    scope |= {"classes": known["classes"]} if "classes" in known else {}
    for assign in block.body:
        scope[assign.target] = evaluate(assign.value, scope)
    return {name: scope[name] for name in block.outputs}


def evaluate(tree: ir.Expr, scope: Mapping[str, Any]) -> Any:
    """The value of a tree."""
    match tree:
        case ir.Const(p=p, q=q):
            return mpmath.mpf(p) / q
        case ir.Ref(name=name, index=None):
            return scope[name]
        case ir.Ref(name=name, index=index):
            return scope[name][scope[index]]
        case ir.Op(op=op, args=args):
            return _OPERATORS[op](*(evaluate(arg, scope) for arg in args))
        case ir.Call(function=function, args=args):
            return _FUNCTIONS[function](*(evaluate(arg, scope) for arg in args))
        case ir.Reduce(kind=kind, index=index, body=body):
            terms = [evaluate(body, {**scope, index: i}) for i in range(int(scope["classes"]))]
            return mpmath.fsum(terms) if kind == "sum" else mpmath.log(mpmath.fsum(map(mpmath.exp, terms)))


def exp_dd(*nodes: Any) -> Any:
    """The divided difference of exp: the corner of exp of the bidiagonal matrix of its nodes (Opitz)."""
    size = len(nodes)
    bidiagonal = mpmath.matrix(size)
    for i, node in enumerate(nodes):
        bidiagonal[i, i] = node
        if i + 1 < size:
            bidiagonal[i, i + 1] = 1
    return mpmath.expm(bidiagonal)[0, size - 1]


_OPERATORS = {
    "add": lambda *terms: mpmath.fsum(terms),
    "mul": lambda *factors: mpmath.fprod(factors),
    "div": lambda above, below: above / below,
    "neg": lambda operand: -operand,
}
_FUNCTIONS = {"exp": mpmath.exp, "log": mpmath.log, "exp_dd": exp_dd}
