"""The second route: saltation matrices give the same, for shipped models and others."""

import ast
from pathlib import Path

import pytest
import sympy
from chains import EVERY
from models import adaptive, ball, coupled

import saltus.derive.saltation
from saltus.derive import saltation, spec, verify
from saltus.derive.spec import WEIGHT, ModelSpec

ROUTES = ("two routes", "rules", "own target", "arrival")


def _by_routes(model: ModelSpec) -> list[verify.Outcome]:
    outcomes = verify.check_model(model)
    return [o for o in outcomes if o.id.split(":")[1] in ROUTES]


@pytest.mark.parametrize("name", ["lif", "li"])
def test_both_routes_agree_on_shipped_models(name: str) -> None:
    outcomes = _by_routes(spec.load(name))
    assert outcomes
    assert [o for o in outcomes if not o.ok] == []


@pytest.mark.slow
@pytest.mark.parametrize("make", [adaptive, ball, coupled])
def test_both_routes_agree_on_other_models(make: type[ModelSpec]) -> None:
    assert [o for o in verify.check_model(make()) if not o.ok] == []


@pytest.mark.slow
@pytest.mark.parametrize("model", EVERY)
def test_both_routes_agree_on_any_chain(model: ModelSpec) -> None:
    assert [o for o in verify.check_model(model) if not o.ok] == []


def test_it_shares_nothing_with_the_other_route() -> None:
    """It may read the spec and nothing else of the derivation."""
    tree = ast.parse(Path(saltus.derive.saltation.__file__).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in imported if name and name.startswith("saltus")} == {"saltus.derive.model"}


def test_the_matrix_of_a_bouncing_ball() -> None:
    """The textbook case: with v' = -g and restitution r, (h, v) is mapped by [[-r, 0], [-(1 + r) g/v, -r]].

    Here v is the velocity before the bounce (Leine & Nijmeijer 2004).
    """
    free = ball()
    g, r, k = (p.symbol for p in free.parameters)
    jump = saltation.at_spike(free, free.transitions[0], None)
    lam_h, lam_v = saltation.multiplier("n", "h"), saltation.multiplier("n", "v")
    v = saltation.state("n", "v")
    undamped = {k: 0, saltation.SPIKE_LOSS: 0, saltation.LOSS_BEFORE: 0, saltation.LOSS_AFTER: 0}
    before_h = jump.adjoint["n", "h"].subs(undamped)
    assert sympy.cancel(before_h - (-r * lam_h - (1 + r) * g / v * lam_v)) == 0
    assert jump.adjoint["n", "v"] == -r * lam_v


def test_a_bystander_is_left_alone() -> None:
    lif = spec.load("lif")
    jump = saltation.at_spike(lif, lif.transitions[0], lif.receptors[0])
    for name in ("V", "I"):
        assert jump.adjoint["b", name] == saltation.multiplier("b", name)


def test_a_delay_is_worth_the_arrivals_credit() -> None:
    lif = spec.load("lif")
    jump = saltation.at_arrival(lif, lif.receptors[0])
    owed = WEIGHT * (saltation.multiplier("m", "V") - saltation.multiplier("m", "I"))
    losses = saltation.LOSS_BEFORE - saltation.LOSS_AFTER
    assert jump.time is not None
    assert sympy.expand(jump.time - owed - losses) == 0
