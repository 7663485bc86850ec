"""Proves it all again: the source's equations one by one, and for a model that its derivations agree.

``check_source`` holds each row of ``source`` against the derivations. ``check_model`` holds the two routes
(multipliers and saltation matrices), the rules that the kernels use, the flow and its adjoint against each
other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from time import perf_counter

from sympy import Expr

from saltus.derive import notation, source
from saltus.derive.derivation import Equation
from saltus.derive.model import ModelSpec
from saltus.derive.source_domains import Domain, domains
from saltus.derive.verify_model import checks_of


@dataclass(frozen=True)
class Outcome:
    """One line of ``saltus check``: what was to be proved, and whether it was.

    printed and right are formulas in text; seconds is how long the proof took.
    """

    id: str
    status: str
    title: str
    ok: bool
    printed: str = ""
    right: str = ""
    reason: str = ""
    seconds: float = 0.0

    def as_dict(self) -> dict[str, str | bool | float]:
        """The line for machines."""
        return asdict(self)


def check_source() -> list[Outcome]:
    """Each row of the source, proved now: printed forms reduce to zero, and forms said to be wrong do not."""
    known = domains()
    return [_check_row(row, known) for row in source.rows()]


def check_model(spec: ModelSpec) -> list[Outcome]:
    """What must hold for any model: see ``verify_model``."""
    return [_check(f"{spec.name}:{name}", title, prove) for name, title, prove in checks_of(spec)]


def row_holds(row: source.Row, known: Mapping[str, Domain]) -> bool:
    """Whether each claim of the row comes out as it says, and there is one where a proof is claimed."""
    needs_proof = row.status in (source.Status.PROVEN, source.Status.ERRATUM, source.Status.SETTLED)
    if needs_proof and not any(claim.holds for claim in row.claims):
        return False
    if row.status is source.Status.ERRATUM and all(claim.holds for claim in row.claims):
        return False
    return all((claim.residual(known) == 0) == claim.holds for claim in row.claims)


def _check_row(row: source.Row, known: Mapping[str, Domain]) -> Outcome:
    start = perf_counter()
    ok = row_holds(row, known)
    return Outcome(
        id=row.id,
        status=row.status.value,
        title=row.title,
        ok=ok,
        printed="; ".join(_written(equation) for equation in row.printed),
        right="; ".join(_written(e) for e in row.right) if row.status is source.Status.ERRATUM else "",
        reason=row.reason,
        seconds=perf_counter() - start,
    )


def _check(id_: str, title: str, prove: Callable[[], Mapping[str, Expr]]) -> Outcome:
    start = perf_counter()
    left = {name: residual for name, residual in prove().items() if residual != 0}
    return Outcome(
        id=id_,
        status="failed" if left else "proven",
        title=title,
        ok=not left,
        reason="; ".join(f"{name}: {notation.text(residual)} is left" for name, residual in left.items()),
        seconds=perf_counter() - start,
    )


def _written(equation: Equation) -> str:
    return f"{notation.text(equation.lhs)} = {notation.text(equation.rhs)}"
