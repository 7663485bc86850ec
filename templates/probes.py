"""Renders the readouts of the state at given times: a unit of one model that any engine can use."""

from __future__ import annotations

from dataclasses import dataclass

from saltus.templates.context import Arguments, header, names_of, probe_blocks
from saltus.templates.ir import Block, ModelIR
from saltus.templates.naming import in_c
from saltus.templates.render import Unit, render


@dataclass(frozen=True)
class _Row:
    """A reading of a model, by its number among all."""

    index: int
    name: str
    time: Block | None
    value: Block
    partials: Block
    parameters: Block


@in_c
def probe_unit(model: ModelIR) -> Unit:
    """What is read of the states, and its derivatives: ``exponentials.h``, ``probes.h``, ``probes.c``."""
    interface = render("probes_interface.h.jinja", {})
    names = names_of(model, model.flow)
    readings = [(probe.name, reading) for probe in model.probes for reading in probe.readings]
    sections = [("constants", [model.constants] if model.constants.outputs else []), *probe_blocks(model)]
    context = {
        **names,
        "header": header(model, "probes"),
        "interface": interface,
        "model": model,
        "prefix": model.name,
        "readings": [
            _Row(i, name, reading.time, reading.value, reading.partials, reading.parameters)
            for i, (name, reading) in enumerate(readings)
        ],
        "sections": [(title, blocks) for title, blocks in sections if blocks],
        "arguments": Arguments(names),
    }
    files = ("exponentials.h", "probes.h", "probes.c")
    return Unit({name: render(f"{name}.jinja", context) for name in files}, interface)
