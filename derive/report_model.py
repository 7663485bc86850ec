"""The derivation of a model as a document: the steps of the source's section 3 in their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from saltus.derive.derivation import Derivation
from saltus.derive.gradient import adjoint
from saltus.derive.model import ModelSpec
from saltus.derive.report_document import Document, Section, names_of, source_sections, steps_of
from saltus.derive.report_flow import flow_sections
from saltus.derive.report_readouts import readouts_section
from saltus.derive.report_rules import rules_section
from saltus.derive.report_tables import as_tables, parameter_tables, table_1, table_2


@dataclass(frozen=True)
class _Chapter:
    """A section by the labels that belong in it."""

    anchor: str
    title: str
    holds: Callable[[str], bool]
    prose: str


def _starts(*prefixes: str) -> Callable[[str], bool]:
    return lambda label: any(label == p or label.startswith(f"{p}.") for p in prefixes)


def _between(label: str) -> bool:
    if label.startswith("choice."):
        return label.count(".") == 1
    return label == "xi" or _starts(
        "dynamics", "loss", "gronwall", "leibniz", "parts", "collect", "adjoint", "sum"
    )(label)


_CHAPTERS = (
    _Chapter(
        "between",
        "Between two spikes",
        _between,
        "The dynamics are added to the loss with multipliers $\\lambda$, which costs nothing because they are"
        " zero along a trajectory. One interval, from $t_k$ to $t_{k+1}$, stands for the sum over all of"
        " them, and one neuron for the scalar product over all neurons. The multipliers are free, so they are"
        " chosen to remove every derivative of a state that is not available; what is left are the ends of"
        " the intervals, the spikes.",
    ),
    _Chapter(
        "time",
        "The time of a spike",
        _starts("transition", "implicit"),
        "A spike is where the guard of neuron $n$ reaches zero, so its time is an implicit function of every"
        " parameter. The theorem needs a slope that is not zero: a spike that only touches its threshold has"
        " no derivative.",
    ),
    _Chapter(
        "reset",
        "The neuron that spikes",
        _starts("reset"),
        "What holds across the reset of neuron $n$ is differentiated along the moving spike; this gives the"
        " derivatives after the spike from those before it.",
    ),
    _Chapter(
        "receive",
        "A neuron that receives",
        _starts("receive", "arrival.derivative", "arrival.time", "arrival.relation", "velocity"),
        "The same for a neuron $m$ that receives the spike over the weight $w_{mn}$. All is linear in the"
        " receivers, so one of them stands for a sum over all; a neuron that receives nothing is the case of"
        " weight zero.",
    ),
    _Chapter(
        "jumps",
        "The jumps of the adjoint",
        lambda label: _starts("xi.written", "xi.collected", "jump")(label) or label.startswith("choice."),
        "With the relations put in, each unavailable derivative stands once. The multipliers before the spike"
        " are chosen so that its coefficient is zero: that equation is solved, not guessed.",
    ),
    _Chapter(
        "weights",
        "The gradient of a weight",
        _starts("xi.left", "gradient.weight"),
        "What a spike leaves once the jumps have removed the rest.",
    ),
    _Chapter(
        "input",
        "Spikes from outside",
        _starts("input", "gradient.input", "arrival.credit"),
        "A spike from outside is an arrival without an emission. Its time depends on no weight; where it is a"
        " variable of its own, as with a delay or a layer below, its gradient is what the arrival is worth.",
    ),
    _Chapter(
        "maximum",
        "The maximum of a readout",
        _starts("maximum"),
        "The time of a maximum, here $t_k$, is an event at which nothing jumps. Inside a stretch the readout"
        " does not move there, so only $\\lambda$ takes up the head's derivative by the maximum.",
    ),
    _Chapter(
        "kink",
        "A maximum at an arrival",
        _starts("kink"),
        "The readout may rise into an arrival and fall after it. The maximum then moves with the arrival's"
        " time, which is worth the readout's slope more: before the arrival, with $\\lambda$ taken after it.",
    ),
    _Chapter(
        "summit",
        "A maximum at the neuron's own spike",
        _starts("summit"),
        "On either side of the reset, whichever attains the maximum. The spike's time is where the guard is"
        " zero, which fixes what the guard watches.",
    ),
    _Chapter(
        "phases",
        "Phases",
        _starts("phase", "gradient.duration"),
        "While a phase holds the dynamics are others; the steps are those between two spikes and at an"
        " arrival. Its end is a transition at a given time, and what that time is worth goes to the spike"
        " that started the phase and to how long it lasts.",
    ),
    _Chapter(
        "trigger",
        "A spike that an arrival sets off",
        _starts("trigger"),
        "An arrival can lift the guard over zero. The spike then has the arrival's time, so no slope of the"
        " guard divides, and what its time is worth goes to the arrival. Values before are those after the"
        " arrival.",
    ),
    _Chapter(
        "parameters",
        "Any parameter",
        _starts("parameter"),
        "The same steps once more, along any $p$ on which every parameter and weight may depend. The adjoint"
        " and its jumps come out the same, as they must; the gradient gains what the parameters do"
        " themselves, in the dynamics, the guard and the reset.",
    ),
    _Chapter(
        "gradients",
        "The gradient of each parameter",
        _starts("gradient.parameter", "gradient.initial"),
        "One parameter at a time. In the gradients of initial values $\\lambda$ is taken at $t = 0$.",
    ),
)


def model_document(spec: ModelSpec, name: str) -> Document:
    """The document of a model, each step proved while it is made.

    Raises:
        DerivationError: if the model has no adjoint of the kind derived here.
    """
    derivation = adjoint(spec)
    reading = names_of(derivation)
    left = list(derivation)
    sections = [
        _model(spec, derivation),
        _adjoint_table(derivation),
        readouts_section(spec, derivation, reading),
    ]
    for chapter in _CHAPTERS:
        labels = [label for label in left if chapter.holds(label)]
        left = [label for label in left if label not in labels]
        if labels:
            steps = steps_of(derivation, labels, reading)
            sections.append(
                Section(
                    chapter.anchor,
                    chapter.title,
                    chapter.prose,
                    source_sections(steps),
                    steps=steps,
                )
            )
    if left:
        sections.append(Section("other", "Other steps", "", steps=steps_of(derivation, left, reading)))
    sections += [*flow_sections(spec, reading), rules_section(spec, derivation, reading)]
    return Document(
        name,
        spec.title,
        spec.source,
        "Each step has a label and, where it is an equation of the source, the source's number (section:"
        " number); it names the steps it came from. The word *proved* stands where SymPy has reduced left"
        " side minus right side, with the named steps put in, to zero while this was written. The rest are"
        f" definitions and choices: nothing to prove. saltus check {spec.name} proves the same again by a"
        " second route that shares nothing with this one, saltation matrices.",
        tuple(sections),
    )


def _model(spec: ModelSpec, derivation: Derivation) -> Section:
    return Section(
        "model",
        "The model",
        "Superscripts ⁻ and ⁺ are values before and after a transition. Neuron $n$ spikes and $m$ receives.",
        tables=(table_1(derivation), *parameter_tables(spec.parameters)),
    )


def _adjoint_table(derivation: Derivation) -> Section:
    return Section(
        "adjoint",
        "The adjoint in one table",
        "The multipliers start from $\\lambda(T) = 0$ and run backward in time; the prime is $-d/dt$. The"
        " co-state $a = d\\mathcal{L}/dx$ of the hybrid-systems literature is $-M^T\\lambda$, with $M$ what"
        " stands before the time derivatives.",
        tables=as_tables(table_2(derivation)),
    )
