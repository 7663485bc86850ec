"""A distance of spike trains as a document: the filter, the kernel of pairs, and its derivative."""

from __future__ import annotations

from sympy import Expr

from saltus.derive import train_loss
from saltus.derive.report_document import DEFINITION, Document, Link, Section, Step
from saltus.derive.report_layout import Leaf, Relation, layout
from saltus.derive.report_reading import Reading
from saltus.derive.report_tables import parameter_tables
from saltus.derive.train_loss import TrainLossSpec


def train_document(spec: TrainLossSpec, name: str) -> Document:
    """The filter h, the kernel k and its derivative."""
    derivation = train_loss.derive(spec)
    reading = Reading((), tuple(p.name for p in spec.parameters))

    def step(label: str, symbol: str, value: Expr, why: str, after: tuple[str, ...]) -> Step:
        left = Leaf(symbol.replace("'", "′"), symbol, 4)
        links = tuple(Link(link, link) for link in after)
        return Step(label, (), Relation(left, layout(value, reading)), why, links, DEFINITION)

    steps = (
        step("loss.filter", "h(s)", spec.filter, "What a spike leaves behind, s seconds after it.", ()),
        step(
            "loss.kernel",
            "k(d)",
            derivation.kernel,
            "The overlap of what two spikes leave behind, d seconds apart, over that of one with itself,"
            " integrated by SymPy.",
            ("loss.filter",),
        ),
        step("loss.slope", "k'(d)", derivation.slope, "Its derivative.", ("loss.kernel",)),
    )
    section = Section(
        "kernel",
        "The kernel of pairs of spikes",
        "The loss of a neuron is half the sum of $k$ over all pairs of its own spikes and of target spikes,"
        " pairs of one of each counted negatively.",
        tables=parameter_tables(spec.parameters),
        steps=steps,
    )
    return Document(name, spec.title, spec.source, "A distance of spike trains in closed form.", (section,))
