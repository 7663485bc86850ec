r"""Divided differences of the exponential: what a chain of linear equations does between events.

.. math:: \exp[a] = e^a, \qquad
          \exp[a_0, \dots, a_n] = \frac{\exp[a_0, \dots, a_{n-1}] - \exp[a_1, \dots, a_n]}{a_0 - a_n}

They are symmetric in their nodes and analytic in all of them together: where nodes meet, the limit is a
derivative, :math:`\exp[a, \dots, a] = e^a/n!`. So nothing that is written with them has a singular case.
"""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Expr
from sympy.core.sorting import default_sort_key


class exp_dd(sympy.Function):  # type: ignore[misc]  # noqa: N801 - it is written exp_dd(a, b), as in C
    r"""The divided difference :math:`\exp[a_0, \dots, a_n]` of exp, repeated nodes allowed."""

    @classmethod
    def eval(cls, *nodes: Expr) -> Expr | None:
        """exp for one node, 1/n! for zeros; others are put into SymPy's order: the value is symmetric."""
        if len(nodes) == 1:
            return sympy.exp(nodes[0])
        if all(node.is_zero for node in nodes):
            return 1 / sympy.factorial(len(nodes) - 1)
        ordered = sorted(nodes, key=default_sort_key)
        return None if ordered == list(nodes) else cls(*ordered)

    def fdiff(self, argindex: int = 1) -> Expr:
        r"""Derivative in one argument, the others held: that node once more.

        .. math:: \partial_{a_i} \exp[a_0, \dots, a_n] = \exp[a_0, \dots, a_n, a_i]

        With repeated nodes the chain rule adds one such term for each argument, as it must:
        :math:`\tfrac{d}{da} \exp[a, a] = 2 \exp[a, a, a] = e^a`.
        """
        return exp_dd(*self.args, self.args[argindex - 1])

    def _eval_evalf(self, prec: int) -> Any:
        return to_exponentials(self)._eval_evalf(prec)

    def _latex(self, printer: Any) -> str:
        return r"\exp\left[" + ", ".join(printer.doprint(node) for node in self.args) + r"\right]"


def to_exponentials(expression: Expr) -> Expr:
    """``expression`` with each divided difference written out in exponentials.

    Symbols that differ are taken to have different values: this is for proofs, not for numbers.
    """
    return expression.replace(exp_dd, lambda *nodes: _written_out(tuple(nodes)))


def confluent(expression: Expr, equal: dict[Expr, Expr]) -> Expr:
    """``expression`` in exponentials where some nodes meet: ``equal`` says what becomes equal to what.

    The substitution comes first, so the limit is taken inside the divided differences and nothing divides
    by zero.
    """
    return to_exponentials(expression.xreplace(equal).replace(exp_dd, exp_dd))


def _written_out(nodes: tuple[Expr, ...]) -> Expr:
    """Newton's recursion; where all nodes are one, exp/n!."""
    first = nodes[0]
    other = next((node for node in nodes if sympy.expand(node - first) != 0), None)
    if other is None:
        return sympy.exp(first) / sympy.factorial(len(nodes) - 1)
    return (_written_out(_without(nodes, other)) - _written_out(_without(nodes, first))) / (first - other)


def _without(nodes: tuple[Expr, ...], node: Expr) -> tuple[Expr, ...]:
    """``nodes`` with one occurrence of ``node`` left out."""
    at = nodes.index(node)
    return nodes[:at] + nodes[at + 1 :]
