"""Labelled equations with their proofs: what a derivation is made of.

The proof of an equation is a certificate. It names the equations it came from, and how: put in for their
left sides (``uses``), or multiplied and added (``combines``). Checking it means reducing

    left - right - sum(multiplier * (premise left - premise right)),

with the premises of ``uses`` put in, to zero. Whoever wrote the certificate need not be trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sympy import Expr, S

from saltus.derive.algebra import reduced
from saltus.derive.notation import latex, text
from saltus.derive.source_numbers import short
from saltus.errors import DerivationError


@dataclass(frozen=True)
class Equation:
    """``lhs = rhs``, where it came from, and the certificate that it follows.

    label: the step, such as ``jump.emission``; source: its numbers in the source, such as ``3.3:52a``;
    uses: labels whose left sides are replaced by their right sides; combines: label -> multiplier;
    facts: elementary facts put in (each a left side and what it equals), such as the fundamental theorem;
    witness: lhs - rhs obtained in another way, to be subtracted; differentiates: labels of what was
    differentiated to get it; why: one sentence of prose.
    An equation without a certificate is a definition.
    """

    label: str
    lhs: Expr
    rhs: Expr
    why: str
    source: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    combines: Mapping[str, Expr] = field(default_factory=dict)
    facts: Mapping[Expr, Expr] = field(default_factory=dict)
    witness: Expr | None = None
    differentiates: tuple[str, ...] = ()
    over: str = ""
    """What the right side is summed over, when one term of a sum stands for all: ``k = 0 … N_post``."""

    @property
    def sources_of(self) -> tuple[str, ...]:
        """Labels of the equations that this one came from."""
        return tuple(dict.fromkeys((*self.uses, *self.combines, *self.differentiates)))

    @property
    def is_definition(self) -> bool:
        """Whether there is nothing to prove."""
        return not (self.uses or self.combines or self.facts) and self.witness is None

    def __str__(self) -> str:
        total = f"Σ[{self.over}] " if self.over else ""
        return f"{text(self.lhs)} = {total}{text(self.rhs)}"

    def _repr_latex_(self) -> str:
        total = rf"\sum_{{{self.over}}} ".replace("…", r"\dots") if self.over else ""
        return f"$\\displaystyle {latex(self.lhs)} = {total}{latex(self.rhs)}$"


class Derivation(Mapping[str, Equation]):
    """Equations in the order of their derivation, found by step or by number of the source.

    ``derivation["jump.emission"]`` and ``derivation["3:52a"]`` are the same equation where the model is the
    source's; a number may be given with its subsection (``3.3:52a``) or without.
    """

    def __init__(self, title: str, equations: Iterable[Equation]) -> None:
        self.title = title
        self._equations: dict[str, Equation] = {}
        for equation in equations:
            if equation.label in self._equations:
                raise DerivationError(
                    f"{title}: two equations are called {equation.label}.\nGive each step its own label."
                )
            self._equations[equation.label] = equation
        self._numbers: dict[str, str] = {}
        for equation in self._equations.values():
            for number in equation.source:
                self._numbers.setdefault(number, equation.label)
                self._numbers.setdefault(short(number), equation.label)

    def __getitem__(self, label: str) -> Equation:
        found = self._equations.get(self._numbers.get(label, label))
        if found is None:
            raise KeyError(f"{label}: no such step of {self.title}; it has {', '.join(self._equations)}")
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._equations)

    def __len__(self) -> int:
        return len(self._equations)

    def __contains__(self, label: object) -> bool:
        return label in self._equations or label in self._numbers

    def residual(self, label: str) -> Expr:
        """Left side less right side less certificate, reduced: zero if the equation is proved."""
        equation = self[label]
        return S.Zero if equation.is_definition else residual(equation, self)

    def status(self, label: str) -> str:
        """``definition``, ``proved``, or ``not proved``: by reducing the residual now."""
        if self[label].is_definition:
            return "definition"
        return "proved" if self.residual(label) == 0 else "not proved"

    def check(self) -> None:
        """Proves every equation again.

        Raises:
            DerivationError: naming the first equation whose left side minus right side does not reduce to
            zero.
        """
        for label in self:
            residual = self.residual(label)
            if residual != 0:
                raise DerivationError(
                    f"{self.title}: {label} ({self[label]}) is not proved, {text(residual)} is left.\n"
                    "Correct the step, or report it: a derivation that does not check must not be used."
                )

    def trace(self, label: str) -> tuple[str, ...]:
        """Labels of everything that the equation came from, definitions first, itself last."""
        seen: dict[str, None] = {}

        def visit(step: str) -> None:
            for premise in self[step].sources_of:
                visit(self[premise].label)
            seen.setdefault(step)

        visit(self[label].label)
        return tuple(seen)

    def replaced(self, equation: Equation) -> Derivation:
        """The same derivation with another equation under its label: to see whether a change is caught."""
        return Derivation(self.title, (equation if e.label == equation.label else e for e in self.values()))

    def numbered(self, numbers: Mapping[str, str]) -> Derivation:
        """The same derivation with the source's numbers attached to its steps."""
        return Derivation(
            self.title,
            (replace(e, source=(numbers[e.label],)) if e.label in numbers else e for e in self.values()),
        )

    @property
    def _is_of_an_adjoint(self) -> bool:
        """Whether Table 2 sums it up; other derivations print as a list of their equations."""
        return any(label.startswith("adjoint.ode.") for label in self)

    def __str__(self) -> str:
        if self._is_of_an_adjoint:
            from saltus.derive.report import table2_text

            return table2_text(self)
        width = max((len(str(row)) for row in self.values()), default=0)
        lines = [f"{row!s:<{width}}   {row.label}" + _cited(row) for row in self.values()]
        return "\n".join([self.title, "─" * min(len(self.title), 100), *lines])

    def _repr_html_(self) -> str | None:
        if not self._is_of_an_adjoint:
            return None
        from saltus.derive.report import table2_html

        return table2_html(self)

    def _repr_latex_(self) -> str:
        if self._is_of_an_adjoint:
            from saltus.derive.report import table2_latex

            return table2_latex(self)
        body = " \\\\\n".join(f"{latex(row.lhs)} &= {latex(row.rhs)}" for row in self.values())
        return f"$\\begin{{aligned}}\n{body}\n\\end{{aligned}}$"


def residual(
    equation: Equation, known: Mapping[str, Equation], normal: Callable[[Expr], Expr] = reduced
) -> Expr:
    """What an equation's certificate leaves, its premises looked up in ``known``: zero if it is proved."""
    rest = equation.lhs - equation.rhs
    if equation.witness is not None:
        rest -= equation.witness
    for premise, multiplier in equation.combines.items():
        rest -= multiplier * (known[premise].lhs - known[premise].rhs)
    for premise in equation.uses:
        rest = rest.xreplace({known[premise].lhs: known[premise].rhs})
    return normal(rest.xreplace(dict(equation.facts)))


def _cited(equation: Equation) -> str:
    return f" ({', '.join(short(number) for number in equation.source)})" if equation.source else ""
