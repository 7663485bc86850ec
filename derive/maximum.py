r"""The readout :math:`M = \max_t q(x(t), p)`: what it does to the adjoint where it is attained.

Inside a stretch without events :math:`\dot q = 0` at the maximum, so its time may move freely and

.. math:: \frac{dM}{dp} = q_x\cdot\frac{\partial x}{\partial p} + q_p, \qquad a^- = a^+ + \frac{\partial
          H}{\partial M}\, q_x, \quad \lambda^- = \lambda^+ - M^{-T} q_x \frac{\partial H}{\partial M}.

At a kink, where q rises into an event and falls after it, M moves with the event's time, too: that is worth
:math:`\dot q\,\partial H/\partial M`, with the velocity on the side where the adjoint takes up :math:`q_x`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy
from sympy import Expr

from saltus.derive.algebra import reduced, total
from saltus.derive.expressions import Place
from saltus.derive.flow import FlowSolution
from saltus.derive.flow_choice import AnySolution, NumericSolution
from saltus.derive.ladder import LadderRung, rungs_from
from saltus.derive.model import ModelSpec, Readout
from saltus.errors import DerivationError


@dataclass(frozen=True)
class MaximumRule:
    """q and what its maximum needs: for each unit of dH/dM, ``partials`` and ``parameters`` are gained."""

    name: str
    value: Expr
    slope: Expr
    """Its time derivative."""
    partials: Mapping[str, Expr]
    """State name -> dq/dx."""
    parameters: Mapping[str, Expr]
    """Name of a parameter that q uses -> dq/dp."""


def maximum_rule(spec: ModelSpec, readout: Readout) -> MaximumRule:
    """The rule for the maximum of ``readout.integrand``; ``spec`` is the model, or the model in a phase."""
    q = readout.integrand
    partials = {s.name: q.diff(s.symbol) for s in spec.states}
    parameters = {p.name: q.diff(p.symbol) for p in spec.all_parameters}
    return MaximumRule(
        name=readout.name,
        value=q,
        slope=reduced(total(q, dict(zip(spec.x, spec.vector_field, strict=True)))),
        partials={name: value for name, value in partials.items() if value != 0},
        parameters={name: value for name, value in parameters.items() if value != 0},
    )


def check_moves(spec: ModelSpec, readout: Readout) -> None:
    """Raises ``DerivationError`` if what is maximised stays as it is between events."""
    if maximum_rule(spec, readout).slope == 0:
        raise DerivationError(
            f"{Place(spec.origin, 'readouts', readout.name)}: {readout.integrand} does not move between "
            "events, so its maximum has no place.\nTake the maximum of a state that the dynamics change."
        )


def rungs(solution: AnySolution, readout: Readout) -> tuple[LadderRung, ...]:
    """The ladder that isolates the stationary points of q: q itself, its time derivative, and so on.

    ``solution`` is of the model's own dynamics or of a phase.

    Raises:
        DerivationError: if q is not linear in the states, or the flow is integrated step by step: then a
            maximum could be missed.
    """
    spec, q = solution.spec, readout.integrand
    place = Place(spec.origin, "readouts", readout.name)
    if sympy.Matrix([q]).jacobian(spec.x).has(*spec.x):
        raise DerivationError(
            f"{place}: max({q}) is not linear in the states, so its stationary points are not all found.\n"
            "Write a sum of states with factors of parameters."
        )
    if isinstance(solution, NumericSolution) or (
        isinstance(solution, FlowSolution) and not solution.is_linear
    ):
        raise DerivationError(
            f"{place}: max(...) needs linear dynamics, in all modes, so that no maximum is missed; those "
            "here are integrated step by step.\nRead out an integral instead, or at(...) at several times."
        )
    return rungs_from(solution, q)
