"""What a loss reads of a model, and where its derivatives enter the adjoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sympy import Expr, Integral, Matrix, S

from saltus.derive import notation
from saltus.derive.derivation import Derivation
from saltus.derive.model import END, TIME, ModelSpec
from saltus.derive.probe import reading_rules
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
        over = (TIME, *(readout.window or (S.Zero, END)))
        slopes = [
            equal(loss_slope(s.name), by * q.diff(s.symbol), "+=") for s in spec.states if q.has(s.symbol)
        ]
        gains = [(p.name, by * q.diff(p.symbol)) for p in spec.parameters if q.has(p.symbol)]
        shares = [equal(notation.total_derivative("L", p), Integral(gain, over), "+=") for p, gain in gains]
        where = ("in the window, whose bounds gain ±q",) if readout.window else ()
        value = _formula(layout(Integral(q, over), reading))
        yield (f"{readout.name}, an integral",), (value,), (*slopes, *shares, *where)
    for peak in spec.peaks:
        highest = Call("max", r"\max", (layout(peak.integrand, reading),))
        place = ("in the jump at the maximum,", "where it is called M")
        bounds = [_formula(layout(bound, reading)) for bound in peak.window or ()]
        when = (f"from {bounds[0]} to {bounds[1]}",) if bounds else ()
        yield (f"{peak.name}, a maximum",), (_formula(highest), *when), place
    inverse = spec.mass.T.inv()
    for probe in spec.probes:
        for read, rule in zip(probe.readings, reading_rules(spec, probe), strict=True):
            by = _by(notation.named(probe.name))
            shares = [
                equal(notation.total_derivative("L", p), by * gain, "+=")
                for p, gain in rule.parameters.items()
            ]
            kicks = inverse * Matrix([read.value.diff(x) for x in spec.x]) * _by(notation.named(probe.name))
            at = "each listed time" if probe.listed else f"t = {notation.text(read.time)}"
            yield (
                (f"{probe.name}, a state at a time",),
                (_formula(layout(read.value, reading)), f"at {at}"),
                (
                    *(
                        _kick(equal, s.name, kick)
                        for s, kick in zip(spec.states, kicks, strict=True)
                        if kick != 0
                    ),
                    *shares,
                ),
            )
    for kind, at in (("a state at the end", "T"), ("a state at a given time", "s")):
        taken = [_at(notation.state(s.name), at) for s in spec.states]
        places = []
        for s, kick in zip(spec.states, inverse * Matrix([_by(state) for state in taken]), strict=True):
            end = _at(notation.adjoint(s.name), at)
            places.append(equal(end, -kick) if at == "T" else _kick(equal, s.name, kick))
        yield (kind,), tuple(f"${notation.latex(state)}$" for state in taken), tuple(places)


def _kick(equal: Callable[[Expr, Expr], Relation], name: str, kick: Expr) -> Relation:
    """The jump of a multiplier."""
    before, after = (notation.adjoint(name, "", side) for side in ("-", "+"))
    return equal(before, after - kick)


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
