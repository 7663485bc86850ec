"""The derivatives of a loss as a document; for the loss of the source, its section 5.1 line by line."""

from __future__ import annotations

import sympy
from sympy import Expr, Symbol

from saltus.derive import loss, source
from saltus.derive.loss_spec import SPIKE_TIME, LossSpec
from saltus.derive.notation import subscript
from saltus.derive.report_document import (
    DEFINITION,
    PROVED,
    Document,
    Erratum,
    Link,
    Section,
    Step,
)
from saltus.derive.report_layout import Leaf, Relation, indexed, layout, plain_symbol, relation
from saltus.derive.report_reading import Reading
from saltus.derive.report_tables import parameter_tables
from saltus.derive.source_domains import Domain, losses

CLASSES = (2, 3, 4)
"""Numbers of classes for which the derivatives are compared with those of the loss written out."""
_SOURCE_LOSS = "first_spike_cross_entropy"


def loss_document(spec: LossSpec, name: str) -> Document:
    """The loss of one sample, its derivatives by what it reads of each class, and their proofs."""
    derivation = loss.derive(spec)
    reading = Reading((), tuple(p.name for p in spec.parameters))
    proved = all(left == 0 for n in CLASSES for left in loss.residuals(derivation, n))
    status = PROVED if proved else "not proved"
    numbers = ", ".join(map(str, CLASSES))
    steps = [_step("loss.value", _H, derivation.value, "The loss of one sample.", (), DEFINITION, reading)]
    for readout in spec.readouts:
        steps += _counted(readout, reading)
    for partial in derivation.partials:
        suffix = "" if len(derivation.partials) == 1 else f".{partial.readout.name}"
        steps += _derivatives(partial, suffix, spec.labelled, status, reading)
    what = "; ".join(_meaning(partial.readout) for partial in derivation.partials)
    sections = [
        Section(
            "derivatives",
            "The loss and its derivatives",
            f"For any number of classes; {what}. The derivatives are proved with the sums written out for"
            f" {numbers} classes, each label, each $k$.",
            tables=parameter_tables(spec.parameters),
            steps=tuple(steps),
        )
    ]
    if spec.value == loss.load(_SOURCE_LOSS).value:
        sections.append(_line_by_line())
    return Document(
        name,
        spec.title,
        spec.source,
        "The word *proved* stands where SymPy has reduced left side minus right side to zero while this was"
        " written. These derivatives enter the adjoint: those by a spike's time at the spike, those by a"
        " readout where the readout is taken.",
        tuple(sections),
    )


_H = Leaf("H", "H", 1)


def _derivatives(
    partial: loss.Partial, suffix: str, labelled: bool, status: str, reading: Reading
) -> list[Step]:
    """By the readout of any class; with a label, of the label's class and of another."""
    whole, symbol = f"loss.gradient{suffix}", partial.readout.name
    first = _step(
        whole,
        _by(symbol, "k"),
        partial.any,
        "Its derivative by what it reads of any class k, taken under the sums; each sum with a Kronecker"
        " symbol has collapsed to one term.",
        ("loss.value",),
        status,
        reading,
    )
    if not labelled:
        return [first]
    cases = (
        ("label", "label", partial.label, "By that of the label's neuron."),
        ("other", "k", partial.other, "By that of any other neuron."),
    )
    return [
        first,
        *(
            _step(f"{whole}.{case}", _by(symbol, index), value, why, (whole,), status, reading)
            for case, index, value, why in cases
        ),
    ]


def _counted(readout: loss.LossReadout, reading: Reading) -> list[Step]:
    """What is summed over all spikes of a neuron, and its derivative by the time of one: the limit of its
    difference quotient.
    """
    if readout.kernel is None:
        return []
    name, label = plain_symbol(readout.name), f"loss.{readout.name}"
    count = Leaf(f"{name.text}ₖ", indexed(name.latex, "k"), 4)
    by_time = Leaf(f"∂{count.text}/∂t", rf"\frac{{\partial {count.latex}}}{{\partial t}}", 4)
    slope, later = readout.kernel.diff(SPIKE_TIME), Symbol("h", real=True)
    moved = readout.kernel.subs(SPIKE_TIME, SPIKE_TIME + later) - readout.kernel
    proved = sympy.simplify(sympy.limit(moved / later, later, 0) - slope) == 0
    adds = Relation(count, layout(readout.kernel, reading), "+=")
    return [
        Step(f"{label}.kernel", (), adds, "What a spike at t adds.", (), DEFINITION),
        _step(
            f"{label}.slope",
            by_time,
            slope,
            "Its derivative; times that of the loss by the sum, it is the"
            " loss's derivative by the time of the spike.",
            (f"{label}.kernel",),
            PROVED if proved else "not proved",
            reading,
        ),
    ]


def _meaning(readout: loss.LossReadout) -> str:
    symbol = f"${readout.name}_k$"
    if readout.kernel is not None:
        return (
            f"{symbol} is a sum over all spikes of the neuron of class $k$, each of which adds what follows"
        )
    if readout.sampled:
        return f"{symbol} is a state of a neuron at a sample time, all pairs of which count as classes"
    if readout.spike is None:
        return f"{symbol} is the readout of the neuron of class $k$"
    spike = "first spike time" if readout.spike == 0 else f"time of spike number {readout.spike + 1}"
    return f"{symbol} is the {spike} of the neuron of class $k$"


def _by(symbol: str, index: str) -> Leaf:
    head = plain_symbol(symbol)
    below = index if len(index) == 1 else rf"\mathrm{{{index}}}"
    text = f"∂H/∂{head.text}{subscript(index)}"
    return Leaf(text, rf"\frac{{\partial H}}{{\partial {indexed(head.latex, below)}}}", 4)


def _step(
    label: str, left: Leaf, right: Expr, why: str, links: tuple[str, ...], status: str, reading: Reading
) -> Step:
    equation = Relation(left, layout(right, reading))
    return Step(label, (), equation, why, tuple(Link(i, i) for i in links), status)


def _line_by_line() -> Section:
    """Section 5.1 of the source: each of its equations, proved now against the derivatives."""
    known = {"loss": Domain(losses(), loss.reduced)}
    reading = Reading((), ("tau_0", "tau_1", "alpha"))
    steps = []
    for row in source.rows():
        if not row.id.startswith("5.1:"):
            continue
        claims = [c for c in row.claims if c.holds]
        proved = all((c.residual(known) == 0) == c.holds for c in row.claims)
        first = next(c.equation for c in claims)
        steps.append(
            Step(
                label=row.id,
                numbers=(),
                relation=relation(_batch(first.lhs), first.rhs, reading),
                why=f"{row.title}.",
                links=(),
                status=PROVED if proved else "not proved",
                erratum=_printed(row, reading),
            )
        )
    return Section(
        "source",
        "The source, line by line",
        "Its section 5.1, for a batch of two samples with three classes: $t_{i,k}$ is the time of class $k$"
        " in sample $i$, and sample $i$ has the label $i$.",
        "section 5.1",
        steps=tuple(steps),
    )


def _printed(row: source.Row, reading: Reading) -> Erratum | None:
    if row.status is not source.Status.ERRATUM:
        return None
    return Erratum(tuple(relation(e.lhs, e.rhs, reading) for e in row.printed), row.reason)


def _batch(left: Expr) -> Expr:
    """The source's left sides: a derivative by the label's time in sample 1, and by another's."""
    names = {"dL/dt_label": "dL/dt_1_1", "dL/dt_other": "dL/dt_1_3"}
    return Symbol(names.get(str(left), str(left)))
