"""The whole derivation for one model: adjoint dynamics, jumps, and the gradient of every parameter.

``adjoint`` is the entry point. Its steps are in ``interval`` (between spikes), ``crossing`` and ``jump``
(at a spike), ``arrival`` (input spikes), and here: the sums of the gradient, parameters, and initial values.

Wunderlich & Pehle (2021), section 3, for any model that ``spec`` can write.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import sympy
from sympy import Expr, Integral, S, Symbol

from saltus.derive import notation
from saltus.derive.algebra import factor_parts, readable, reduced
from saltus.derive.arrival import at_arrival, at_release, at_trigger
from saltus.derive.crossing import across, spike_time, spiking_side, target_sides
from saltus.derive.derivation import Derivation, Equation
from saltus.derive.guard import triggers
from saltus.derive.interval import between_spikes
from saltus.derive.jump import Spike, jumps
from saltus.derive.maximum_steps import at_kink, at_spike, inside
from saltus.derive.scene import XI, Direction, Scene, along_parameter, along_weight, kronecker
from saltus.derive.source_numbers import numbers
from saltus.derive.spec import ModelSpec, Phase, Readout, Receptor, Transition

_TARGETS = "mqrsuv"
_ANY = "parameter"
"""Prefix of the steps along a parameter rather than a weight."""


def adjoint(spec: ModelSpec) -> Derivation:
    """Everything that is derived from one model, proved as it stands: see ``Derivation.check``.

    Raises:
        DerivationError: if a transition's guard does not change along a trajectory.
    """
    model = spec.with_integrals()
    by_weight = derived(model, along_weight)
    by_parameter = _prefixed(derived(model, along_parameter))
    arrivals = [equation for receptor in model.receptors for equation in at_arrival(model, receptor)]
    gradients = [*_parameters(model, by_parameter), *_initial(model)]
    phases = [equation for phase in model.phases for equation in _in_phase(model, phase)]
    durations = {f"gradient.parameter.{phase.duration.name}" for phase in model.phases}
    gradients = [e for e in gradients if not (e.label in durations and e.rhs == 0)]
    triggered = [
        equation
        for transition in model.transitions
        if any(triggers(transition, model, receptor) for receptor in model.receptors)
        for equation in at_trigger(model, transition)
    ]
    maxima = [equation for peak in model.peaks for equation in _maximum(model, peak, by_parameter)]
    equations = [*by_weight, *arrivals, *by_parameter, *gradients, *phases, *triggered, *maxima]
    return Derivation(f"{spec.name}: {spec.title}", equations).numbered(numbers(spec))


def derived(
    model: ModelSpec,
    direction: Callable[[ModelSpec, tuple[str, ...]], Direction],
    *,
    extra: Sequence[str] = (),
) -> list[Equation]:
    """Between spikes, and at a spike of each transition, along a direction.

    ``extra`` names more targets of the first receptor; the spiking neuron's own name makes it its own target.
    """
    targets = representative_targets(model)
    for name in extra:
        targets[name] = model.receptors[0]
    scene = Scene(model, direction(model, tuple(targets)), targets)
    between = between_spikes(scene)
    steps = list(between)
    for transition in model.transitions:
        at = _at_spike(scene, transition, between)
        steps += at if len(model.transitions) == 1 else _suffixed(at, transition.name)
    return steps


def representative_targets(model: ModelSpec) -> dict[str, Receptor]:
    """One target for each receptor, by name: m for the first."""
    return dict(zip(_TARGETS, model.receptors, strict=False))


def _in_phase(model: ModelSpec, phase: Phase) -> list[Equation]:
    """While a phase holds: its dynamics and their adjoint, arrivals, its end, and shares of parameters."""
    here = model.in_phase(phase.name)
    prefix = f"phase.{phase.name}"
    between = between_spikes(Scene(here, along_parameter(here, ())))
    arrivals = [equation for receptor in here.receptors for equation in at_arrival(here, receptor)]
    inside = [*between, *arrivals]
    own = [_renamed(e, {s.label: f"{prefix}.{s.label}" for s in inside}) for e in inside]
    shares = [
        e
        for e in _parameters(here, own, prefix, f"{prefix}.gradient", f"intervals in {phase.name}")
        if e.rhs != 0
    ]
    return [*own, *at_release(model, phase), *shares]


def _maximum(model: ModelSpec, peak: Readout, by_parameter: list[Equation]) -> list[Equation]:
    """The maximum of a readout inside a stretch, at an arrival that leaves it as it is, at the own spike."""
    q = peak.integrand
    own = peak.name if len(model.peaks) > 1 else ""
    found = _suffixed(inside(model, q), own)
    for receptor in model.receptors:
        onto = dict(zip(model.x, receptor.jump, strict=True))
        if reduced(q.xreplace(onto) - q) == 0:
            at = [name for name in (own, receptor.name if len(model.receptors) > 1 else "") if name]
            found += _suffixed(at_kink(model, q, receptor), ".".join(at))
    for transition in model.transitions:
        found += _suffixed(at_spike(model, q, transition, by_parameter), own)
    return found


def _at_spike(scene: Scene, transition: Transition, between: list[Equation]) -> list[Equation]:
    timing = spike_time(scene, transition)
    sides = (spiking_side(scene, transition), *target_sides(scene))
    relations = [equation for side in sides for equation in across(side, timing[-1])]
    known = {equation.label: equation for equation in (*timing, *relations)}
    collected = jumps(Spike(scene, transition, sides, known))
    by_label = {equation.label: equation for equation in (*between, *collected)}
    return [*timing, *relations, *collected, *_weight_gradients(scene, by_label)]


def _weight_gradients(scene: Scene, known: dict[str, Equation]) -> list[Equation]:
    r"""The gradient of a weight: what its spikes leave, summed.

    .. math:: \frac{dL}{dw_{ji}} = \sum_k \xi_k = a^+\!\cdot S_w \text{ of the target } j \text{ at the
    spikes of } i
    """
    if not scene.targets or any(value != 0 for value in scene.direction.parameters.values()):
        return []
    whole = Equation(
        "gradient.weight",
        scene.gradient,
        known["xi.left"].rhs,
        "The gradient is the sum of what the spikes leave.",
        combines={"sum.transitions": S.One, "xi.left": S.One},
        over="k = 1 … N",
    )
    return [whole, *(_picked(scene, whole, m, i) for i, m in enumerate(scene.targets))]


def _picked(scene: Scene, whole: Equation, target: str, position: int) -> Equation:
    only: dict[Symbol, Expr] = {kronecker("i", scene.sender): S.One, kronecker("j", target): S.One}
    only |= {kronecker("j", m): S.Zero for m in scene.targets if m != target}
    renamed = dict(zip(scene.adjoints(target, "+"), scene.adjoints("j", "+"), strict=True))
    return Equation(
        "gradient.weight.sum" if position == 0 else f"gradient.weight.sum.{target}",
        scene.gradient,
        readable(whole.rhs.xreplace({**only, **renamed}), scene.adjoints("j", "+")),
        "Only the spikes of neuron i, and of their targets only j: the Kronecker symbols pick them.",
        combines={"gradient.weight": S.One},
        facts={**only, **renamed},
        over="t ∈ spikes from i",
    )


def _parameters(
    model: ModelSpec,
    steps: list[Equation],
    prefix: str = _ANY,
    label: str = "gradient.parameter",
    over: str = "intervals and spikes",
) -> list[Equation]:
    r"""Any parameter q: its share in the dynamics, the guard and the reset.

    .. math:: \frac{dL}{dq} = \int \lambda\cdot\frac{\partial f}{\partial q}\,dt + \sum_k (\text{terms of
    the spike})
    """
    known = {equation.label: equation for equation in steps}
    any_ = along_parameter(model, tuple(representative_targets(model)))
    gradient = Scene(model, any_).gradient
    total = known[f"{prefix}.sum.transitions"]
    lefts = [e for e in steps if e.label.startswith(f"{prefix}.xi.left")]
    found = []
    for parameter in model.parameters:
        only: dict[Expr, Expr] = dict.fromkeys([*any_.parameters.values(), *any_.weights.values()], S.Zero)
        only[any_.parameters[parameter.symbol]] = S.One
        own = notation.total_derivative("L", parameter.name)
        between = [(i, factor_parts(i.function.xreplace(only))) for i in total.rhs.atoms(Integral)]
        inside = sympy.Add(*(Integral(f, *i.limits) for i, f in between if f != 0))
        spikes = sympy.Add(*(readable(left.rhs.xreplace(only)) for left in lefts))
        found.append(
            Equation(
                f"{label}.{parameter.name}",
                own,
                inside + spikes,
                "Its share between the spikes, and at each spike.",
                combines={total.label: S.One, **{left.label: S.One for left in lefts}},
                facts={own: gradient + (len(lefts) - 1) * XI, **only},
                over=over,
            )
        )
    return found


def _initial(model: ModelSpec) -> list[Equation]:
    r"""Initial values: the boundary term at t = 0, :math:`a(0) = -M^T\lambda(0)`."""
    scene = Scene(model, along_weight(model, ()))
    at_zero = [-c for c in scene.momenta()]
    found = []
    for state, value in zip(model.states, at_zero, strict=True):
        if state.initial is None:
            continue
        own = notation.total_derivative("L", state.initial.name)
        only = {
            dx: S.One if dx == notation.partial(state.name, "w_ji") else S.Zero for dx in scene.partials()
        }
        boundary = sympy.Add(*(-c * dx for c, dx in zip(scene.momenta(), scene.partials(), strict=True)))
        found.append(
            Equation(
                f"gradient.initial.{state.name}",
                own,
                readable(value, scene.adjoints()),
                "The boundary term at t = 0, where λ is λ(0).",
                facts={own: boundary.xreplace(only)},
                differentiates=("collect",),
            )
        )
    return found


def _prefixed(steps: list[Equation]) -> list[Equation]:
    return [_renamed(e, {s.label: f"{_ANY}.{s.label}" for s in steps}) for e in steps]


def _suffixed(steps: list[Equation], name: str) -> list[Equation]:
    if not name:
        return steps
    return [_renamed(e, {s.label: f"{s.label}.{name}" for s in steps}) for e in steps]


def _renamed(equation: Equation, names: dict[str, str]) -> Equation:
    return replace(
        equation,
        label=names[equation.label],
        uses=tuple(names.get(label, label) for label in equation.uses),
        combines={names.get(label, label): m for label, m in equation.combines.items()},
        differentiates=tuple(names.get(label, label) for label in equation.differentiates),
    )
