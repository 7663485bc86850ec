"""What a loss reads of a model, and where its derivatives enter the adjoint."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Expr, Integral, Matrix, S, Symbol

from saltus.derive import notation
from saltus.derive.derivation import Derivation
from saltus.derive.interval import T as TIME
from saltus.derive.model import ModelSpec
from saltus.derive.report_document import Section, Table
from saltus.derive.report_latex import latex
from saltus.derive.report_layout import Call, Layout, Relation, layout
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
        q, by = readout.integrand, _by(notation.named(readout.name))
        slopes = [
            equal(loss_slope(s.name), by * q.diff(s.symbol), "+=") for s in spec.states if q.has(s.symbol)
        ]
        gains = [(p.name, by * q.diff(p.symbol)) for p in spec.parameters if q.has(p.symbol)]
        shares = [equal(notation.total_derivative("L", p), Integral(gain, _RUN), "+=") for p, gain in gains]
        yield (
            (f"{readout.name}, an integral",),
            (_formula(layout(Integral(q, _RUN), reading)),),
            (*slopes, *shares),
        )
    for peak in spec.peaks:
        highest = Call("max", r"\max", (layout(peak.integrand, reading),))
        place = ("in the jump at the maximum,", "where it is called M")
        yield (f"{peak.name}, a maximum",), (_formula(highest),), place
    inverse = spec.mass.T.inv()
    for kind, at in (("a state at the end", "T"), ("a state at a given time", "s")):
        taken = [_at(notation.state(s.name), at) for s in spec.states]
        places = []
        for s, kick in zip(spec.states, inverse * Matrix([_by(state) for state in taken]), strict=True):
            before, after = (notation.adjoint(s.name, "", side) for side in ("-", "+"))
            end = _at(notation.adjoint(s.name), at)
            places.append(equal(end, -kick) if at == "T" else equal(before, after - kick))
        yield (kind,), tuple(f"${notation.latex(state)}$" for state in taken), tuple(places)


_RUN = (TIME, S.Zero, Symbol("T"))


def _formula(node: Layout) -> str:
    """A formula that is no equation, as prose."""
    return f"${latex(node)}$"


def _at(read: notation.Quantity, time: str) -> notation.Quantity:
    """The same at a time."""
    return notation.quantity(f"{notation.text(read)}({time})", f"{notation.latex(read)}({time})")


def _by(read: notation.Quantity) -> notation.Quantity:
    """The head's derivative by what is read."""
    below = notation.latex(read)
    return notation.quantity(f"∂H/∂{notation.text(read)}", rf"\frac{{\partial H}}{{\partial {below}}}")
