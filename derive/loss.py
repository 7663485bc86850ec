r"""A loss over first spike times, its derivatives for any number of classes, and their proofs.

The loss of one sample is written once, H(t, label). Its derivative in the time of class k,

.. math:: \frac{\partial H}{\partial t_k}, \qquad \frac{\partial t_j}{\partial t_k} = \delta_{jk},

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
    "LossSpec",
    "concrete",
    "derive",
    "from_dict",
    "load",
    "parse",
    "reduced",
    "residuals",
]


@dataclass(frozen=True)
class LossDerivation:
    """The loss of one sample and its derivatives; the source's have a factor 1/N_batch outside.

    value: H;  gradient: dH/dt_k for any class k, with deltas;  label_gradient: dH/dt_label;
    other_gradient: dH/dt_k for a class k other than the label's.
    """

    spec: LossSpec
    value: Expr
    gradient: Expr
    label_gradient: Expr
    other_gradient: Expr


def derive(spec: LossSpec) -> LossDerivation:
    """The derivatives of the loss in each spike time."""
    gradient = collapsed(spec.value.diff(TIMES[CLASS]))
    at_label = KroneckerDelta(CLASS, LABEL)
    return LossDerivation(
        spec=spec,
        value=spec.value,
        gradient=gradient,
        label_gradient=gradient.subs(at_label, 1).subs(CLASS, LABEL),
        other_gradient=gradient.subs(at_label, 0),
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
    """``expression`` for given numbers of classes, label and class k, sums written out in ``t[0], ...``."""
    chosen = {CLASSES: classes, LABEL: label} | ({} if other is None else {CLASS: other})
    return expression.subs(chosen).doit()


def residuals(derivation: LossDerivation, classes: int) -> tuple[Expr, ...]:
    """What must vanish: derived derivatives less those of the loss written out for ``classes`` classes."""
    found = []
    for label in range(classes):
        value = concrete(derivation.value, classes, label)
        for k in range(classes):
            derived = derivation.label_gradient if k == label else derivation.other_gradient
            found.append(reduced(value.diff(TIMES[k]) - concrete(derived, classes, label, k)))
    return tuple(found)


def _over_classes(summand: Expr, index: Symbol) -> Expr:
    if summand == 0:
        return sympy.Integer(0)
    if not summand.has(index):
        return CLASSES * summand
    return Sum(sympy.factor_terms(summand), (index, 0, CLASSES - 1))
