"""The exponential in equations of a spec: SymPy's, but never split or joined.

``sympy.cancel`` writes exp((V - b)/s) as exp(V/s) exp(-b/s), which overflows where the whole does not. This
one is a function of its own to the algebra: only its derivative is known.
"""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Expr


class exponential(sympy.Function):  # type: ignore[misc]  # noqa: N801 - it is written exp(a)
    r""":math:`e^a`, its argument expanded, so that equal ones are found equal."""

    nargs = 1
    is_positive = True
    is_real = True

    @classmethod
    def eval(cls, argument: Expr) -> Expr | None:
        """1 at 0; otherwise the same of the expanded argument."""
        if argument.is_zero:
            return sympy.Integer(1)
        expanded = sympy.expand(argument)
        return None if expanded == argument else cls(expanded)

    def fdiff(self, argindex: int = 1) -> Expr:
        """Its own derivative."""
        return self

    def _eval_rewrite_as_exp(self, argument: Expr, **_: Any) -> Expr:
        return sympy.exp(argument)

    def _eval_evalf(self, prec: int) -> Any:
        return sympy.exp(self.args[0])._eval_evalf(prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = r"e^{" + str(printer.doprint(self.args[0])) + "}"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"

    def _sympystr(self, printer: Any) -> str:
        return f"exp({printer.doprint(self.args[0])})"
