"""What a jump of the states does to the guard: decided by algebra, for all states and parameters at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from sympy import Expr

from saltus.derive.algebra import reduced, total
from saltus.derive.model import ModelSpec, Receptor, Transition


def triggers(transition: Transition, spec: ModelSpec, receptor: Receptor) -> bool:
    """Whether an arrival can lift the guard over zero: whether its jump changes the guard."""
    jump = dict(zip(spec.x, receptor.jump, strict=True))
    return bool(reduced(transition.when.xreplace(jump) - transition.when) != 0)


def keeps_guard(spec: ModelSpec, transition: Transition) -> bool:
    r"""Whether a reset from :math:`g(x) = 0` leaves :math:`g(R(x)) = 0`: a bounce.

    Decided on the guard: a state in which g is affine is eliminated by g = 0. Where there is none, it holds
    if R leaves g as it is for every x.
    """
    return bool(_Reset(spec, transition).gain_at_zero == 0)


def never_rearms(spec: ModelSpec, transition: Transition) -> bool:
    r"""Whether it is certain that the guard is not below zero after the reset, nor falls below zero at once.

    A transition happens where g = 0 rises, or where an arrival has lifted it to :math:`g \ge 0`; after it a
    kernel demands :math:`g(R(x)) < 0`, or where g stays at zero, :math:`\dot g(R(x)) < 0`. False where that
    depends on values that are known in a run only, and where a phase follows, in which no guard is watched.
    """
    if transition.goto is not None:
        return False
    reset = _Reset(spec, transition)
    keeps = reset.gain_at_zero == 0
    lifted = any(triggers(transition, spec, receptor) for receptor in spec.receptors)
    if lifted and not _nonnegative(reduced(reset.gain)) and (keeps or not _nonnegative(reduced(reset.after))):
        return False
    if not keeps:
        return _nonnegative(reset.gain_at_zero)
    slope, slope_after = reset.slopes
    return _nonnegative(reset.at_zero(slope_after - slope)) or _nonnegative(
        reset.at_zero(slope_after / slope)
    )


def _nonnegative(value: Expr) -> bool:
    """Whether that is certain of all real states, and of parameters as they are declared."""
    return value.is_nonnegative is True


@dataclass(frozen=True)
class _Reset:
    """The guard on both sides of a reset, in terms of the states before."""

    spec: ModelSpec
    transition: Transition

    @property
    def guard(self) -> Expr:
        return self.transition.when

    @property
    def after(self) -> Expr:
        return self._put(self.guard)

    @property
    def gain(self) -> Expr:
        return self.after - self.guard

    @cached_property
    def gain_at_zero(self) -> Expr:
        return self.at_zero(self.gain)

    @property
    def slopes(self) -> tuple[Expr, Expr]:
        """The guard's time derivative before and after."""
        spec = self.spec
        slope = total(self.guard, dict(zip(spec.x, spec.vector_field, strict=True)))
        return slope, self._put(slope)

    @cached_property
    def at_zero(self) -> Callable[[Expr], Expr]:
        """The normal form of an expression where g = 0: a state in which g is affine is eliminated."""
        for state in self.spec.x:
            factor = reduced(self.guard.diff(state))
            if factor != 0 and not factor.has(state):
                value = reduced(state - self.guard / factor)
                return lambda expression: reduced(expression.xreplace({state: value}))
        return reduced

    def _put(self, expression: Expr) -> Expr:
        return expression.xreplace(dict(zip(self.spec.x, self.transition.reset, strict=True)))
