"""A proof that cannot fail proves nothing: every formula is changed a little, and the ladder must see it.

A change that leaves a formula true is not caught, and must not be. There are two kinds, and each survivor is
shown to be of one of them: the changed formula *is* the formula (two factors or two summands swapped),
or it differs by a multiple of the constraint, which is zero along a trajectory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice

import pytest
from mutations import Normal, index_mutants, mutants, seen_at_a_point
from sympy import Expr

from saltus.derive import source, spec, verify_routes
from saltus.derive.algebra import reduced
from saltus.derive.derivation import Derivation, Equation, residual
from saltus.derive.dynamics import adjoint_method, calculus
from saltus.derive.gradient import adjoint
from saltus.derive.source import Row
from saltus.derive.source_domains import domains
from saltus.derive.transition import arrival_rule, emission_rule

Choice = tuple[int, Callable[[Normal], Normal]]
EVERY: Choice = (1, seen_at_a_point)
"""All changes (slow)."""
SOME: Choice = (47, lambda normal: normal)
"""Every 47th of them, each seen by the normal form itself."""
PROVED = [row for row in source.rows() if any(claim.holds for claim in row.claims)]
LIF = spec.load("lif")
DERIVATIONS = {
    "lif": adjoint(LIF),
    "li": adjoint(spec.load("li")),
    "li_max": adjoint(spec.load("li_max")),
    "lif_delta": adjoint(spec.load("lif_delta")),
    "general": adjoint_method(2),
    "calculus": calculus(),
}
CONSTRAINT = "general.lagrangian"
"""Here any multiple of the constraint may be added: that is what the equation says."""


def changed(equation: Equation) -> Iterator[tuple[str, Equation, Expr]]:
    """What was done, the changed equation, and by how much its two sides now differ from before."""
    for side in ("lhs", "rhs"):
        formula = getattr(equation, side)
        for what, mutant in chain(mutants(formula), index_mutants(formula)):
            yield f"{side}: {what}", replace(equation, **{side: mutant}), mutant - formula


def survivors_of_row(row: Row, choice: Choice) -> list[str]:
    step, seen = choice
    found = []
    changes = ((c, *change) for c in row.claims if c.holds for change in changed(c.equation))
    for claim, what, equation, difference in islice(changes, 0, None, step):
        domain = domains()[claim.of]
        caught = residual(equation, domain.known, seen(domain.normal)) != 0
        if not caught and reduced(difference) != 0:
            found.append(f"{row.id} {what}")
    return found


def survivors_of_step(derivation: Derivation, label: str, choice: Choice) -> list[str]:
    """Changes of one step that neither its own proof nor one that uses it catches."""
    step, seen = choice
    users = [e for e in derivation.values() if label in e.uses or label in e.combines]
    own = derivation[label]
    found = []
    for what, equation, difference in islice(changed(own), 0, None, step):
        known: Mapping[str, Equation] = {**derivation, label: equation}
        held = users if own.is_definition else [equation, *users]
        caught = any(residual(e, known, seen(reduced)) != 0 for e in held)
        if not caught and reduced(difference) != 0:
            found.append(f"{label} {what}")
    return found


def used_or_proved(derivation: Derivation) -> list[str]:
    """Steps with a proof of their own or of another to catch a change; the rest are the spec's own lines."""
    used = {label for e in derivation.values() for label in (*e.uses, *e.combines)}
    return [label for label, e in derivation.items() if not e.is_definition or label in used]


STEPS = [(name, label) for name, derivation in DERIVATIONS.items() for label in used_or_proved(derivation)]


@pytest.mark.parametrize("row", PROVED, ids=lambda row: row.id)
def test_changes_of_a_row_are_caught(row: Row) -> None:
    assert survivors_of_row(row, SOME) == []


@pytest.mark.slow
@pytest.mark.parametrize("row", PROVED, ids=lambda row: row.id)
def test_every_change_of_a_row_is_caught(row: Row) -> None:
    assert survivors_of_row(row, EVERY) == []


@pytest.mark.parametrize("name", DERIVATIONS)
def test_changes_of_a_derivation_are_caught(name: str) -> None:
    derivation = DERIVATIONS[name]
    steps = [s for s in used_or_proved(derivation) if s != CONSTRAINT and not s.startswith(SPEC_LINES)]
    assert [survivor for label in steps for survivor in survivors_of_step(derivation, label, SOME)] == []


SPEC_LINES = ("dynamics.", "parameter.dynamics.")
"""The spec's own lines: their users differentiate the spec itself, so they are held against it, below."""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "label"), STEPS, ids=str)
def test_every_change_of_a_step_is_caught(name: str, label: str) -> None:
    if label == CONSTRAINT or label.startswith(SPEC_LINES):
        pytest.skip("has tests of its own")
    assert survivors_of_step(DERIVATIONS[name], label, EVERY) == []


@pytest.mark.parametrize("name", ["lif", "li"])
def test_changes_of_the_specs_own_lines_are_caught(name: str) -> None:
    """Definitions have nothing before them but the spec; changed, they are not it."""
    model, derivation = spec.load(name).with_integrals(), DERIVATIONS[name]
    lines = list(verify_routes.definitions(model, derivation))
    assert {e.label for e in derivation.values() if e.is_definition} - set(lines) <= NAMED
    survivors = []
    for label in lines:
        for what, equation, difference in changed(derivation[label]):
            held = verify_routes.definitions(model, derivation.replaced(equation))
            if all(value == 0 for value in held.values()) and reduced(difference) != 0:
                survivors.append(f"{label} {what}")
    assert survivors == []


def _named() -> set[str]:
    """Definitions of what a name stands for, and choices: their users, or the source's rows, hold them."""
    prefixes = ("", "parameter.")
    words = ("loss", "xi", "xi.written", "input.xi")
    choices = {label for d in DERIVATIONS.values() for label in d if "choice." in label}
    return {f"{prefix}{word}" for prefix in prefixes for word in words} | choices


NAMED = _named()


def test_what_the_constraint_leaves_true_is_a_multiple_of_it() -> None:
    """Along a trajectory the constraint is zero: without it, or with its sign turned, L is the same."""
    derivation = DERIVATIONS["general"]
    names = {derivation[f"general.dynamics.{i}"].lhs: derivation[f"general.dynamics.{i}"].rhs for i in (0, 1)}
    survivors = 0
    for _, equation, difference in changed(derivation[CONSTRAINT]):
        known = {**derivation, CONSTRAINT: equation}
        if residual(equation, known) == 0 and reduced(difference) != 0:
            survivors += 1
            assert reduced(difference.xreplace(names)) == 0
    assert survivors > 0


EMISSION_PARTS = ("guard", "slope", "sensitivity")


def test_changes_of_the_emission_rule_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules that kernels use are held against the saltation matrix of the network."""
    (transition,), (receptor,) = LIF.transitions, LIF.receptors
    rule = emission_rule(LIF, transition)
    wrong = [(p, w, replace(rule, **{p: m})) for p in EMISSION_PARTS for w, m in mutants(getattr(rule, p))]
    for part in ("reset", "adjoint", "parameters"):
        for name, formula in getattr(rule, part).items():
            for what, mutant in mutants(formula):
                changed_part = {**getattr(rule, part), name: mutant}
                wrong.append((f"{part} of {name}", what, replace(rule, **{part: changed_part})))
    missed = []
    for part, what, mutated in wrong:
        monkeypatch.setattr(verify_routes, "emission_rule", lambda *_, mutated=mutated: mutated)
        left = verify_routes.rules_against_saltation(LIF, transition, receptor)
        if all(value == 0 for value in left.values()):
            missed.append((part, what))
    assert len(wrong) > 30
    assert missed == []


def test_changes_of_the_arrival_rule_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    (receptor,) = LIF.receptors
    rule = arrival_rule(LIF, receptor)
    wrong = [
        (p, w, replace(rule, **{p: m})) for p in ("credit", "weight") for w, m in mutants(getattr(rule, p))
    ]
    for name, formula in rule.adjoint.items():
        for what, mutant in mutants(formula):
            wrong.append((name, what, replace(rule, adjoint={**rule.adjoint, name: mutant})))
    missed = []
    for part, what, mutated in wrong:
        monkeypatch.setattr(verify_routes, "arrival_rule", lambda *_, mutated=mutated: mutated)
        left = verify_routes.arrival_routes(LIF, DERIVATIONS["lif"], receptor)
        if all(value == 0 for value in left.values()):
            missed.append((part, what))
    assert len(wrong) > 8
    assert missed == []
