"""Renders the network kernel: one unit for populations of any of an ordered tuple of models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import singledispatch

from saltus.templates.context import Arguments, header, names_of, only_emission, sections
from saltus.templates.ir import AnyFlow, Arrival, Flow, MatrixFlow, Mode, ModelIR, NumericFlow, Rung
from saltus.templates.naming import in_c
from saltus.templates.render import ABI, Unit, render


@in_c
def network_unit(models: tuple[ModelIR, ...]) -> Unit:
    """The event engine of a recurrent network of populations of these models: ``network.h``, ``network.c``.

    Raises:
        EmitError: a model needs what the engine does not do yet, in one sentence with the way out.
    """
    states = max(len(model.states) for model in models)
    sizes = {"states_max": states, "peaks_max": max(1, *(len(model.peaks) for model in models))}
    interface = render("network_interface.h.jinja", sizes)
    flows = [flow for model in models for flow in (model.flow, *(mode.flow for mode in model.modes))]
    context = {
        **sizes,
        "abi": ABI,
        "header": header(models, "network"),
        "interface": interface,
        "names_of_models": [model.name for model in models],
        "models": [_row(model) for model in models],
        "adapters": [_adapter(model) for model in models],
        "numeric": any(isinstance(flow, NumericFlow) for flow in flows),
    }
    files = ("exponentials.h", "network.h", "network.c")
    return Unit({name: render(f"{name}.jinja", context) for name in files}, interface)


@dataclass(frozen=True)
class _ModeRow:
    """A row of a model's table of modes.

    duration: index of a parameter, -1 for a mode that lasts; stepwise: crossings are sought step by step.
    """

    tag: str
    crosses: bool
    ends: bool
    duration: int
    next: int
    stepwise: bool


@dataclass(frozen=True)
class _ModelRow:
    """A row of the table of models; triggers: bits of the receptors that can make a spike; keeps_guard: as in
    ``Emission``.
    """

    name: str
    modes: tuple[_ModeRow, ...]
    spikes: bool
    triggered: bool
    after_spike: int
    triggers: int
    keeps_guard: bool
    peaks: int
    windowed: bool


def _row(model: ModelIR) -> _ModelRow:
    emission = only_emission(model)
    parameters = [parameter.name for parameter in model.parameters]
    base = _ModeRow(f"{model.name}_own", emission is not None, False, -1, 0, not isinstance(model.flow, Flow))
    modes = [
        _ModeRow(f"{model.name}_{mode.name}", False, True, parameters.index(mode.duration), mode.goto, False)
        for mode in model.modes
    ]
    return _ModelRow(
        model.name,
        (base, *modes),
        emission is not None,
        emission is not None and emission.triggered is not None,
        emission.goto if emission else 0,
        sum(1 << i for i, arrival in enumerate(model.arrivals) if arrival.triggers),
        emission is not None and emission.keeps_guard,
        len(model.peaks),
        windowed(model),
    )


def _adapter(model: ModelIR) -> str:
    """The functions of one model that the network calls."""
    emission = only_emission(model)
    names = names_of(model, model.flow)
    ladder = emission.ladder if emission else ()
    own = _mode(model, f"{model.name}_own", model.flow, model.arrivals, ladder, None)
    others = [
        _mode(model, f"{model.name}_{mode.name}", mode.flow, mode.arrivals, (), mode) for mode in model.modes
    ]
    context = {
        **_context(model, names),
        "emission": emission,
        "sections": sections(model),
        "mode_parts": [own, *others],
        "windowed": windowed(model),
    }
    return render("adapter.c.jinja", context)


def windowed(model: ModelIR) -> bool:
    """Whether a maximum is sought in a window."""
    return any(peak.window is not None for peak in model.peaks)


def _mode(
    model: ModelIR,
    tag: str,
    flow: AnyFlow,
    arrivals: tuple[Arrival, ...],
    ladder: tuple[Rung, ...],
    mode: Mode | None,
) -> str:
    place = None if mode is None else model.modes.index(mode)
    peak_rungs = [peak.ladder if place is None else peak.phases[place] for peak in model.peaks]
    ladders = [_peak_ladder(model, tag, i, flow, rungs) for i, rungs in enumerate(peak_rungs)]
    context = {
        **_context(model, names_of(model, flow)),
        "tag": tag,
        "flow": flow,
        "peak_rungs": peak_rungs,
        "peak_ladders": ladders,
        "flow_template": _flow_template(flow),
        "arrivals": arrivals,
        "emission": only_emission(model) if mode is None else None,
        "ladder": ladder,
        "rungs": ladder,
        "peak": False,
        "mode": mode,
        "mode_title": mode.name if mode else "its own dynamics",
        "derivative_entries": derivative_entries,
    }
    return render("mode.c.jinja", context)


def _peak_ladder(model: ModelIR, tag: str, place: int, flow: AnyFlow, rungs: tuple[Rung, ...]) -> str:
    context = {
        **_context(model, names_of(model, flow)),
        "tag": f"{tag}_peak_{place}",
        "flow_tag": tag,
        "flow": flow,
        "rungs": rungs,
        "peak": True,
    }
    return render(_peak_template(flow), context)


def _context(model: ModelIR, names: Mapping[str, list[str]]) -> dict[str, object]:
    return {
        **names,
        "prefix": model.name,
        "model": model,
        "terminal_names": state_array(model, "final_"),
        "into_adjoints": f"{model.name}_cell_end",
        "costate_names": state_array(model, "costate_"),
        "arguments": Arguments(names),
    }


def state_array(model: ModelIR, prefix: str) -> Callable[[str], dict[str, str]]:
    """Names of one value a state, to be read from an array."""
    return lambda array: {f"{prefix}{state.name}": f"{array}[{i}]" for i, state in enumerate(model.states)}


def derivative_entries(flow: MatrixFlow, parameter: str) -> list[tuple[int, int]]:
    """The entries of the matrix that depend on a parameter."""
    return [(i, j) for i, j in flow.entries if f"A_{i}_{j}_{parameter}" in flow.derivatives.outputs]


@singledispatch
def _peak_template(flow: AnyFlow) -> str:
    raise TypeError(type(flow).__name__)


@_peak_template.register
def _(flow: Flow) -> str:
    return "ladder.c.jinja"


@_peak_template.register
def _(flow: MatrixFlow) -> str:
    return "peak_matrix.c.jinja"


@singledispatch
def _flow_template(flow: AnyFlow) -> str:
    raise TypeError(type(flow).__name__)


@_flow_template.register
def _(flow: Flow) -> str:
    return "flow_exact.c.jinja"


@_flow_template.register
def _(flow: MatrixFlow) -> str:
    return "flow_matrix.c.jinja"


@_flow_template.register
def _(flow: NumericFlow) -> str:
    return "flow_numeric.c.jinja"
