"""Every reference case: its loss, spikes and gradient, or a refusal that names what is missing.

The expected numbers come from a simulator in 200-bit arithmetic, differentiated forwards through the event
times and by differences; no adjoint was used to get them.
"""

import json
from pathlib import Path

import pytest
import reference
from agreement import assert_gradients, assert_spikes

from saltus import SaltusError

CASES = Path(__file__).parent / "cases"

IN_SCOPE = [
    "alif",
    "alpha_synapse",
    "coincident",
    "equal_taus",
    "heterogeneous",
    "lif_ff_ttfs",
    "lif_li_sumv",
    "lif_rec_ttfs",
    "second_spike",
    "self_connections",
    "ttfs_missing",
]

REFUSED = {
    "lif_lV_spiking": "'integral_v2' is not among the shipped losses",
    "lif_li_maxv": "'max_v_xent' is not among the shipped losses",
    "lif_li_maxv_end": "'max_v_xent' is not among the shipped losses",
    "lif_li_maxv_kink": "'max_v_xent' is not among the shipped losses",
    "lif_rec_delays": "delays are not supported yet",
    "qif": "qif is more than linear dynamics",
    "reset_soft": "'integral_v2' is not among the shipped losses",
    "silent": "'integral_v2' is not among the shipped losses",
    "two_synapses": "delays are not supported yet",
}


def test_every_case_is_either_run_or_refused():
    assert sorted(path.stem for path in CASES.glob("*.json")) == sorted([*IN_SCOPE, *REFUSED])


@pytest.mark.parametrize("name", IN_SCOPE)
def test_case(name: str):
    expected = json.loads((CASES / f"{name}.json").read_text())["expected"]
    found = reference.run_case(CASES / f"{name}.json")
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-12)
    assert_spikes(found["spikes"], expected["spikes"])
    assert_gradients(found["grad"], expected["grad"])


@pytest.mark.parametrize("name", REFUSED)
def test_case_outside_the_scope_is_refused_by_name(name: str):
    with pytest.raises(SaltusError, match=REFUSED[name]):
        reference.run_case(CASES / f"{name}.json")


def test_an_unshipped_reset_is_refused_by_name():
    case = json.loads((CASES / "qif.json").read_text())
    case["populations"][0]["reset"] = "soft"
    with pytest.raises(SaltusError, match="'qif_soft' is not among the shipped models"):
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
