"""The source, equation by equation: nothing left out, nothing claimed that is not proved."""

import re
from collections import Counter
from pathlib import Path

import pytest

from saltus.derive import source, spec
from saltus.derive.gradient import adjoint
from saltus.derive.source import Row, Status
from saltus.derive.source_domains import domains
from saltus.derive.source_numbers import STEPS, as_paper_model, numbers
from saltus.derive.verify import row_holds

ROWS = source.rows()

NUMBERED = {
    "2": [*(str(n) for n in range(1, 10)), "10/22", *(str(n) for n in range(15, 22)), "23", "24"],
    "3": [
        *("25a", "25b", "11", "12", "1", "26", "27a", "27b", *(str(n) for n in range(28, 32))),
        *("32a", "32b", "33", "34", *(str(n) for n in range(13, 24)), *(str(n) for n in range(35, 52))),
        *("52a", "52b", "52c", "53", "54", "55", "56"),
    ],
    "5": ["24", "table-1", "table-2", *(str(n) for n in range(25, 32))],
    "6": [str(n) for n in range(32, 43)],
    "7": [str(n) for n in range(43, 59)],
    "10": [str(n) for n in range(59, 75)],
    "12": [str(n) for n in range(75, 80)],
}
"""Every number that the source prints, by section."""

ERRATA = {
    *(
        "2:10/22",
        "2:23",
        "3:16",
        "3:34",
        "3.1:20",
        "3.1:36",
        "3.1:41",
        "3.1:42",
        "3.1:43",
        "3.1:44",
        "3.2:49",
    ),
    *(
        "3.2:50",
        "3.3:51",
        "3.3:52a",
        "3.4:55",
        "5:table-2",
        "5.1:25",
        "6:35",
        "6:38",
        "6:39",
        "7:46",
        "7:forward",
        "10:forward",
    ),
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_row_holds(row: Row) -> None:
    assert row_holds(row, domains())


def test_every_number_of_the_source_has_a_row() -> None:
    found = {(row.id.split(":")[0].split(".")[0], row.id.split(":")[1]) for row in ROWS if ":" in row.id}
    expected = {(section, number) for section, numbers in NUMBERED.items() for number in numbers}
    assert expected - found == set()
    assert found - expected == {("7", "forward"), ("10", "forward")}


def test_ids_are_unique() -> None:
    assert len({row.id for row in ROWS}) == len(ROWS)


def test_the_loss_of_maxima_is_settled() -> None:
    """At a kink the two ways to write the arrival's worth agree, and the printed jump alone is not all."""
    settled = source.row("12:79")
    assert settled.status is Status.SETTLED
    assert [str(claim.equation.lhs) for claim in settled.claims].count("∂L/∂t_in") == 2
    assert "dt_max" in source.row("6:38").reason


def test_the_errata_are_these() -> None:
    assert {row.id for row in ROWS if row.status is Status.ERRATUM} == ERRATA


def test_the_documentation_counts_the_rows() -> None:
    """docs/mathematics.md says how many there are of each status, and lists each erratum."""
    text = (Path(__file__).parents[2] / "docs" / "mathematics.md").read_text(encoding="utf-8")
    counted = {status: int(n) for n, status in re.findall(r"^\| (\d+) \| ([a-z ]+):", text, re.MULTILINE)}
    assert counted == Counter(row.status.value for row in ROWS)
    assert f"its {len(ROWS)} numbered" in text
    listed = text[text.index("### Errata") : text.index("### What the source leaves open")]
    for name in ERRATA - {"5:table-2", "7:forward", "10:forward"}:
        assert name in listed


def test_an_erratum_says_why_and_shows_both_forms() -> None:
    for row in ROWS:
        if row.status is Status.ERRATUM:
            assert row.reason and row.printed and row.right and row.printed != row.right


def test_a_row_is_found_with_and_without_its_subsection() -> None:
    assert source.row("3:52a") is source.row("3.3:52a")
    with pytest.raises(KeyError, match="no such equation"):
        source.row("3:99")


def test_section_3_has_no_two_rows_of_one_number() -> None:
    """Its own numbers and those it quotes do not meet, so a number without its subsection is enough."""
    short = [row.id.split(":")[1] for row in ROWS if row.id.startswith("3") and ":" in row.id]
    assert len(short) == len(set(short))


def test_the_numbers_of_the_steps_are_numbers_of_the_source() -> None:
    assert set(STEPS.values()) <= {row.id for row in ROWS}


@pytest.mark.parametrize("name", ["lif", "li"])
def test_numbers_point_to_steps_that_exist(name: str) -> None:
    model = spec.load(name)
    derivation = adjoint(model)
    assert as_paper_model(model) is not None
    found = [step for step in numbers(model) if step in derivation]
    assert len(found) == (len(STEPS) if name == "lif" else len(found))
    assert all(derivation[step].source == (numbers(model)[step],) for step in found)
