"""The flow between events as a document: which and why, its proof, and why no crossing is missed."""

from __future__ import annotations

from collections.abc import Sequence

import sympy
from sympy import Dummy, Expr, Matrix, S, Symbol

from saltus.derive import flow, flow_choice, ladder, maximum, notation
from saltus.derive.algebra import reduced
from saltus.derive.arrange import Order
from saltus.derive.divided_differences import exp_dd, to_exponentials
from saltus.derive.model import ModelSpec
from saltus.derive.notation import latex_name, pretty_name
from saltus.derive.report_document import PROVED, Link, Section, Step
from saltus.derive.report_layout import Leaf, Relation, layout, leaf
from saltus.derive.report_reading import Reading
from saltus.derive.report_text import text
from saltus.derive.writer import model_writer
from saltus.errors import DerivationError


def flow_sections(spec: ModelSpec, reading: Reading) -> list[Section]:
    """The flow with its reason, in each phase; for each guard and maximum why nothing is missed."""
    whole = spec.with_integrals()
    order = model_writer(whole).order
    try:
        solution = flow_choice.choose(whole)
        held = [(phase.name, flow_choice.choose(whole.in_phase(phase.name))) for phase in whole.phases]
    except DerivationError as error:
        return [Section("flow", "The flow between events", f"There is none: {error}")]
    sections = [_flow("", solution, order, reading)]
    sections += [_flow(name, there, order, reading) for name, there in held]
    for transition in whole.transitions:
        rungs = ladder.ladder(solution, transition)
        numeric = isinstance(solution, flow_choice.NumericSolution)
        title = "How spikes are found" if numeric else "Why no spike is missed"
        prose = _sentence(ladder.bound(solution, rungs, order))
        sections.append(
            _ladder(f"crossings-{transition.name}", title, prose, solution, rungs, "guard.ladder", reading)
        )
    for peak in whole.peaks:
        rungs = maximum.rungs(solution, peak)
        title = "Why no maximum is missed" + (f": {peak.name}" if len(whole.peaks) > 1 else "")
        prose = (
            "The maximum is at an end of a stretch or where the second rung, the slope, is zero; those zeros"
            " are isolated as those of a guard."
        )
        label = f"maximum.{peak.name}.ladder"
        sections.append(_ladder(f"maximum-{peak.name}", title, prose, solution, rungs, label, reading))
    return sections


_ROLLE = (
    " With $D = d/dt$ and $u_{k+1} = \\left(D + r_k\\right) u_k$, the function $u_k \\exp\\left(r_k"
    " t\\right)$ is monotone between two zeros of $u_{k+1}$ (Rolle)."
)
_DIVIDED = (
    " Here $\\exp\\left[a, b\\right]$ is the divided difference $\\left(\\exp\\left(a\\right) -"
    " \\exp\\left(b\\right)\\right) / \\left(a - b\\right)$, and $\\exp\\left(a\\right)$ where $a = b$."
)
_SHARE = (
    " Between two events a parameter gains the derivative of $a(t + dt) \\cdot x(t + dt)$ by it, with $a(t +"
    " dt)$, $x(t)$ and $dt$ fixed: no quadrature of $\\lambda$."
)


def _ladder(
    anchor: str,
    title: str,
    prose: str,
    solution: flow_choice.AnySolution,
    rungs: tuple[ladder.LadderRung, ...],
    label: str,
    reading: Reading,
) -> Section:
    """The rungs with their proof, where the flow is exact."""
    if not isinstance(solution, flow.FlowSolution):
        return Section(anchor, title, prose)
    holds = all(value == 0 for value in ladder.residuals(rungs, solution))
    steps = _rungs(rungs, label, reading, PROVED if holds else "not proved")
    return Section(anchor, title, prose + (_ROLLE if steps else ""), steps=tuple(steps))


def _flow(name: str, solution: flow_choice.AnySolution, order: Order, reading: Reading) -> Section:
    """The flow of a phase, or of the model's own dynamics, whose name is empty."""
    anchor, prefix = ("flow-" + name, f"phase.{name}.") if name else ("flow", "")
    title = f"The flow in {name}" if name else "The flow between events"
    why = _sentence(flow_choice.why(solution, order))
    if isinstance(solution, flow.FlowSolution):
        proved = all(value == 0 for value in flow.residuals(solution).values())
        steps = _flow_steps(solution, prefix, reading, PROVED if proved else "not proved")
        divided = any(solution.forward(state.name).has(exp_dd) for state in solution.spec.states)
        prose = why + (_DIVIDED if divided else "") + _SHARE
        return Section(anchor, title, prose, steps=tuple(steps))
    return Section(anchor, title, why, steps=tuple(_velocities(solution.spec, prefix, reading)))


def _velocities(spec: ModelSpec, prefix: str, reading: Reading) -> list[Step]:
    """The velocities that are integrated, and the co-state's rates, which the same steps take backward."""
    steps = []
    costates = [Symbol(f"a_{state.name}", real=True) for state in spec.states]
    for state, velocity in zip(spec.states, spec.vector_field, strict=True):
        xt = latex_name(state.name)
        dotted = leaf(notation.text(notation.velocity(state.name)), rf"\dot{{{xt}}}")
        why = "Solved for the velocity."
        status = PROVED if reduced(_at_velocities(spec, state.name)) == 0 else "not proved"
        steps.append(
            Step(
                f"{prefix}flow.field.{state.name}",
                (),
                Relation(dotted, layout(velocity, reading)),
                why,
                (Link(f"{prefix}dynamics.{state.name}", f"{prefix}dynamics.{state.name}"),),
                status,
            )
        )
    for state in spec.states:
        pulled = sympy.Add(
            *(a * v.diff(state.symbol) for a, v in zip(costates, spec.vector_field, strict=True))
        )
        x, xt = pretty_name(state.name), latex_name(state.name)
        steps.append(
            Step(
                f"{prefix}flow.pull.{state.name}",
                (),
                Relation(leaf(f"a_{x}′", f"a_{{{xt}}}'"), layout(pulled, reading)),
                "The co-state a = dL/dx in reversed time: the transposed Jacobian of the velocities.",
                (Link(f"{prefix}adjoint.ode.{state.name}", f"{prefix}adjoint.ode.{state.name}"),),
                PROVED if reduced(_against_multipliers(spec, state.symbol)) == 0 else "not proved",
            )
        )
    return steps


def _at_velocities(spec: ModelSpec, name: str) -> Expr:
    """The state's row of the dynamics with the velocities put in: zero."""
    row = next(f for state, f in zip(spec.states, spec.dynamics, strict=True) if state.name == name)
    return row.xreplace({s.dot: v for s, v in zip(spec.states, spec.vector_field, strict=True)})


def _against_multipliers(spec: ModelSpec, x: Symbol) -> Expr:
    r"""The rate of :math:`a = -M^T\lambda` less :math:`\lambda \cdot \partial f/\partial x`: zero."""
    costate = -spec.mass.T * spec.adjoints
    velocities = dict(zip(spec.x_dot, spec.vector_field, strict=True))
    slopes = Matrix([row.diff(x) for row in spec.dynamics]).xreplace(velocities)
    return (costate.T * spec.vector_field.diff(x) - spec.adjoints.T * slopes)[0]


def _sentence(fact: str) -> str:
    return f"{fact[0].upper()}{fact[1:]}."


def _flow_steps(solution: flow.FlowSolution, prefix: str, reading: Reading, status: str) -> list[Step]:
    steps = []
    for state in solution.spec.states:
        x, xt = pretty_name(state.name), latex_name(state.name)
        for label, left, value, what in (
            (
                f"{prefix}flow.{state.name}",
                leaf(f"{x}(t + dt)", f"{xt}(t + dt)"),
                solution.forward(state.name),
                "forward",
            ),
            (
                f"{prefix}flow.adjoint.{state.name}",
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


def _rungs(rungs: Sequence[ladder.LadderRung], label: str, reading: Reading, status: str) -> list[Step]:
    return [
        Step(
            f"{label}.{k}",
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
    return f"What is watched; its rate is {rate}." if k == 0 else f"Its rate is {rate}."
