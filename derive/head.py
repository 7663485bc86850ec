"""From a loss to its IR: sums over the classes on lines of their own, in a form that cannot overflow."""

from __future__ import annotations

import sympy
from sympy import Expr, Indexed, Sum, Symbol

from saltus.derive.arrange import Order, arrange, names_in
from saltus.derive.loss import CLASS, CLASSES, LABEL, TIMES, LossDerivation, derive
from saltus.derive.loss_spec import LossSpec
from saltus.templates import ir


def lower_head(loss: LossSpec) -> ir.HeadIR:
    r"""The IR of a loss.

    Each :math:`\log \sum_j e^{z_j}` is computed as such (``Reduce`` with ``logsumexp``) and called ``lse``;
    :math:`e^{z_k} / \sum_j e^{z_j}` becomes ``exp(z_k - lse)``: right for times of any size, and 0 for a
    spike that never came, :math:`t_k = \infty`. The time of class j is ``t[j]`` under a sum, ``t[label]``
    the label's, and ``t[k]`` that of the class whose derivative is asked for.
    """
    derivation = derive(loss)
    return ir.HeadIR(
        name=loss.name,
        title=loss.title,
        source=loss.source,
        parameters=tuple(ir.Parameter(p.name, p.default, p.unit, p.positive, p.doc) for p in loss.parameters),
        value=_block("value", "loss", derivation.value, derivation),
        label_gradient=_block("label_gradient", "grad_t", derivation.label_gradient, derivation),
        other_gradient=_block("other_gradient", "grad_t", derivation.other_gradient, derivation),
    )


def _block(name: str, output: str, value: Expr, derivation: LossDerivation) -> ir.Block:
    step = ir.Label("loss.value" if output == "loss" else f"loss.gradient.{name.removesuffix('_gradient')}")
    order = _order(derivation)
    body: list[ir.Assign] = []
    while value.has(Sum):
        total = _innermost(value)
        kind, summand, local, meaning = _reduction(total, len(body), derivation)
        tree = ir.Reduce(kind, str(total.variables[0]), arrange(_elements(summand), order))
        body.append(ir.Assign(str(local), tree, step))
        order = order.with_last([local])
        value = value.xreplace({total: meaning})
    # log(exp(lse)) is lse, and products of exponentials become one: exp(z - lse).
    stable = sympy.powsimp(sympy.expand_log(value), combine="exp", deep=True)
    body.append(ir.Assign(output, arrange(_elements(stable), order), step))
    used = set().union(*(names_in(assign.value) for assign in body)) - {assign.target for assign in body}
    inputs = ["t", "label", "k", "classes", *(p.name for p in derivation.spec.parameters)]
    return ir.Block(name, tuple(i for i in inputs if i in used), (output,), tuple(body))


def _reduction(total: Sum, done: int, derivation: LossDerivation) -> tuple[str, Expr, Symbol, Expr]:
    """Kind and summand of the reduction that a sum becomes, its local name, and the sum in terms of that."""
    (index,) = total.variables
    factor, rest = sympy.powsimp(total.function, combine="exp").as_independent(index, as_Add=False)
    taken = {p.name for p in derivation.spec.parameters}
    number = f"_{done}" if done else ""
    if isinstance(rest, sympy.exp):
        local = _fresh(f"lse{number}", taken)
        return "logsumexp", rest.args[0], local, factor * sympy.exp(local)
    local = _fresh(f"total{number}", taken)
    return "sum", rest, local, factor * local


def _fresh(name: str, taken: set[str]) -> Symbol:
    while name in taken:
        name += "_"
    return Symbol(name, real=True)


def _innermost(value: Expr) -> Sum:
    """A sum that holds no other. None ever varies with the class of another: the language has no pairs."""
    sums = [total for total in value.atoms(Sum) if not total.function.has(Sum)]
    return min(sums, key=lambda s: (len(str(s.variables[0])), str(s.variables[0]), str(s)))


def _elements(expression: Expr) -> Expr:
    """``expression`` with each time t[k] as a symbol of that name."""
    times = expression.atoms(Indexed)
    return expression.xreplace({time: _element(time.indices[0]) for time in times})


def _element(index: Expr) -> Symbol:
    return Symbol(f"{TIMES}[{index}]", real=True)


def _order(derivation: LossDerivation) -> Order:
    """Times, the number of classes, parameters; products begin with the parameters."""
    bound = sorted({s.variables[0] for s in derivation.value.atoms(Sum)}, key=str)
    times = [_element(index) for index in (LABEL, CLASS, *bound)]
    parameters = [parameter.symbol for parameter in derivation.spec.parameters]
    return Order.of((times, 2), ([CLASSES], 1), (parameters, 0))
