"""States at given times and integrals over windows, against the oracle; their times are parameters, too."""

from __future__ import annotations

from typing import Any

import pytest
from test_every_model import DRIVES, assert_model_exact, spec, with_delays, without_delays

from saltus.derive import spec as specs
from saltus.derive.lower import lower
from saltus.derive.verify_model import checks_of


def read(name: str, **readouts: str) -> dict[str, Any]:
    """A shipped spec that reads its states in all the ways that there are."""
    usual = {
        "last": "final(V*V - factor*V)",
        "mean": "integral(factor*V, begin, T - 1e-3)",
        "early": "integral(V*V, begin/2, begin)",
        "late": "integral(V, begin)",
        "there": "at(V*V/factor, 0.0113)",
    }
    content = spec(name, **{**usual, **readouts})
    content["parameters"] |= {"begin": {"value": 0.02, "unit": "s", "positive": True}, "factor": 2.0}
    return content


@pytest.mark.parametrize("name", ["li", "lif", "lif_refractory", "resonator"])
def test_readouts_at_times(name: str):
    """A state at a time that is learned needs one velocity for all phases; integrals have one always."""
    more = {} if name == "lif_refractory" else {"moving": "at(V*factor, begin)"}
    if name == "resonator":  # whose matrix exponential takes what is linear
        more["early"] = "integral(U, begin/2, begin)"
    assert_model_exact(without_delays(read(name, **more), DRIVES[name], 1), DRIVES[name])


@pytest.mark.slow
def test_readouts_at_times_in_a_network_with_delays():
    model = read("lif", moving="at(V*I, begin + hold)")
    model["parameters"] |= {"hold": 3e-3}
    assert_model_exact(with_delays(model, DRIVES["lif"], 2), DRIVES["lif"])


def highest(name: str, q: str) -> dict[str, Any]:
    """A shipped spec with maxima over the run and over windows, and an integral with bounds of theirs."""
    content = spec(
        name,
        top=f"max({q})",
        some="max(V, begin, T)",
        low="max(-V + I/3, begin/2, begin)",
        few="max(I, begin, begin + hold)",
        late="max(-V, T/2)",
        same="integral(V, begin, begin + hold)",
    )
    content["parameters"] |= {"begin": {"value": 0.02, "unit": "s", "positive": True}, "hold": 5e-3}
    return content


@pytest.mark.parametrize(("name", "q"), [("lif_refractory", "V - I/2"), ("resonator", "V - U")])
def test_maxima_in_windows(name: str, q: str):
    """Also where a phase holds V, and where rates are complex."""
    assert_model_exact(without_delays(highest(name, q), DRIVES[name], 1), DRIVES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["li", "lif"])
def test_maxima_in_windows_in_a_network_with_delays(name: str):
    assert_model_exact(with_delays(highest(name, "V - I/2"), DRIVES[name], 2), DRIVES[name])


def test_a_maximum_in_a_model_with_phases_is_proved_in_each():
    proofs = {
        name: proof for name, _, proof in checks_of(specs.from_dict(highest("lif_refractory", "V - I/2")))
    }
    found = proofs["maximum:top"]()
    assert any(name.startswith("held: inside") for name in found)
    assert {name for name, value in found.items() if value != 0} == set()


def test_a_window_is_two_readings_of_one_running_integral():
    model = lower(specs.from_dict(read("lif")))
    assert model.integrals == ()
    assert [state.name for state in model.states[2:]] == ["running_mean", "running_early", "running_late"]
    window = next(probe for probe in model.probes if probe.name == "early")
    assert [reading.partials.outputs for reading in window.readings] == [("running_early_partial",)] * 2
    assert [reading.parameters.outputs for reading in window.readings] == [("grad_begin",)] * 2
