"""A spike in a network, seen by one neuron n that spikes and one target m that receives: names for all of it.

One of each is enough. At a spike, what happens to a target involves the spiking neuron and that target
alone, and every relation is linear in the derivatives, so the terms of several targets add: the sum over m
in the source is one term for each, and a bystander is a target with weight zero. ``verify`` checks this
lemma on three neurons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sympy import Expr, Matrix, S, Symbol

from saltus.derive import notation
from saltus.derive.spec import WEIGHT, ModelSpec, Receptor

SPIKING = "n"


@dataclass(frozen=True)
class Direction:
    """What the loss is differentiated with respect to.

    name: as it is written below the fraction; parameters: each parameter's derivative; weights: for each
    target, the derivative of the weight from n to it.
    """

    name: str
    parameters: Mapping[Symbol, Expr]
    weights: Mapping[str, Expr]


def along_weight(spec: ModelSpec, targets: tuple[str, ...]) -> Direction:
    """The weight from neuron i to neuron j: dw_mn/dw_ji is the Kronecker product delta_in delta_jm."""
    return Direction(
        "w_ji",
        {parameter.symbol: S.Zero for parameter in spec.parameters},
        {m: kronecker("i", SPIKING) * kronecker("j", m) for m in targets},
    )


def along_parameter(spec: ModelSpec, targets: tuple[str, ...]) -> Direction:
    """Any p, on which every parameter and weight may depend."""
    return Direction(
        "p",
        {parameter.symbol: notation.derivative(parameter.name, "p") for parameter in spec.parameters},
        {m: notation.derivative(f"w_{m}{SPIKING}", "p") for m in targets},
    )


def kronecker(first: str, second: str) -> notation.Quantity:
    """One where the two indices are the same neuron, zero elsewhere."""
    return notation.quantity(f"δ{notation.subscript(first + second)}", rf"\delta_{{{first}{second}}}")


@dataclass(frozen=True)
class Scene:
    """A model, a direction, and the neurons by name: ``SPIKING`` and the targets, each with its receptor."""

    spec: ModelSpec
    direction: Direction
    targets: Mapping[str, Receptor] = field(default_factory=dict)
    sender: str = SPIKING
    """Where the spike comes from: a neuron of the network, or an input."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the states."""
        return tuple(state.name for state in self.spec.states)

    def at(self, expression: Expr, neuron: str = "", side: str = "") -> Expr:
        """An expression of the spec, for one neuron on one side of a transition."""
        values: dict[Expr, Expr] = {s.symbol: notation.state(s.name, neuron, side) for s in self.spec.states}
        values |= {s.dot: notation.velocity(s.name, neuron, side) for s in self.spec.states}
        if neuron in self.targets:
            values[WEIGHT] = self.weight(neuron)
        return expression.xreplace(values)

    def weight(self, target: str) -> Symbol:
        """The weight of the synapse to a target."""
        return notation.weight(target, self.sender)

    def states(self, neuron: str = "", side: str = "") -> tuple[Symbol, ...]:
        """Its states."""
        return tuple(notation.state(name, neuron, side) for name in self.names)

    def velocities(self, neuron: str = "", side: str = "") -> tuple[Symbol, ...]:
        """Its states' time derivatives."""
        return tuple(notation.velocity(name, neuron, side) for name in self.names)

    def partials(self, neuron: str = "", side: str = "") -> tuple[Symbol, ...]:
        """Its states' derivatives along the direction, at fixed time."""
        return tuple(notation.partial(name, self.direction.name, neuron, side) for name in self.names)

    def adjoints(self, neuron: str = "", side: str = "") -> tuple[Symbol, ...]:
        """Its multipliers."""
        return tuple(notation.adjoint(name, neuron, side) for name in self.names)

    def momenta(self, neuron: str = "", side: str = "") -> tuple[Expr, ...]:
        """M^T lambda: what stands before each state's derivative in a boundary term."""
        mass = self.spec.mass.applyfunc(lambda entry: self.at(entry, neuron, side))
        return tuple(mass.T * Matrix(self.adjoints(neuron, side)))

    def given(self, neuron: str = "") -> dict[Symbol, Expr]:
        """The derivatives of the parameters, and of the weight to ``neuron``, along the direction."""
        known = dict(self.direction.parameters)
        if neuron in self.targets:
            known[self.weight(neuron)] = self.direction.weights[neuron]
        return known

    @property
    def time(self) -> Symbol:
        """The derivative of the spike time along the direction."""
        below, latex = notation.pretty_name(self.direction.name), notation.latex_name(self.direction.name)
        return notation.quantity(f"dtₖ/d{below}", rf"\frac{{dt_k}}{{d{latex}}}")

    @property
    def next_time(self) -> Symbol:
        """The same of the next spike."""
        below, latex = notation.pretty_name(self.direction.name), notation.latex_name(self.direction.name)
        return notation.quantity(f"dtₖ₊₁/d{below}", rf"\frac{{dt_{{k+1}}}}{{d{latex}}}")

    @property
    def gradient(self) -> Symbol:
        """The gradient of the loss."""
        below, latex = notation.pretty_name(self.direction.name), notation.latex_name(self.direction.name)
        return notation.quantity(f"dL/d{below}", rf"\frac{{d\mathcal{{L}}}}{{d{latex}}}")


SPIKE_LOSS = notation.quantity("∂l_p/∂tₖ", r"\frac{\partial l_p}{\partial t_k}")
"""The derivative of the loss of the spike times by this one."""
LOSS_BEFORE = notation.quantity("l⁻", "l^-")
LOSS_AFTER = notation.quantity("l⁺", "l^+")
LOSS_NEXT = notation.quantity("l⁻ₖ₊₁", "l^-_{k+1}")
"""The running loss just before the next spike."""
XI = notation.quantity("ξₖ", r"\xi_k")
"""The terms of the k-th spike."""


def loss_slope(name: str) -> Symbol:
    """The derivative of the running loss by a state."""
    return notation.derivative("l", name)
