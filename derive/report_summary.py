"""Table 2 in a terminal: three columns of Unicode, the gradients, and what was proved."""

from __future__ import annotations

from collections.abc import Sequence

from saltus.derive.derivation import Derivation
from saltus.derive.report_document import PROVED
from saltus.derive.report_tables import COLUMNS, AdjointTable, Cell, table_2
from saltus.derive.report_text import width, wrapped
from saltus.derive.source_numbers import short

WIDTH = 104
_GAP = "   "
_KEY = (
    "n spikes, m receives from n, j is any neuron; ⁻ and ⁺ are before and after the spike, ′ = -d/dt.",
    "l is the running loss and l_p that of the spike times. λ(T) = 0, and λ is found from T down to 0.",
)


def summary(derivation: Derivation) -> str:
    """The table of a derivation's adjoint, each of its lines proved again now."""
    table = table_2(derivation)
    gradients = [line for g in table.gradients for line in wrapped(g, WIDTH - 2)]
    return "\n".join(
        [
            derivation.title,
            "",
            *_aligned(_columns(table)),
            "",
            "Gradients",
            "─" * max(map(width, gradients)),
            *gradients,
            "",
            *_KEY,
            *_proofs(derivation, table),
        ]
    )


def _columns(table: AdjointTable) -> list[list[list[str]]]:
    """Heading, rule and rows, each cell in lines."""
    last = WIDTH
    left = [[_lines(cell, WIDTH) for cell in row[:2]] for row in table.rows]
    for column in (0, 1):
        cells = [line for row in left for line in row[column]]
        last -= max(map(width, [*cells, COLUMNS[column]])) + len(_GAP)
    rows = [[*cells, _lines(row[2], last)] for cells, row in zip(left, table.rows, strict=True)]
    widths = [
        max(width(line) for row in [[[c] for c in COLUMNS], *rows] for line in row[i])
        for i in range(len(COLUMNS))
    ]
    return [[[heading, "─" * w] for heading, w in zip(COLUMNS, widths, strict=True)], *rows]


def _lines(cell: Cell, columns: int) -> list[str]:
    return [line for part in cell for line in ([part] if isinstance(part, str) else wrapped(part, columns))]


def _aligned(rows: Sequence[Sequence[Sequence[str]]]) -> list[str]:
    """The rows' lines, each column as wide as its widest line."""
    lines = [cells for row in rows for cells in _transposed(row)]
    widths = [max(width(cells[i]) for cells in lines) for i in range(len(COLUMNS))]
    return [
        _GAP.join(cell + " " * (w - width(cell)) for cell, w in zip(cells, widths, strict=True)).rstrip()
        for cells in lines
    ]


def _transposed(row: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    height = max(map(len, row))
    padded = [[*cell, *[""] * (height - len(cell))] for cell in row]
    return list(zip(*padded, strict=True))


def _proofs(derivation: Derivation, table: AdjointTable) -> list[str]:
    """Which steps the lines are, and whether they are proved."""
    cited = []
    for label in table.labels:
        equation = derivation[label]
        cited.append(f"{label} ({short(equation.source[0])})" if equation.source else label)
    failed = [label for label in table.labels if derivation.status(label) != PROVED]
    verdict = f"NOT PROVED: {', '.join(failed)}." if failed else "All of these are proved:"
    lines = [verdict]
    for i, step in enumerate(cited):
        piece = step + ("," if i < len(cited) - 1 else ".")
        if i and width(f"{lines[-1]} {piece}") <= WIDTH:
            lines[-1] += f" {piece}"
        else:
            lines.append(f"  {piece}")
    return lines
