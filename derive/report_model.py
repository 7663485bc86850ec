"""The derivation of a model as a document: the steps of the source's section 3 in their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sympy
from sympy import Dummy, Expr, S, Symbol

from saltus.derive import flow, flow_choice, ladder
from saltus.derive.derivation import Derivation
from saltus.derive.divided_differences import exp_dd, to_exponentials
from saltus.derive.gradient import adjoint
from saltus.derive.model import ModelSpec
from saltus.derive.notation import latex_name, pretty_name
from saltus.derive.report_document import (
    PROVED,
    Document,
    Link,
    Section,
    Step,
    names_of,
    source_sections,
    steps_of,
)
from saltus.derive.report_layout import Leaf, Relation, layout, leaf
from saltus.derive.report_reading import Reading
from saltus.derive.report_tables import as_tables, parameter_tables, table_1, table_2
from saltus.derive.report_text import text
from saltus.derive.writer import model_writer
from saltus.errors import DerivationError


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
    sections = [_model(spec, derivation)]
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
    sections += [_adjoint_table(derivation), *_flow(spec, reading)]
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


def _flow(spec: ModelSpec, reading: Reading) -> list[Section]:
    """The flow with its reason, and for each guard why none of its crossings is missed."""
    whole = spec.with_integrals()
    try:
        solution = flow_choice.choose(whole)
    except DerivationError as error:
        return [Section("flow", "The flow between spikes", f"There is none: {error}")]
    order = model_writer(whole).order
    sections = [_closed_form(solution, _sentence(flow_choice.why(solution, order)), reading)]
    for transition in whole.transitions:
        rungs = ladder.ladder(solution, transition)
        steps: tuple[Step, ...] = ()
        if isinstance(solution, flow.FlowSolution):
            holds = all(value == 0 for value in ladder.residuals(rungs, solution))
            steps = tuple(_rungs(rungs, reading, PROVED if holds else "not proved"))
        title = "Why no spike is missed" + (f": {transition.name}" if len(whole.transitions) > 1 else "")
        prose = _sentence(ladder.bound(solution, rungs, order)) + (_ROLLE if steps else "")
        sections.append(Section(f"crossings-{transition.name}", title, prose, steps=steps))
    return sections


_ROLLE = (
    " With $D = d/dt$ and $u_{k+1} = \\left(D + r_k\\right) u_k$, the function $u_k \\exp\\left(r_k"
    " t\\right)$ is monotone between two zeros of $u_{k+1}$ (Rolle)."
)
_DIVIDED = (
    " Here $\\exp\\left[a, b\\right]$ is the divided difference $\\left(\\exp\\left(a\\right) -"
    " \\exp\\left(b\\right)\\right) / \\left(a - b\\right)$, and $\\exp\\left(a\\right)$ where $a = b$."
)


def _closed_form(solution: flow_choice.AnySolution, why: str, reading: Reading) -> Section:
    title = "The flow between spikes"
    if not isinstance(solution, flow.FlowSolution):
        return Section("flow", title, why)
    proved = all(value == 0 for value in flow.residuals(solution).values())
    steps = _flow_steps(solution, reading, PROVED if proved else "not proved")
    divided = any(solution.forward(state.name).has(exp_dd) for state in solution.spec.states)
    return Section("flow", title, why + (_DIVIDED if divided else ""), steps=tuple(steps))


def _sentence(fact: str) -> str:
    return f"{fact[0].upper()}{fact[1:]}."


def _flow_steps(solution: flow.FlowSolution, reading: Reading, status: str) -> list[Step]:
    steps = []
    for state in solution.spec.states:
        x, xt = pretty_name(state.name), latex_name(state.name)
        for label, left, value, what in (
            (
                f"flow.{state.name}",
                leaf(f"{x}(t + dt)", f"{xt}(t + dt)"),
                solution.forward(state.name),
                "forward",
            ),
            (
                f"flow.adjoint.{state.name}",
                leaf(f"λ_{x}(t - dt)", rf"\lambda_{{{xt}}}(t - dt)"),
                solution.backward(state.name),
                "backward",
            ),
        ):
            why = f"The solution {what}, from the values at t."
            steps.append(Step(label, (), Relation(left, layout(value, reading)), why, (), status))
            values = [*solution.spec.x, *solution.spec.adjoints]
            short = all(len(set(dd.args)) == 2 == len(dd.args) for dd in value.atoms(exp_dd))
            if value.has(exp_dd) and short and not any(value.diff(x).has(*values) for x in values):
                written = _by_exponentials(to_exponentials(value), values)
                same = flow.reduced(written - value) == 0
                why = "The same in exponentials, for rates that differ."
                link = (Link(label, label),)
                shown = Relation(left, layout(written, reading))
                proved = status if same else "not proved"
                steps.append(Step(f"{label}.exponentials", (), shown, why, link, proved))
    return steps


def _by_exponentials(value: Expr, values: Sequence[Symbol]) -> Expr:
    """Linear in ``values``: for each its exponentials, those with opposite factors as a difference."""
    at_zero = value.xreplace(dict.fromkeys(values, S.Zero))
    terms = [_exponentials(at_zero)]
    terms += [x * _exponentials(value.diff(x)) for x in values if value.has(x)]
    return sympy.Add(*terms)


def _exponentials(value: Expr) -> Expr:
    names = {e: Dummy() for e in sorted(value.atoms(sympy.exp), key=str)}
    above, below = sympy.fraction(sympy.cancel(sympy.together(value.xreplace(names))))
    found: dict[Expr, Expr] = {}
    back = {dummy: e for e, dummy in names.items()}
    for powers, coefficient in sympy.Poly(above, *names.values()).terms() if names else [((), above)]:
        factor = sympy.factor(coefficient / below)
        product = sympy.Mul(*(back[d] ** n for d, n in zip(names.values(), powers, strict=True)))
        opposite = next((known for known in found if sympy.expand(known + factor) == 0), None)
        if opposite is None:
            found[factor] = found.get(factor, S.Zero) + product
        else:
            found[opposite] -= product
    return sympy.Add(*(factor * exponentials for factor, exponentials in found.items()))


def _rungs(rungs: Sequence[ladder.LadderRung], reading: Reading, status: str) -> list[Step]:
    return [
        Step(
            f"guard.ladder.{k}",
            (),
            Relation(Leaf(f"u_{k}", f"u_{{{k}}}", 2), layout(rung.value, reading)),
            _rate(k, rung, reading),
            (),
            status if k else "definition",
        )
        for k, rung in enumerate(rungs)
    ]


def _rate(k: int, rung: ladder.LadderRung, reading: Reading) -> str:
    rate = text(layout(rung.rate, reading))
    return f"The guard; its rate is {rate}." if k == 0 else f"Its rate is {rate}."
