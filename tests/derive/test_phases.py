"""Refractory phases, delta synapses and conductances: their rules, by both routes, and changed a little."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from mutations import mutants
from sympy import Expr

from saltus.derive import spec, verify, verify_maximum, verify_routes
from saltus.derive.algebra import reduced
from saltus.derive.derivation import Derivation
from saltus.derive.gradient import adjoint
from saltus.derive.guard import triggers
from saltus.derive.lower import lower
from saltus.derive.maximum import maximum_rule
from saltus.derive.spec import WEIGHT, ModelSpec
from saltus.derive.transition import (
    arrival_rule,
    emission_rule,
    phase_rule,
    triggered_rule,
)

ODD = """
name = "odd"
title = "A curved guard, a synapse that saturates and moves it, a phase with its own time constant and reset"
[parameters]
tau = { value = 20e-3, positive = true }
tau_g = { value = 5e-3, positive = true }
tau_h = { value = 10e-3, positive = true }
t_ref = { value = 2e-3, positive = true }
theta = 1.0
c = 0.3
d = 0.1
[initial]
V = 0.0
g = 0.0
[dynamics]
f_V = "tau*dot(V) + V - g*(4 - V)"
f_g = "tau_g*dot(g) + g"
[transition.spike]
when = "V - theta - c*g"
reset = { V = "c*V" }
emits = true
goto = "held"
[mode.held.dynamics]
f_V = "tau_h*dot(V) + V - d*g**2"
[transition.release]
mode = "held"
after = "t_ref"
reset = { V = "V/2 + d", g = "g*c + g" }
[receive.exc]
g = "g + c*w*(1 - g)"
V = "V + w*V"
"""
REFRACTORY, DELTA, CONDUCTANCE = (
    spec.load(name) for name in ("lif_refractory", "lif_delta", "lif_conductance")
)
MODELS = {"odd": spec.parse(ODD, "odd.toml"), "refractory": REFRACTORY, "delta": DELTA}
MODELS |= {"conductance": CONDUCTANCE}


@pytest.mark.parametrize("name", MODELS)
def test_everything_about_them_is_proved(name: str) -> None:
    outcomes = verify.check_model(MODELS[name])
    assert [o.reason for o in outcomes if not o.ok] == []
    ids = {o.id.partition(":")[2] for o in outcomes}
    assert ("phase:held" in ids) == (name in ("odd", "refractory"))
    assert ("trigger:spike:exc" in ids) == (name in ("odd", "delta"))


def test_a_held_neuron_owes_its_reset_nothing() -> None:
    """V rests while held and I jumps nowhere, so nothing of the reset is worth anything."""
    rule = emission_rule(REFRACTORY, REFRACTORY.transitions[0])
    assert str(rule.sensitivity) == "external"


def test_the_end_of_a_phase_is_worth_the_velocity_that_starts() -> None:
    (phase,) = REFRACTORY.phases
    rule = phase_rule(REFRACTORY, phase)
    V, I = REFRACTORY.x
    assert reduced(rule.credit - REFRACTORY.states[0].adjoint * (I - V)) == 0
    assert dict(rule.parameters) == {}


def test_an_arrival_in_a_phase_has_the_credit_of_the_phase() -> None:
    held = REFRACTORY.in_phase("held")
    assert str(arrival_rule(held, held.receptors[0]).credit) == "-lambda_I"


def test_a_phase_written_with_another_factor_is_the_same() -> None:
    """dot(V) = 0 and tau_mem*dot(V) = 0 move alike, and lambda is one convention for both."""
    (phase,) = REFRACTORY.phases
    tau, rows = REFRACTORY.mass[0, 0], phase.dynamics
    scaled = replace(REFRACTORY, phases=(replace(phase, dynamics=(7 * tau * rows[0], *rows[1:])),))
    assert phase_rule(scaled, scaled.phases[0]) == phase_rule(REFRACTORY, phase)


def test_a_triggered_spike_divides_by_no_slope() -> None:
    rule = triggered_rule(DELTA, DELTA.transitions[0])
    assert str(rule.credit) == "-lambda_V*v_reset"
    assert rule.adjoint["V"] == 0


def test_which_receptors_trigger() -> None:
    for model, expected in ((DELTA, True), (REFRACTORY, False), (CONDUCTANCE, False)):
        assert triggers(model.transitions[0], model, model.receptors[0]) is expected
        lowered = lower(model)
        assert lowered.arrivals[0].triggers is expected
        assert (lowered.emissions[0].triggered is not None) is expected


def test_a_conductance_has_a_whole_credit() -> None:
    V = CONDUCTANCE.x[0]
    symbols = CONDUCTANCE.symbols()
    rule = arrival_rule(CONDUCTANCE, CONDUCTANCE.receptors[0])
    lam_V, lam_g, _ = CONDUCTANCE.adjoints
    assert not rule.linear
    assert reduced(rule.credit - WEIGHT * (lam_V * (symbols["E_exc"] - V) - lam_g)) == 0
    assert [arrival.linear for arrival in lower(CONDUCTANCE).arrivals] == [False, False]


def test_the_ir_of_a_phase() -> None:
    model = lower(REFRACTORY)
    (mode,) = model.modes
    assert (model.emissions[0].goto, mode.goto, mode.duration) == (1, 0, "t_ref")
    assert [str(a.label) for a in mode.end.credit.body] == ["phase.held.end.credit"]


def changed_rules(rule: Any, parts: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Rules with one formula that is wrong."""
    for part in parts:
        value = getattr(rule, part)
        if isinstance(value, Expr):
            yield from ((f"{part}: {what}", replace(rule, **{part: m})) for what, m in mutants(value))
            continue
        for name, formula in value.items():
            for what, mutant in mutants(formula):
                yield f"{part} of {name}: {what}", replace(rule, **{part: {**value, name: mutant}})


TIMED, ARRIVAL = ("adjoint", "credit", "parameters"), ("adjoint", "credit", "weight", "parameters")
Routes = Callable[[ModelSpec], verify_routes.Residuals]


@cache
def _derived(name: str) -> Derivation:
    return adjoint(MODELS[name])


def derived(model: ModelSpec) -> Derivation:
    """The model's derivation, made once."""
    return _derived(next(name for name, known in MODELS.items() if known is model))


def _trigger(model: ModelSpec) -> verify_routes.Residuals:
    return verify_routes.triggered_routes(model, derived(model), model.transitions[0], model.receptors[0])


def _spike(model: ModelSpec) -> verify_routes.Residuals:
    return verify_routes.rules_against_saltation(model, model.transitions[0], model.receptors[0])


@pytest.mark.parametrize(
    ("name", "part", "rule", "parts", "routes"),
    [
        ("odd", "triggered_rule", lambda m: triggered_rule(m, m.transitions[0]), TIMED, _trigger),
        ("delta", "triggered_rule", lambda m: triggered_rule(m, m.transitions[0]), TIMED, _trigger),
        ("conductance", "arrival_rule", lambda m: arrival_rule(m, m.receptors[0]), ARRIVAL, _spike),
        ("refractory", "emission_rule", lambda m: emission_rule(m, m.transitions[0]), ("adjoint",), _spike),
    ],
)
def test_changes_of_a_rule_are_caught(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    part: str,
    rule: Callable[[ModelSpec], Any],
    parts: tuple[str, ...],
    routes: Routes,
) -> None:
    model = MODELS[name]
    wrong, missed = list(changed_rules(rule(model), parts)), []
    for what, mutated in wrong:
        monkeypatch.setattr(verify_routes, part, lambda *_, mutated=mutated: mutated)
        if all(value == 0 for value in routes(model).values()):
            missed.append(what)
    assert len(wrong) > 3
    assert missed == []


@pytest.mark.parametrize("name", ["refractory", "odd"])
def test_changes_of_a_phases_end_are_caught(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    model = MODELS[name]
    derivation = adjoint(model)
    (phase,) = model.phases
    wrong, missed = list(changed_rules(phase_rule(model, phase), TIMED)), []
    for what, mutated in wrong:
        monkeypatch.setattr(verify_routes, "phase_rule", lambda *_, mutated=mutated: mutated)
        found = verify_routes.phase_routes(model, derivation, phase)
        if all(value == 0 for value in found.values()):
            missed.append(what)
    assert len(wrong) > 3
    assert missed == []


def test_changes_of_a_triggered_spikes_steps_are_caught() -> None:
    """What the document says of it is held against its rule, and so against the saltation matrix."""
    model = MODELS["delta"]
    derivation, survivors, tried = derived(model), [], 0
    at = (model.transitions[0], model.receptors[0])
    for label in ("trigger.credit", "trigger.left", *(f"trigger.jump.{s.name}" for s in model.states)):
        for what, mutant in mutants(derivation[label].rhs):
            changed = derivation.replaced(replace(derivation[label], rhs=mutant))
            tried += 1
            if all(v == 0 for v in verify_routes.triggered_routes(model, changed, *at).values()):
                survivors.append(f"{label}: {what}")
    assert tried > 8
    assert survivors == []


MAXIMA = """
name = "maxima"
title = "Maxima of combinations of states, with a parameter, in a neuron that spikes"
[parameters]
tau = { value = 20e-3, positive = true }
tau_g = { value = 5e-3, positive = true }
theta = 1.0
c = 0.3
[initial]
V = 0.0
g = 0.0
[dynamics]
f_V = "tau*dot(V) + V - g - c"
f_g = "tau_g*dot(g) + g"
[transition.spike]
when = "V - theta"
reset = { V = "0" }
emits = true
[receive.exc]
g = "g + w"
[receive.both]
g = "g + w"
V = "V + c*w"
[readouts]
highest = "max(V)"
mixed = "max(c*V - theta*g + c)"
alone = "max(g)"
"""


def test_maxima_are_proved() -> None:
    outcomes = verify.check_model(spec.parse(MAXIMA, "maxima.toml"))
    assert [o.reason for o in outcomes if not o.ok] == []
    assert sum("maximum:" in o.id for o in outcomes) == 3


def test_changes_of_a_maximum_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    model = spec.parse(MAXIMA, "maxima.toml")
    readout = model.peaks[1]
    rule = maximum_rule(model, readout)
    wrong, missed = list(changed_rules(rule, ("value", "slope", "partials", "parameters"))), []
    for what, mutated in wrong:
        monkeypatch.setattr(verify_maximum, "maximum_rule", lambda *_, mutated=mutated: mutated)
        if all(value == 0 for _, value in verify_maximum.differences(model, readout)):
            missed.append(what)
    assert len(wrong) > 10
    assert missed == []


def test_the_maximum_of_a_spiking_neuron_is_its_threshold() -> None:
    """Read through what the guard watches, it moves with the threshold alone; else with the spike's time."""
    derivation = adjoint(spec.parse(MAXIMA, "maxima.toml"))
    moved = derivation["summit.moved.before.highest"]
    assert (str(moved), derivation.status(moved.label)) == ("dM/dp = ∂θ/∂p", "proved")
    assert "∂θ/∂p" in str(derivation["summit.moved.before.alone"])
    labels = [label for label in derivation if label.startswith("summit.moved")]
    survivors = [
        f"{label}: {what}"
        for label in labels
        for what, mutant in mutants(derivation[label].rhs)
        if derivation.replaced(replace(derivation[label], rhs=mutant)).residual(label) == 0
    ]
    assert len(labels) == 6
    assert survivors == []


def test_the_ir_of_a_maximum() -> None:
    (peak,) = lower(spec.load("li_max")).peaks
    assert (peak.name, len(peak.ladder), peak.parameters.outputs) == ("max_V", 3, ())
    assert peak.partials.outputs == ("V_partial",)
