"""From SymPy to IR expressions, in an order of our own.

SymPy's order of terms depends on names and changes between its versions. Here an expression becomes a
fraction of polynomials over symbols whose order the caller gives; polynomials are factored, terms and
factors sorted by that order, signs put where a person would put them. So the same model under other names,
or with another SymPy, gives the same tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import reduce

import sympy
from sympy import Expr, Poly, Symbol

from saltus.derive.divided_differences import exp_dd
from saltus.derive.exponential import exponential
from saltus.errors import DerivationError
from saltus.templates import ir

Monomial = tuple[int, ...]
"""Exponents, in the order of ``Order.terms``."""
Terms = Mapping[Monomial, sympy.Rational]
"""A polynomial: its monomials and their coefficients."""

_CALLS = {sympy.exp: "exp", exponential: "exp", sympy.log: "log", exp_dd: "exp_dd"}


@dataclass(frozen=True)
class Order:
    """How to sort.

    terms: symbols in the order in which the terms of a sum come (``V - theta``: V before theta);
    factors: the same symbols in the order in which the factors of a product come (``tau_syn*lambda_I``).
    """

    terms: tuple[Symbol, ...]
    factors: tuple[Symbol, ...]

    @classmethod
    def of(cls, *roles: tuple[Sequence[Symbol], int]) -> Order:
        """From groups of symbols in the order of terms, each with its place in the order of factors."""
        ranked = sorted(roles, key=lambda role: role[1])
        return cls(
            tuple(symbol for symbols, _ in roles for symbol in symbols),
            tuple(symbol for symbols, _ in ranked for symbol in symbols),
        )

    def within(self, symbols: Set[Symbol]) -> Order:
        """The same for those symbols that are among ``symbols``; polynomials are faster in few."""
        return Order(
            tuple(symbol for symbol in self.terms if symbol in symbols),
            tuple(symbol for symbol in self.factors if symbol in symbols),
        )

    def with_last(self, symbols: Iterable[Symbol]) -> Order:
        """The same with more symbols, which come last."""
        more = tuple(symbols)
        return Order(self.terms + more, self.factors + more)


def arrange(expression: Expr, order: Order) -> ir.Expr:
    """The IR tree of a rational function of the symbols in ``order`` and of exp, log and exp_dd of such.

    Of the factored fraction and the sum of fractions with different denominators, the one with fewer
    operations;
    the factored one on a tie.

    Raises:
        DerivationError: if it holds anything else.
    """
    if expression.is_Rational:
        return ir.Const(int(expression.p), int(expression.q))
    calls = _calls(expression)
    named = {call: sympy.Dummy(positive=True) for call in calls}
    replaced = expression.xreplace(named)
    atoms: dict[Symbol, ir.Expr] = {symbol: reference(symbol) for symbol in order.terms}
    trees = {named[call]: _call(call, order) for call in calls}
    ranked = sorted(trees, key=lambda dummy: _tree_key(trees[dummy], order))
    scribe = _Scribe(order.with_last(ranked).within(replaced.free_symbols), atoms | trees)
    factored = scribe.factored(replaced)
    numerator, denominator = sympy.fraction(sympy.cancel(replaced))
    if denominator.is_number or not numerator.is_Add:
        return factored
    return min(factored, scribe.grouped(replaced), key=operations)


def reference(symbol: Symbol) -> ir.Ref:
    """The value that a symbol stands for: one called ``t[k]`` is the element k of t."""
    name, _, index = str(symbol).removesuffix("]").partition("[")
    return ir.Ref(name, index or None)


def operations(tree: ir.Expr) -> int:
    """Number of operations in a tree; a division counts two."""
    match tree:
        case ir.Op(op="div", args=args):
            return 2 + sum(map(operations, args))
        case ir.Op(op="neg", args=args):
            return sum(map(operations, args))
        case ir.Op(args=args):
            return len(args) - 1 + sum(map(operations, args))
        case ir.Call(args=args):
            return 20 + sum(map(operations, args))
        case _:
            return 0


def names_in(tree: ir.Expr) -> set[str]:
    """All names that a tree refers to, those of its free indices included."""
    match tree:
        case ir.Ref(name=name, index=index):
            return {name} if index is None else {name, index}
        case ir.Op(args=args) | ir.Call(args=args):
            return set().union(*map(names_in, args))
        case ir.Reduce(index=index, body=body):
            return names_in(body) - {index}
        case _:
            return set()


def _calls(expression: Expr) -> list[Expr]:
    """The outermost function calls of an expression."""
    if isinstance(expression, tuple(_CALLS)):
        return [expression]
    found = [call for argument in expression.args for call in _calls(argument)]
    return list(dict.fromkeys(found))


def _call(call: Expr, order: Order) -> ir.Call:
    arguments = [arrange(argument, order) for argument in call.args]
    if isinstance(call, exp_dd):
        arguments.sort(key=lambda tree: _tree_key(tree, order))
    return ir.Call(_CALLS[call.func], tuple(arguments))


def _tree_key(tree: ir.Expr, order: Order) -> tuple[object, ...]:
    """A structural sort key that knows names by their place in ``order`` only."""
    places = {reference(symbol): place for place, symbol in enumerate(order.terms)}

    def key(node: ir.Expr) -> tuple[object, ...]:
        match node:
            case ir.Const(p=p, q=q):
                return (0, p / q)
            case ir.Ref():
                return (1, places[node])
            case ir.Op(op=op, args=args):
                return (2, op, len(args), *map(key, args))
            case ir.Call(function=function, args=args):
                return (3, function, len(args), *map(key, args))
            case _:
                raise TypeError(f"{node} has no place in a model's expression")

    return key(tree)


@dataclass(frozen=True)
class _Scribe:
    """Writes rational functions of the symbols of ``order``, each standing for its tree in ``atoms``."""

    order: Order
    atoms: Mapping[Symbol, ir.Expr]

    def factored(self, expression: Expr) -> ir.Expr:
        """One fraction, numerator and denominator in irreducible factors."""
        coefficient, up, down = self._factors(expression)
        if coefficient < 0:
            for side in (up, down):
                at = next((i for i, f in enumerate(side) if _mixed(f) and side.count(f) == 1), None)
                if at is not None:
                    side[at], coefficient = _negated(side[at]), -coefficient
                    break
        return self._fraction(coefficient, up, down)

    def grouped(self, expression: Expr) -> ir.Expr:
        """A sum of fractions, one for each denominator that the terms of the numerator have."""
        numerator, denominator = self._parts(expression)
        groups: dict[tuple[object, ...], list[tuple[Monomial, Expr]]] = {}
        for monomial, coefficient in self._polynomial(numerator).items():
            term = coefficient * self._product(monomial) / denominator
            below = tuple(tuple(factor.items()) for factor in self._factors(term)[2])
            groups.setdefault(below, []).append((monomial, term))
        return self._sum(
            [
                (self.factored(sympy.Add(*(term for _, term in group))), group[0][0])
                for group in groups.values()
            ]
        )

    def _parts(self, expression: Expr) -> tuple[Expr, Expr]:
        stray = expression.free_symbols - set(self.order.terms)
        if stray or not expression.is_rational_function(*self.order.terms):
            raise DerivationError(
                f"{expression} holds something that the kernels cannot compute.\n"
                "Write it with + - * /, exp and log of states and parameters."
            )
        numerator, denominator = sympy.fraction(sympy.cancel(sympy.together(expression)))
        return numerator, denominator

    def _factors(self, expression: Expr) -> tuple[sympy.Rational, list[Terms], list[Terms]]:
        """Coefficient, factors above and below; each factor's first term is positive."""
        coefficient = sympy.Integer(1)
        sides: list[list[Terms]] = []
        for part, power in zip(self._parts(expression), (1, -1), strict=True):
            content, factors = sympy.factor_list(part, *self.order.terms)
            coefficient *= content**power
            side: list[Terms] = []
            for factor, multiplicity in factors:
                terms = self._polynomial(factor)
                scale = _scale(terms)
                coefficient *= scale ** (power * multiplicity)
                side += [{m: c / scale for m, c in terms.items()}] * multiplicity
            sides.append(sorted(side, key=self._factor_key))
        return sympy.Rational(coefficient), sides[0], sides[1]

    def _polynomial(self, expression: Expr) -> Terms:
        poly = Poly(expression, *self.order.terms)
        return dict(
            sorted(((m, sympy.Rational(c)) for m, c in poly.terms()), key=lambda t: _descending(t[0]))
        )

    def _product(self, monomial: Monomial) -> Expr:
        return sympy.Mul(*(s**n for s, n in zip(self.order.terms, monomial, strict=True)))

    def _factor_key(self, terms: Terms) -> tuple[object, ...]:
        """Single symbols in the order of factors, then sums in the order of their terms."""
        monomials = list(terms)
        if len(monomials) > 1:
            return (1, *(_descending(monomial) for monomial in monomials))
        places = [
            self.order.factors.index(s) for s, n in zip(self.order.terms, monomials[0], strict=True) if n
        ]
        return (0, *places)

    def _fraction(self, coefficient: sympy.Rational, up: list[Terms], down: list[Terms]) -> ir.Expr:
        if coefficient == 0:
            return ir.Const(0)
        numerator = [self._horner(factor) for factor in up]
        denominator = [self._horner(factor) for factor in down]
        p, q = abs(int(coefficient.p)), int(coefficient.q)
        if p != 1 or not numerator:
            numerator.insert(0, ir.Const(p))
        if q != 1:
            denominator.insert(0, ir.Const(q))
        tree = product(numerator)
        if denominator:
            tree = ir.Op("div", (tree, product(denominator)))
        return negated(tree) if coefficient < 0 else tree

    def _horner(self, terms: Terms) -> ir.Expr:
        """A sum with what its terms share taken out, the most widely shared symbol first."""
        return self._sum(self._groups(terms))

    def _groups(self, terms: Terms) -> list[tuple[ir.Expr, Monomial]]:
        """The summands, each with its first monomial."""
        counts = [sum(1 for monomial in terms if monomial[i]) for i in range(len(self.order.terms))]
        most = max(counts, default=0)
        if len(terms) == 1 or most < 2:
            return [(self._monomial(m, c), m) for m, c in terms.items()]
        at = counts.index(most)
        inside = {_lowered(m, at): c for m, c in terms.items() if m[at]}
        rest = {m: c for m, c in terms.items() if not m[at]}
        first = next(m for m in terms if m[at])
        return [(self._taken_out(inside, at), first), *self._groups(rest)]

    def _taken_out(self, inside: Terms, at: int) -> ir.Expr:
        """``symbol * (inside)``, with whatever else the terms share beside the symbol."""
        common = tuple(min(m[i] for m in inside) for i in range(len(self.order.terms)))
        scale = _scale(inside)
        left: Terms = {
            tuple(a - b for a, b in zip(m, common, strict=True)): c / scale for m, c in inside.items()
        }
        if scale < 0 and _mixed(left):
            left, scale = _negated(left), -scale
        outside = tuple(n + (i == at) for i, n in enumerate(common))
        tree = product([self._monomial(outside, abs(scale)), self._horner(left)])
        return negated(tree) if scale < 0 else tree

    def _monomial(self, monomial: Monomial, coefficient: sympy.Rational) -> ir.Expr:
        powers = dict(zip(self.order.terms, monomial, strict=True))
        factors = [self.atoms[s] for s in self.order.factors for _ in range(powers[s])]
        p, q = abs(int(coefficient.p)), int(coefficient.q)
        if p != 1 or not factors:
            factors.insert(0, ir.Const(p))
        tree = product(factors)
        if q != 1:
            tree = ir.Op("div", (tree, ir.Const(q)))
        return negated(tree) if coefficient < 0 else tree

    def _sum(self, trees: Sequence[tuple[ir.Expr, Monomial]]) -> ir.Expr:
        """Terms in the order of their monomials, those with a plus before those with a minus."""
        if not trees:
            return ir.Const(0)
        ranked = sorted(trees, key=lambda pair: (_is_negative(pair[0]), _descending(pair[1])))
        terms = tuple(tree for tree, _ in ranked)
        return terms[0] if len(terms) == 1 else ir.Op("add", tuple(_as_summand(term) for term in terms))


def product(factors: Sequence[ir.Expr]) -> ir.Expr:
    """The product of trees, nested products made flat and factors of one left out."""
    flat: list[ir.Expr] = []
    for factor in factors:
        flat += factor.args if isinstance(factor, ir.Op) and factor.op == "mul" else (factor,)
    flat = [factor for factor in flat if factor != ir.Const(1)] or [ir.Const(1)]
    return flat[0] if len(flat) == 1 else ir.Op("mul", tuple(flat))


def negated(tree: ir.Expr) -> ir.Expr:
    """Minus the tree; of a number, the number with the other sign."""
    if isinstance(tree, ir.Const):
        return ir.Const(-tree.p, tree.q)
    return ir.Op("neg", (tree,))


def _as_summand(tree: ir.Expr) -> ir.Expr:
    """A negative number as minus a positive one, so that sums are printed with a minus."""
    return ir.Op("neg", (ir.Const(-tree.p, tree.q),)) if isinstance(tree, ir.Const) and tree.p < 0 else tree


def _is_negative(tree: ir.Expr) -> bool:
    return (isinstance(tree, ir.Op) and tree.op == "neg") or (isinstance(tree, ir.Const) and tree.p < 0)


def _descending(monomial: Monomial) -> Monomial:
    return tuple(-n for n in monomial)


def _lowered(monomial: Monomial, at: int) -> Monomial:
    return tuple(n - (i == at) for i, n in enumerate(monomial))


def _mixed(terms: Terms) -> bool:
    """Whether a sum has terms of both signs: then turning it costs no sign."""
    return any(c < 0 for c in terms.values())


def _negated(terms: Terms) -> Terms:
    return {monomial: -coefficient for monomial, coefficient in terms.items()}


def _scale(terms: Terms) -> sympy.Rational:
    """The rational content of a polynomial, with the sign of its first term."""
    coefficients = list(terms.values())
    content = reduce(lambda a, b: sympy.Rational(sympy.gcd(a, b)), coefficients)
    return abs(content) * (1 if coefficients[0] > 0 else -1)
