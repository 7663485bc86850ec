"""Renders IR into C: dumb templates, StrictUndefined, and the same bytes for the same IR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import jinja2

from saltus.errors import EmitError
from saltus.templates import c_printer
from saltus.templates.context import (
    Arguments,
    header,
    names_of,
    only_emission,
    reaches,
    read_at_the_end,
    sections,
    shared_names,
)
from saltus.templates.ir import AnyLoss, Block, Emission, Flow, HeadIR, ModelIR, Reduce, TrainIR
from saltus.templates.naming import in_c
from saltus.templates.near import TERMS, merged, near, nodes_of
from saltus.templates.posts import LENGTH, REACH, posts
from saltus.templates.tangents import Tangents, tangents

ABI = 3
"""Raised whenever the C interface changes; a compiled kernel of another number is refused at load."""


@dataclass(frozen=True)
class Unit:
    """C sources by file name, and the declarations that cffi reads."""

    sources: Mapping[str, str]
    cdef: str


def why_not_fast(model: ModelIR) -> str | None:
    """Why the fast kernel (``event_unit``) does not take a model, in a sentence; None where it does."""
    try:
        _closed_form(model)
        _two_modes(model)
    except EmitError as refusal:
        return str(refusal)
    return None


@in_c
def event_unit(model: ModelIR) -> Unit:
    """The event engine of a group of one model: ``model.h``, ``exponentials.h``, ``event.h``, ``event.c``.

    Raises:
        EmitError: the model needs what the event engine does not do yet, in one sentence with the way out.
    """
    flow = _closed_form(model)
    emission = _two_modes(model)
    interface = render("interface.h.jinja", {})
    names = names_of(model, flow)
    moving = tangents(model, flow)
    motion = merged("motion", (flow.propagator, moving.sensitivity))
    plans = [near(flow.propagator), near(motion)]
    additive = all(arrival.additive for arrival in model.arrivals)
    context = {
        **names,
        "abi": ABI,
        "header": header(model, "event"),
        "model": model,
        "flow": flow,
        "emission": emission,
        "rungs": emission.ladder if emission else (),
        "exact_top": emission is not None and emission.exact_top,
        "slopes": flow.sensitivity.outputs,
        "nodes": nodes_of(flow.propagator),
        "own_lengths": tuple((str(terms), terms) for terms in (*TERMS, 0)),
        "lengths": (("brief", "SALTUS_BRIEF"), ("short", "SALTUS_SHORT"), ("any", 0)),
        "motion": motion,
        "near": plans,
        "posts": posts(plans[-1].more),
        "posts_reach": REACH,
        "posts_length": LENGTH,
        "span_terms": next(n for n, widest in TERMS.items() if widest >= 2.0 * LENGTH),
        "superpose": additive,
        "by_spans": additive and model.costate is not None,
        "tangents": moving,
        "gains_alike": {
            arrival.receptor
            for arrival in model.arrivals
            if set(arrival.weight.inputs) <= {*names["adjoints"], *shared_names(model)}
        },
        "adjoint_entries": [n for n in names["entries"] if n in flow.adjoint.inputs],
        "final_names": {
            f"final_{state.name}": f"final[{i} * g->n_pad + n]" for i, state in enumerate(model.states)
        },
        "prefix": "model",
        "tag": "model",
        "peak": False,
        "kicked": _kicked(model),
        "read_at_the_end": read_at_the_end(model),
        "reaches": reaches,
        "search_parameters": _search_parameters(model, flow),
        "sections": _with_tangents(model, flow, moving),
        "interface": interface,
        "arguments": Arguments(names),
    }
    files = ("exponentials.h", "model.h", "event.h", "event.c")
    return Unit({name: render(f"{name}.jinja", context) for name in files}, interface)


@in_c
def head_unit(head: HeadIR) -> Unit:
    """A loss head: ``exponentials.h``, ``head.h``, ``head.c``."""
    counts = [readout for readout in head.readouts if readout.kernel is not None]
    interface = render("head_interface.h.jinja", {"counts": counts})
    arrays = (*(readout.name for readout in head.readouts), *head.targets)
    places = {parameter.name: f"parameters[{i}]" for i, parameter in enumerate(head.parameters)}
    places |= {"label": "label[b]"}
    context = {
        "header": header(head, "head"),
        "head": head,
        "partials": list(zip(head.readouts, head.partials, strict=True)),
        "blocks": [*head.sums, head.value, *(b for p in head.partials for b in (p.label, p.other) if b)],
        "arrays": arrays,
        "counts": counts,
        "count_call": lambda block: (
            f"{c_printer.function_name(block, 'head')}"
            f"({', '.join(places.get(name, 'time[i]') for name in block.inputs)})"
        ),
        "interface": interface,
        "head_call": lambda block: (
            f"{c_printer.function_name(block, 'head')}"
            f"({', '.join(places.get(name, name) for name in c_printer.head_inputs(block))})"
        ),
    }
    files = ("exponentials.h", "head.h", "head.c")
    return Unit({name: render(f"{name}.jinja", context) for name in files}, interface)


@in_c
def train_unit(trains: TrainIR) -> Unit:
    """A distance of spike trains: ``exponentials.h``, ``trains.h``, ``trains.c``."""
    interface = render("trains_interface.h.jinja", {})
    places = {parameter.name: f"parameters[{i}]" for i, parameter in enumerate(trains.parameters)}
    context = {
        "header": header(trains, "trains"),
        "trains": trains,
        "interface": interface,
        "call": lambda block, distance: (
            f"{c_printer.function_name(block, 'train')}"
            f"({', '.join(({'d': distance} | places)[name] for name in block.inputs)})"
        ),
    }
    files = ("exponentials.h", "trains.h", "trains.c")
    return Unit({name: render(f"{name}.jinja", context) for name in files}, interface)


def loss_unit(loss: AnyLoss) -> Unit:
    """A loss of either kind."""
    return head_unit(loss) if isinstance(loss, HeadIR) else train_unit(loss)


def _with_tangents(model: ModelIR, flow: Flow, moving: Tangents) -> list[tuple[str, list[Block]]]:
    """The sections of a model whose parameters' gradients come from tangents."""
    unused = [flow.sensitivity, flow.parameters, *(arrival.parameters for arrival in model.arrivals)]
    kept = [(title, [b for b in blocks if b not in unused]) for title, blocks in sections(model)]
    return [*kept, ("the derivatives by a neuron's own parameters", moving.blocks)]


def _kicked(model: ModelIR) -> list[str]:
    """The states that arrivals change."""
    changed = {name for arrival in model.arrivals for name in c_printer.changed(arrival.jump)}
    return [state.name for state in model.states if f"{state.name}_next" in changed]


def _search_parameters(model: ModelIR, flow: Flow) -> list[str]:
    parameters = [*(parameter.name for parameter in model.parameters), *model.constants.outputs]
    used: set[str] = set(flow.propagator.inputs)
    for emission in model.emissions:
        blocks = [emission.slope, emission.reset, *(b for r in emission.ladder for b in (r.value, r.rate))]
        used.update(*(block.inputs for block in blocks))
    return [name for name in parameters if name in used]


def _two_modes(model: ModelIR) -> Emission | None:
    emission = only_emission(model)
    if emission is not None and len(emission.ladder) < 3:
        raise EmitError(
            f"{model.name}: the guard of {emission.name} has {len(emission.ladder)} rungs, and the fast "
            "kernel takes guards of two modes or more. Use the network kernel."
        )
    if emission is not None and emission.keeps_guard:
        raise EmitError(
            f"{model.name}: {emission.name} leaves its guard at zero, and the fast kernel's search does not "
            "leave that out. Use the network kernel."
        )
    return emission


def _closed_form(model: ModelIR) -> Flow:
    """The flow, if the kernel for feed-forward and dense recurrent groups can take the model."""
    if not isinstance(model.flow, Flow) or (more := _more(model, model.flow)):
        why = " and ".join(more) if isinstance(model.flow, Flow) else "has a flow without a closed form"
        raise EmitError(
            f"{model.name} {why}, and the fast kernel takes no such model. Use the network kernel."
        )
    return model.flow


def _more(model: ModelIR, flow: Flow) -> list[str]:
    """What a model has beyond linear dynamics, linear readouts and current-like synapses."""
    found = [f"has the phase {mode.name}" for mode in model.modes]
    found += [f"is given the input {name}" for name in model.inputs]
    found += [f"reads the maximum {peak.name}" for peak in model.peaks]
    found += [f"has a jump at {a.receptor} that is not linear" for a in model.arrivals if not a.linear]
    found += [f"spikes at once by an arrival at {a.receptor}" for a in model.arrivals if a.triggers]
    if not flow.propagator.outputs:
        found.append("has states that only jump")
    if {state.name for state in model.states} & set(flow.adjoint.inputs):
        found.append("integrates a polynomial of its states")
    return found


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("saltus.templates", "kernels"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters.update(
        function_name=_function_name,
        wrapped=c_printer.wrapped,
        signature=c_printer.signature,
        vector_signature=c_printer.vector_signature,
        vector_statement=c_printer.vector_statement,
        head_signature=c_printer.head_signature,
        statement=c_printer.statement,
        expression=c_printer.expression,
        changed=c_printer.changed,
        is_reduction=lambda expr: isinstance(expr, Reduce),
        stem=lambda name: name.removesuffix("_next"),
        gradient_of=lambda name: name.removeprefix("grad_"),
        prefix=lambda name, prefix: prefix + name,
        suffix=lambda name, suffix: name + suffix,
    )
    return environment


@jinja2.pass_context
def _function_name(context: jinja2.runtime.Context, block: Block, prefix: str | None = None) -> str:
    return c_printer.function_name(block, prefix or context.get("prefix", "model"))


def render(template: str, context: Mapping[str, object]) -> str:
    """The text of a template of ``kernels/``, without spaces at line ends."""
    text = _environment().get_template(template).render(context)
    return "\n".join(line.rstrip() for line in text.split("\n"))
