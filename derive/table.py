"""Which equations make up the summary of a derivation, and in which order: Table 2 of the source."""

from __future__ import annotations

from collections.abc import Sequence

from saltus.derive.derivation import Equation


def rows_of_table(equations: Sequence[Equation]) -> tuple[str, ...]:
    """Labels of the summary: adjoint dynamics, jumps where the adjoint does jump, gradients."""
    labels = [e.label for e in equations]
    shown = [e for e in equations if _shown(e, labels)]
    return tuple(e.label for e in shown)


def _shown(equation: Equation, labels: list[str]) -> bool:
    label = equation.label
    if label.startswith(("adjoint.ode.", "gradient.weight.sum")):
        return True
    if label.startswith("jump.emission"):
        return label.endswith(".table") or f"{label}.table" not in labels
    return label.startswith(("jump.arrival.", "gradient.input", "arrival.credit"))
