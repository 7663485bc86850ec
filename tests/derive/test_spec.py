"""Specs become equations over symbols that carry what was declared of them."""

import tomllib
from importlib import resources

import pytest
import sympy

from saltus.derive import spec
from saltus.derive.spec import WEIGHT, ModelSpec
from saltus.errors import SpecError


@pytest.fixture
def lif() -> ModelSpec:
    return spec.load("lif")


def test_equations_are_those_of_the_file(lif: ModelSpec) -> None:
    s = lif.symbols()
    (V, I) = lif.states
    assert lif.dynamics == (s["tau_mem"] * V.dot + s["V"] - s["I"], s["tau_syn"] * I.dot + s["I"])
    assert lif.transition("spike").when == s["V"] - s["theta"]
    assert lif.transition("spike").reset == (s["v_reset"], s["I"])
    assert lif.transition("spike").emits
    assert lif.receptor("exc").jump == (s["V"], s["I"] + WEIGHT)


def test_symbols_carry_their_assumptions(lif: ModelSpec) -> None:
    s = lif.symbols()
    assert s["tau_mem"].is_positive
    assert s["theta"].is_real and s["theta"].is_positive is None
    assert s["V"].is_real


def test_initial_values_are_parameters(lif: ModelSpec) -> None:
    assert [p.name for p in lif.all_parameters] == ["tau_mem", "tau_syn", "theta", "v_reset", "V0", "I0"]
    assert [state.initial.name for state in lif.states if state.initial] == ["V0", "I0"]


def test_implicit_and_explicit_dynamics_agree(lif: ModelSpec) -> None:
    """M x' + h = 0, and x' = -M^-1 h puts every equation to zero."""
    assert lif.mass == sympy.diag(*(lif.symbols()[name] for name in ("tau_mem", "tau_syn")))
    explicit = dict(zip(lif.x_dot, lif.vector_field, strict=True))
    assert [sympy.cancel(f.xreplace(explicit)) for f in lif.dynamics] == [0, 0]


def test_a_readout_integral_is_one_more_state() -> None:
    li = spec.load("li")
    whole = li.with_integrals()
    assert [state.name for state in whole.states] == ["V", "I", "sum_V"]
    assert whole.states[2].initial is None
    assert whole.vector_field[2] == li.symbols()["V"]
    assert whole.receptor("exc").jump[2] == whole.states[2].symbol
    assert not whole.readouts


def test_a_dict_makes_the_same_model(lif: ModelSpec) -> None:
    text = resources.files("saltus.derive.models").joinpath("lif.toml").read_text(encoding="utf-8")
    assert spec.from_dict(tomllib.loads(text), "lif.toml") == lif


def test_a_number_is_a_parameter_in_short() -> None:
    data = {
        "name": "decay",
        "title": "Decay",
        "parameters": {"rate_a": 2},
        "initial": {"a": {"value": 1, "unit": "mV", "doc": "start"}},
        "dynamics": {"f_a": "dot(a) + rate_a*a"},
    }
    model = spec.from_dict(data)
    assert model.parameters[0].default == 2.0
    assert model.initial[0].unit == "mV"


def test_a_spec_without_a_table_where_one_belongs() -> None:
    with pytest.raises(SpecError, match=r"^model, \[parameters\]: 3 is not a table\."):
        spec.from_dict({"name": "a", "title": "a", "parameters": 3})
