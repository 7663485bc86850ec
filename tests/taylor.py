"""Arithmetic of the hybrid oracle: numbers with tangents, and Taylor series of expressions in time.

Numbers are decimals of 28 digits. Nothing here comes from the derivation: an expression of a spec is read
by Python's ``ast`` and its series is built coefficient by coefficient (Moore's recurrences), so that closed
forms, rates and special cases of any kind are unknown to it.
"""

from __future__ import annotations

import ast
import decimal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import singledispatch
from typing import Any, Protocol

import numpy as np

CONTEXT = decimal.Context(prec=28, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)
ZERO, ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True, eq=False)
class Jet:
    """A number and its derivatives, ``(directions,)`` decimals, or 0 for a constant."""

    value: Decimal
    d: Any = ZERO

    def __add__(self, other: Any) -> Jet:
        return Jet(self.value + value(other), self.d + tangent(other))

    def __sub__(self, other: Any) -> Jet:
        return Jet(self.value - value(other), self.d - tangent(other))

    def __rsub__(self, other: Any) -> Jet:
        return Jet(value(other) - self.value, tangent(other) - self.d)

    def __mul__(self, other: Any) -> Jet:
        if not isinstance(other, Jet):
            return Jet(self.value * other, self.d * other)
        return Jet(self.value * other.value, self.d * other.value + other.d * self.value)

    def __truediv__(self, other: Any) -> Jet:
        if not isinstance(other, Jet):
            return Jet(self.value / other, self.d / other)
        ratio = self.value / other.value
        return Jet(ratio, (self.d - other.d * ratio) / other.value)

    def __rtruediv__(self, other: Any) -> Jet:
        return Jet(value(other)) / self

    def __neg__(self) -> Jet:
        return Jet(-self.value, -self.d)

    def exp(self) -> Jet:
        grown = self.value.exp()
        return Jet(grown, self.d * grown)

    __radd__ = __add__
    __rmul__ = __mul__


def value(number: Any) -> Any:
    return number.value if isinstance(number, Jet) else number


def tangent(number: Any) -> Any:
    return number.d if isinstance(number, Jet) else ZERO


def directions(count: int) -> Any:
    """The unit vectors, as rows."""
    rows = np.full((count, count), ZERO, dtype=object)
    for i in range(count):
        rows[i, i] = ONE
    return rows


class Series(Protocol):
    """A function of time by its Taylor coefficients, which are decimals or jets."""

    constant: bool

    def at(self, k: int) -> Any:
        """Coefficient ``k``; asked for in ascending order."""


class Known:
    """A number, or a state whose coefficients are filled in from outside."""

    def __init__(self, coefficients: list[Any], constant: bool = False) -> None:
        self.coefficients = coefficients
        self.constant = constant

    def at(self, k: int) -> Any:
        return ZERO if self.constant and k else self.coefficients[k]


class _Computed:
    def __init__(self, a: Series, b: Series, constant: bool) -> None:
        self.a, self.b, self.constant = a, b, constant
        self.found: list[Any] = []

    def at(self, k: int) -> Any:
        if self.constant and k:
            return ZERO
        while len(self.found) <= k:
            self.found.append(self.next(len(self.found)))
        return self.found[k]

    def next(self, k: int) -> Any:
        raise NotImplementedError


class Sum(_Computed):
    def next(self, k: int) -> Any:
        return self.a.at(k) + self.b.at(k)


class Difference(_Computed):
    def next(self, k: int) -> Any:
        return self.a.at(k) - self.b.at(k)


class Product(_Computed):
    def next(self, k: int) -> Any:
        if self.a.constant:
            return self.b.at(k) * self.a.at(0)
        if self.b.constant:
            return self.a.at(k) * self.b.at(0)
        return sum((self.a.at(j) * self.b.at(k - j) for j in range(1, k + 1)), self.a.at(0) * self.b.at(k))


class Quotient(_Computed):
    def next(self, k: int) -> Any:
        rest = self.a.at(k)
        if not self.b.constant:
            rest = sum((-(self.found[j] * self.b.at(k - j)) for j in range(k)), rest)
        return rest / self.b.at(0)


class Exponential(_Computed):
    """Of ``a``."""

    def next(self, k: int) -> Any:
        if k == 0:
            return self.a.at(0).exp()
        return sum((self.a.at(j) * self.found[k - j] * j for j in range(1, k + 1)), ZERO) / k


Names = Mapping[str, Series]
_OPERATORS = {ast.Add: Sum, ast.Sub: Difference, ast.Mult: Product, ast.Div: Quotient}


def series(text: str, names: Names) -> Series:
    """The series of an expression, its names being series."""
    return _series(ast.parse(text.strip(), mode="eval").body, names)


def number(text: str, values: Mapping[str, Any]) -> Any:
    """The value of an expression, its names being numbers."""
    return series(text, {name: Known([x], constant=True) for name, x in values.items()}).at(0)


@singledispatch
def _series(node: ast.AST, names: Names) -> Series:
    raise NotImplementedError(ast.dump(node))


@_series.register
def _(node: ast.Constant, names: Names) -> Series:
    return Known([Decimal(str(node.value))], constant=True)


@_series.register
def _(node: ast.Name, names: Names) -> Series:
    return names[node.id]


@_series.register
def _(node: ast.UnaryOp, names: Names) -> Series:
    inner = _series(node.operand, names)
    return Difference(Known([ZERO], constant=True), inner, inner.constant)


@_series.register
def _(node: ast.BinOp, names: Names) -> Series:
    left = _series(node.left, names)
    if isinstance(node.op, ast.Pow):
        assert isinstance(node.right, ast.Constant)
        power = left
        for _ in range(int(node.right.value) - 1):
            power = Product(power, left, left.constant)
        return power
    right = _series(node.right, names)
    return _OPERATORS[type(node.op)](left, right, left.constant and right.constant)


@_series.register
def _(node: ast.Call, names: Names) -> Series:
    (argument,) = node.args
    assert isinstance(node.func, ast.Name)
    if node.func.id == "dot":
        assert isinstance(argument, ast.Name)
        return names[f"dot {argument.id}"]
    assert node.func.id == "exp"
    inner = _series(argument, names)
    return Exponential(inner, inner, inner.constant)


def horner(coefficients: Sequence[Any], s: Decimal) -> Any:
    """The polynomial at ``s``."""
    total = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = total * s + c
    return total


def derivative(coefficients: Sequence[Any]) -> list[Any]:
    return [c * k for k, c in enumerate(coefficients)][1:]


def inverse(matrix: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """By Gauss and Jordan, of decimals or jets."""
    n = len(matrix)
    rows = [[*row, *(ONE if i == j else ZERO for j in range(n))] for i, row in enumerate(matrix)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(value(rows[r][i])))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [x / rows[i][i] for x in rows[i]]
        for r in range(n):
            if r != i and value(rows[r][i]) != 0:
                rows[r] = [x - rows[r][i] * y for x, y in zip(rows[r], rows[i], strict=True)]
    return [row[n:] for row in rows]
