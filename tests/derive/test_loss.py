"""Losses are written once, and their derivatives hold for any number of classes."""

from importlib.resources import files

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

UNLABELLED = [
    "sum((first - target)**2)/2",
    "sum((spike(1) - first)*x) + alpha*sum(x**2*target)/classes",
    "log(sum(exp(-spike(2)/tau)))*sum(x)**-1",
    "log_softmax(x/tau)[label]*x[label]*first[label]**2",
]
SHIPPED = sorted(
    path.name.removesuffix(".toml")
    for path in files("saltus.derive.losses").iterdir()
    if path.name.endswith(".toml") and "filter" not in path.read_text(encoding="utf-8")
)


def from_value(value: str) -> LossSpec:
    parameters = {"tau": {"value": 0.4, "positive": True}, "alpha": 0.3}
    data = {"name": "test", "title": "A loss", "parameters": parameters}
    known = {"label": "class"} if "label" in value else {}
    known |= {"target": "value"} if "target" in value else {}
    readouts = ["x"] if "x" in value.replace("exp", "").replace("max", "") else []
    return loss.from_dict(data | {"loss": {"data": known, "readouts": readouts, "value": value}})


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


@pytest.mark.parametrize("value", [*VALUES, *UNLABELLED])
@pytest.mark.parametrize("classes", [1, 2, 3, 4])
def test_derivatives_for_any_number_of_classes(value: str, classes: int) -> None:
    """They are those of the loss written out for that number."""
    assert set(loss.residuals(loss.derive(from_value(value)), classes)) == {0}


@pytest.mark.parametrize("value", [*VALUES[:-1], *UNLABELLED])
def test_the_head_computes_the_loss_and_its_gradient(value: str) -> None:
    """The IR, evaluated, against numerical differentiation of the text's own meaning."""
    holds_for(from_value(value), {"tau": 0.4, "alpha": 0.3})


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_losses(name: str) -> None:
    """Proved for some numbers of classes; the head's numbers are those of mpmath's own differentiation."""
    spec = loss.load(name)
    for classes in (1, 2, 3, 4):
        assert set(loss.residuals(loss.derive(spec), classes)) == {0}
    holds_for(spec, {parameter.name: 0.4 for parameter in spec.parameters})


@pytest.mark.parametrize("name", [name for name in SHIPPED if name.endswith("cross_entropy")])
def test_the_softmax_is_stable(name: str) -> None:
    """A sum of exponentials is only ever taken inside a logarithm, so no readout overflows it."""
    head = lower_head(loss.load(name))
    assert [block.body[0].value.kind for block in head.sums] == ["logsumexp"]
    assert not any(isinstance(a.value, ir.Reduce) for block in heads_of(head) for a in block.body)


def test_a_spike_that_never_came_has_no_gradient() -> None:
    head = lower_head(loss.load("first_spike_cross_entropy"))
    scope = {"t": [mpmath.mpf(1), mpmath.inf], "label": 0, "tau_0": 1, "tau_1": 1, "alpha": 0, "classes": 2}
    (gradient,) = gradients(head, scope)
    assert gradient[1] == 0
    assert value_of(head, scope) == 0


def holds_for(spec: LossSpec, numbers: dict[str, float]) -> None:
    """The head's value and gradient are those that the text means, for four classes with label 1."""
    head = lower_head(spec)
    with mpmath.workdps(40):
        arrays = [r.name for r in spec.readouts] + list(spec.targets)
        data = {
            name: [mpmath.mpf((7 * n + 11 * i) % 13 + 1) / 10 for i in range(4)]
            for n, name in enumerate(arrays)
        }
        parameters = {p.name: mpmath.mpf(str(numbers[p.name])) for p in spec.parameters}

        def meaning(at: dict[str, list[mpmath.mpf]]) -> mpmath.mpf:
            written = loss.concrete(spec.value, 4, 1)
            values = {
                sympy.IndexedBase(name, real=True)[k]: sympy.Float(str(x), 300)
                for name, row in at.items()
                for k, x in enumerate(row)
            }
            values |= {p.symbol: sympy.Float(str(parameters[p.name]), 300) for p in spec.parameters}
            return mpmath.mpf(str(written.subs(values).evalf(300)))

        scope = {**data, **parameters, "label": 1, "classes": 4}
        assert mpmath.almosteq(value_of(head, scope), meaning(data), rel_eps=1e-15)
        for readout, found in zip(spec.readouts, gradients(head, scope), strict=True):
            row = data[readout.name]
            for k in range(4):

                def along(x: mpmath.mpf, k: int = k, row=row, name: str = readout.name) -> mpmath.mpf:
                    return meaning({**data, name: [*row[:k], x, *row[k + 1 :]]})

                slope = mpmath.diff(along, row[k])
                assert mpmath.almosteq(found[k], slope, rel_eps=1e-10, abs_eps=1e-12)


def sums_of(head: ir.HeadIR, scope: dict) -> dict:
    for block in head.sums:
        scope = scope | run(block, scope)
    return scope


def value_of(head: ir.HeadIR, scope: dict) -> mpmath.mpf:
    return run(head.value, sums_of(head, scope))["loss"]


def gradients(head: ir.HeadIR, scope: dict) -> list[list[mpmath.mpf]]:
    """dH/dx for each readout x and class."""
    scope = sums_of(head, scope)
    found = []
    for partial in head.partials:
        blocks = [partial.label if k == scope["label"] and partial.label else partial.other for k in range(4)]
        blocks = blocks[: scope["classes"]]
        found.append([run(b, {**scope, "k": k})[b.outputs[0]] for k, b in enumerate(blocks)])
    return found


def heads_of(head: ir.HeadIR) -> list[ir.Block]:
    return [head.value, *(b for p in head.partials for b in (p.label, p.other) if b)]
