"""A network at a glance, for notebooks: its populations, its projections, what it learns and reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from saltus.runtime.losses.head import Loss
from saltus.runtime.losses.trains import TrainLoss

if TYPE_CHECKING:
    from saltus.runtime.members import Members
    from saltus.runtime.network import Network
    from saltus.runtime.synapses import Synapses

Row = Sequence[str]
_POPULATIONS = ("population", "model", "neurons", "readouts", "learns", "runs on")
_PROJECTIONS = ("projection", "from → to", "receptor", "synapses", "weights", "delays", "learns")


def overview_html(net: Network) -> str:
    """Tables of the network as it is now; a fragment, which needs no style and loads nothing."""
    on = f", steps of {net.config.dt:g} s" if net.config.dt is not None else ""
    losses = "; ".join(
        f"{term.weight:g} × {_loss(term.objective)} of {term.population}" for term in net.terms
    )
    return "\n".join(
        [
            '<div class="saltus">',
            f"<p><strong>Network</strong>, {net.config.engine} engine{on}, T = {net.horizon:g} s,"
            f" {sum(value.size for value in net.parameters().values())} numbers learned</p>",
            _table(_POPULATIONS, [*_inputs(net), *(_population(net, m) for m in net.populations.values())]),
            _table(_PROJECTIONS, [_projection(net, s) for s in net.synapses.values()]),
            f"<p>Loss: {escape(losses or 'none; gradients start from what they are given')}</p>",
            "</div>",
        ]
    )


def _inputs(net: Network) -> Iterable[Row]:
    return ((name, "given spikes", str(size), "", "", "") for name, size in net.inputs.items())


def _population(net: Network, members: Members) -> Row:
    ir = members.model.ir
    reads = ["spikes"] if members.model.spikes else []
    reads += [*ir.integrals, *(peak.name for peak in ir.peaks), *(probe.name for probe in ir.probes)]
    kernel, _, _ = net.groups[members.group].explanation.partition(":")
    return (
        members.name,
        members.model.name,
        str(members.size),
        ", ".join(reads),
        _learned(net, members.name),
        kernel.rstrip("."),
    )


def _projection(net: Network, synapses: Synapses) -> Row:
    receptors = net.populations[synapses.post].model.ir.arrivals
    count = len(synapses.all_ends().pre)
    kind = f"{count}, dense" if synapses.ends is None and synapses.mask is None else f"{count}, sparse"
    delays = "none" if synapses.delays is None else f"{_range(synapses.delays)} s"
    return (
        synapses.name,
        f"{synapses.pre} → {synapses.post}",
        receptors[synapses.receptor].receptor,
        kind,
        _range(synapses.weights),
        delays,
        _learned(net, synapses.name),
    )


def _range(values: NDArray[np.float64]) -> str:
    if values.size == 0:
        return "none"
    low, high = float(values.min()), float(values.max())
    return f"{low:.3g}" if low == high else f"{low:.3g} … {high:.3g}"


def _learned(net: Network, owner: str) -> str:
    names = (name.partition(".") for name in net.learnable)
    return ", ".join(parameter for of, _, parameter in names if of == owner)


@singledispatch
def _loss(objective: object) -> str:
    """The name of the loss's spec; of one without a spec, of its kind."""
    return type(objective).__name__


@_loss.register
def _(objective: Loss) -> str:
    return objective.head.name


@_loss.register
def _(objective: TrainLoss) -> str:
    return objective.trains.name


def _table(columns: Row, rows: Iterable[Row]) -> str:
    head = "".join(f'<th style="text-align: left">{escape(column)}</th>' for column in columns)
    body = "".join(
        "<tr>" + "".join(f'<td style="text-align: left">{escape(cell)}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
