"""An expression as a line of text, for facts and messages: the same on every machine, as ``arrange`` is."""

from __future__ import annotations

from sympy import Expr

from saltus.derive.arrange import Order, arrange
from saltus.templates import ir


def text(expression: Expr, order: Order) -> str:
    """``expression`` as a person would type it, its terms and factors in ``order``."""
    return _tree(arrange(expression, order))


def _tree(tree: ir.Expr) -> str:  # noqa: PLR0911 - one return a kind of node
    match tree:
        case ir.Const(p=p, q=q):
            return str(p) if q == 1 else f"{p}/{q}"
        case ir.Ref(name=name, index=index):
            return name if index is None else f"{name}[{index}]"
        case ir.Call(function=function, args=args):
            return f"{function}({', '.join(map(_tree, args))})"
        case ir.Op(op="neg", args=(operand,)):
            return f"-{_bracketed(operand)}"
        case ir.Op(op="mul", args=args):
            return "*".join(map(_bracketed, args))
        case ir.Op(op="div", args=(above, below)):
            under = f"({_tree(below)})" if isinstance(below, ir.Op) else _tree(below)
            return f"{_bracketed(above)}/{under}"
        case ir.Op(op="add", args=(first, *others)):
            return _tree(first) + "".join(map(_summand, others))
        case _:
            raise TypeError(f"{tree} is no expression of a model")


def _summand(tree: ir.Expr) -> str:
    if isinstance(tree, ir.Op) and tree.op == "neg":
        return f" - {_bracketed(tree.args[0])}"
    return f" + {_tree(tree)}"


def _bracketed(tree: ir.Expr) -> str:
    inner = _tree(tree)
    return f"({inner})" if isinstance(tree, ir.Op) and tree.op in {"add", "neg"} else inner
