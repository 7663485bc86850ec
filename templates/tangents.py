"""How the states move with a neuron's own parameters while all spike times are held: blocks made from those of a model.

A neuron's parameter p reaches the loss in two ways: by the times t_k of the neuron's spikes, and by its states at the end.
With x_p the derivative of the states at held times of all spikes, and mu_k = dL/dt_k in full,

    dL/dp = sum_k mu_k dt_k/dp + dL/dx(T) . x_p(T),    dt_k/dp = -(dg/dx . x_p)/(dg/dt) just before t_k.

x_p is stepped forward with the states, neuron by neuron; mu_k is what the adjoints give. No state has to be kept for them.
What a parameter does within the transition itself is left to the adjoints' own rule (``Emission.parameters``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch

from saltus.errors import EmitError
from saltus.templates.context import names_in
from saltus.templates.ir import Assign, Block, Call, Const, Emission, Expr, Flow, Label, ModelIR, Op, Ref

_LABEL = Label("tangent")


@dataclass(frozen=True)
class Tangents:
    """The derivatives x_p that are not always zero, and what happens to them.

    names: ``<state>__<parameter>``, and of each its state and parameter; parameters: those with any;
    scale: for each parameter what its derivatives are in units of: factors that all of a stretch's have, each once;
    sensitivity: (dt, parameters) -> the derivatives of the entries, in these units;
    step: (entries, their derivatives, states before, x_p) -> x_p after a stretch, ``<name>_next``;
    spike: (states before, x_p before, ``guard_slope``, parameters) -> ``moved_<parameter>`` = dt_k/dp, and x_p behind;
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
    """The tangents of a model."""
    emission = model.emissions[0] if model.emissions else None
    sources = {a.target: a.value for a in flow.parameters.body}
    gained = {
        (state.name, p): derivative(sources[f"grad_{p}"], {f"costate_{state.name}": Const(1)})
        for state in model.states
        for p in (output.removeprefix("grad_") for output in flow.parameters.outputs)
    }
    jumps = [arrival.jump for arrival in model.arrivals]
    at_arrivals = {o.removeprefix("grad_") for arrival in model.arrivals for o in arrival.parameters.outputs}
    parameters = [p.name for p in model.parameters if f"grad_{p.name}" in sources or p.name in at_arrivals]
    names: dict[str, tuple[str, str]] = {}
    for p in parameters:
        own = _own(model.constants, p) if p in at_arrivals else {}
        found = {state for (state, q), gain in gained.items() if q == p and gain is not None}
        steps = [(flow.advance, {}), *((jump, own) for jump in jumps)]
        steps += [(emission.reset, {})] if emission else []
        while more := {
            target.removesuffix("_next")
            for block, also in steps
            for target in _moved(block, also | _moving(found, p))
        } - found:
            found |= more
        names |= {_name(s.name, p): (s.name, p) for s in model.states if s.name in found}
    moving = {p: _moving((s for s, q in names.values() if q == p), p) for p in parameters}

    def after(block: Block, also: Mapping[str, Mapping[str, Expr]], gains: bool) -> dict[str, Expr]:
        found: dict[str, Expr] = {}
        for name, (state, p) in names.items():
            moved = _moved(block, moving[p] | also.get(p, {})).get(f"{state}_next")
            terms = [moved, gained.get((state, p)) if gains else None]
            found[f"{name}_next"] = _sum([term for term in terms if term is not None]) or Const(0)
        return found

    owns = {p: _own(model.constants, p) for p in at_arrivals}
    slopes = {
        p: {name for (_, q), gain in gained.items() if q == p and gain for name in names_in(gain)}
        & set(flow.sensitivity.outputs)
        for p in parameters
    }
    constants = {parameter.name for parameter in model.parameters} | set(model.constants.outputs)
    scale = {p: [] if p in at_arrivals else _common(flow.sensitivity, slopes[p], constants) for p in parameters}
    units = {name: scale[p] for p in parameters for name in slopes[p]}
    return Tangents(
        names=names,
        parameters=tuple(parameters),
        scale=_block("scale", {f"scale_{p}": _product(factors) for p, factors in scale.items()}),
        sensitivity=_divided(flow.sensitivity, units),
        step=_block("tangents", after(flow.advance, {}, gains=True)),
        spike=_at_spike(emission, moving, after(emission.reset, {}, gains=False)) if emission else None,
        arrivals=tuple(
            _block(f"{arrival.receptor}_tangents", _changed(after(arrival.jump, owns, gains=False)))
            for arrival in model.arrivals
        ),
    )


def _at_spike(
    emission: Emission, moving: Mapping[str, Mapping[str, Expr]], behind: Mapping[str, Expr]
) -> Block:
    found: dict[str, Expr] = {}
    for p, moves in moving.items():
        lifted = _moved(emission.guard, moves).get("guard")
        slope = Ref("guard_slope")
        found[f"moved_{p}"] = Const(0) if lifted is None else Op("div", (_negated(lifted), slope))
    return _block("spike_tangents", found | _changed(behind))


def _common(block: Block, outputs: Collection[str], constants: Collection[str]) -> list[Expr]:
    """The factors, names of constants, that some outputs of a block share."""
    shared: Counter[Expr] | None = None
    for assign in block.body:
        if assign.target in outputs:
            factors = assign.value.args if isinstance(assign.value, Op) and assign.value.op == "mul" else ()
            found = Counter(f for f in factors if isinstance(f, Ref) and f.name in constants)
            shared = found if shared is None else shared & found
    return sorted((shared or Counter()).elements(), key=str)


def _divided(block: Block, units: Mapping[str, Sequence[Expr]]) -> Block:
    """A block with outputs in units of some of their factors."""
    body = []
    for assign in block.body:
        if units.get(assign.target):
            left = list(assign.value.args) if isinstance(assign.value, Op) else []
            for factor in units[assign.target]:
                left.remove(factor)
            assign = Assign(assign.target, _product(left), assign.label)
        body.append(assign)
    used = {name for assign in body for name in names_in(assign.value)}
    inputs = tuple(name for name in block.inputs if name in used)
    return Block("sensitivity", inputs, block.outputs, tuple(body))


def derivative(expr: Expr, moving: Mapping[str, Expr]) -> Expr | None:
    """How an expression moves with the names in it, whose own derivatives are ``moving``; None: not at all."""
    return _derivative(expr, moving)


@singledispatch
def _derivative(expr: Expr, moving: Mapping[str, Expr]) -> Expr | None:
    raise EmitError(f"{type(expr).__name__} has no derivative here. Use sums, products and quotients.")


@_derivative.register
def _(expr: Const, moving: Mapping[str, Expr]) -> Expr | None:
    return None


@_derivative.register
def _(expr: Ref, moving: Mapping[str, Expr]) -> Expr | None:
    return moving.get(expr.name)


@_derivative.register
def _(expr: Call, moving: Mapping[str, Expr]) -> Expr | None:
    (argument, *more) = expr.args
    inner = _derivative(argument, moving)
    if inner is None and not any(_derivative(other, moving) for other in more):
        return None
    if more or inner is None or expr.function not in ("exp", "log"):
        raise EmitError(f"{expr.function} has no derivative here. Use exp or log of one argument.")
    return _product([expr, inner]) if expr.function == "exp" else Op("div", (inner, argument))


@_derivative.register
def _(expr: Op, moving: Mapping[str, Expr]) -> Expr | None:
    parts = [_derivative(argument, moving) for argument in expr.args]
    if expr.op == "add":
        return _sum([part for part in parts if part is not None])
    if expr.op == "neg":
        return None if parts[0] is None else _negated(parts[0])
    if expr.op == "mul":
        return _sum(
            [
                _product([*expr.args[:i], part, *expr.args[i + 1 :]])
                for i, part in enumerate(parts)
                if part is not None
            ]
        )
    above, below = parts
    terms = [] if above is None else [above]
    terms += [] if below is None else [_negated(_product([expr, below]))]
    total = _sum(terms)
    return None if total is None else Op("div", (total, expr.args[1]))


def _moved(block: Block, moving: Mapping[str, Expr]) -> dict[str, Expr]:
    """The derivatives of a block's outputs that are not zero; its locals are written out."""
    known = dict(moving)
    locals_: dict[str, Expr] = {}
    found: dict[str, Expr] = {}
    for assign in block.body:
        value = _written_out(assign.value, locals_)
        moved = _derivative(value, known)
        locals_[assign.target] = value
        if moved is not None:
            known[assign.target] = moved
            if assign.target in block.outputs:
                found[assign.target] = moved
    return found


def _written_out(expr: Expr, locals_: Mapping[str, Expr]) -> Expr:
    if isinstance(expr, Ref):
        return locals_.get(expr.name, expr)
    if isinstance(expr, Op):
        return Op(expr.op, tuple(_written_out(argument, locals_) for argument in expr.args))
    if isinstance(expr, Call):
        return Call(expr.function, tuple(_written_out(argument, locals_) for argument in expr.args))
    return expr


def _own(constants: Block, p: str) -> dict[str, Expr]:
    """What moves with a parameter by itself: the parameter, and the constants made of it."""
    return {p: Const(1)} | _moved(constants, {p: Const(1)})


def _moving(states: Iterable[str], p: str) -> dict[str, Expr]:
    return {state: Ref(_name(state, p)) for state in states}


def _name(state: str, p: str) -> str:
    return f"{state}__{p}"


def _changed(found: Mapping[str, Expr]) -> dict[str, Expr]:
    return {target: value for target, value in found.items() if value != Ref(target.removesuffix("_next"))}


def _block(name: str, found: Mapping[str, Expr]) -> Block:
    inputs = dict.fromkeys(name for value in found.values() for name in names_in(value))
    body = tuple(Assign(target, value, _LABEL) for target, value in found.items())
    return Block(name, tuple(inputs), tuple(found), body)


def _sum(terms: list[Expr]) -> Expr | None:
    if len(terms) < 2:
        return terms[0] if terms else None
    parts = [term.args if isinstance(term, Op) and term.op == "add" else (term,) for term in terms]
    return Op("add", tuple(part for group in parts for part in group))


def _product(factors: list[Expr]) -> Expr:
    left = [factor for factor in factors if factor != Const(1)]
    signs = [factor for factor in left if isinstance(factor, Op) and factor.op == "neg"]
    if signs:
        return _negated(_product([f.args[0] if isinstance(f, Op) and f.op == "neg" else f for f in left]), len(signs))
    if len(left) < 2:
        return left[0] if left else Const(1)
    return Op("mul", tuple(left))


def _negated(expr: Expr, times: int = 1) -> Expr:
    """An expression with its sign changed so many times; signs stand in front of products."""
    if times % 2 == 0:
        return expr
    if isinstance(expr, Op) and expr.op == "neg":
        return expr.args[0]
    if isinstance(expr, Op) and expr.op == "mul":
        found = _product(list(expr.args))
        return Op("neg", (found,)) if found == expr else _negated(found)
    return Op("neg", (expr,))
