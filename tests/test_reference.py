"""Every reference case: its loss, spikes and gradient.

The expected numbers come from a simulator in 200-bit arithmetic, differentiated forwards through the event
times and by differences; no adjoint was used to get them.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import reference
from agreement import assert_gradients, assert_spikes

from saltus import SaltusError, Spikes

CASES = Path(__file__).parent / "cases"


@pytest.mark.parametrize("name", sorted(path.stem for path in CASES.glob("*.json")))
def test_case(name: str):
    expected = json.loads((CASES / f"{name}.json").read_text())["expected"]
    found = reference.run_case(CASES / f"{name}.json")
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-12)
    assert_spikes(found["spikes"], expected["spikes"])
    assert_gradients(found["grad"], expected["grad"])


@pytest.mark.parametrize("name", ["lif_li_maxv", "lif_li_maxv_end", "lif_li_maxv_kink"])
def test_maxima_are_where_they_should_be(name: str):
    case = json.loads((CASES / f"{name}.json").read_text())
    objective = reference.LOSSES["max_v_xent"](case["loss"])
    spikes = Spikes.from_pairs([case["input"]["spikes"]], case["input"]["size"])
    result = reference.network_of(case, objective).run(spikes, [case["loss"]["label"]])
    np.testing.assert_allclose(result.readouts["out"]["max_V"][0], case["expected"]["max_V"], rtol=1e-12)
    np.testing.assert_allclose(result.peak_times["out"]["max_V"][0], case["expected"]["t_max"], rtol=1e-9)


def test_an_integral_that_is_weighted_in_time():
    """Against a sum over a trace, and against differences."""
    case = json.loads((CASES / "lif_li_sumv.json").read_text())
    case["loss"]["weighting"] = "exp(-t/T)"
    objective = reference.LOSSES["integral_v_xent"]({**case["loss"], "T": case["T"]})
    net = reference.network_of(case, objective)
    spikes = Spikes.from_pairs([case["input"]["spikes"]], case["input"]["size"])
    t = np.linspace(0.0, case["T"], 20001)
    V = net.trace(spikes, times=t).states["out"]["V"]
    weighted = np.trapezoid(np.exp(-t / case["T"])[:, None] * V, t, axis=1)
    np.testing.assert_allclose(net.run(spikes).readouts["out"]["sum_V"], weighted, rtol=1e-6)
    names = ["in_hid.weights", "hid_out.weights", "out.tau_mem", "hid.theta", "input_times"]
    check = net.check_gradient(spikes, [case["loss"]["label"]], names, entries=6)
    assert check.error < 1e-6, check


def test_an_unshipped_reset_is_refused_by_name():
    case = json.loads((CASES / "alif.json").read_text())
    case["populations"][0]["reset"] = "soft"
    with pytest.raises(SaltusError, match=r"no shipped alif has a soft reset\. Write a spec"):
        reference.run(case)


@pytest.mark.parametrize("change", [lambda x: x * (1 + 2e-9), lambda x: None])
def test_a_wrong_gradient_would_be_noticed(change):
    """An error of 2e-9, or a synapse that is not there, in one entry of one array."""
    found = reference.run_case(CASES / "lif_ff_ttfs.json")["grad"]
    wrong = json.loads(json.dumps(found))
    assert_gradients(wrong, found)
    row = wrong["weights"]["hid_out"][0]
    row[max(range(len(row)), key=lambda i: abs(row[i]))] = change(max(row, key=abs))
    with pytest.raises(AssertionError, match=r"weights\.hid_out"):
        assert_gradients(wrong, found)
