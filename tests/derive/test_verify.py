"""What ``saltus check`` prints: every row ok, every check with a name, and all of it as JSON."""

import json

import pytest

from saltus.derive import spec, verify
from saltus.derive.derivation import Equation
from saltus.derive.source import Row, Status, claim, erratum, proven
from saltus.derive.source_domains import domains
from saltus.derive.source_symbols import TAU_MEM, lam_V


def test_the_whole_source_is_proved_in_seconds() -> None:
    outcomes = verify.check_source()
    assert [o.id for o in outcomes if not o.ok] == []
    assert sum(o.seconds for o in outcomes) < 60


@pytest.mark.parametrize("name", ["lif", "li"])
def test_every_check_of_a_shipped_model_is_ok(name: str) -> None:
    outcomes = verify.check_model(spec.load(name))
    assert [o for o in outcomes if not o.ok] == []
    assert all(o.id.startswith(f"{name}:") for o in outcomes)


def test_outcomes_are_json() -> None:
    rows = json.loads(json.dumps([o.as_dict() for o in verify.check_source()], ensure_ascii=False))
    assert {"id", "status", "ok", "title", "printed", "right", "reason", "seconds"} <= set(rows[0])
    assert {row["status"] for row in rows} == {status.value for status in Status}


KEPT = (lam_V("m", "-"), lam_V("m", "+"), "jump.arrival.V")
"""A silent neuron's adjoint does not jump, which is right."""


@pytest.mark.parametrize(
    "row",
    [
        proven("x:1", "a row that claims to be proved, with nothing to prove"),
        proven("x:2", "a row with a wrong formula", claim(KEPT[0], -KEPT[1], KEPT[2])),
        erratum(
            "x:3",
            "an erratum whose printed form is right",
            "",
            claim(*KEPT),
        ),
        erratum(
            "x:4",
            "the same, said to be wrong",
            "",
            claim(*KEPT, holds=False),
            claim(*KEPT),
        ),
    ],
    ids=lambda row: row.title,
)
def test_a_row_that_does_not_hold_fails(row: Row) -> None:
    assert not verify.row_holds(row, domains())


def test_a_claim_without_premises_must_be_an_identity() -> None:
    assert verify.row_holds(proven("x:5", "identity", claim(TAU_MEM * 2, TAU_MEM + TAU_MEM)), domains())
    assert not verify.row_holds(proven("x:6", "no identity", claim(TAU_MEM * 2, TAU_MEM)), domains())


def test_an_equation_without_certificate_is_a_definition() -> None:
    assert Equation("d", TAU_MEM, TAU_MEM, "").is_definition


def test_an_integral_of_a_product_has_states_in_its_adjoint_equation() -> None:
    model = spec.from_dict(
        {
            "name": "two",
            "title": "Two decays and the integral of their product",
            "parameters": {
                "tau": {"value": 1.0, "positive": True},
                "tau_g": {"value": 2.0, "positive": True},
            },
            "initial": {"V": 0.0, "g": 0.0},
            "dynamics": {"f_V": "tau*dot(V) + V", "f_g": "tau_g*dot(g) + g"},
            "readouts": {"area": "integral(V*g)"},
        }
    )
    outcomes = verify.check_model(model)
    assert "two:flow:adjoint" in {outcome.id for outcome in outcomes}
    assert [outcome for outcome in outcomes if not outcome.ok] == []
