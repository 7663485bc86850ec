"""The rules of one neuron as a document: what the kernels compute at an event, in the names of the C."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from sympy import Expr, Matrix, S, Symbol

from saltus.derive import verify_routes
from saltus.derive.algebra import reduced
from saltus.derive.derivation import Derivation
from saltus.derive.model import ModelSpec
from saltus.derive.report_document import DEFINITION, PROVED, Link, Section, Step
from saltus.derive.report_layout import Leaf, Relation, layout, leaf, plain_symbol
from saltus.derive.report_reading import Reading
from saltus.derive.transition import arrival_rule, emission_rule, phase_rule, triggered_rule

_PROSE = (
    "The kernels take a spike apart: the emission at the neuron that spikes, and an arrival at each target."
    " All that a spike's time is worth outside its own neuron comes as one number, *external*: its share of"
    " the loss and the credits of its arrivals. Here states are those before the event and multipliers those"
    " after it, velocities are put in from the dynamics, and each name is that of the C. Reciprocals of time"
    " constants are computed once. Each rule is proved against the saltation matrix of the whole network."
)


def rules_section(spec: ModelSpec, derivation: Derivation, reading: Reading) -> Section:
    """What no step of the derivation says in the kernels' words: sensitivity, slope, shares, ends."""
    model = spec.with_integrals()
    return Section(
        "rules", "The rules of one neuron", _PROSE, steps=tuple(_steps(model, derivation, reading))
    )


def _steps(model: ModelSpec, derivation: Derivation, reading: Reading) -> Iterator[Step]:
    def step(label: str, left: Leaf, value: Expr, why: str, status: str, links: tuple[str, ...] = ()) -> Step:
        known = tuple(Link(link, link) for link in links if link in derivation)
        return Step(label, (), Relation(left, layout(value, reading)), why, known, status)

    def shares(values: Mapping[str, Expr], prefix: str, when: str, status: str) -> Iterator[Step]:
        for name, value in values.items():
            why = f"What the gradient of the parameter gains {when}."
            yield step(f"{prefix}.{name}", _share(name), value, why, status)

    for transition in model.transitions:
        rule = emission_rule(model, transition)
        status = _proved(
            verify_routes.rules_against_saltation(model, transition, receptor)
            for receptor in model.receptors or (None,)
        )
        yield step(
            "transition.slope",
            leaf("ġ⁻", r"\dot{g}^-"),
            rule.slope,
            "The slope of the guard at the spike.",
            status,
            ("implicit",),
        )
        yield step(
            "jump.sensitivity",
            leaf("sensitivity", r"\mathrm{sensitivity}"),
            rule.sensitivity,
            "All that the spike's time is worth: outside, and by the neuron's own reset.",
            status,
            ("xi.collected",),
        )
        yield from shares(rule.parameters, "gradient.jump", "at a spike", status)
        if "trigger.credit" in derivation:
            status = _proved(
                verify_routes.triggered_routes(model, derivation, transition, receptor)
                for receptor in model.receptors
            )
            triggered = triggered_rule(model, transition).parameters
            yield from shares(triggered, "trigger.gradient", "at a spike that an arrival sets off", status)
    for receptor in model.receptors:
        status = _proved([verify_routes.arrival_routes(model, derivation, receptor)])
        yield from shares(
            arrival_rule(model, receptor).parameters, "gradient.arrival", f"at {receptor.name}", status
        )
    for phase in model.phases:
        status = _proved([verify_routes.phase_routes(model, derivation, phase)])
        ended = phase_rule(model, phase).parameters
        yield from shares(ended, f"phase.{phase.name}.end.gradient", f"at the end of {phase.name}", status)
    yield from _ends(model, step)


def _ends(model: ModelSpec, step: Callable[..., Step]) -> Iterator[Step]:
    costates = -model.mass.T * model.adjoints
    for state, value in zip(model.states, costates, strict=True):
        why = "The derivative of the loss by the state, from the multipliers."
        yield step(f"costate.{state.name}", _costate(state.name), value, why, DEFINITION)
    final = Matrix([Symbol(f"final_{state.name}", real=True) for state in model.states])
    terminal = -model.mass.T.LUsolve(final)
    for state, value, a, f in zip(model.states, terminal, costates, final, strict=True):
        onto = dict(zip(model.adjoints, terminal, strict=True))
        status = PROVED if reduced(a.xreplace(onto) - f) == 0 else "not proved"
        left = plain_symbol(f"lambda_{state.name}")
        at_end = Leaf(f"{left.text}(T)", f"{left.latex}(T)", left.width + 3)
        why = "From the derivative of the loss by the state at the end, final; zero where there is none."
        yield step(
            f"adjoint.terminal.{state.name}", at_end, value, why, status, (f"adjoint.ode.{state.name}",)
        )


def _proved(residuals: Iterator[Mapping[str, Expr]] | list[Mapping[str, Expr]]) -> str:
    return PROVED if all(value == S.Zero for found in residuals for value in found.values()) else "not proved"


def _share(name: str) -> Leaf:
    below = plain_symbol(name)
    return leaf(f"grad_{name}", rf"\mathrm{{grad}}_{{{below.latex}}}")


def _costate(name: str) -> Leaf:
    below = plain_symbol(name)
    return leaf(f"a_{below.text}", f"a_{{{below.latex}}}")
