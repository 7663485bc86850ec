"""The rules of one neuron: what the kernels apply at a spike and at an arrival."""

from dataclasses import replace

import pytest
from models import adaptive, ball
from sympy import Symbol

from saltus.derive import files, spec
from saltus.derive.algebra import reduced
from saltus.derive.spec import EXTERNAL, SENSITIVITY, WEIGHT
from saltus.derive.transition import arrival_rule, emission_rule, initial_rule
from saltus.errors import DerivationError

lif = spec.load("lif")
V, I = lif.x
lam_V, lam_I = lif.adjoints
tau_mem, tau_syn, theta, v_reset = (p.symbol for p in lif.parameters)
spike = emission_rule(lif, lif.transitions[0])
arrival = arrival_rule(lif, lif.receptors[0])


def test_the_spiking_neuron_jumps_as_in_52a() -> None:
    """(V'+/V'-) lambda_V + external/(tau_mem V'-), with the slopes from the dynamics."""
    before, after = (I - V) / tau_mem, (I - v_reset) / tau_mem
    assert reduced(spike.adjoint["V"] - (after / before * lam_V + EXTERNAL / (tau_mem * before))) == 0
    assert spike.adjoint["I"] == lam_I


def test_the_rule_reads_as_one_would_write_it() -> None:
    assert str(spike.slope) == "(I - V)/tau_mem"
    assert str(spike.sensitivity) == "external + lambda_V*(I - v_reset)"
    assert str(spike.adjoint["V"]) == "(external + lambda_V*(I - v_reset))/(I - V)"


def test_the_sensitivity_is_what_the_adjoint_divides() -> None:
    assert reduced(spike.adjoint["V"] - spike.sensitivity / (tau_mem * spike.slope)) == 0


def test_guard_and_reset_parameters_gain_at_a_spike() -> None:
    assert reduced(spike.parameters["theta"] - SENSITIVITY / spike.slope) == 0
    assert spike.parameters["v_reset"] == -tau_mem * lam_V
    assert set(spike.parameters) == {"theta", "v_reset"}


def test_an_arrival_gives_its_credit_and_samples_the_weight() -> None:
    assert arrival.credit == lam_V - lam_I
    assert arrival.weight == -tau_syn * lam_I
    assert arrival.adjoint == {"V": lam_V, "I": lam_I}


def test_labels_name_the_step_and_the_source() -> None:
    assert spike.labels["adjoint.V"] == ("jump.emission", "3:52a")
    assert spike.labels["adjoint.I"] == ("jump.emission.I", "3:52c")
    assert arrival.labels["weight"] == ("gradient.weight", "3:53")


def test_initial_values_take_the_costate_at_zero() -> None:
    assert initial_rule(lif) == {"V0": -tau_mem * lam_V, "I0": -tau_syn * lam_I}


def test_a_model_that_is_not_the_papers_has_no_numbers() -> None:
    rule = emission_rule(adaptive(), adaptive().transitions[0])
    assert {number for _, number in rule.labels.values()} == {None}


def test_renaming_changes_names_and_nothing_else() -> None:
    """The numbers of the source, too, follow from the equations and not from the letters."""
    text, _ = files.read("models", "lif")
    renamed = text.replace("V", "U").replace("tau_mem", "tau_u")
    other = spec.parse(renamed, "renamed.toml")
    rule = emission_rule(other, other.transitions[0])
    names = dict(zip([*lif.x, *lif.adjoints], [*other.x, *other.adjoints], strict=True))
    assert rule.adjoint["U"] == spike.adjoint["V"].xreplace(names)
    assert rule.labels["adjoint.U"] == ("jump.emission", "3:52a")


def test_an_integral_is_a_state_like_any_other() -> None:
    li = spec.load("li").with_integrals()
    rule = arrival_rule(li, li.receptors[0])
    assert rule.credit == lam_V - lam_I
    assert rule.adjoint["sum_V"] == Symbol("lambda_sum_V", real=True)


def test_a_receptor_parameter_gains_at_the_arrival() -> None:
    model = adaptive()
    rule = arrival_rule(model, model.receptor("inh"))
    assert set(rule.parameters) == {"c"}


def test_a_ball_bounces() -> None:
    """v+ = -r v-: the velocity's adjoint turns, and the height's takes up the sensitivity."""
    model = ball()
    rule = emission_rule(model, model.transitions[0])
    _, v = model.x
    assert reduced(rule.slope + v) == 0
    assert reduced(rule.adjoint["v"] + model.symbols()["r"] * Symbol("lambda_v", real=True)) == 0
    assert rule.adjoint["h"].has(EXTERNAL)


def test_a_guard_that_never_moves_is_refused() -> None:
    still = replace(lif, transitions=(replace(lif.transitions[0], when=theta - v_reset),))
    with pytest.raises(DerivationError, match=r"\[transition.spike\] when: .* has no time of its own"):
        emission_rule(still, still.transitions[0])


def test_a_receptor_that_is_not_current_like_has_a_whole_credit() -> None:
    """I (1 + w): the jump of lambda_I and the credit depend on the weight and the current."""
    scaled = replace(lif, receptors=(replace(lif.receptors[0], jump=(V, I * (1 + WEIGHT))),))
    rule = arrival_rule(scaled, scaled.receptors[0])
    assert not rule.linear
    assert reduced(rule.adjoint["I"] - (1 + WEIGHT) * lam_I) == 0
    assert reduced(rule.credit - WEIGHT * I * lam_V) == 0
    assert reduced(rule.weight + tau_syn * I * lam_I) == 0
