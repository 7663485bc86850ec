"""Section 5.1 of the source: the loss of the Yin-Yang experiment and its derivatives."""

from __future__ import annotations

import sympy
from sympy import Expr, Sum, Symbol, exp, log

from saltus.derive.loss import CLASS, CLASSES, LABEL, TIMES
from saltus.derive.source import Row, claim, erratum, proven
from saltus.derive.source_domains import OTHER_CLASS, SAMPLES, spike_time

TAU_0, TAU_1 = Symbol("tau_0", positive=True), Symbol("tau_1", positive=True)
ALPHA = Symbol("alpha", real=True)
N_BATCH = Symbol("N_batch", positive=True)
L, BY_LABEL, BY_OTHER = Symbol("L"), Symbol("dL/dt_label"), Symbol("dL/dt_other")
K = (1, 2, 3)
LOSS = "loss"


def softmax_term(sample: int, neuron: int) -> Expr:
    """exp(-t_{i,k}/tau_0)."""
    return exp(-spike_time(sample, neuron) / TAU_0)


def total(sample: int) -> Expr:
    """The denominator."""
    return sympy.Add(*(softmax_term(sample, k) for k in K))


def penalty(sample: int) -> Expr:
    """exp(t_{i,l(i)}/tau_1) - 1."""
    return exp(spike_time(sample, SAMPLES[sample]) / TAU_1) - 1


def rows() -> tuple[Row, ...]:
    """The rows of the section, for sample 1 where one is meant."""
    return (*_loss(), *_by_label(), *_by_other())


def _loss() -> tuple[Row, ...]:
    logs = {i: log(softmax_term(i, SAMPLES[i]) / total(i)) for i in SAMPLES}
    last = max(SAMPLES)
    outside = -(sympy.Add(*logs.values()) - ALPHA * penalty(last)) / N_BATCH
    inside = -sympy.Add(*(logs[i] - ALPHA * penalty(i) for i in SAMPLES)) / N_BATCH
    return (
        erratum(
            "5.1:25",
            "The loss: cross-entropy of the first spikes, with a penalty on a late one",
            "The term with α belongs inside the sum over the batch: outside, its index i means nothing.",
            claim(L, outside, "loss.value", of=LOSS, holds=False),
            claim(L, inside, "loss.value", of=LOSS),
        ),
    )


def _by_label() -> tuple[Row, ...]:
    t, e, s = spike_time(1, SAMPLES[1]), softmax_term(1, SAMPLES[1]), total(1)
    late = ALPHA / TAU_1 * exp(t / TAU_1)
    quotient = -e / TAU_0 / s - e / s**2 * (-e / TAU_0)
    written = -(s / e * quotient - late) / N_BATCH
    shorter = -(-1 / TAU_0 + e / (TAU_0 * s) - late) / N_BATCH
    final = ((1 - e / s) / TAU_0 + late) / N_BATCH
    any_e = exp(-TIMES[LABEL] / TAU_0)
    any_late = ALPHA / TAU_1 * exp(TIMES[LABEL] / TAU_1)
    any_final = (1 - any_e / _any_total()) / TAU_0 + any_late
    return (
        proven(
            "5.1:26",
            "By the label's spike time: quotient rule, first part",
            claim(BY_LABEL, written, "loss.label", of=LOSS),
            note="One equation over two lines, (26) and (27).",
        ),
        proven(
            "5.1:27",
            "By the label's spike time: quotient rule, second part",
            claim(BY_LABEL, written, "loss.label", of=LOSS),
        ),
        proven("5.1:28", "The same, cancelled", claim(BY_LABEL, shorter, "loss.label", of=LOSS)),
        proven(
            "5.1:29",
            "By the label's spike time",
            claim(BY_LABEL, final, "loss.label", of=LOSS),
            claim(Symbol("dH/dt_label"), any_final, "loss.any.label", of=LOSS),
            note="The second proof is for any number of classes.",
        ),
    )


def _by_other() -> tuple[Row, ...]:
    e, s, other = softmax_term(1, SAMPLES[1]), total(1), softmax_term(1, OTHER_CLASS)
    written = -(s / e * (-e / s**2) * (-other / TAU_0)) / N_BATCH
    final = -other / (TAU_0 * s) / N_BATCH
    any_final = -exp(-TIMES[CLASS] / TAU_0) / (TAU_0 * _any_total())
    return (
        proven(
            "5.1:30",
            "By another neuron's spike time: quotient rule",
            claim(BY_OTHER, written, "loss.other", of=LOSS),
        ),
        proven(
            "5.1:31",
            "By another neuron's spike time",
            claim(BY_OTHER, final, "loss.other", of=LOSS),
            claim(Symbol("dH/dt_other"), any_final, "loss.any.other", of=LOSS),
            note="The second proof is for any number of classes.",
        ),
    )


def _any_total() -> Expr:
    j = Symbol("j", integer=True, nonnegative=True)
    return Sum(exp(-TIMES[j] / TAU_0), (j, 0, CLASSES - 1))
