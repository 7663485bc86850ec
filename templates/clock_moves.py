"""Gradients of a flow's parameters on the clock: by tangents forward, or by states times adjoints."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from saltus.templates.context import names_in
from saltus.templates.ir import Block, Flow, ModelIR
from saltus.templates.tangents import Tangents, tangents
from saltus.templates.tree import terms


@dataclass(frozen=True)
class Moves:
    """The tangents of a model that steps carry; nothing where they do not.

    names, scale, sensitivity: see ``Tangents``; slopes: the derivatives of entries; steps: the block of one
    step, if there is one; spike: what a spike's time gains; reset: what is left behind it.
    """

    names: dict[str, tuple[str, str]]
    parameters: tuple[str, ...]
    slopes: tuple[str, ...]
    steps: tuple[Block, ...]
    scale: Block | None = None
    sensitivity: Block | None = None
    spike: Block | None = None
    reset: Block | None = None

    @property
    def size(self) -> int:
        """Numbers of a neuron, or of a spike by parameter."""
        return max(len(self.names), len(self.parameters))

    @property
    def blocks(self) -> list[Block]:
        """All that do something."""
        found = (self.scale, self.sensitivity, *self.steps, self.spike, self.reset)
        return [block for block in found if block is not None and block.outputs]


_NOTHING = Moves({}, (), (), ())


def moves(model: ModelIR, swift: bool) -> Moves:
    """What is carried forward; swift: many steps go in one call, in which spikes are known to do no more than
    reset, and arrivals no more than add up.
    """
    if not swift or not isinstance(model.flow, Flow):
        return _NOTHING
    found = tangents(model, model.flow)
    if not found.names or any(block.outputs for block in found.arrivals):
        return _NOTHING
    return Moves(
        found.names,
        found.parameters,
        found.sensitivity.outputs,
        (found.step,),
        found.scale,
        found.sensitivity,
        *_at_spike(found),
    )


def _at_spike(found: Tangents) -> tuple[Block | None, Block | None]:
    """How a spike's time moves, and what the reset leaves: they are of different moments of a step."""
    if found.spike is None:
        return None, None
    left = [output for output in found.spike.outputs if output.endswith("_next")]
    gained = [output for output in found.spike.outputs if output not in left]
    return _part(found.spike, "moved", gained), _part(found.spike, "reset_tangents", left)


def _part(block: Block, name: str, outputs: list[str]) -> Block:
    """Some outputs of a block without locals."""
    body = tuple(assign for assign in block.body if assign.target in outputs)
    inputs = dict.fromkeys(name for assign in body for name in names_in(assign.value))
    return Block(name, tuple(inputs), tuple(outputs), body)


def products(model: ModelIR) -> set[tuple[str, str | None]]:
    """Each adjoint with each state (None: with 1) by whose product the flow's parameters gain."""
    states = [state.name for state in model.states]
    adjoints = [state.adjoint for state in model.states]
    if not isinstance(model.flow, Flow):
        return set(product(adjoints, [*states, None]))
    block = model.flow.parameters
    found = terms(block, (*states, *adjoints))
    pairs = {term for output in block.outputs for term in found[output]}
    return {
        (adjoint, state)
        for adjoint, state in product(adjoints, [*states, None])
        if frozenset({adjoint, state} - {None}) in pairs
    }


def moments(model: ModelIR) -> list[tuple[str, str | None, int]]:
    """These products, and the place of each among all of a neuron's."""
    states = [state.name for state in model.states]
    each = product([*states, None], [state.adjoint for state in model.states])
    found = products(model)
    return [(adjoint, state, i) for i, (state, adjoint) in enumerate(each) if (adjoint, state) in found]
