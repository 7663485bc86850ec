"""Every numbered equation of the source as data, with what became of it.

The source is Wunderlich & Pehle (2021), "Event-based backpropagation can compute exact gradients for
spiking neural networks", with Nowotny's notes. Its numbers repeat, so an id carries its section:
``3.3:52a``. The printed side of each claim is typed from the source, errors included; the derived side is
looked up in a derivation. ``prove`` reduces left minus right to zero, and for an erratum also shows that
the printed form does not reduce to zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache

from sympy import Expr, S

from saltus.derive.derivation import Equation, residual
from saltus.derive.source_domains import Domain
from saltus.derive.source_numbers import short


class Status(Enum):
    """What became of an equation of the source."""

    PROVEN = "proven"
    ERRATUM = "proven with erratum"
    DEFINITION = "definition"
    SETTLED = "settled here"


@dataclass(frozen=True)
class Claim:
    """One equation, typed from the source, and what it follows from.

    of: the derivation that it is held against; holds: False for a printed form that is wrong, which must
    not reduce to zero with the same premises.
    """

    equation: Equation
    of: str
    holds: bool = True

    def residual(self, domains: Mapping[str, Domain]) -> Expr:
        """Left minus right minus its premises, reduced."""
        domain = domains[self.of]
        return residual(self.equation, domain.known, domain.normal)


@dataclass(frozen=True)
class Row:
    """One numbered equation: id, what it says, its status, its claims, and for an erratum the reason."""

    id: str
    title: str
    status: Status
    claims: tuple[Claim, ...] = ()
    reason: str = ""

    @property
    def printed(self) -> tuple[Equation, ...]:
        """The printed form: of an erratum the one that is wrong."""
        wrong = tuple(claim.equation for claim in self.claims if not claim.holds)
        return wrong if self.status is Status.ERRATUM else self.right

    @property
    def right(self) -> tuple[Equation, ...]:
        """The form that is proved."""
        return tuple(claim.equation for claim in self.claims if claim.holds)


def claim(
    lhs: Expr,
    rhs: Expr,
    because: str | Mapping[str, Expr] = "",
    *,
    of: str = "lif",
    uses: tuple[str, ...] = (),
    facts: Mapping[Expr, Expr] | None = None,
    holds: bool = True,
) -> Claim:
    """A claim of the source: ``because`` names the derived equation, or several with their factors."""
    combines = {because: S.One} if isinstance(because, str) and because else dict(because or {})
    return Claim(Equation("source", lhs, rhs, "", uses=uses, combines=combines, facts=facts or {}), of, holds)


def proven(id_: str, title: str, *claims: Claim, note: str = "") -> Row:
    """A row whose printed form is proved."""
    return Row(id_, title, Status.PROVEN, claims, note)


def erratum(id_: str, title: str, reason: str, *claims: Claim) -> Row:
    """A row whose printed form is wrong, or wrong outside a special case, and whose right form is proved."""
    return Row(id_, title, Status.ERRATUM, claims, reason)


def definition(id_: str, title: str, used_by: str, *claims: Claim) -> Row:
    """A row with nothing to prove; its claims, if any, say that the model's own definition is the same."""
    return Row(id_, title, Status.DEFINITION, claims, f"Nothing to prove; used by {used_by}.")


def settled(id_: str, title: str, reason: str, *claims: Claim) -> Row:
    """A question that the source leaves open, and its answer, proved."""
    return Row(id_, title, Status.SETTLED, claims, reason)


@cache
def rows() -> tuple[Row, ...]:
    """All rows, in the order of the source."""
    from saltus.derive import (
        source_section2,
        source_section3,
        source_section3_jumps,
        source_section3_relations,
        source_section5,
        source_section6,
        source_section7,
        source_section10,
    )

    parts = (
        source_section2,
        source_section3,
        source_section3_relations,
        source_section3_jumps,
        source_section5,
        source_section6,
        source_section7,
        source_section10,
    )
    collected = [row for part in parts for row in part.rows()]
    later = source_section6.section_12()
    return (*collected, *later)


def row(id_: str) -> Row:
    """The row of an id, with the subsection or without (``3.3:52a``, ``3:52a``); raises ``KeyError``."""
    for candidate in rows():
        if id_ in (candidate.id, short(candidate.id)):
            return candidate
    raise KeyError(f"{id_}: the source has no such equation; ids look like 3.3:52a, 5.1:25 or 5:table-2")
