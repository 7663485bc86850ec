"""Which equations make up the summary of a derivation, and in which order: Table 2 of the source."""

from __future__ import annotations

from collections.abc import Sequence

from saltus.derive.derivation import Equation

_ORDER = (
    "adjoint.ode.",
    "jump.emission",
    "jump.arrival.",
    "gradient.weight.sum",
    "gradient.input",
    "arrival.credit",
)


def rows_of_table(equations: Sequence[Equation]) -> tuple[str, ...]:
    """Labels of the summary: adjoint dynamics, jumps (those with a bracket first), gradients.

    Where a jump is also written with the threshold and the reset, that form is shown.
    """
    labels = [equation.label for equation in equations]
    shown = [
        (position, not _is_written_out(label), label)
        for position, prefix in enumerate(_ORDER)
        for label in labels
        if label.startswith(prefix) and (_is_written_out(label) or not _has_written_out(label, labels))
    ]
    return tuple(label for _, _, label in sorted(shown, key=lambda row: row[:2]))


def _is_written_out(label: str) -> bool:
    return ".table" in label


def _has_written_out(label: str, labels: Sequence[str]) -> bool:
    return any(other.startswith(f"{label}.table") for other in labels)
