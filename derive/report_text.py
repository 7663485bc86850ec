"""Formulas as one line of Unicode, from their layout."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

from saltus.derive.notation import subscript
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

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def width(line: str) -> int:
    """Columns that a line takes in a terminal: marks above a letter take none."""
    return sum(1 for letter in line if not unicodedata.combining(letter))


def relation_text(equation: Relation) -> str:
    """The equation in one line."""
    return f"{text(equation.left)} {equation.sign} {text(equation.right)}"


def text(node: Layout) -> str:  # noqa: PLR0911 - one return a kind of node
    """The formula in one line."""
    match node:
        case Leaf(text=written):
            return written
        case Negative(body=body):
            return f"-{_factor(body)}"
        case Sum(terms=terms):
            return "".join(_term(i, negative, term) for i, (negative, term) in enumerate(terms))
        case Product(factors=factors):
            return _side_by_side(factors)
        case Fraction(above=above, below=below):
            under = text(below)
            closed = isinstance(below, Power) or (
                isinstance(below, Leaf) and ("/" not in under or under.startswith("("))
            )
            return f"{_factor(above)}/{under if closed else f'({under})'}"
        case Power(base=base, exponent=exponent):
            raised = text(exponent).translate(_RAISED)
            return f"{_factor(base)}{raised if raised.isdigit() else f'^{_factor(exponent)}'}"
        case Call(text=name, arguments=arguments, square=square):
            inside = ", ".join(map(text, arguments))
            return f"{name}[{inside}]" if square else f"{name}({inside})"
        case Integrated(body=body, variable=variable, low=low, high=high):
            return f"∫[{text(low)}, {text(high)}] {_factor(body)} d{text(variable)}"
        case Total(over=over, body=body):
            return f"Σ{_range(over)} {_factor(body)}"


def _range(over: str) -> str:
    return subscript(over) if len(over) == 1 else f"[{over}]"


def _term(position: int, negative: bool, term: Layout) -> str:
    written = f"({text(term)})" if isinstance(term, Sum) else text(term)
    if position == 0:
        return f"-{written}" if negative else written
    return f" {'-' if negative else '+'} {written}"


def _side_by_side(factors: tuple[Layout, ...]) -> str:
    """Factors with a space between them; a dot after a fraction."""
    line = _factor(factors[0])
    for before, factor in pairwise(factors):
        line += f"{' ·' if isinstance(before, Fraction) else ''} {_factor(factor)}"
    return line


def _factor(node: Layout) -> str:
    if isinstance(node, Sum):
        inside = text(node)
        return f"[{inside}]" if len(node.terms) >= BIG else f"({inside})"
    return f"({text(node)})" if isinstance(node, Negative) else text(node)


def pieces(node: Layout, prefix: str = "") -> list[str]:
    """A formula in pieces between which a line may end: before the signs of its longest bracket or sum."""
    match node:
        case Sum(terms=terms):
            found: list[str] = []
            for i, (negative, term) in enumerate(terms):
                sign = "-" if negative and i == 0 else "- " if negative else "+ " if i else ""
                found += pieces(term, sign) if not isinstance(term, Sum) else [f"{sign}({text(term)})"]
            return [prefix + found[0], *found[1:]] if prefix else found
        case Product(factors=(*before, Sum(terms=terms) as long)) if len(terms) >= BIG:
            first, *others = pieces(long)
            lead = f"{_side_by_side(tuple(before))}{' ·' if isinstance(before[-1], Fraction) else ''} ["
            *between, last = [f"{prefix}{lead}{first}", *others]
            return [*between, f"{last}]"]
        case Total(over=over, body=Product(factors=(*_, Sum(terms=terms))) as body) if len(terms) >= BIG:
            return pieces(body, f"{prefix}Σ{_range(over)} ")
        case _:
            return [prefix + text(node)]


def wrapped(equation: Relation, columns: int, indent: str = "    ") -> list[str]:
    """The equation in lines of at most ``columns`` where its terms allow it."""
    first, *others = pieces(equation.right)
    lines = [f"{text(equation.left)} {equation.sign} {first}"]
    for piece in others:
        if width(f"{lines[-1]} {piece}") <= columns:
            lines[-1] += f" {piece}"
        else:
            lines.append(indent + piece)
    return lines
