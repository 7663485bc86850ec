"""How the states move with a neuron's own parameters while all spike times are held, as blocks.

A parameter p of a neuron's flow reaches the loss by the times t_k of the neuron's spikes and by its states at
the end. With x_p the derivative of the states while all spikes keep their times, and mu_k = dL/dt_k in full,

    dL/dp = sum_k mu_k dt_k/dp + dL/dx(T) . x_p(T),    dt_k/dp = -(dg/dx . x_p)/(dg/dt) just before t_k.

x_p is stepped forward with the states, each neuron by itself, and mu_k is what the adjoints give, so no state
has to be kept for the way back. What a parameter does in the transition is left to ``Emission.parameters``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from saltus.templates.context import names_in
from saltus.templates.derivative import (
    block_derivatives,
    derivative,
    negative,
    product,
    total,
    without_sign,
)
from saltus.templates.ir import Assign, Block, Const, Emission, Expr, Flow, Label, ModelIR, Op, Ref


@dataclass(frozen=True)
class Tangents:
    """The derivatives x_p that are not always zero, and what happens to them.

    names: ``<state>__<parameter>``, and of each its state and parameter; parameters: those with any;
    scale: parameters -> ``scale_<parameter>``, what derivatives by it are in units of: the factors that the
    derivatives of all entries share, so that these are multiplied once and not in every stretch;
    sensitivity: (dt, parameters) -> the derivatives of the entries, in these units;
    step: (entries, their derivatives, states before, x_p) -> x_p after a stretch, ``<name>_next``;
    spike: (states before, x_p before, ``guard_slope``, parameters) -> ``moved_<parameter>`` = dt_k/dp, and
    x_p after it; None: the model does not spike;
    arrivals: for each receptor (states before, w, x_p, parameters) -> those that change.
    """

    names: dict[str, tuple[str, str]]
    parameters: tuple[str, ...]
    scale: Block
    sensitivity: Block
    step: Block
    spike: Block | None
    arrivals: tuple[Block, ...]

    @property
    def blocks(self) -> list[Block]:
        """All of them that do something."""
        found = (self.scale, self.sensitivity, self.step, self.spike, *self.arrivals)
        return [block for block in found if block is not None and block.outputs]


def tangents(model: ModelIR, flow: Flow) -> Tangents:
    """The tangents of a model with one transition at most."""
    emission = model.emissions[0] if model.emissions else None
    moves = _Moves(model, flow, emission)
    scale = {p: _common(flow.sensitivity, moves.slopes(p), moves.constants) for p in moves.parameters}
    for p in moves.at_arrivals:
        scale[p] = []
    units = {name: scale[p] for p in moves.parameters for name in moves.slopes(p)}
    return Tangents(
        names=moves.names,
        parameters=moves.parameters,
        scale=_block("scale", {f"scale_{p}": product(factors) for p, factors in scale.items()}),
        sensitivity=_in_units(flow.sensitivity, units),
        step=_block("tangents", moves.after(flow.advance, moves.gained)),
        spike=None if emission is None else _block("spike_tangents", moves.at_spike(emission)),
        arrivals=tuple(
            _block(f"{arrival.receptor}_tangents", _changed(moves.after(arrival.jump, {})))
            for arrival in model.arrivals
        ),
    )


class _Moves:
    """Which states move with which parameters, and how.

    gained: (state, parameter) -> what a stretch adds to x_p; at_arrivals: the parameters that arrivals have.
    """

    def __init__(self, model: ModelIR, flow: Flow, emission: Emission | None) -> None:
        sources = {assign.target: assign.value for assign in flow.parameters.body}
        outputs = [*flow.parameters.outputs, *(o for a in model.arrivals for o in a.parameters.outputs)]
        self.parameters = tuple(p.name for p in model.parameters if f"grad_{p.name}" in outputs)
        self.constants = (*(p.name for p in model.parameters), *model.constants.outputs)
        self.at_arrivals = [
            p for p in self.parameters if any(f"grad_{p}" in a.parameters.outputs for a in model.arrivals)
        ]
        self._slopes = set(flow.sensitivity.outputs)
        self._own = {
            p: {p: Const(1)} | block_derivatives(model.constants, {p: Const(1)}) for p in self.at_arrivals
        }
        self._jumps = {arrival.jump for arrival in model.arrivals}
        self.gained: dict[tuple[str, str], Expr] = {}
        for p in (output.removeprefix("grad_") for output in flow.parameters.outputs):
            for state in model.states:  # the gradient is sum over states of costate times what x_p gains
                gain = derivative(sources[f"grad_{p}"], {f"costate_{state.name}": Const(1)})
                if gain is not None:
                    self.gained[state.name, p] = gain
        blocks = [flow.advance, *self._jumps, *([emission.reset] if emission else [])]
        self.names = {
            _name(state.name, p): (state.name, p)
            for p in self.parameters
            for moved in [self._closure(p, blocks)]
            for state in model.states
            if state.name in moved
        }

    def slopes(self, p: str) -> set[str]:
        """The derivatives of entries by a parameter."""
        gains = [gain for (_, q), gain in self.gained.items() if q == p]
        return {name for gain in gains for name in names_in(gain)} & self._slopes

    def after(self, block: Block, gained: Mapping[tuple[str, str], Expr]) -> dict[str, Expr]:
        """x_p after a block that gives ``<state>_next``, by target."""
        found: dict[str, Expr] = {}
        for name, (state, p) in self.names.items():
            terms = [self._moved(block, p).get(f"{state}_next"), gained.get((state, p))]
            found[f"{name}_next"] = total([term for term in terms if term is not None]) or Const(0)
        return found

    def at_spike(self, emission: Emission) -> dict[str, Expr]:
        """How a spike's time moves, and x_p behind it."""
        found: dict[str, Expr] = {}
        for p in self.parameters:
            lifted = self._moved(emission.guard, p).get("guard")
            quotient = None if lifted is None else Op("div", (negative(lifted), Ref("guard_slope")))
            found[f"moved_{p}"] = quotient or Const(0)
        return found | _changed(self.after(emission.reset, {}))

    def _moved(self, block: Block, p: str) -> dict[str, Expr]:
        return self._derivatives(block, p, [state for state, q in self.names.values() if q == p])

    def _derivatives(self, block: Block, p: str, states: Iterable[str]) -> dict[str, Expr]:
        own = self._own.get(p, {}) if block in self._jumps else {}
        return block_derivatives(block, own | {state: Ref(_name(state, p)) for state in states})

    def _closure(self, p: str, blocks: Collection[Block]) -> set[str]:
        """The states that move with a parameter: those that gain by it, and those that they move."""
        found = {state for state, q in self.gained if q == p}
        while True:
            moved = {target for block in blocks for target in self._derivatives(block, p, found)}
            more = {target.removesuffix("_next") for target in moved} - found
            if not more:
                return found
            found |= more


def _common(block: Block, outputs: Collection[str], constants: Sequence[str]) -> list[Ref]:
    """The factors, names of constants, that some outputs of a block share, in the order of these."""
    values = [without_sign(assign.value) for assign in block.body if assign.target in outputs]
    found = [
        Counter(f for f in value.args if isinstance(f, Ref) and f.name in constants)
        if isinstance(value, Op) and value.op == "mul"
        else Counter[Ref]()
        for value in values
    ]
    shared = found[0] if found else Counter[Ref]()
    for other in found[1:]:
        shared &= other
    return sorted(shared.elements(), key=lambda factor: constants.index(factor.name))


def _in_units(block: Block, units: Mapping[str, list[Ref]]) -> Block:
    """A block whose outputs are in units of some of their factors."""
    body = tuple(Assign(a.target, _without(a.value, units.get(a.target, [])), a.label) for a in block.body)
    used = {name for assign in body for name in names_in(assign.value)}
    return Block("sensitivity", tuple(i for i in block.inputs if i in used), block.outputs, body)


def _without(expr: Expr, factors: Collection[Ref]) -> Expr:
    bare = without_sign(expr)
    if not factors or not isinstance(bare, Op):
        return expr
    left = list(bare.args)
    for factor in factors:
        left.remove(factor)
    return product(left) if bare == expr else negative(product(left))


def _name(state: str, p: str) -> str:
    return f"{state}__{p}"


def _changed(found: Mapping[str, Expr]) -> dict[str, Expr]:
    return {target: value for target, value in found.items() if value != Ref(target.removesuffix("_next"))}


def _block(name: str, found: Mapping[str, Expr]) -> Block:
    inputs = dict.fromkeys(name for value in found.values() for name in names_in(value))
    body = tuple(Assign(target, value, Label("tangent")) for target, value in found.items())
    return Block(name, tuple(inputs), tuple(found), body)
