r"""Formulas as LaTeX, from their layout, broken into lines where they are too long for a page."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from saltus.derive.report_layout import (
    BIG,
    Call,
    Fraction,
    Integrated,
    Layout,
    Leaf,
    Negative,
    Power,
    Product,
    Relation,
    Sum,
    Total,
)

LINE = 80
"""Letters that fit on a line."""


def relation_latex(equation: Relation) -> str:
    r"""``left = right``, as ``aligned`` where it takes several lines."""
    left, lines = relation_lines(equation)
    sign = sign_of(equation)
    if len(lines) == 1:
        return f"{left} {sign} {lines[0]}"
    first, *others = lines
    body = " \\\\\n  ".join([f"{left} &{sign} {first}", *(rf"&\quad {line}" for line in others)])
    return f"\\begin{{aligned}}\n  {body}\n\\end{{aligned}}"


def sign_of(equation: Relation) -> str:
    """Its sign."""
    return {"=": "=", "≠": r"\neq", "+=": "+="}[equation.sign]


def relation_lines(equation: Relation, line: int = LINE) -> tuple[str, list[str]]:
    """The left side, and the right side in lines; ``line`` is how many letters fit."""
    room = max(line - _width(equation.left) - 3, line // 2)
    lines: list[str] = []
    used = 0
    for piece in _pieces(equation.right):
        if lines and used + piece.width <= room:
            lines[-1] += f" {piece.latex}"
            used += piece.width
        else:
            lines.append(piece.latex)
            used = piece.width
    return latex(equation.left), lines


def relation_width(equation: Relation) -> int:
    """Letters that it takes in one line."""
    return _width(equation.left) + 3 + _width(equation.right)


def latex(node: Layout) -> str:  # noqa: PLR0911 - one return a kind of node
    """The formula in one line."""
    match node:
        case Leaf(latex=written):
            return written
        case Negative(body=body):
            return f"-{_factor(body)}"
        case Sum(terms=terms):
            return " ".join(_term(i, negative, term) for i, (negative, term) in enumerate(terms))
        case Product(factors=factors):
            return _product(factors)
        case Fraction(above=above, below=below):
            return rf"\frac{{{latex(above)}}}{{{latex(below)}}}"
        case Power(base=base, exponent=exponent):
            inner = latex(base) if isinstance(base, Leaf) else _in_brackets(latex(base))
            return f"{inner}^{{{latex(exponent)}}}"
        case Call(text="exp", arguments=(argument,), square=False):
            return f"e^{{{_on_the_line(argument)}}}"
        case Call(latex=name, arguments=arguments, square=square):
            inside = ", ".join(map(latex, arguments))
            return rf"{name}\left[{inside}\right]" if square else rf"{name}\left({inside}\right)"
        case Integrated(body=body, variable=variable):
            return rf"{_integral_sign(node)} {_factor(body)} \,d{latex(variable)}"
        case Total(over=over, body=body):
            return rf"{sum_sign(over)} {_factor(body)}"


def sum_sign(over: str) -> str:
    r"""The sum sign: ``k = 1 … N`` goes below and above it, ``t ∈ spikes from i`` below it."""
    if (limits := re.fullmatch(r"(\w+) = (\w+) … (\w+)", over)) is not None:
        return rf"\sum_{{{limits[1]}={limits[2]}}}^{{{limits[3]}}}"
    if (member := re.fullmatch(r"(\w+) ∈ (.+)", over)) is not None:
        return rf"\sum_{{{member[1]} \in \text{{{member[2]}}}}}"
    return rf"\sum_{{{over}}}" if len(over) == 1 else rf"\sum_{{\text{{{over}}}}}"


@dataclass(frozen=True)
class _Piece:
    """What must stay on one line."""

    latex: str
    width: int


def _pieces(node: Layout, sign: str = "") -> list[_Piece]:
    """A formula in pieces between which a line may end: its terms, and those of a long bracket in a term."""
    if isinstance(node, Sum):
        found = []
        for i, (negative, term) in enumerate(node.terms):
            found += _pieces(term, "-" if negative else "+" if i else sign)
        return found
    whole = _Piece(_signed(sign, latex(node)), _width(node) + 2)
    opened = _opened(node)
    if whole.width <= LINE // 2 or opened is None:
        return [whole]
    before, inside, after = opened
    first, *others = _pieces(inside)
    opening = replace(first, latex=rf"{_signed(sign, before)}\Bigl[{first.latex}", width=first.width + 4)
    *between, last = [opening, *others]
    return [*between, replace(last, latex=rf"{last.latex}\Bigr]{after}", width=last.width + 3)]


def _opened(node: Layout) -> tuple[str, Sum, str] | None:
    """What stands before a long bracket, its sum, and what stands after it; None if there is none."""
    match node:
        case Negative(body=body):
            inner = _opened(body)
            return None if inner is None else (f"-{inner[0]}", inner[1], inner[2])
        case Integrated(body=Sum() as body, variable=variable):
            return f"{_integral_sign(node)} ", body, rf"\,d{latex(variable)}"
        case Total(over=over, body=body):
            inner = ("", body, "") if isinstance(body, Sum) else _opened(body)
            return None if inner is None else (f"{sum_sign(over)} {inner[0]}", inner[1], inner[2])
        case Product(factors=factors):
            at = next((i for i, f in enumerate(factors) if isinstance(f, Sum) and _is_long(f)), None)
            if at is None:
                return None
            long = factors[at]
            assert isinstance(long, Sum)
            after = "".join(f" {_factor(f)}" for f in factors[at + 1 :])
            before = "".join(f"{_factor(f)} " for f in factors[:at])
            return before, long, after
        case _:
            return None


def _on_the_line(node: Layout) -> str:
    """A formula for an exponent: fractions with a slash."""
    match node:
        case Negative(body=body):
            return f"-{_on_the_line(body)}"
        case Fraction(above=above, below=below):
            under = latex(below) if isinstance(below, Leaf) else _in_brackets(latex(below))
            return f"{_factor(above)}/{under}"
        case Product(factors=factors):
            return r" \, ".join(_on_the_line(factor) for factor in factors)
        case _:
            return latex(node)


def _is_long(node: Sum) -> bool:
    return len(node.terms) >= BIG or _width(node) > LINE // 2


def _integral_sign(node: Integrated) -> str:
    return rf"\int_{{{latex(node.low)}}}^{{{latex(node.high)}}}"


def _signed(sign: str, written: str) -> str:
    return f"{sign} {written}" if sign else written


def _term(position: int, negative: bool, term: Layout) -> str:
    written = _in_brackets(latex(term)) if isinstance(term, Sum) else latex(term)
    if position == 0:
        return f"-{written}" if negative else written
    return f"{'-' if negative else '+'} {written}"


def _product(factors: tuple[Layout, ...]) -> str:
    """Factors side by side, with a thin space after a name of several letters."""
    return r" \, ".join(_factor(f) for f in factors)


def _factor(node: Layout) -> str:
    if not isinstance(node, Sum | Negative):
        return latex(node)
    square = isinstance(node, Sum) and len(node.terms) >= BIG
    return rf"\left[{latex(node)}\right]" if square else _in_brackets(latex(node))


def _in_brackets(written: str) -> str:
    return rf"\left({written}\right)"


def _width(node: Layout) -> int:  # noqa: PLR0911 - one return a kind of node
    """Letters that a formula takes side by side."""
    match node:
        case Leaf(width=letters):
            return letters
        case Negative(body=body):
            return _width(body) + 1
        case Sum(terms=terms):
            return sum(_width(term) + 3 for _, term in terms)
        case Product(factors=factors):
            return sum(_width(f) + (2 if isinstance(f, Sum) else 0) for f in factors)
        case Fraction(above=above, below=below):
            return max(_width(above), _width(below))
        case Power(base=base, exponent=exponent):
            return _width(base) + _width(exponent)
        case Call(text="exp", arguments=(argument,)):
            return 1 + _width(argument)
        case Call(text=name, arguments=arguments):
            return len(name) + 2 + sum(map(_width, arguments))
        case Integrated(body=body):
            return _width(body) + 5
        case Total(over=over, body=body):
            return _width(body) + min(len(over), 6)
