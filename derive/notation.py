"""The symbols of the derivations, and how formulas are written for a reader: Unicode text and LaTeX.

A ``Quantity`` is a SymPy symbol that carries both of its written forms in its name, so that it prints well
on its own and inside any expression.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from sympy import Add, Derivative, Expr, Integral, Mul, Pow, Symbol
from sympy.core.function import AppliedUndef
from sympy.printing.latex import LatexPrinter
from sympy.printing.str import StrPrinter

_SEPARATOR = "\x1f"
_SIDES = {"": "", "-": "⁻", "+": "⁺"}
_SUBSCRIPTS = dict(zip("0123456789aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_FIRST_GREEK = (
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "lambda",
)
_LAST_GREEK = ("mu", "nu", "xi", "pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega")
_GREEK = frozenset((*_FIRST_GREEK, *_LAST_GREEK))


class Quantity(Symbol):  # type: ignore[misc]
    """A symbol with a text form and a LaTeX form."""

    def _forms(self) -> tuple[str, str]:
        text, _, latex = self.name.partition(_SEPARATOR)
        return text, latex or text

    def _sympystr(self, _printer: StrPrinter) -> str:
        return self._forms()[0]

    def _latex(self, _printer: LatexPrinter) -> str:
        return self._forms()[1]


def quantity(text_form: str, latex_form: str) -> Quantity:
    """The symbol that is written so."""
    return Quantity(f"{text_form}{_SEPARATOR}{latex_form}")


def state(name: str, neuron: str = "", side: str = "") -> Quantity:
    """A state of a neuron: ``(V⁻)ₙ``."""
    return _of_neuron(_base(name, side), neuron)


def velocity(name: str, neuron: str = "", side: str = "") -> Quantity:
    """Its time derivative: ``(V̇⁻)ₙ``."""
    return _of_neuron(_base(name, side, dot=True), neuron)


def adjoint(name: str, neuron: str = "", side: str = "") -> Quantity:
    """The multiplier of the state's dynamics: ``(λ_V⁻)ₙ``."""
    return _of_neuron(_lambda(name, side), neuron)


def adjoint_velocity(name: str, neuron: str = "") -> Quantity:
    """Its time derivative."""
    return _of_neuron(_lambda(name, dot=True), neuron)


def adjoint_backward(name: str, neuron: str = "") -> Quantity:
    """Its derivative in reversed time, written with a prime."""
    text_form, latex_form = _lambda(name)
    return _of_neuron((f"{text_form}′", latex_form + "'"), neuron)


def partial(name: str, wrt: str, neuron: str = "", side: str = "") -> Quantity:
    """The derivative of a state with respect to a parameter at fixed time: ``(∂V⁻/∂w)ₙ``."""
    top, top_latex = _base(name, side)
    return _of_neuron(_fraction(top, top_latex, wrt), neuron)


def partial_rate(name: str, wrt: str, neuron: str = "") -> Quantity:
    """The time derivative of that."""
    text_form, latex_form = _fraction(*_base(name, ""), wrt)
    return _of_neuron((f"d/dt {text_form}", rf"\frac{{d}}{{dt}} {latex_form}"), neuron)


def derivative(name: str, wrt: str) -> Quantity:
    """The partial derivative of one named thing by another: ``∂θ/∂p``."""
    return quantity(*_fraction(pretty_name(name), latex_name(name), wrt))


def total_derivative(name: str, wrt: str) -> Quantity:
    """The total derivative of one named thing by another: ``dL/dw``."""
    text_form = f"d{pretty_name(name)}/d{pretty_name(wrt)}"
    return quantity(text_form, rf"\frac{{d {latex_name(name)}}}{{d {latex_name(wrt)}}}")


def bracket(factor: Expr, name: str, wrt: str) -> Quantity:
    """A boundary term over one interval: ``[λ_V·∂V/∂w]`` from t_k to t_k+1."""
    inner = partial(name, wrt)
    return quantity(
        f"[{text(factor)}·{text(inner)}]ₖᵏ⁺¹",
        rf"\left[{latex(factor)} \cdot {latex(inner)}\right]_{{t_k}}^{{t_{{k+1}}}}",
    )


def named(name: str) -> Quantity:
    """A plain name, with Greek letters and subscripts set as such."""
    return quantity(pretty_name(name), latex_name(name))


def weight(post: str, pre: str) -> Quantity:
    """The weight of the synapse from ``pre`` to ``post``: ``w_mn``, or ``w_j,in`` for a longer name."""
    index = post + pre if len(pre) == 1 else f"{post},{pre}"
    return quantity(
        f"w{subscript(index)}", f"w_{{{index}}}" if len(pre) == 1 else rf"w_{{{post},\mathrm{{{pre}}}}}"
    )


def pretty_name(name: str) -> str:
    """``tau_mem`` -> ``τ_mem``, ``v_reset`` stays."""
    head, *rest = name.split("_")
    return "_".join([_greek(head), *rest])


def latex_name(name: str) -> str:
    r"""``tau_mem`` -> ``\tau_{\mathrm{mem}}``."""
    head, _, rest = name.partition("_")
    letter = rf"\{head}" if head in _GREEK else head if len(head) == 1 else rf"\mathrm{{{head}}}"
    if not rest:
        return letter
    return (
        f"{letter}_{{{rest}}}" if len(rest) < 3 else rf"{letter}_{{\mathrm{{{rest}}}}}".replace("_\\", "_\\")
    )


def subscript(index: str) -> str:
    """An index below the line where Unicode has all of its letters, else after an underscore."""
    if all(letter in _SUBSCRIPTS for letter in index):
        return "".join(_SUBSCRIPTS[letter] for letter in index)
    return f"_{index}"


def text(expression: Expr) -> str:
    """One line of Unicode, as a person would write the formula."""
    return str(_TextPrinter().doprint(expression))


def latex(expression: Expr) -> str:
    """LaTeX, with the spec's names set as mathematics."""
    return str(_LatexPrinter().doprint(expression))


class _TextPrinter(StrPrinter):  # type: ignore[misc]
    def _print_Symbol(self, expr: Symbol) -> str:
        if expr.name.startswith("lambda_"):
            return f"λ_{expr.name.removeprefix('lambda_')}"
        return pretty_name(expr.name)

    def _print_Add(self, expr: Add, order: str | None = None) -> str:
        return str(super()._print_Add(_positive_first(expr), order="none"))

    def _print_Mul(self, expr: Mul) -> str:
        coefficient, rest = expr.as_coeff_Mul()
        sign = "-" if coefficient < 0 else ""
        below = [f for f in Mul.make_args(rest) if f.is_Pow and f.exp.is_Rational and f.exp < 0]
        above = [f for f in Mul.make_args(rest) if f not in below]
        top = self._factors(Mul(abs(coefficient.p), *above, evaluate=False))
        if not below and coefficient.q == 1:
            return f"{sign}{top}"
        bottom = Mul(coefficient.q, *(1 / f for f in below))
        return f"{sign}{top}/{self._denominator(bottom)}"

    def _print_Derivative(self, expr: Derivative) -> str:
        inner, (variable, order) = expr.expr, expr.variable_count[0]
        if order != 1 or len(expr.variable_count) != 1:
            return str(super()._print_Derivative(expr))
        plain = isinstance(inner, AppliedUndef) and all(a.is_Symbol for a in inner.args)
        return f"∂{inner.func if plain else self._print(inner)}/∂{self._print(variable)}"

    def _print_Pow(self, expr: Pow, rational: bool = False) -> str:
        if expr.exp.is_Rational and expr.exp < 0:
            return f"1/{self._denominator(1 / expr)}"
        return str(super()._print_Pow(expr, rational))

    def _print_Integral(self, expr: Integral) -> str:
        (variable, low, high) = expr.limits[0]
        return f"∫[{self._print(low)}, {self._print(high)}] ({self._print(expr.function)}) d{variable}"

    def _factors(self, expr: Expr) -> str:
        factors = sorted((f for f in Mul.make_args(expr) if f != 1), key=_reading_order) or [expr]
        return " ".join(self._enclosed(factor) for factor in factors)

    def _denominator(self, expr: Expr) -> str:
        return self._enclosed(expr) if len(Mul.make_args(expr)) == 1 else f"({self._factors(expr)})"

    def _enclosed(self, expr: Expr) -> str:
        return f"({self._print(expr)})" if isinstance(expr, Add) else str(self._print(expr))


class _LatexPrinter(LatexPrinter):  # type: ignore[misc]
    def _print_Symbol(self, expr: Symbol, style: str = "plain") -> str:
        if expr.name.startswith("lambda_"):
            return rf"\lambda_{{{latex_name(expr.name.removeprefix('lambda_'))}}}"
        return latex_name(expr.name)

    def _print_Add(self, expr: Add, order: str | None = None) -> str:
        return str(super()._print_Add(_positive_first(expr), order="none"))


def _base(name: str, side: str, *, dot: bool = False) -> tuple[str, str]:
    pretty, tex = pretty_name(name), latex_name(name)
    if dot:
        dotted = unicodedata.normalize("NFC", f"{pretty}\u0307") if len(pretty) == 1 else f"d{pretty}/dt"
        pretty, tex = dotted, rf"\dot{{{tex}}}"
    return f"{pretty}{_SIDES[side]}", f"{tex}^{side}" if side else tex


def _lambda(name: str, side: str = "", *, dot: bool = False) -> tuple[str, str]:
    letter, tex = ("λ̇", r"\dot\lambda") if dot else ("λ", r"\lambda")
    return f"{letter}_{name}{_SIDES[side]}", f"{tex}_{{{latex_name(name)}}}" + (f"^{side}" if side else "")


def _fraction(top: str, top_latex: str, wrt: str) -> tuple[str, str]:
    return (
        f"∂{top}/∂{pretty_name(wrt)}",
        rf"\frac{{\partial {top_latex}}}{{\partial {latex_name(wrt)}}}",
    )


def _of_neuron(forms: tuple[str, str], neuron: str) -> Quantity:
    text_form, latex_form = forms
    if not neuron:
        return quantity(text_form, latex_form)
    return quantity(f"({text_form}){subscript(neuron)}", rf"\left({latex_form}\right)_{{{neuron}}}")


def _greek(word: str) -> str:
    if word not in _GREEK:
        return word
    return unicodedata.lookup(f"GREEK SMALL LETTER {'LAMDA' if word == 'lambda' else word.upper()}")


def _positive_first(expr: Add) -> Add:
    """The same sum in the order in which it is written: as built by hand, or with a positive term first."""
    if Add(*expr.args).args != expr.args:
        return expr
    terms = expr.as_ordered_terms()
    if terms[0].could_extract_minus_sign():
        terms = sorted(terms, key=lambda term: bool(term.could_extract_minus_sign()))
    return Add(*terms, evaluate=False)


def _reading_order(factor: Expr) -> int:
    """Constants first, then weights and sums, quantities, and derivatives with respect to parameters last."""
    if not isinstance(factor, Quantity):
        return 2 if factor.has(Quantity) else 0
    text_form = factor.name
    return 1 if text_form.startswith(("w", "Σ")) else 4 if "∂" in text_form else 3


Typesetter = Callable[[Expr], str]
"""``text`` or ``latex``."""
