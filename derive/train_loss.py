r"""Losses over all spikes of a train: the distance from a target train after a filter h.

With :math:`f = \sum_i h(t - t_i)` of a neuron's spikes and :math:`g = \sum_j h(t - s_j)` of the target's,

.. math:: D = \frac{1}{2 \int_0^\infty h^2 ds} \int_0^\infty (f - g)^2 dt
            = \frac12 \sum_{ij} k(t_i - t_j) - \sum_{ij} k(t_i - s_j) + \frac12 \sum_{ij} k(s_i - s_j), \qquad
          k(d) = \frac{\int_0^\infty h(s) h(s + |d|) ds}{\int_0^\infty h(s)^2 ds},

so that a spike alone has the distance 1/2. The filtered trains end long after the simulation. The integral k
and its derivative are SymPy's, and
:math:`\partial D / \partial t_i = \sum_j k'(t_i - t_j) - \sum_j k'(t_i - s_j)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import sympy
from sympy import Expr, Symbol

from saltus.derive import files, tables
from saltus.derive.arrange import Order, arrange, names_in
from saltus.derive.expressions import ELEMENTARY, Grammar, Place, parse_expression
from saltus.derive.model import Parameter
from saltus.derive.names import check_name
from saltus.templates import ir

SINCE = Symbol("s", positive=True)
"""Time since a spike, in seconds."""
DISTANCE = Symbol("d", positive=True)
"""Time between two spikes, in seconds."""


@dataclass(frozen=True)
class TrainLossSpec:
    """A distance of spike trains: ``filter`` is h in ``SINCE`` and parameters; ``target`` names the data."""

    name: str
    title: str
    source: str
    origin: str
    parameters: tuple[Parameter, ...]
    target: str
    filter: Expr


@dataclass(frozen=True)
class TrainLossDerivation:
    """k and k' in ``DISTANCE``."""

    spec: TrainLossSpec
    kernel: Expr
    slope: Expr


def is_train_loss(data: Mapping[str, object]) -> bool:
    """Whether the content of a spec file is that of a loss over all spikes of a train."""
    body = data.get("loss")
    return isinstance(body, Mapping) and "filter" in body


def load(loss: str | Path) -> TrainLossSpec:
    """The loss in a ``.toml`` file, or the shipped one of that name; raises ``SpecError`` if it is wrong."""
    text, origin = files.read("losses", loss)
    return from_dict(files.toml(text, origin), origin)


def from_dict(data: Mapping[str, object], origin: str = "loss") -> TrainLossSpec:
    """The loss that a dict with the content of a spec file describes.

    Raises:
        SpecError: if it is wrong (the message says where and what to write).
    """
    tables.check_keys(data, ("name", "title", "source", "parameters", "loss"), Place(origin))
    place = Place(origin, "loss")
    body = tables.subtable(data, "loss", place)
    tables.check_keys(body, ("data", "filter"), place)
    known = tables.subtable(body, "data", Place(origin, "loss", "data"))
    if list(known.values()) != ["spikes"]:
        raise Place(origin, "loss", "data").error(
            f"{known} is not one target train.", 'Write data = { target = "spikes" }.'
        )
    parameters = tables.parameters(data, origin)
    for parameter in parameters:
        if parameter.name in (SINCE.name, DISTANCE.name):
            raise Place(origin, "parameters", parameter.name).error(
                f"{parameter.name} is a time in filters.", "Choose another name."
            )
    names: dict[str, Expr] = {parameter.name: parameter.symbol for parameter in parameters}
    at = Place(origin, "loss", "filter")
    value = parse_expression(
        tables.text(body, "filter", place), Grammar(names | {SINCE.name: SINCE}, ELEMENTARY), at
    )
    spec = TrainLossSpec(
        name=check_name(tables.text(data, "name", Place(origin)), Place(origin, key="name")),
        title=tables.text(data, "title", Place(origin)),
        source=tables.text(data, "source", Place(origin), default=""),
        origin=origin,
        parameters=parameters,
        target=check_name(next(iter(known)), Place(origin, "loss", "data")),
        filter=value,
    )
    derive(spec)
    return spec


def derive(spec: TrainLossSpec) -> TrainLossDerivation:
    """The kernel of pairs of spikes, and its derivative.

    Raises:
        SpecError: if the filter does not fade, or the integral has no closed form.
    """
    later = spec.filter.subs(SINCE, SINCE + DISTANCE)
    product = sympy.powsimp(sympy.expand(spec.filter * later))
    overlap = sympy.integrate(product, (SINCE, 0, sympy.oo))
    alone = overlap.subs(DISTANCE, 0)
    if alone == 0 or overlap.has(sympy.Integral, sympy.oo, sympy.nan, sympy.zoo, sympy.Piecewise):
        raise Place(spec.origin, "loss", "filter").error(
            f'"{spec.filter}" has no overlap with itself in closed form.',
            "Write a filter that fades, such as exp(-s/tau), with positive time constants.",
        )
    kernel = _fading(overlap / alone)
    return TrainLossDerivation(spec, kernel, _fading(kernel.diff(DISTANCE)))


def _fading(value: Expr) -> Expr:
    """A sum of terms with one exponential each: products of rising and falling ones would overflow."""
    return sympy.powsimp(sympy.expand(sympy.cancel(value)), combine="exp")


def lower_train(spec: TrainLossSpec) -> ir.TrainIR:
    """The IR of a distance of spike trains."""
    derivation = derive(spec)
    parameters = [parameter.symbol for parameter in spec.parameters]
    order = Order.of(([DISTANCE], 1), (parameters, 0))
    return ir.TrainIR(
        name=spec.name,
        title=spec.title,
        source=spec.source,
        parameters=tuple(ir.Parameter(p.name, p.default, p.unit, p.positive, p.doc) for p in spec.parameters),
        target=spec.target,
        kernel=_block("kernel", derivation.kernel, order, parameters),
        slope=_block("slope", derivation.slope, order, parameters),
    )


def _block(name: str, value: Expr, order: Order, parameters: list[Symbol]) -> ir.Block:
    assign = ir.Assign(name, arrange(value, order), ir.Label(f"loss.{name}"))
    used = names_in(assign.value)
    inputs = tuple(s.name for s in (DISTANCE, *parameters) if s.name in used)
    return ir.Block(name, inputs, (name,), (assign,))
