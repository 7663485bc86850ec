"""The derivation of a whole model: proved, traced, printed, and Table 2 in the end."""

from dataclasses import replace

import pytest
from chains import EVERY
from models import adaptive, ball, coupled, two_thresholds
from sympy import S

import saltus.derive
from saltus.derive import notation, spec
from saltus.derive.algebra import reduced
from saltus.derive.derivation import Derivation
from saltus.derive.dynamics import calculus
from saltus.derive.gradient import adjoint
from saltus.derive.interval import regrouped
from saltus.derive.scene import Scene, along_weight
from saltus.derive.spec import ModelSpec
from saltus.errors import DerivationError


@pytest.fixture(scope="module")
def lif() -> Derivation:
    return saltus.derive.adjoint(spec.load("lif"))


@pytest.mark.parametrize("name", ["lif", "li"])
def test_every_step_of_the_shipped_models_is_proved(name: str) -> None:
    adjoint(spec.load(name)).check()


@pytest.mark.parametrize("make", [adaptive, ball, coupled, two_thresholds])
def test_every_step_of_other_models_is_proved(make: type[ModelSpec]) -> None:
    adjoint(make()).check()


@pytest.mark.parametrize("model", EVERY)
def test_every_step_of_any_chain_is_proved(model: ModelSpec) -> None:
    adjoint(model).check()


def test_a_step_is_found_by_name_and_by_number(lif: Derivation) -> None:
    assert lif["jump.emission"] is lif["3:52a"] is lif["3.3:52a"]
    assert "3:52a" in lif


def test_an_unknown_step_says_what_there_is(lif: Derivation) -> None:
    with pytest.raises(KeyError, match=r"jump.nowhere: no such step of lif.*jump.emission"):
        lif["jump.nowhere"]


def test_the_jump_traces_back_to_the_spec(lif: Derivation) -> None:
    trace = lif.trace("jump.emission")
    assert trace[-1] == "jump.emission"
    spec_lines = {"dynamics.V", "dynamics.I", "transition.condition", "reset.V", "receive.I", "loss"}
    assert spec_lines <= set(trace)
    for position, label in enumerate(trace):
        assert all(lif[p].label in trace[:position] for p in lif[label].sources_of)


def test_a_wrong_step_is_named(lif: Derivation) -> None:
    wrong = replace(lif["jump.emission"], rhs=-lif["jump.emission"].rhs)
    with pytest.raises(DerivationError, match=r"jump\.emission .* is not proved"):
        lif.replaced(wrong).check()


def test_it_prints_as_table_2(lif: Derivation) -> None:
    text = str(lif)
    assert "τ_mem λ_V′ = -λ_V - ∂l/∂V" in text
    assert "τ_syn λ_I′ = -λ_I + λ_V" in text
    assert "Σₘ wₘₙ ((λ_V⁺)ₘ - (λ_I⁺)ₘ) + ∂l_p/∂tₖ + l⁻ - l⁺" in text
    assert "dL/dw_ji = -τ_syn Σ[t ∈ spikes from i] (λ_I⁺)ⱼ" in text


def test_notebooks_get_latex_and_html(lif: Derivation) -> None:
    assert r"\dot{V}^-" in lif._repr_latex_()
    assert r"\tau_{\mathrm{mem}}" in lif["3:52a"]._repr_latex_()
    assert "<table>" in (lif._repr_html_() or "")


def test_a_derivation_of_something_else_prints_its_equations() -> None:
    assert "leibniz.rule" in str(calculus())
    assert calculus()._repr_html_() is None
    assert r"\begin{aligned}" in calculus()._repr_latex_()


def test_reset_value_enters_the_jump(lif: Derivation) -> None:
    """Table 2's threshold becomes theta - v_reset when the reset is not to zero."""
    theta, v_reset = (spec.load("lif").symbols()[name] for name in ("theta", "v_reset"))
    jump = lif["jump.emission.table"].rhs
    assert reduced(jump.diff(v_reset) + jump.diff(theta)) == 0


def test_a_reset_by_subtraction_keeps_the_threshold() -> None:
    """V -> V - theta: the slopes differ by theta/tau_mem whatever the state, as in (55)."""
    lif = spec.load("lif")
    V, I = lif.x
    theta = lif.symbols()["theta"]
    soft = replace(lif, transitions=(replace(lif.transitions[0], reset=(V - theta, I)),))
    ratio = adjoint(soft)["jump.ratio"]
    before = notation.velocity("V", "n", "-")
    assert reduced(ratio.rhs - 1 - theta / (lif.symbols()["tau_mem"] * before)) == 0


@pytest.mark.parametrize("spikes", [1, 2, 3, 5])
def test_the_ends_of_the_intervals_are_the_spikes(spikes: int) -> None:
    model = spec.load("lif")
    assert regrouped(Scene(model, along_weight(model, ())), spikes) == 0


def test_a_model_without_a_transition_has_no_jump() -> None:
    li = adjoint(spec.load("li"))
    assert not [label for label in li if label.startswith("jump.")]
    assert li["gradient.input"].rhs == adjoint(spec.load("lif"))["gradient.input"].rhs


def test_every_parameter_and_initial_value_has_a_gradient(lif: Derivation) -> None:
    for parameter in spec.load("lif").parameters:
        assert f"gradient.parameter.{parameter.name}" in lif
    assert {"gradient.initial.V", "gradient.initial.I"} <= set(lif)


def test_the_time_constant_gains_between_spikes_alone(lif: Derivation) -> None:
    rhs = lif["gradient.parameter.tau_mem"].rhs
    inside = rhs.function
    assert inside == notation.adjoint("V") * notation.velocity("V")
    assert lif["gradient.parameter.theta"].rhs.diff(notation.adjoint("V", "m", "+")) != S.Zero
