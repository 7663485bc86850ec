"""Divided differences of exp over nodes near zero: those of a block together, which is cheap.

Near zero exp is its Taylor polynomial, and Horner's scheme gives more than its value: the coefficients on the
way are those of the quotient by (x - node), so the same scheme once more, at the next node, gives the divided
difference over both, and so on along a chain of nodes. Two identities then spare most chains:

- the recurrence, ``f[S, x] = f[S, y] + (x - y) f[S, x, y]``, in which nothing cancels near zero;
- a shift of all nodes, as exp is its own derivative: ``f[S] = sum of f[S, x] over the nodes x of S``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from saltus.templates.context import names_in
from saltus.templates.ir import Assign, Block, Call, Const, Expr, Label, Op, Ref

TERMS = {6: 2.0**-6, 8: 2.0**-4, 12: 5 * 2.0**-4, 15: 5 * 2.0**-3}
"""The lengths of polynomials for which kernels have versions of loops, and how far from zero nodes may be
for each: see saltus_terms in exponentials.h."""

_Key = tuple[int, ...]
"""Nodes by index: the distinct ones in order, then the repeated ones in order."""


@dataclass(frozen=True)
class Chain:
    """What Horner's scheme gives at ``node`` from the quotient ``of`` (None: from the polynomial itself).

    ``depth`` nodes come before; so many terms later it begins.
    """

    target: str
    node: Assign
    of: str | None
    depth: int


@dataclass(frozen=True)
class NearBlock:
    """A block with its exponentials in the cheap form.

    nodes: those that are written; chains: the longest first; more: by how much the polynomial is longer than
    for exp alone; steps: by target, what follows from the chains, in order; body: what they give.
    """

    block: Block
    nodes: tuple[Assign, ...]
    chains: tuple[Chain, ...]
    more: int
    steps: tuple[tuple[str, str], ...]
    body: tuple[Assign, ...]


def nodes_of(block: Block) -> Block:
    """The nodes of a block's exponentials, as a block."""
    nodes = _nodes(block)
    used = {name for node in nodes for name in names_in(node.value)}
    inputs = tuple(name for name in block.inputs if name in used)
    return Block("nodes", inputs, tuple(node.target for node in nodes), nodes)


def merged(name: str, blocks: Iterable[Block]) -> Block:
    """Several blocks as one, so that they share their exponentials."""
    blocks = list(blocks)
    body = dict.fromkeys(assign for block in blocks for assign in block.body)
    outputs = tuple(output for block in blocks for output in block.outputs)
    inputs = dict.fromkeys(i for block in blocks for i in block.inputs if i not in outputs)
    return Block(name, tuple(inputs), outputs, tuple(body))


def near(block: Block) -> NearBlock:
    """A block with its exponentials in the cheap form."""
    nodes = _nodes(block)
    values = [node.value for node in nodes]
    wanted: set[_Key] = set()

    def name(call: Call) -> Ref:
        key = _key(values.index(argument) for argument in call.args)
        wanted.add(key)
        return Ref(_name(key))

    body = tuple(Assign(a.target, _replaced(a.value, name), a.label) for a in block.body)
    keys, steps = _plan(wanted, nodes)
    chains = tuple(
        Chain(_name(key), nodes[key[-1]], _name(key[:-1]) if key[:-1] else None, len(key) - 1) for key in keys
    )
    # A chain from zero begins with the polynomial's own coefficients: that node may be written nowhere.
    written = {chain.node.target for chain in chains if chain.of or chain.node.value != Const(0)}
    written.update(word for text in steps.values() for word in re.findall(r"\w+", text))
    return NearBlock(
        block=block,
        nodes=tuple(node for node in nodes if node.target in written),
        chains=chains,
        more=max((chain.depth for chain in chains), default=0),
        steps=tuple((_name(key), text) for key, text in steps.items()),
        body=body,
    )


def _nodes(block: Block) -> tuple[Assign, ...]:
    """The distinct nodes, zero first: where a chain begins there it costs nothing."""
    found = dict.fromkeys(argument for a in block.body for call in _calls(a.value) for argument in call.args)
    ordered = sorted(found, key=lambda node: node != Const(0))
    return tuple(Assign(f"saltus_node_{i}", node, Label("flow.nodes")) for i, node in enumerate(ordered))


def _plan(wanted: Iterable[_Key], nodes: Sequence[Assign]) -> tuple[list[_Key], dict[_Key, str]]:
    """Chains, the longest first, and what follows from them, in an order in which it can be computed."""
    chains: set[_Key] = set()
    steps: dict[_Key, str] = {}
    for key in sorted(wanted, key=lambda key: (-len(key), key)):
        known = chains | steps.keys()
        if key in known:
            continue
        text = _by_recurrence(key, known, nodes) or _by_shift(key, known)
        if text is not None:
            steps[key] = text
            continue
        for i in range(1, len(key) + 1):
            chains.add(key[:i])
            steps.pop(key[:i], None)
    return sorted(chains, key=lambda key: (-len(key), key)), steps


def _by_recurrence(key: _Key, known: Set[_Key], nodes: Sequence[Assign]) -> str | None:
    for x in sorted(set(key)):
        rest = list(key)
        rest.remove(x)
        for y in range(len(nodes)):
            other, both = _key([*rest, y]), _key([*key, y])
            if y != x and other in known and both in known:
                return f"{_name(other)} + ({nodes[x].target} - {nodes[y].target}) * {_name(both)}"
    return None


def _by_shift(key: _Key, known: Set[_Key]) -> str | None:
    rest = key[:-1]
    others = [_key([*rest, x]) for x in rest if x != key[-1]]
    if len(set(rest)) == len(rest) and key[-1] in rest and known >= {rest, *others}:
        return " - ".join(map(_name, [rest, *others]))
    return None


def _key(nodes: Iterable[int]) -> _Key:
    ordered = sorted(nodes)
    distinct = sorted(set(ordered))
    for node in distinct:
        ordered.remove(node)
    return (*distinct, *ordered)


def _name(key: _Key) -> str:
    return "_".join(["saltus_exp", *map(str, key)])


def _calls(expr: Expr) -> Iterator[Call]:
    if isinstance(expr, Call):
        yield expr
    if isinstance(expr, Op):
        for argument in expr.args:
            yield from _calls(argument)


def _replaced(expr: Expr, name: Callable[[Call], Ref]) -> Expr:
    if isinstance(expr, Call):
        return name(expr)
    if isinstance(expr, Op):
        return Op(expr.op, tuple(_replaced(argument, name) for argument in expr.args))
    return expr
