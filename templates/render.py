"""Renders IR into C: dumb templates, StrictUndefined, and the same bytes for the same IR."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, singledispatch

import jinja2

from saltus.errors import EmitError
from saltus.templates import c_printer
from saltus.templates.ir import (
    AnyFlow,
    Block,
    Emission,
    Flow,
    HeadIR,
    MatrixFlow,
    ModelIR,
    NumericFlow,
    Reduce,
    dump,
)

ABI = 1
"""Raised whenever the C interface changes; a compiled kernel of another number is refused at load."""


@dataclass(frozen=True)
class Unit:
    """C sources by file name, and the declarations that cffi reads."""

    sources: Mapping[str, str]
    cdef: str


def event_unit(model: ModelIR) -> Unit:
    """The event engine of a group of one model: ``model.h``, ``exponentials.h``, ``event.h``, ``event.c``.

    Raises:
        EmitError: the model needs what the event engine does not do yet, in one sentence with the way out.
    """
    emission = _only_emission(model)
    flow = _closed_form(model)
    interface = _render("interface.h.jinja", {})
    names = _names(model)
    context = {
        **names,
        "abi": ABI,
        "header": _header(model, "event"),
        "model": model,
        "flow": flow,
        "emission": emission,
        "rungs": emission.ladder if emission else (),
        "adjoint_entries": [n for n in names["entries"] if n in flow.adjoint.inputs],
        "final_names": {
            f"final_{state.name}": f"final[{i} * g->n_pad + n]" for i, state in enumerate(model.states)
        },
        "search_parameters": _search_parameters(model, flow),
        "sections": _sections(model),
        "interface": interface,
        "arguments": _Arguments(names),
    }
    files = ("exponentials.h", "model.h", "event.h", "event.c")
    return Unit({name: _render(f"{name}.jinja", context) for name in files}, interface)


def network_unit(models: tuple[ModelIR, ...]) -> Unit:
    """The event engine of a recurrent network of populations of these models: ``network.h``, ``network.c``.

    Raises:
        EmitError: a model needs what the engine does not do yet, in one sentence with the way out.
    """
    states = max(len(model.states) for model in models)
    interface = _render("network_interface.h.jinja", {"states_max": states})
    context = {
        "abi": ABI,
        "header": _header(models, "network"),
        "interface": interface,
        "states_max": states,
        "names_of_models": [model.name for model in models],
        "models": [(model.name, bool(model.emissions)) for model in models],
        "adapters": [_adapter(model) for model in models],
    }
    files = ("exponentials.h", "network.h", "network.c")
    return Unit({name: _render(f"{name}.jinja", context) for name in files}, interface)


def _adapter(model: ModelIR) -> str:
    emission = _only_emission(model)
    names = _names(model)
    context = {
        **names,
        "prefix": model.name,
        "model": model,
        "flow": model.flow,
        "emission": emission,
        "rungs": emission.ladder if emission else (),
        "final_names": {f"final_{state.name}": f"final[{i}]" for i, state in enumerate(model.states)},
        "sections": _sections(model),
        "arguments": _Arguments(names),
    }
    return _render("adapter.c.jinja", context)


def head_unit(head: HeadIR) -> Unit:
    """A loss head: ``exponentials.h``, ``head.h``, ``head.c``."""
    interface = _render("head_interface.h.jinja", {})
    places = {"t": "times", "label": "label[b]", "k": "k"}
    places |= {parameter.name: f"parameters[{i}]" for i, parameter in enumerate(head.parameters)}
    context = {
        "header": _header(head, "head"),
        "head": head,
        "interface": interface,
        "head_arguments": lambda block: ", ".join(["classes", *(places[name] for name in block.inputs)]),
    }
    files = ("exponentials.h", "head.h", "head.c")
    return Unit({name: _render(f"{name}.jinja", context) for name in files}, interface)


def _only_emission(model: ModelIR) -> Emission | None:
    if len(model.emissions) > 1:
        raise EmitError(
            f"{model.name} has {len(model.emissions)} transitions, and the event engine takes one. "
            "Split the model, or keep the transition that sends spikes."
        )
    emission = model.emissions[0] if model.emissions else None
    if emission is not None and len(emission.ladder) < 3:
        raise EmitError(
            f"{model.name}: the guard of {emission.name} has {len(emission.ladder)} rungs, and the event "
            "engine takes guards of two modes or more. Use a model whose guard sees a driven state."
        )
    return emission


class _Arguments:
    """Prints the arguments of a block's call: each input by the pattern of its kind, each output by address.

    A pattern holds ``{}`` for the name and may hold ``{i}`` for its index within the kind.
    """

    def __init__(self, names: Mapping[str, list[str]]) -> None:
        self._kinds = {
            name: (kind, i)
            for kind, members in (
                ("x", names["states"]),
                ("y", names["adjoints"]),
                ("p", names["parameters"] + names["constants"]),
                ("k", names["entries"]),
            )
            for i, name in enumerate(members)
        }

    def __call__(
        self,
        block: Block,
        x: str | None,
        y: str | None,
        p: str | None,
        k: str | None,
        names: Mapping[str, str],
    ) -> str:
        patterns = {"x": x, "y": y, "p": p, "k": k}
        inputs = []
        for name in block.inputs:
            kind, index = self._kinds.get(name, (None, 0))
            pattern = patterns[kind] if kind else names.get(name, name)
            if pattern is None:
                raise EmitError(
                    f"{block.name} needs {name}, which its caller does not have. Pass its pattern."
                )
            inputs.append(pattern.replace("{}", name).replace("{i}", str(index)) if kind else pattern)
        return ", ".join(inputs + [f"&{name}" for name in block.outputs])


def _names(model: ModelIR) -> dict[str, list[str]]:
    return {
        "states": [state.name for state in model.states],
        "adjoints": [state.adjoint for state in model.states],
        "parameters": [parameter.name for parameter in model.parameters],
        "constants": list(model.constants.outputs),
        "entries": list(model.flow.entries) if isinstance(model.flow, Flow) else [],
    }


def _search_parameters(model: ModelIR, flow: Flow) -> list[str]:
    parameters = [*(parameter.name for parameter in model.parameters), *model.constants.outputs]
    used: set[str] = set(flow.propagator.inputs)
    for emission in model.emissions:
        blocks = [emission.slope, emission.reset, *(b for r in emission.ladder for b in (r.value, r.rate))]
        used.update(*(block.inputs for block in blocks))
    return [name for name in parameters if name in used]


def _closed_form(model: ModelIR) -> Flow:
    """The flow, if the kernel for feed-forward and dense recurrent groups can take the model."""
    linear = all(arrival.linear and not arrival.triggers for arrival in model.arrivals)
    if not isinstance(model.flow, Flow) or model.modes or model.inputs or model.peaks or not linear:
        raise EmitError(
            f"{model.name} is more than linear dynamics with one mode and current-like synapses, "
            "which is all that the fast kernel takes. Use the network kernel."
        )
    return model.flow


@singledispatch
def _flow_blocks(flow: AnyFlow) -> list[Block]:
    raise EmitError(f"{type(flow).__name__} has no kernel. Use one of the flows of templates.ir.")


@_flow_blocks.register
def _(flow: Flow) -> list[Block]:
    return [flow.propagator, flow.advance, flow.adjoint, flow.parameters]


@_flow_blocks.register
def _(flow: MatrixFlow) -> list[Block]:
    return [flow.matrix, flow.derivatives]


@_flow_blocks.register
def _(flow: NumericFlow) -> list[Block]:
    return [flow.field, flow.pull]


def _sections(model: ModelIR) -> list[tuple[str, list[Block]]]:
    sections = [
        ("constants", [model.constants]),
        ("the flow between events", _flow_blocks(model.flow)),
        ("the ends", [model.terminal, model.initial]),
    ]
    for emission in model.emissions:
        ladder = [block for rung in emission.ladder for block in (rung.value, rung.rate)]
        rules = [emission.slope, emission.reset, emission.adjoint, emission.parameters]
        sections.append((f"emission: {emission.name}", ladder + rules))
    for arrival in model.arrivals:
        rules = [arrival.jump, arrival.adjoint, arrival.credit, arrival.weight, arrival.parameters]
        sections.append((f"arrival: {arrival.receptor}", rules))
    return [(title, [block for block in blocks if block.outputs]) for title, blocks in sections]


def _header(ir: ModelIR | HeadIR | tuple[ModelIR, ...], what: str) -> str:
    parts = ir if isinstance(ir, tuple) else (ir,)
    digest = hashlib.sha256(b"".join(dump(part) for part in parts)).hexdigest()[:12]
    specs = ", ".join(f"{part.name}.toml" for part in parts)
    return (
        f"Made by `saltus emit` from {specs} ({what}; ir.json {digest}). Do not edit: "
        "change the spec or the templates and run it again."
    )


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


def _render(template: str, context: Mapping[str, object]) -> str:
    text = _environment().get_template(template).render(context)
    return "\n".join(line.rstrip() for line in text.split("\n"))
