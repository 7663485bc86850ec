r"""A loss over readouts, its derivatives for any number of classes, and their proofs.

The loss of one sample is written once, H(x, label, targets). Its derivative in the readout x of class k, be
it a spike time or any other,

.. math:: \frac{\partial H}{\partial x_k}, \qquad \frac{\partial x_j}{\partial x_k} = \delta_{jk},

is taken under the sums over the classes; then each sum that holds a Kronecker delta collapses. Two cases
are left, k the label's class and k another. Wunderlich & Pehle (2021), eqs. (25)-(31), for any such loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy
from sympy import Expr, KroneckerDelta, Sum, Symbol

from saltus.derive.loss_spec import (
    CLASS,
    CLASSES,
    LABEL,
    TIMES,
    LossReadout,
    LossSpec,
    from_dict,
    load,
    parse,
)

__all__ = [
    "CLASS",
    "CLASSES",
    "LABEL",
    "TIMES",
    "LossDerivation",
    "LossReadout",
    "LossSpec",
    "Partial",
    "concrete",
    "derive",
    "from_dict",
    "load",
    "parse",
    "reduced",
    "residuals",
]


@dataclass(frozen=True)
class Partial:
    """The derivatives of a loss by one readout: ``any`` for any class k, with deltas; ``label`` at k = label;
    ``other`` for a class k other than the label's (of any class, if the loss has no label).
    """

    readout: LossReadout
    any: Expr
    label: Expr
    other: Expr


@dataclass(frozen=True)
class LossDerivation:
    """The loss of one sample, H, and its derivatives; the source's have a factor 1/N_batch outside."""

    spec: LossSpec
    value: Expr
    partials: tuple[Partial, ...]

    @property
    def gradient(self) -> Expr:
        """By the loss's first readout, for any class k."""
        return self.partials[0].any

    @property
    def label_gradient(self) -> Expr:
        """By the loss's first readout, for the label's class."""
        return self.partials[0].label

    @property
    def other_gradient(self) -> Expr:
        """By the loss's first readout, for a class k other than the label's."""
        return self.partials[0].other


def derive(spec: LossSpec) -> LossDerivation:
    """The derivatives of the loss by each readout of each class."""
    return LossDerivation(spec, spec.value, tuple(_partial(spec, readout) for readout in spec.readouts))


def _partial(spec: LossSpec, readout: LossReadout) -> Partial:
    gradient = collapsed(spec.value.diff(readout.base[CLASS]))
    at_label = KroneckerDelta(CLASS, LABEL)
    return Partial(
        readout=readout,
        any=gradient,
        label=gradient.subs(at_label, 1).subs(CLASS, LABEL),
        other=gradient.subs(at_label, 0),
    )


def collapsed(expression: Expr) -> Expr:
    r"""``expression`` without deltas under sums over all classes: :math:`\sum_j f_j \delta_{jk} = f_k`."""
    if not expression.has(KroneckerDelta, Sum) or not expression.args:
        return expression
    if not isinstance(expression, Sum):
        return expression.func(*(collapsed(argument) for argument in expression.args))
    index = expression.variables[0]
    rest = sympy.expand(collapsed(expression.function))
    total = sympy.Integer(0)
    for delta in sorted(rest.atoms(KroneckerDelta), key=str):
        factor = rest.coeff(delta)
        rest = sympy.expand(rest - factor * delta)
        if delta.has(index):
            (other,) = set(delta.args) - {index}
            total += factor.subs(index, other)
        else:
            total += delta * _over_classes(factor, index)
    return total + _over_classes(rest, index)


def reduced(expression: Expr) -> Expr:
    """``expression`` in a normal form that is 0 if it is zero for any number of classes.

    Logarithms of quotients and powers are written out, exponentials of sums become products, and each sum
    over the classes, logarithm and exponential then stands for itself.
    """
    written = sympy.expand(sympy.expand_log(sympy.expand(expression), force=True))
    names: dict[Expr, Symbol] = {}

    def name(atom: Expr) -> Expr:
        return names.setdefault(atom, sympy.Dummy(positive=True))

    written = written.replace(lambda e: isinstance(e, Sum), name)
    written = written.replace(sympy.log, lambda argument: name(sympy.log(argument)))
    written = written.replace(
        sympy.exp,
        lambda exponent: sympy.Mul(
            *(
                name(sympy.exp(part)) ** number
                for number, part in (
                    term.as_coeff_Mul() for term in sympy.Add.make_args(sympy.expand(exponent))
                )
            )
        ),
    )
    return sympy.cancel(sympy.together(written)).xreplace({v: k for k, v in names.items()})


def concrete(expression: Expr, classes: int, label: int, other: int | None = None) -> Expr:
    """``expression`` for given numbers of classes, label and class k, sums written out in ``x[0], ...``."""
    chosen = {CLASSES: classes, LABEL: label} | ({} if other is None else {CLASS: other})
    return expression.subs(chosen).doit()


def residuals(derivation: LossDerivation, classes: int) -> tuple[Expr, ...]:
    """What must vanish: derived derivatives less those of the loss written out for ``classes`` classes."""
    found = []
    for label in range(classes if derivation.spec.labelled else 1):
        value = concrete(derivation.value, classes, label)
        for partial in derivation.partials:
            for k in range(classes):
                at_label = derivation.spec.labelled and k == label
                derived = concrete(partial.label if at_label else partial.other, classes, label, k)
                found.append(reduced(value.diff(partial.readout.base[k]) - derived))
    return tuple(found)


def _over_classes(summand: Expr, index: Symbol) -> Expr:
    if summand == 0:
        return sympy.Integer(0)
    if not summand.has(index):
        return CLASSES * summand
    return Sum(sympy.factor_terms(summand), (index, 0, CLASSES - 1))
