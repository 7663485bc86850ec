"""From a loss to its IR: sums over the classes as functions of their own, in a form that cannot overflow."""

from __future__ import annotations

import sympy
from sympy import Expr, Indexed, Sum, Symbol

from saltus.derive.arrange import Order, arrange, names_in
from saltus.derive.loss import CLASS, CLASSES, LABEL, LossDerivation, derive
from saltus.derive.loss_spec import SPIKE_TIME, LossReadout, LossSpec
from saltus.templates import ir


def lower_head(loss: LossSpec) -> ir.HeadIR:
    r"""The IR of a loss.

    Each :math:`\log \sum_j e^{z_j}` is computed as such (``Reduce`` with ``logsumexp``), once for the value
    and all derivatives, and called ``lse``; :math:`e^{z_k} / \sum_j e^{z_j}` becomes ``exp(z_k - lse)``:
    right for numbers of any size, and 0 for a spike that never came, :math:`t_k = \infty`. The readout x of
    class j is ``x[j]`` under a sum, ``x[label]`` the label's, ``x[k]`` that of the class whose derivative is
    asked for; the first spike time is called ``t``, spike number n ``spike_n``.
    """
    derivation = derive(loss)
    writer = _Writer(derivation)
    return ir.HeadIR(
        name=loss.name,
        title=loss.title,
        source=loss.source,
        parameters=tuple(ir.Parameter(p.name, p.default, p.unit, p.positive, p.doc) for p in loss.parameters),
        readouts=tuple(_readout(readout, loss) for readout in loss.readouts),
        targets=loss.targets,
        labelled=loss.labelled,
        sums=writer.sums(),
        value=writer.block("value", "loss", derivation.value, "loss.value"),
        partials=tuple(
            ir.HeadPartial(
                label=writer.block(f"{p.readout.name}_label", f"grad_{p.readout.name}", p.label, _LABEL)
                if loss.labelled
                else None,
                other=writer.block(
                    f"{p.readout.name}_other" if loss.labelled else p.readout.name,
                    f"grad_{p.readout.name}",
                    p.other,
                    _OTHER if loss.labelled else _ANY,
                ),
            )
            for p in derivation.partials
        ),
    )


_ANY, _LABEL, _OTHER = "loss.gradient", "loss.gradient.label", "loss.gradient.other"


def _readout(readout: LossReadout, loss: LossSpec) -> ir.HeadReadout:
    """With what is summed over all spikes, and its derivative by the time of one."""
    if readout.kernel is None:
        return ir.HeadReadout(readout.name, readout.spike, sampled=readout.sampled)
    parameters = [parameter.symbol for parameter in loss.parameters]
    order = Order.of(([SPIKE_TIME], 1), (parameters, 0))

    def block(what: str, value: Expr) -> ir.Block:
        tree = arrange(sympy.powsimp(value, combine="exp"), order)
        inputs = tuple(s.name for s in (SPIKE_TIME, *parameters) if s.name in names_in(tree))
        assign = ir.Assign(what, tree, ir.Label(f"loss.{readout.name}.{what}"))
        return ir.Block(f"{readout.name}_{what}", inputs, (what,), (assign,))

    return ir.HeadReadout(
        readout.name,
        kernel=block("kernel", readout.kernel),
        slope=block("slope", readout.kernel.diff(SPIKE_TIME)),
    )


class _Writer:
    """Knows the sums that the value and the derivatives share, and the order of symbols."""

    def __init__(self, derivation: LossDerivation) -> None:
        self.derivation = derivation
        self.order = _order(derivation)
        self.meanings: dict[Expr, Expr] = {}
        self.totals: list[ir.Block] = []
        for expression in (derivation.value, *(e for p in derivation.partials for e in (p.label, p.other))):
            self._take_out(expression)

    def sums(self) -> tuple[ir.Block, ...]:
        """The sums over the classes, each after those that it holds."""
        return tuple(self.totals)

    def block(self, name: str, output: str, value: Expr, step: str) -> ir.Block:
        """A number that depends on the sums."""
        # log(exp(lse)) is lse, and products of exponentials become one: exp(z - lse).
        written = sympy.expand_log(self._without_sums(value))
        stable = sympy.powsimp(written, combine="exp", deep=True)
        return self._block(name, ir.Assign(output, arrange(_elements(stable), self.order), ir.Label(step)))

    def _take_out(self, value: Expr) -> None:
        while (value := self._without_sums(value)).has(Sum):
            total = _innermost(value)
            kind, summand, local, meaning = _reduction(total, len(self.totals), self.derivation)
            tree = ir.Reduce(kind, str(total.variables[0]), arrange(_elements(summand), self.order))
            self.totals.append(self._block(str(local), ir.Assign(str(local), tree, ir.Label("loss.sum"))))
            self.order = self.order.with_last([local])
            self.meanings[total] = meaning

    def _without_sums(self, value: Expr) -> Expr:
        """``value`` with its sums replaced by their names, as far as they are known, the inner ones first."""
        before = None
        while value != before:
            before, value = value, value.xreplace(self.meanings)
        return value

    def _block(self, name: str, assign: ir.Assign) -> ir.Block:
        spec, used = self.derivation.spec, names_in(assign.value)
        inputs = [*(readout.name for readout in spec.readouts), *spec.targets, "label", "k", "classes"]
        inputs += [*(p.name for p in spec.parameters), *(total.name for total in self.totals)]
        return ir.Block(name, tuple(i for i in inputs if i in used), (assign.target,), (assign,))


def _reduction(total: Sum, done: int, derivation: LossDerivation) -> tuple[str, Expr, Symbol, Expr]:
    """Kind and summand of the reduction that a sum becomes, its local name, and the sum in terms of that."""
    (index,) = total.variables
    factor, rest = sympy.powsimp(total.function, combine="exp").as_independent(index, as_Add=False)
    number = f"_{done}" if done else ""
    if isinstance(rest, sympy.exp):
        local = Symbol(f"lse{number}", real=True)
        return "logsumexp", rest.args[0], local, factor * sympy.exp(local)
    local = Symbol(f"total{number}", real=True)
    return "sum", rest, local, factor * local


def _innermost(value: Expr) -> Sum:
    """A sum that holds no other. None ever varies with the class of another: the language has no pairs."""
    sums = [total for total in value.atoms(Sum) if not total.function.has(Sum)]
    return min(sums, key=lambda s: (len(str(s.variables[0])), str(s.variables[0]), str(s)))


def _elements(expression: Expr) -> Expr:
    """``expression`` with each x[k] as a symbol of that name."""
    return expression.xreplace({e: _element(str(e.base), e.indices[0]) for e in expression.atoms(Indexed)})


def _element(array: str, index: Expr) -> Symbol:
    return Symbol(f"{array}[{index}]", real=True)


def _order(derivation: LossDerivation) -> Order:
    """Readouts and targets, the number of classes, parameters; products begin with the parameters."""
    spec = derivation.spec
    bound = sorted({s.variables[0] for s in derivation.value.atoms(Sum)}, key=str)
    arrays = [*(readout.name for readout in spec.readouts), *spec.targets]
    elements = [_element(array, index) for index in (LABEL, CLASS, *bound) for array in arrays]
    parameters = [parameter.symbol for parameter in spec.parameters]
    return Order.of((elements, 2), ([CLASSES], 1), (parameters, 0))
