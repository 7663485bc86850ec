r"""The readout :math:`Q = q(x(t_s), p)` of the state at a given time :math:`t_s(p)`, and of sums of such.

.. math:: \frac{dQ}{dp} = q_x\cdot\frac{\partial x}{\partial p} + q_p + \dot q\,\frac{dt_s}{dp}, \qquad
          a^- = a^+ + \frac{\partial H}{\partial Q}\,q_x .

The integral over a window is one of them: with :math:`\dot R = q`, :math:`R(0) = 0` it is
:math:`R(t_1) - R(t_0)`, and its derivative by a bound, :math:`\pm q` there, is :math:`\dot R`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr

from saltus.derive.algebra import reduced, total
from saltus.derive.expressions import Place
from saltus.derive.model import END, ModelSpec, Probe, Reading
from saltus.errors import DerivationError


@dataclass(frozen=True)
class ReadingRule:
    """One reading: for each unit of dH/dQ, ``partials`` and ``parameters`` are gained at ``time``."""

    value: Expr
    time: Expr | None
    """In parameters and ``END``; None: the end, or each of the times that a population lists."""
    partials: Mapping[str, Expr]
    """State name -> dq/dx."""
    parameters: Mapping[str, Expr]
    """Name of a parameter -> dq/dp, with what the reading gains as its time moves."""


def reading_rules(spec: ModelSpec, probe: Probe) -> tuple[ReadingRule, ...]:
    """The rule of each reading.

    Raises:
        DerivationError: if a time depends on parameters and what is read moves in one way or another,
            according to the phase.
    """
    return tuple(_rule(spec, probe, reading) for reading in probe.readings)


def _rule(spec: ModelSpec, probe: Probe, reading: Reading) -> ReadingRule:
    q, time = reading.value, reading.time
    partials = {s.name: q.diff(s.symbol) for s in spec.states}
    parameters = {p.name: q.diff(p.symbol) for p in spec.all_parameters}
    moved = {p.name: time.diff(p.symbol) for p in spec.all_parameters}
    if any(share != 0 for share in moved.values()):
        velocity = _velocity(spec, probe, q)
        parameters = {name: value + velocity * moved[name] for name, value in parameters.items()}
    return ReadingRule(
        q,
        None if time == END else time,
        {name: value for name, value in partials.items() if value != 0},
        {name: value for name, value in parameters.items() if value != 0},
    )


def _velocity(spec: ModelSpec, probe: Probe, q: Expr) -> Expr:
    """The time derivative of q, the same in all phases."""
    fields = [spec.vector_field, *(spec.in_phase(phase.name).vector_field for phase in spec.phases)]
    own, *others = [reduced(total(q, dict(zip(spec.x, field, strict=True)))) for field in fields]
    if any(reduced(own - other) != 0 for other in others):
        raise DerivationError(
            f"{Place(spec.origin, 'readouts', probe.name)}: the time of at({q}, ...) can be learned, and {q} "
            "moves in another way in another mode.\nWrite the time as a number, or integrate over a window."
        )
    return own
