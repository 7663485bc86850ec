"""What must hold of a whole model: names differ, equations determine the motion, transitions can happen."""

from __future__ import annotations

from dataclasses import replace

import sympy

from saltus.derive.expressions import Place
from saltus.derive.guard import never_rearms
from saltus.derive.model import WEIGHT, ModelSpec, Parameter, State


def names_differ(origin: str, parameters: tuple[Parameter, ...], states: tuple[State, ...]) -> None:
    """Raises ``SpecError`` if two parameters, initial values or states have one name."""
    seen: dict[str, str] = {parameter.name: "a parameter" for parameter in parameters}
    for state in states:
        roles = [(state.name, "an input" if state.initial is None else "a state")]
        if state.initial is not None:
            roles.append((state.initial.name, f"the initial value of {state.name}"))
        for name, role in roles:
            if name in seen:
                table = "inputs" if state.initial is None else "initial"
                raise Place(origin, table, state.name).error(
                    f"{name} is {role}, and also {seen[name]}.", "Rename one of them."
                )
            seen[name] = role


def consistent(spec: ModelSpec) -> None:
    """Raises ``SpecError`` unless the dynamics determine the motion and each transition can happen."""
    _readouts(spec)
    _mass(spec, spec.dynamics, "dynamics")
    reached = {t.goto for t in spec.transitions} | {p.goto for p in spec.phases}
    for phase in spec.phases:
        _mass(replace(spec, dynamics=phase.dynamics), phase.dynamics, f"mode.{phase.name}.dynamics")
        if phase.name not in reached:
            raise Place(spec.origin, f"mode.{phase.name}").error(
                "no transition goes to it.", f'Write goto = "{phase.name}" in the transition that starts it.'
            )
    _transitions(spec)
    _receptors(spec)


def _readouts(spec: ModelSpec) -> None:
    taken = set(spec.symbols())
    for name in spec.readout_names:
        if name in taken:
            raise Place(spec.origin, "readouts", name).error(
                f"{name} is also a state or a parameter.", "Give the readout another name."
            )


def _mass(spec: ModelSpec, dynamics: tuple[sympy.Expr, ...], table: str) -> None:
    for i, state in enumerate(spec.states):
        place = Place(spec.origin, table, f"f_{state.name}")
        if spec.mass[i, :].has(*spec.x_dot):
            raise place.error(
                "the equation is not linear in the time derivatives.",
                "Write each dot(...) to the first power, with a factor of states and parameters.",
            )
        if spec.mass[i, :].has(*spec.x):
            raise place.error(
                "a time derivative has a factor that depends on the state.",
                "Divide the equation by it, so that dot(...) stands alone or with parameters.",
            )
        if not dynamics[i].has(*spec.x_dot):
            raise place.error(
                "the equation holds no time derivative, so it is no equation of motion.",
                f"Write how dot({state.name}) follows from states and parameters.",
            )
    if sympy.cancel(spec.mass.det()) == 0:
        raise Place(spec.origin, table).error(
            "the equations do not determine all time derivatives: their matrix is singular.",
            "Write equations that can be solved for each dot(...).",
        )


def _transitions(spec: ModelSpec) -> None:
    for transition in spec.transitions:
        place = Place(spec.origin, f"transition.{transition.name}", "when")
        if not transition.when.has(*spec.x):
            raise place.error(
                f"{transition.when} does not depend on a state, so the transition cannot fire.",
                "Write a condition that crosses zero upward as the states move, such as x - threshold.",
            )
        for name in spec.inputs:
            if transition.when.has(spec.symbols()[name]):
                raise place.error(
                    f"{transition.when} depends on the input {name}, which jumps, so it could cross without "
                    "a slope.",
                    "Let the input drive a state, and write the condition on that.",
                )
        slope = (sympy.Matrix([transition.when]).jacobian(spec.x) * spec.vector_field)[0]
        if sympy.cancel(sympy.together(slope)) == 0:
            raise place.error(
                f"{transition.when} stays constant along every trajectory, so the transition cannot fire.",
                "Write a condition on states that move.",
            )
        if never_rearms(spec, transition):
            raise Place(spec.origin, f"transition.{transition.name}", "reset").error(
                f"{transition.when} is not below zero after it and does not fall below at once, so the "
                "transition would happen again without end.",
                "Lower it in the reset, or write goto = a mode that lasts until it has fallen by itself.",
            )


def _receptors(spec: ModelSpec) -> None:
    for receptor in spec.receptors:
        place = Place(spec.origin, f"receive.{receptor.name}")
        changes = [e for e, state in zip(receptor.jump, spec.states, strict=True) if e != state.symbol]
        if not any(e.has(WEIGHT) for e in changes):
            raise place.error("an arriving spike does the same for every weight w.", 'Use w, as in "x + w".')
