"""Losses are written once, and their derivatives hold for any number of classes."""

import mpmath
import pytest
import sympy
from interpreter import run
from sympy import Sum, exp

from saltus.derive import loss
from saltus.derive.head import lower_head
from saltus.derive.loss import CLASS, CLASSES, LABEL, TIMES, LossSpec, reduced
from saltus.templates import ir

VALUES = [
    "-log_softmax(-first/tau)[label] + alpha*(exp(first[label]/tau) - 1)",
    "-0.9*log_softmax(-first/tau)[label] - 0.1*sum(log_softmax(-first/tau))",
    "sum((first - first[label])**2)",
    "sum(exp((first[label] - first)/tau))",
    "log(1 + sum(exp((first[label] - first)/tau)))",
    "sum(first*exp(-first/tau))/sum(exp(-first/tau))",
    "sum(exp(-first/tau)*sum(first))",
]


def from_value(value: str) -> LossSpec:
    parameters = {"tau": {"value": 0.4, "positive": True}, "alpha": 0.3}
    data = {"name": "test", "title": "A loss", "parameters": parameters}
    return loss.from_dict(data | {"loss": {"data": {"label": "class"}, "value": value}})


def test_the_source_has_these_derivatives() -> None:
    """Section 5.1, (29) and (31), without the factor 1/N_batch."""
    spec = loss.load("first_spike_cross_entropy")
    tau_0, tau_1, alpha = (parameter.symbol for parameter in spec.parameters)
    j = sympy.Symbol("j", integer=True, nonnegative=True)
    total = Sum(exp(-TIMES[j] / tau_0), (j, 0, CLASSES - 1))
    found = loss.derive(spec)
    at_label = (1 - exp(-TIMES[LABEL] / tau_0) / total) / tau_0 + alpha / tau_1 * exp(TIMES[LABEL] / tau_1)
    assert reduced(found.label_gradient - at_label) == 0
    assert reduced(found.other_gradient + exp(-TIMES[CLASS] / tau_0) / total / tau_0) == 0
    assert reduced(found.other_gradient - exp(-TIMES[CLASS] / tau_0) / total / tau_0) != 0


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("classes", [1, 2, 3, 4])
def test_derivatives_for_any_number_of_classes(value: str, classes: int) -> None:
    """They are those of the loss written out for that number."""
    assert set(loss.residuals(loss.derive(from_value(value)), classes)) == {0}


@pytest.mark.parametrize("value", VALUES[:-1])
def test_the_head_computes_the_loss_and_its_gradient(value: str) -> None:
    """The IR, evaluated, against numerical differentiation of the text's own meaning."""
    spec = from_value(value)
    head = lower_head(spec)
    times = [mpmath.mpf(n) / 10 for n in (7, 3, 5, 11)]
    parameters = {"tau": mpmath.mpf("0.4"), "alpha": mpmath.mpf("0.3"), "classes": 4}

    def meaning(at: list[mpmath.mpf]) -> mpmath.mpf:
        written = loss.concrete(spec.value, 4, 1)
        numbers = {TIMES[k]: sympy.Float(str(t), 300) for k, t in enumerate(at)}
        numbers |= {p.symbol: sympy.Float(str(parameters[p.name]), 300) for p in spec.parameters}
        return mpmath.mpf(str(written.subs(numbers).evalf(300)))

    with mpmath.workdps(40):
        scope = {"t": times, "label": 1, **parameters}
        assert mpmath.almosteq(run(head.value, scope)["loss"], meaning(times), rel_eps=1e-15)
        for k in range(4):
            block = head.label_gradient if k == 1 else head.other_gradient
            found = run(block, {**scope, "k": k})["grad_t"]
            slope = mpmath.diff(lambda t, k=k: meaning([*times[:k], t, *times[k + 1 :]]), times[k])
            assert mpmath.almosteq(found, slope, rel_eps=1e-10, abs_eps=1e-12)


def test_the_softmax_is_stable() -> None:
    """A sum of exponentials is only ever taken inside a logarithm, so no time overflows it."""
    head = lower_head(loss.load("first_spike_cross_entropy"))
    for block in (head.value, head.label_gradient, head.other_gradient):
        reductions = [a.value for a in block.body if isinstance(a.value, ir.Reduce)]
        assert [reduction.kind for reduction in reductions] == ["logsumexp"]


def test_a_spike_that_never_came_has_no_gradient() -> None:
    head = lower_head(loss.load("first_spike_cross_entropy"))
    scope = {"t": [mpmath.mpf(1), mpmath.inf], "label": 0, "k": 1, "tau_0": 1, "tau_1": 1, "alpha": 0}
    assert run(head.other_gradient, scope)["grad_t"] == 0
    assert run(head.value, scope)["loss"] == 0
