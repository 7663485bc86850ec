"""From text to SymPy by a whitelist: names, numbers, + - * / **, and the calls that the context allows.

The text is read by Python's own grammar (``ast.parse``, which runs nothing) and rebuilt node by node.
Whatever is not listed here is an error; there is no ``eval``, no ``sympify``, no attribute access.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import sympy
from sympy import Expr

from saltus.errors import SpecError

MAX_LENGTH = 2000
"""Characters in one expression."""
MAX_DEPTH = 100
"""Levels of the syntax tree; a sum of n terms has n of them."""
MAX_EXPONENT = 64
"""Largest product of nested exponents: it bounds the degrees and digits that a text can ask for."""
MAX_DIGITS = 40
"""Digits of one number."""

_DECIMAL = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_OPERATORS: dict[type[ast.operator], Callable[[Expr, Expr], Expr]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}


def _exp(exponent: Expr) -> Expr:
    return sympy.exp(exponent)


def _log(argument: Expr) -> Expr:
    return sympy.log(argument)


ELEMENTARY: Mapping[str, Callable[..., Expr]] = MappingProxyType({"exp": _exp, "log": _log})
"""The elementary functions that a kernel can compute."""


@dataclass(frozen=True)
class Place:
    """Where in which file something stands: ``lif.toml, [dynamics] f_V``."""

    origin: str
    table: str = ""
    key: str = ""

    def __str__(self) -> str:
        within = f", [{self.table}]" if self.table else ", " if self.key else ""
        return self.origin + within + (" " if self.table and self.key else "") + self.key

    def within(self, key: str) -> Place:
        """The place of ``key`` in what stands here."""
        return Place(self.origin, self.table, f"{self.key}, {key}" if self.key else key)

    def error(self, what: str, remedy: str) -> SpecError:
        """One sentence with the place and one with the way out."""
        return SpecError(f"{self}: {what}\n{remedy}")


@dataclass(frozen=True)
class Grammar:
    """What an expression may use, and what it means.

    names: each name's SymPy value; functions: each function's meaning, from its parsed arguments (it raises
    ``ValueError`` with what is wrong and, as a second argument, the remedy); subscript: the meaning of
    ``a[b]``, None where subscripts are not allowed; refusals: names that deserve a better answer than
    "unknown", with what to say and the remedy.
    """

    names: Mapping[str, Expr]
    functions: Mapping[str, Callable[..., Expr]] = field(default_factory=dict)
    subscript: Callable[[Expr, Expr], Expr] | None = None
    refusals: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def parse_expression(text: object, grammar: Grammar, place: Place) -> Expr:
    """The SymPy expression that ``text`` writes, numbers as exact rationals of their decimal text.

    Raises:
        SpecError: if ``text`` is no string, is too long, deep or large, does not follow Python's grammar,
        or uses
            a name, function or syntax that ``grammar`` does not list.
    """
    if not isinstance(text, str):
        raise place.error(
            f"{text!r} is not a text.", 'Write the expression between quotes, such as "2*x + 1".'
        )
    if len(text) > MAX_LENGTH:
        raise place.error(
            f"the expression has {len(text)} characters, more than {MAX_LENGTH}.", "Split or shorten it."
        )
    value = _Reader(text, grammar, place).read()
    if value.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I):
        raise place.error(
            f'"{text}" has no finite real value.', "Look for a division by zero or a logarithm of 0."
        )
    return value


def suggestion(name: str, known: Iterable[str]) -> str:
    """A remedy for an unknown name: the nearest known one, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]}?"
    return f"Known here: {', '.join(names)}." if names else "Nothing is known here: leave it out."


class _Reader:
    """One text on its way into SymPy: it carries what every error message must name."""

    def __init__(self, text: str, grammar: Grammar, place: Place) -> None:
        self.text, self.grammar, self.place = text, grammar, place

    def read(self) -> Expr:
        source = self.text.strip()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(source, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else "it cannot be read"
            raise self.wrong(
                f"is not an expression: {reason}",
                "Use names, numbers, + - * / ** and brackets, as in Python.",
            ) from None
        self.source = source
        if _depth(tree) > MAX_DEPTH:
            raise self.wrong(
                f"nests more than {MAX_DEPTH} levels deep", "Split it, or write sums with fewer terms."
            )
        return self.value(tree, MAX_EXPONENT)

    def wrong(self, what: str, remedy: str) -> SpecError:
        shown = self.text if len(self.text) <= 80 else self.text[:77] + "..."
        return self.place.error(f'"{shown}" {what}.', remedy)

    def value(self, node: ast.expr, budget: int) -> Expr:  # noqa: PLR0911 - one return a kind of node
        match node:
            case ast.Constant():
                return self.number(node)
            case ast.Name(id=name):
                return self.name(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.value(operand, budget)
            case ast.BinOp(op=ast.Pow(), left=left, right=right):
                return self.power(left, right, budget)
            case ast.BinOp(op=op, left=left, right=right) if type(op) in _OPERATORS:
                return self.binary(type(op), left, right, budget)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self.call(name, arguments, budget)
            case ast.Subscript(value=array, slice=index) if self.grammar.subscript is not None:
                return self.meaning(
                    self.grammar.subscript, (self.value(array, budget), self.value(index, budget))
                )
        raise self.wrong(
            f'uses "{ast.unparse(node)}", which is not allowed here',
            "Use names, numbers, + - * / **, brackets"
            + (f" and {', '.join(sorted(self.grammar.functions))}." if self.grammar.functions else "."),
        )

    def number(self, node: ast.Constant) -> Expr:
        digits = ast.get_source_segment(self.source, node) or ""
        if not _DECIMAL.fullmatch(digits) or len(digits) > MAX_DIGITS:
            raise self.wrong(
                f"has {digits}, which is not a plain decimal number",
                f"Write numbers like 20e-3, with at most {MAX_DIGITS} digits.",
            )
        return sympy.Rational(digits)

    def name(self, name: str) -> Expr:
        if name in self.grammar.refusals:
            what, remedy = self.grammar.refusals[name]
            raise self.wrong(what, remedy)
        if name in self.grammar.names:
            return self.grammar.names[name]
        if name in self.grammar.functions:
            raise self.wrong(f"uses the function {name} without arguments", f"Write {name}(...).")
        raise self.wrong(
            f"uses the unknown name {name}",
            f"{suggestion(name, self.grammar.names)} Declare new parameters in [parameters].",
        )

    def power(self, left: ast.expr, right: ast.expr, budget: int) -> Expr:
        exponent = self.value(right, 1)
        if not exponent.is_Integer:
            raise self.wrong(
                f"has the exponent {ast.unparse(right)}", "Write an integer, or exp(...) and log(...)."
            )
        size = max(1, abs(int(exponent)))
        if size > budget:
            raise self.wrong(f"has exponents beyond {MAX_EXPONENT} together", "Use smaller ones.")
        return self.value(left, budget // size) ** exponent

    def binary(self, op: type[ast.operator], left: ast.expr, right: ast.expr, budget: int) -> Expr:
        a, b = self.value(left, budget), self.value(right, budget)
        if op is ast.Div and b.is_zero:
            raise self.wrong("divides by zero", "Write an expression that has a value.")
        return _OPERATORS[op](a, b)

    def call(self, name: str, arguments: list[ast.expr], budget: int) -> Expr:
        if name in self.grammar.refusals:
            what, remedy = self.grammar.refusals[name]
            raise self.wrong(what, remedy)
        if name in self.grammar.names:
            raise self.wrong(f"calls {name}, which is not a function", f"Write {name}*(...) for a product.")
        if name not in self.grammar.functions:
            raise self.wrong(f"uses the unknown function {name}", suggestion(name, self.grammar.functions))
        return self.meaning(
            self.grammar.functions[name], tuple(self.value(argument, budget) for argument in arguments)
        )

    def meaning(self, function: Callable[..., Expr], arguments: tuple[Expr, ...]) -> Expr:
        taken = inspect.signature(function).parameters.values()
        wanted = len(arguments) if any(p.kind is p.VAR_POSITIONAL for p in taken) else len(taken)
        if len(arguments) != wanted:
            raise self.wrong(f"calls a function with {len(arguments)} arguments", f"This one takes {wanted}.")
        try:
            return function(*arguments)
        except ValueError as error:
            what, remedy = error.args
            raise self.wrong(what, remedy) from None


def _depth(tree: ast.AST) -> int:
    """Levels of a syntax tree, counted without recursion."""
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [
            child for node in level for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)
        ]
    return depth
