"""What a loss reads of a model, and where its derivatives enter the adjoint."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Expr, Integral, Matrix, S, Symbol

from saltus.derive import notation
from saltus.derive.derivation import Derivation
from saltus.derive.interval import T as TIME
from saltus.derive.model import ModelSpec
from saltus.derive.report_document import Section, Table
from saltus.derive.report_layout import Call, Relation, layout
from saltus.derive.report_reading import Reading
from saltus.derive.report_tables import Cell
from saltus.derive.scene import SPIKE_LOSS, loss_slope

_PROSE = (
    "A loss is a smooth head $H$ over readouts. Its derivatives by them, which SymPy takes of the head"
    " (saltus derive of a loss shows them), are all that the adjoint needs, and each enters in one place."
)
_COLUMNS = ("Readout", "Value", "Where its derivative enters")


def readouts_section(spec: ModelSpec, derivation: Derivation, reading: Reading) -> Section:
    """Spike times, integrals, maxima and states, each with its place."""
    rows = tuple(_rows(spec, derivation, reading))
    return Section("readouts", "What a loss reads", _PROSE, tables=(Table("Readouts", _COLUMNS, rows),))


def _rows(spec: ModelSpec, derivation: Derivation, reading: Reading) -> Iterator[tuple[Cell, Cell, Cell]]:
    def equal(left: Expr, right: Expr, sign: str = "=") -> Relation:
        return Relation(layout(left, reading), layout(right, reading), sign)

    if any(transition.emits for transition in spec.transitions):
        label = next(label for label in derivation if label.startswith("transition.condition"))
        guard = derivation[label]
        time = equal(SPIKE_LOSS, _by(notation.quantity("tₖ", "t_k")))
        yield ("a spike's time",), (equal(guard.lhs, guard.rhs),), (time, "in the jump at the spike")
    for readout in spec.readouts:
        q, by = readout.integrand, _by(_written(readout.name))
        slopes = [
            equal(loss_slope(s.name), by * q.diff(s.symbol), "+=") for s in spec.states if q.has(s.symbol)
        ]
        gains = [(p.name, by * q.diff(p.symbol)) for p in spec.parameters if q.has(p.symbol)]
        shares = [equal(notation.total_derivative("L", p), Integral(gain, _RUN), "+=") for p, gain in gains]
        yield ("an integral",), (equal(_written(readout.name), Integral(q, _RUN)),), (*slopes, *shares)
    for peak in spec.peaks:
        highest = Call("max", r"\max", (layout(peak.integrand, reading),))
        value = Relation(layout(_written(peak.name), reading), highest)
        yield ("a maximum",), (value,), ("in the jump at the maximum,", "where it is called M")
    inverse = spec.mass.T.inv()
    for kind, at in (("a state at the end", "T"), ("a state at a given time", "s")):
        taken = [
            notation.quantity(f"{notation.pretty_name(s.name)}({at})", f"{notation.latex_name(s.name)}({at})")
            for s in spec.states
        ]
        kicks = inverse * Matrix([_by(state) for state in taken])
        yield (
            (kind,),
            tuple(f"${notation.latex_name(s.name)}({at})$" for s in spec.states),
            tuple(
                equal(
                    notation.adjoint(s.name, "", "-"),
                    (0 if at == "T" else notation.adjoint(s.name, "", "+")) - kick,
                )
                for s, kick in zip(spec.states, kicks, strict=True)
            ),
        )


_RUN = (TIME, S.Zero, Symbol("T"))


def _written(name: str) -> notation.Quantity:
    """A name of the spec as a symbol."""
    return notation.named(name)


def _by(read: notation.Quantity) -> notation.Quantity:
    """The head's derivative by what is read."""
    below = notation.latex(read)
    return notation.quantity(f"∂H/∂{notation.text(read)}", rf"\frac{{\partial H}}{{\partial {below}}}")
