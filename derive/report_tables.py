"""Tables 1 and 2 of the source for any model, from the labels of its derivation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import sympy
from sympy import S, Symbol

from saltus.derive import notation
from saltus.derive.derivation import Derivation, Equation
from saltus.derive.model import Parameter
from saltus.derive.report_document import Table, names_of
from saltus.derive.report_layout import (
    Layout,
    Leaf,
    Relation,
    layout,
    relation,
    summed_over_targets,
)
from saltus.derive.report_reading import Part, Reading
from saltus.derive.scene import SPIKING

COLUMNS = ("Free dynamics", "Transition", "Jumps at the transition")
_INDICES = "mqrsuv"
Cell = tuple[Relation | str, ...]


@dataclass(frozen=True)
class AdjointTable:
    """Table 2: one row a transition; the gradients below it; the labels of what it shows."""

    rows: tuple[tuple[Cell, Cell, Cell], ...]
    gradients: tuple[Relation, ...]
    labels: tuple[str, ...]

    def _repr_html_(self) -> str:
        from saltus.derive.report_pages import table_html

        return table_html("The adjoint", self)

    def _repr_latex_(self) -> str:
        from saltus.derive.report_pages import table_latex

        return table_latex(self)


def table_1(derivation: Derivation) -> Table:
    """The forward model: its dynamics solved for the velocities' terms, and what its transitions do."""
    reading = names_of(derivation)
    free = tuple(_explicit(derivation[f"dynamics.{name}"], reading) for name in reading.states)
    rows: list[tuple[Cell, Cell, Cell]] = []

    def changes(found: Iterable[Equation]) -> Cell:
        return tuple(_relation(e, reading) for e in found if not _keeps(e, reading))

    for suffix in _transitions(derivation):
        entered = changes(e for e in derivation.values() if _enters(e.label, suffix))
        rows.append(
            (free if not rows else (), _condition(derivation, suffix, reading), entered or (_NOTHING,))
        )
    if triggered := _under(derivation, "trigger.reset."):
        rows.append(((), _TRIGGER, changes(triggered)))
    if not rows:
        received = changes(_under(derivation, "input.receive"))
        rows.append((free, ("a spike arrives",) if received else ("none",), received))
    for phase in _phases(derivation):
        held: Cell = (f"in {phase.name}:", *(_explicit(e, reading) for e in phase.under("dynamics.")))
        rows.append((held, phase.ends, changes(phase.under("end.reset.")) or (_NOTHING,)))
    return Table("Table 1: the model", COLUMNS, tuple(rows))


def table_2(derivation: Derivation) -> AdjointTable:
    """The adjoint: its dynamics in reversed time, what transitions do to it, and the gradients."""
    reading = names_of(derivation)
    odes = _under(derivation, "adjoint.ode.")
    free: Cell = tuple(_relation(e, reading) for e in odes)
    used = [e.label for e in odes]
    rows: list[tuple[Cell, Cell, Cell]] = []

    def changes(jumps: list[Equation], *worths: Equation) -> Cell:
        used.extend(e.label for e in (*jumps, *worths))
        moved = tuple(_relation(e, reading) for e in jumps if not _keeps(e, reading))
        rest = () if len(moved) == len(jumps) else (f"every other {_KEPT}" if moved else _KEPT,)
        return (*moved, *rest, *(_relation(e, reading) for e in worths))

    for suffix in _transitions(derivation):
        jumps, labels = _jumps(derivation, suffix, reading)
        rows.append((free if not rows else (), _condition(derivation, suffix, reading), jumps))
        used += labels
    if triggered := _under(derivation, "trigger.jump."):
        jumps = (*changes(triggered, derivation["trigger.credit"]), "which the arrival gains")
        rows.append(((), _TRIGGER, jumps))
    if not rows:
        arrivals = [e for e in _under(derivation, "input") if ".jump." in e.label]
        rows.append(
            (free, ("a spike arrives",) if arrivals else ("none",), changes(arrivals) if arrivals else ())
        )
    for phase in _phases(derivation):
        odes = phase.under("adjoint.ode.")
        used += [e.label for e in odes]
        held: Cell = (f"in {phase.name}:", *(_relation(e, reading) for e in odes))
        (worth,) = phase.under("end.credit")
        jumps = (*changes(phase.under("end.jump."), worth), "which the spike that began it gains")
        rows.append((held, phase.ends, jumps))
    for kind, when in (("maximum", "inside a stretch"), ("kink", "at an arrival")):
        for name in dict.fromkeys(_name_after(e.label) for e in _under(derivation, f"{kind}.jump.")):
            found = [e for e in _under(derivation, f"{kind}.jump.") if _name_after(e.label) == name]
            worths = [e for e in _under(derivation, f"{kind}.worth.") if e.label.endswith(name)]
            which = f": {name.removeprefix('.')}" if name else ""
            rows.append(((), (f"a maximum {when}{which}",), changes(found, *worths)))
    gradients = [e for e in derivation.values() if _is_gradient(e.label)]
    return AdjointTable(
        tuple(rows),
        tuple(_gradient(derivation, e, reading) for e in gradients),
        (*used, *(e.label for e in gradients)),
    )


_NOTHING = "nothing changes"
_KEPT = "λ⁻ = λ⁺"
_TRIGGER: Cell = ("an arrival lifts the", "guard over zero")


def parameter_tables(parameters: Sequence[Parameter]) -> tuple[Table, ...]:
    """The parameters with default, unit and meaning; no table where there is none."""
    rows = tuple(
        (
            (Relation(layout(p.symbol, Reading()), _number(p.default)),),
            (p.unit if p.unit != "1" else "",),
            (p.doc,),
        )
        for p in parameters
    )
    return (Table("Parameters", ("Default", "Unit", "Meaning"), rows),) if rows else ()


def _number(value: float) -> Leaf:
    """A number as it is written by hand: 0.02, or with a power of ten."""
    written = f"{value:.12g}"
    digits, _, exponent = written.partition("e")
    latex = rf"{digits} \cdot 10^{{{int(exponent)}}}" if exponent else digits
    return Leaf(written, latex, len(written))


def as_tables(table: AdjointTable) -> tuple[Table, Table]:
    """Table 2 and its gradients, as tables of a document."""
    gradients = tuple(((equation,),) for equation in table.gradients)
    return (
        Table("Table 2: the adjoint, backward in time", COLUMNS, table.rows),
        Table("Gradients", ("Gradient",), gradients),
    )


def _jumps(derivation: Derivation, suffix: str, reading: Reading) -> tuple[Cell, list[str]]:
    """What a spike does to the multipliers: in the general form, and where the reset is to zero."""
    found = [e for e in derivation.values() if _ends(e.label, suffix) and _is_jump(e.label)]
    moved = [e for e in found if not _keeps(e, reading)]
    kept = [e for e in found if e not in moved]
    cell: list[Relation | str] = [_relation(e, reading) for e in moved]
    labels = [e.label for e in found]
    for equation in derivation.values():
        if not (equation.label.startswith("jump.emission") and ".table" in equation.label):
            continue
        if not _ends(equation.label, suffix):
            continue
        zero = _reset_parameters(derivation, reading)
        remark = ", ".join(f"{notation.text(p)} = 0" for p in zero)
        at_zero = replace(equation, rhs=equation.rhs.xreplace(dict.fromkeys(zero, S.Zero)))
        cell += [f"that is, for {remark}," if zero else "that is,", _relation(at_zero, reading)]
        labels.append(equation.label)
    if kept:
        cell.append("every other λ⁻ = λ⁺" if moved else "λ⁻ = λ⁺")
    return tuple(cell), labels


def _gradient(derivation: Derivation, equation: Equation, reading: Reading) -> Relation:
    """The gradient; that of a phase comes on top of the rest."""
    made = _relation(_at_receptor(derivation, equation), reading)
    return replace(made, sign="+=") if equation.label.startswith("phase.") else made


def _at_receptor(derivation: Derivation, gradient: Equation) -> Equation:
    """The same gradient, said to be at a receptor where there are several."""
    names = [label.rpartition(".")[2] for label in derivation if label.startswith("gradient.input.")]
    sums = [label for label in derivation if label.startswith("gradient.weight.sum")]
    place = sums.index(gradient.label) if gradient.label in sums else None
    if len(names) > 1 and place is not None and place < len(names):
        return replace(gradient, over=f"{gradient.over} at {names[place]}")
    receptor = gradient.label.removeprefix("gradient.input.")
    return replace(gradient, over=f"{gradient.over} at {receptor}") if receptor in names else gradient


def _reset_parameters(derivation: Derivation, reading: Reading) -> tuple[Symbol, ...]:
    """Parameters that are what a state is reset to."""
    values = [derivation[label].rhs for label in derivation if label.startswith("reset.")]
    plain = [v for v in values if isinstance(v, Symbol) and not isinstance(v, notation.Quantity)]
    return tuple(v for v in dict.fromkeys(plain) if reading.mark(v).part is Part.PARAMETER)


def _condition(derivation: Derivation, suffix: str, reading: Reading) -> Cell:
    """The guard is zero, and its slope is not."""
    guard = derivation[f"transition.condition{suffix}"]
    time = derivation[f"implicit.time{suffix}"].lhs
    slope = sympy.expand(derivation[f"implicit{suffix}"].lhs).coeff(time)
    zero = layout(S.Zero, reading)
    return (_relation(guard, reading), Relation(layout(slope, reading), zero, "≠"))


def _explicit(equation: Equation, reading: Reading) -> Relation:
    """The dynamics with the velocities on the left."""
    terms = sympy.Add.make_args(sympy.expand(equation.rhs))
    moving = [t for t in terms if any(reading.mark(s).part is Part.VELOCITY for s in t.free_symbols)]
    rest = sympy.Add(*(term for term in terms if term not in moving))
    about = frozenset(f"x{reading.mark(s).name}" for t in moving for s in t.free_symbols)
    return Relation(layout(sympy.Add(*moving), reading), layout(-rest, reading, about))


def _relation(equation: Equation, reading: Reading) -> Relation:
    over = "k" if equation.over == "intervals and spikes" else equation.over
    made = relation(equation.lhs, equation.rhs, reading, over)
    own = notation.text(equation.lhs)
    others = [m for m in _INDICES if not own.endswith(f"){notation.subscript(m)}")]
    return replace(made, right=with_sums(made.right, others))


def with_sums(node: Layout, indices: Iterable[str] = _INDICES) -> Layout:
    """The same with a sum over the targets where the derivation speaks of one, by weight or values."""
    weights = {notation.text(notation.weight(m, SPIKING)): m for m in indices}
    return summed_over_targets(node, weights | {f"){notation.subscript(m)}": m for m in indices})


def _keeps(equation: Equation, reading: Reading) -> bool:
    """Whether a value is the same on both sides."""
    if not (isinstance(equation.lhs, Symbol) and isinstance(equation.rhs, Symbol)):
        return False
    return replace(reading.mark(equation.lhs), side=0) == replace(reading.mark(equation.rhs), side=0)


def _transitions(derivation: Derivation) -> list[str]:
    """What the labels of each transition end in: nothing where there is one."""
    first = "transition.condition"
    return [label.removeprefix(first) for label in derivation if label.startswith(first)]


@dataclass(frozen=True)
class _Phase:
    """A phase by the labels of its steps, which begin with ``phase.`` and its name."""

    derivation: Derivation
    name: str
    duration: str

    def under(self, prefix: str) -> list[Equation]:
        """Its steps whose labels go on so."""
        return _under(self.derivation, f"phase.{self.name}.{prefix}")

    @property
    def ends(self) -> Cell:
        """When it ends."""
        return (f"{notation.pretty_name(self.duration)} after", f"{self.name} began")


def _phases(derivation: Derivation) -> list[_Phase]:
    """The phases, in order."""
    first = "gradient.duration."
    marks = [label.removeprefix(first).split(".") for label in derivation if label.startswith(first)]
    return [_Phase(derivation, name, duration) for duration, name in marks]


def _name_after(label: str) -> str:
    """What a label ends in after the name of a state: of which maximum it is, where there are several."""
    parts = label.split(".")
    return "".join(f".{part}" for part in parts[3:])


def _under(derivation: Derivation, prefix: str) -> list[Equation]:
    return [equation for equation in derivation.values() if equation.label.startswith(prefix)]


def _ends(label: str, suffix: str) -> bool:
    return not suffix or label.endswith(suffix)


def _enters(label: str, suffix: str) -> bool:
    parts = label.removesuffix(suffix).split(".") if suffix else label.split(".")
    return _ends(label, suffix) and len(parts) == 2 and parts[0] in ("reset", "receive")


def _is_jump(label: str) -> bool:
    return label.startswith(("jump.emission", "jump.arrival")) and ".table" not in label


def _is_gradient(label: str) -> bool:
    of_a_phase = label.startswith("phase.") and ".gradient." in label and ".gradient.input" not in label
    return of_a_phase or label.startswith(
        (
            "gradient.weight.sum",
            "gradient.input",
            "arrival.credit",
            "gradient.parameter",
            "gradient.duration",
            "gradient.initial",
        )
    )
