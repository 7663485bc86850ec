"""A formula as it is to be laid out on a page: terms and factors in a reader's order, fractions, brackets.

One layout serves every form of a document: text and LaTeX are printed from it, and MathML is made from the
LaTeX, so they cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch

import sympy
from sympy import Add, Expr, Indexed, Integral, KroneckerDelta, Mul, Pow, Rational, Symbol

from saltus.derive import notation
from saltus.derive.divided_differences import exp_dd
from saltus.derive.exponential import exponential
from saltus.derive.flow import DT
from saltus.derive.report_reading import SCALAR, Reading


@dataclass(frozen=True)
class Leaf:
    """A symbol or number, in both written forms; ``width`` is that on the page, in letters."""

    text: str
    latex: str
    width: int


@dataclass(frozen=True)
class Sum:
    """Terms, each with whether it is subtracted."""

    terms: tuple[tuple[bool, Layout], ...]


@dataclass(frozen=True)
class Product:
    """Factors, side by side."""

    factors: tuple[Layout, ...]


@dataclass(frozen=True)
class Fraction:
    """One thing over another."""

    above: Layout
    below: Layout


@dataclass(frozen=True)
class Power:
    """A base with an exponent."""

    base: Layout
    exponent: Layout


@dataclass(frozen=True)
class Call:
    """A named function; ``square`` brackets for divided differences."""

    text: str
    latex: str
    arguments: tuple[Layout, ...]
    square: bool = False


@dataclass(frozen=True)
class Integrated:
    """An integral with its limits."""

    body: Layout
    variable: Layout
    low: Layout
    high: Layout


@dataclass(frozen=True)
class Total:
    """A sum over what ``over`` says, such as ``k = 1 … N``."""

    over: str
    body: Layout


@dataclass(frozen=True)
class Negative:
    """Minus something."""

    body: Layout


Layout = Leaf | Sum | Product | Fraction | Power | Call | Integrated | Total | Negative

BIG = 3
"""A sum of so many terms is big: what stands before it is written as a factor, not as a fraction of it."""


@dataclass(frozen=True)
class Relation:
    """``left = right``, or with another ``sign``: ``≠``, or ``+=`` for a share of what is on the left."""

    left: Layout
    right: Layout
    sign: str = "="


def relation(left: Expr, right: Expr, reading: Reading, over: str = "") -> Relation:
    """An equation; ``over`` says what its right side is summed over."""
    about = reading.subject(left)
    body = total(over, right, reading, about) if over else layout(right, reading, about)
    return Relation(layout(left, reading), body)


def total(over: str, body: Expr, reading: Reading, about: frozenset[str] = frozenset()) -> Layout:
    """The sum of ``body``, with its constant factors and its sign before the sum."""
    constants = [f for f in Mul.make_args(body) if reading.is_constant(f)]
    rest = [f for f in Mul.make_args(body) if f not in constants]
    if not rest or isinstance(body, Add):
        constants, rest = [], [body]
    outside = layout(Mul(*constants), reading)
    inside = layout(Mul(*rest), reading, about)
    if isinstance(inside, Negative):
        outside, inside = layout(-Mul(*constants), reading), inside.body
    summed = Total(over, inside)
    if outside == Leaf("1", "1", 1):
        return summed
    if isinstance(outside, Negative):
        one = outside.body == Leaf("1", "1", 1)
        return Negative(summed if one else Product((outside.body, summed)))
    return Product((outside, summed))


def layout(expression: Expr, reading: Reading, subject: frozenset[str] = frozenset()) -> Layout:
    """The layout of an expression; ``subject`` is what the other side of its equation is about."""
    if isinstance(expression, Add):
        return _sum(_in_order(expression, reading, subject), reading, subject)
    if isinstance(expression, Mul) or (isinstance(expression, Pow) and _is_below(expression)):
        return _product(expression, reading, subject)
    return _single(expression, reading)


_SPELLING = (
    (re.compile(r"\\mathrm\{(\w),(\w+)\}"), r"\1,\\mathrm{\2}"),
    (re.compile(r"\\mathrm\{([A-Za-z])(\d+)\}"), r"\1_{\2}"),
    (re.compile(r"\\frac\{d L\}"), r"\\frac{d\\mathcal{L}}"),
)
"""An index of one letter is italic, a digit after a letter is an index, and a loss is calligraphic."""


def leaf(symbol: str, latex: str) -> Leaf:
    """A symbol by its two written forms."""
    for pattern, better in _SPELLING:
        latex = pattern.sub(better, latex)
    plain = symbol.replace("\u0307", "")
    above, slash, below = plain.partition("/")
    width = max(len(above), len(below)) if (slash and "∂" in plain) or plain.startswith("d") else len(plain)
    return Leaf(symbol, latex, width)


def _in_order(expression: Add, reading: Reading, subject: frozenset[str]) -> list[Expr]:
    """The terms; a sum built by hand (not as SymPy would sort it) stays as it is."""
    if Add(*expression.args).args != expression.args:
        return list(expression.args)
    terms = sorted(expression.args, key=lambda term: reading.term_key(term, subject))
    own = reading.term_key(terms[0], subject)[0] == 0
    if terms[0].could_extract_minus_sign() and not own:
        positive = next((term for term in terms if not term.could_extract_minus_sign()), terms[0])
        terms = [positive, *(term for term in terms if term is not positive)]
    return terms


def _sum(terms: Sequence[Expr], reading: Reading, subject: frozenset[str]) -> Layout:
    found = []
    for term in _by_weight(terms, reading):
        part = layout(term, reading, subject)
        found.append((True, part.body) if isinstance(part, Negative) else (False, part))
    return Sum(tuple(found)) if len(found) > 1 else (Negative(found[0][1]) if found[0][0] else found[0][1])


def _by_weight(terms: Sequence[Expr], reading: Reading) -> list[Expr]:
    """Terms with the same weight and nothing else before a multiplier, taken together."""
    groups: dict[Expr, list[Expr]] = {}
    for term in terms:
        groups.setdefault(_weight(term, reading) or term, []).append(term)
    return [
        members[0] if len(members) == 1 else _with_weight(key, members) for key, members in groups.items()
    ]


def _with_weight(weight: Expr, terms: Sequence[Expr]) -> Expr:
    """The weight times the sum of the rest, with a minus before it where all terms have one."""
    sign = -1 if all(term.could_extract_minus_sign() for term in terms) else 1
    rest = Add(*(sign * term / weight for term in terms), evaluate=False)
    return Mul(sign, weight, rest, evaluate=False)


def _weight(term: Expr, reading: Reading) -> Expr | None:
    weights = [f for f in Mul.make_args(term) if f.is_Symbol and reading.factor_rank(f) == 1]
    others = [f for f in Mul.make_args(term) if f not in weights and not f.is_number]
    alone = len(weights) == 1 and len(others) == 1 and reading.factor_rank(others[0]) == SCALAR
    return weights[0] if alone and others[0].is_Symbol else None


def _product(expression: Expr, reading: Reading, subject: frozenset[str]) -> Layout:
    coefficient, above, below = _parts(expression)
    negative = coefficient < 0
    top = sorted(above, key=reading.factor_key)
    calls = any(f.has(sympy.exp, sympy.Sum) for f in below)
    inside = [
        f
        for f in top
        if not _is_big(f) and (reading.factor_rank(f) < SCALAR or (calls and isinstance(f, sympy.exp)))
    ]
    after = [f for f in top if f not in inside]
    if not below and coefficient.q == 1:
        inside, after = [], top
    bottom = sorted(below, key=reading.factor_key)
    numbers = [layout(sympy.Integer(abs(coefficient.p)), reading)] if abs(coefficient.p) != 1 else []
    factors: list[Layout] = [layout(f, reading, subject) for f in inside]
    made: list[Layout] = []
    if below or coefficient.q != 1:
        under: list[Layout] = [layout(sympy.Integer(coefficient.q), reading)] if coefficient.q != 1 else []
        under += [layout(f, reading) for f in bottom]
        made.append(Fraction(_joined([*numbers, *factors]), _joined(under)))
    else:
        made += [*numbers, *factors]
    made += [layout(f, reading, subject) for f in after]
    whole = _joined(made)
    return Negative(whole) if negative else whole


def _parts(expression: Expr) -> tuple[Rational, list[Expr], list[Expr]]:
    """Rational coefficient, factors above and below."""
    coefficient = sympy.Integer(1)
    above: list[Expr] = []
    below: list[Expr] = []
    for factor in Mul.make_args(expression):
        if factor.is_Rational:
            coefficient *= factor
        elif _is_below(factor):
            below += Mul.make_args(1 / factor)
        else:
            above.append(factor)
    return sympy.Rational(coefficient), above, below


def _is_below(factor: Expr) -> bool:
    return isinstance(factor, Pow) and factor.exp.is_Rational and bool(factor.exp < 0)


def _is_big(factor: Expr) -> bool:
    return isinstance(factor, Add) and len(factor.args) >= BIG


def _joined(factors: Sequence[Layout]) -> Layout:
    if not factors:
        return Leaf("1", "1", 1)
    return factors[0] if len(factors) == 1 else Product(tuple(factors))


@singledispatch
def _single(expression: Expr, reading: Reading) -> Layout:
    """What is neither a sum nor a product."""
    written = notation.text(expression)
    return Leaf(written, notation.latex(expression), len(written))


@_single.register
def _symbol(expression: Symbol, _reading: Reading) -> Layout:
    if isinstance(expression, notation.Quantity):
        return leaf(notation.text(expression), notation.latex(expression))
    return plain_symbol(str(expression.name))


def plain_symbol(name: str) -> Leaf:
    r"""A name of a spec: ``tau_mem`` -> ``τ_mem``, ``\tau_{\mathrm{mem}}``; ``t_1_2`` -> ``t_{1,2}``."""
    if name.startswith("d") and "/d" in name:
        above, below = (plain_symbol(part) for part in name[1:].split("/d"))
        return leaf(
            f"∂{above.text}/∂{below.text}",
            rf"\frac{{\partial {above.latex}}}{{\partial {below.latex}}}",
        )
    if name.startswith("lambda_"):
        inner = name.removeprefix("lambda_")
        return leaf(f"λ_{notation.pretty_name(inner)}", rf"\lambda_{{{notation.latex_name(inner)}}}")
    if name == str(DT):
        return leaf(name, name)
    head, *rest = name.split("_")
    if len(rest) < 2:
        return leaf(notation.pretty_name(name), notation.latex_name(name))
    index = ",".join(rest)
    inner = index if all(len(part) == 1 for part in rest) else rf"\mathrm{{{index}}}"
    return leaf(f"{notation.pretty_name(head)}_{index}", f"{notation.latex_name(head)}_{{{inner}}}")


@_single.register
def _number(expression: sympy.Number, _reading: Reading) -> Layout:
    if expression.is_Rational and expression.q != 1:
        sign, p = expression < 0, abs(expression.p)
        whole = Fraction(Leaf(str(p), str(p), 1), Leaf(str(expression.q), str(expression.q), 1))
        return Negative(whole) if sign else whole
    digits = Leaf(str(abs(expression)), str(abs(expression)), len(str(abs(expression))))
    return Negative(digits) if expression < 0 else digits


@_single.register
def _power(expression: Pow, reading: Reading) -> Layout:
    return Power(layout(expression.base, reading), layout(expression.exp, reading))


@_single.register
def _integral(expression: Integral, reading: Reading) -> Layout:
    (variable, low, high) = expression.limits[0]
    body = layout(expression.function, reading)
    limits = (layout(variable, reading), layout(low, reading), layout(high, reading))
    return (
        Negative(Integrated(body.body, *limits)) if isinstance(body, Negative) else Integrated(body, *limits)
    )


@_single.register
def _over_classes(expression: sympy.Sum, reading: Reading) -> Layout:
    return Total(str(expression.variables[0]), layout(expression.function, reading))


@_single.register
def _indexed(expression: Indexed, _reading: Reading) -> Layout:
    head, index = plain_symbol(str(expression.base.label)), str(expression.indices[0])
    below = index if len(index) == 1 else rf"\mathrm{{{index}}}"
    return leaf(f"{head.text}{notation.subscript(index)}", indexed(head.latex, below))


def indexed(latex: str, index: str) -> str:
    """A name with an index, beside one that it may have already."""
    return f"{latex[:-1]},{index}}}" if latex.endswith("}") else f"{latex}_{{{index}}}"


@_single.register
def _delta(expression: KroneckerDelta, _reading: Reading) -> Layout:
    first, second = sorted(map(str, expression.args), key=lambda index: (len(index), index))
    below = "".join(i if len(i) == 1 else rf"\,\mathrm{{{i}}}" for i in (first, second))
    return leaf(f"δ_{first},{second}", rf"\delta_{{{below}}}")


@_single.register(sympy.exp)
@_single.register(exponential)
def _exponential(expression: Expr, reading: Reading) -> Layout:
    return Call("exp", r"\exp", (layout(sympy.together(expression.args[0]), reading),))


@_single.register
def _logarithm(expression: sympy.log, reading: Reading) -> Layout:
    return Call("log", r"\log", (layout(expression.args[0], reading),))


@_single.register
def _divided(expression: exp_dd, reading: Reading) -> Layout:
    nodes = sorted((layout(node, reading) for node in expression.args), key=str)
    return Call("exp", r"\exp", tuple(nodes), square=True)


def summed_over_targets(node: Layout, targets: Mapping[str, str]) -> Layout:  # noqa: PLR0911
    r"""The same with a sum sign before each term of a target; ``targets``: how names end, to the index.

    A derivation speaks of one target for all; a table says so with the sum.
    """
    match node:
        case Sum(terms=terms):
            return Sum(tuple((negative, summed_over_targets(term, targets)) for negative, term in terms))
        case Product(factors=factors) if (index := _target_among(factors, targets)) is not None:
            return Total(index, node)
        case Product(factors=factors):
            return Product(tuple(summed_over_targets(factor, targets) for factor in factors))
        case Fraction(above=above, below=below):
            return Fraction(summed_over_targets(above, targets), below)
        case Total(over=over, body=body):
            return Total(over, summed_over_targets(body, targets))
        case Negative(body=body):
            return Negative(summed_over_targets(body, targets))
        case _:
            return node


def _target_among(factors: Sequence[Layout], targets: Mapping[str, str]) -> str | None:
    """The index of the target that a factor is of, wherever that stands; None without one."""
    written = (factor.text for factor in factors if isinstance(factor, Leaf))
    return next((index for text in written for end, index in targets.items() if text.endswith(end)), None)
