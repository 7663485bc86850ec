"""The oracle itself against the reference cases, which were computed by other means."""

import json
from pathlib import Path
from typing import Any

import oracle
import pytest
from mpmath import mp, mpf

CASES = Path(__file__).parent / "cases"


@pytest.mark.parametrize(
    "name",
    [
        "lif_ff_ttfs",
        "ttfs_missing",
        "coincident",
        pytest.param("heterogeneous", marks=pytest.mark.slow),
        pytest.param("equal_taus", marks=pytest.mark.slow),
        pytest.param("self_connections", marks=pytest.mark.slow),
        pytest.param("second_spike", marks=pytest.mark.slow),
        pytest.param("lif_li_sumv", marks=pytest.mark.slow),
        pytest.param("lif_rec_delays", marks=pytest.mark.slow),
    ],
)
def test_agrees_with_a_reference_case_to_its_last_digit(name: str):
    """Losses are printed to 38 digits, everything else is a rounded float64."""
    case = json.loads((CASES / f"{name}.json").read_text())
    found, expected = oracle.evaluate(case), case["expected"]
    with mp.workdps(oracle.DIGITS):
        printed = expected["loss_digits"]
        assert abs(found["loss"] - mpf(printed)) <= mpf(10) ** -(len(printed) - 3) * max(
            1, abs(found["loss"])
        )
    assert_last_digit(found["spikes"], expected["spikes"], "spikes")
    assert_last_digit(found["grad"], expected["grad"], "grad")


def assert_last_digit(found: Any, expected: Any, place: str) -> None:
    """Every number of ``expected`` is what ``found`` rounds to, but for one unit in the last place."""
    if isinstance(expected, dict):
        assert set(found) == set(expected), place
        for key, value in expected.items():
            assert_last_digit(found[key], value, f"{place}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), place
        for i, value in enumerate(expected):
            assert_last_digit(found[i], value, f"{place}[{i}]")
    elif expected is None:
        assert found is None, place
    else:
        assert abs(found - mpf(expected)) <= 3e-16 * abs(expected), place


@pytest.mark.slow
def test_the_gradient_is_the_slope_of_the_loss():
    """A central difference in 50 digits, for one number of each kind: no reference needed."""
    case = json.loads((CASES / "lif_ff_ttfs.json").read_text())
    gradient = oracle.evaluate(case)["grad"]
    places: list[tuple[Any, Any, mpf]] = [
        (case["projections"][0]["weights"][2], 1, gradient["weights"]["in_hid"][2][1]),
        (case["populations"][0]["params"]["tau_mem"], 3, gradient["params"]["hid"]["tau_mem"][3]),
        (case["populations"][0]["params"]["tau_syn"], 3, gradient["params"]["hid"]["tau_syn"][3]),
        (case["populations"][1]["params"]["theta"], 1, gradient["params"]["out"]["theta"][1]),
        (case["populations"][0]["params"]["I0"], 0, gradient["params"]["hid"]["I0"][0]),
        (case["input"]["spikes"][5], 1, gradient["input_times"][5]),
    ]
    with mp.workdps(oracle.DIGITS):
        step = mpf(10) ** -15
        for holder, index, slope in places:
            losses, value = [], mpf(holder[index])
            for sign in (1, -1):
                holder[index] = value + sign * step * abs(value or 1)
                losses.append(oracle.evaluate(case)["loss"])
            holder[index] = float(value)
            difference = (losses[0] - losses[1]) / (2 * step * abs(value or 1))
            assert abs(difference - slope) <= 1e-20 * max(1, abs(slope)), (index, slope)
