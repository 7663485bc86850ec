"""The flow of a model as IR: its entries once, the steps forward and backward, its gradient in parameters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import sympy
from sympy import Expr, Matrix, Symbol

from saltus.derive.divided_differences import exp_dd
from saltus.derive.flow import FlowSolution
from saltus.derive.writer import Writer
from saltus.templates import ir


def flow(solution: FlowSolution, writer: Writer) -> ir.Flow:
    """The blocks of the flow.

    The entries of the adjoint flow are multiples of the flow's own, :math:`\\Psi = M^{-T} \\Phi^T M^T`, so
    all exponentials are computed once, in the propagator.
    """
    names = _Entries(solution, writer)
    return ir.Flow(
        kind="exact",
        entries=tuple(str(symbol) for symbol in names.symbols),
        propagator=names.propagator(),
        advance=_step("advance", names, names.forward, solution.spec.x, "flow"),
        adjoint=_step("adjoint", names, names.backward, solution.spec.adjoints, "flow.adjoint"),
        parameters=_parameters(solution, writer),
    )


class _Entries:
    """The distinct entries of both matrices under names, ``forward`` and ``backward`` written in them."""

    def __init__(self, solution: FlowSolution, writer: Writer) -> None:
        self.solution, self.writer = solution, writer
        self.values: dict[Symbol, Expr] = {}
        self.forward = self._named("Phi", solution.matrix)
        mass = solution.spec.mass.T
        inverse = mass.inv().applyfunc(sympy.cancel)
        self.backward = self._named("Psi", (inverse * self.forward.T * mass).applyfunc(sympy.cancel))

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        return tuple(self.values)

    def _named(self, prefix: str, matrix: Matrix) -> Matrix:
        states = self.solution.spec.states
        return Matrix(
            matrix.rows,
            matrix.cols,
            lambda i, j: self._name(f"{prefix}_{states[i].name}_{states[j].name}", matrix[i, j]),
        )

    def _name(self, name: str, value: Expr) -> Expr:
        if value.is_number or value in self.values:
            return value
        known = next((symbol for symbol, other in self.values.items() if other == value), None)
        if known is not None:
            return known
        symbol = Symbol(name, real=True)
        self.values[symbol] = value
        return symbol

    def propagator(self) -> ir.Block:
        shared = _Exponentials(self.solution, self.writer, self.values.values(), least_uses=2)
        writer = self.writer.with_locals((*shared.symbols, *self.symbols))
        label = writer.label("flow.propagator")
        body = shared.assignments(writer, label)
        body += [writer.assign(str(s), shared.write(v), label) for s, v in self.values.items()]
        return writer.block("propagator", body, [str(symbol) for symbol in self.symbols])


def _step(name: str, names: _Entries, matrix: Matrix, vector: Matrix, step: str) -> ir.Block:
    """``vector`` one step on: ``<name>_next = sum of entry * name``."""
    writer = names.writer.with_locals(names.symbols)
    body = [
        writer.assign(f"{vector[i]}_next", (matrix[i, :] * vector)[0], writer.label(f"{step}.{state.name}"))
        for i, state in enumerate(names.solution.spec.states)
    ]
    return writer.block(name, body, [assign.target for assign in body])


def _parameters(solution: FlowSolution, writer: Writer) -> ir.Block:
    r"""The gradient of a segment, :math:`\partial_p\, a^T \Phi(dt; p)\, x` with a, x and dt held.

    Here :math:`a = -M^T\lambda` is dL/dx at the end of the segment; it equals :math:`\int \lambda \cdot
    \partial f/ \partial p\, dt` over the segment without a quadrature. The derivative of a divided
    difference is one, so equal rates are no special case here either.
    """
    spec = solution.spec
    derivatives: dict[Symbol, Expr] = {}
    gradients: dict[str, Expr] = {}
    costates = [writer.fresh(f"costate_{state.name}") for state in spec.states]
    for parameter in spec.parameters:
        total = sympy.Integer(0)
        for i, state in enumerate(spec.states):
            for j, source in enumerate(spec.states):
                value = solution.matrix[i, j].diff(parameter.symbol)
                if value != 0:
                    name = Symbol(f"Phi_{state.name}_{source.name}_{parameter.name}", real=True)
                    derivatives[name] = value
                    total += costates[i] * name * source.symbol
        if total != 0:
            gradients[parameter.name] = total
    exponentials = _Exponentials(solution, writer, derivatives.values())
    local = replace(writer, adjoints=(*writer.adjoints, *costates))
    local = local.with_locals((*exponentials.symbols, *derivatives))
    body = [
        local.assign(str(symbol), value, local.label("costate"))
        for symbol, value in zip(costates, -spec.mass.T * spec.adjoints, strict=True)
        if any(total.has(symbol) for total in gradients.values())
    ]
    body += exponentials.assignments(local, local.label("flow.propagator"))
    body += [
        local.assign(str(symbol), exponentials.write(value), local.label("flow.derivative"))
        for symbol, value in derivatives.items()
    ]
    body += [
        local.assign(f"grad_{name}", total, local.label(f"gradient.flow.{name}"))
        for name, total in gradients.items()
    ]
    return local.block("flow_parameters", body, [f"grad_{name}" for name in gradients])


class _Exponentials:
    """The exponentials in some formulas, each under a name of its own.

    ``decay_V`` is exp(-r_V dt) of the state V alone, ``response_V_I`` the divided difference over the chain
    V, I.
    """

    def __init__(
        self, solution: FlowSolution, writer: Writer, formulas: Iterable[Expr], least_uses: int = 1
    ) -> None:
        formulas = list(formulas)
        found = set().union(*(formula.atoms(sympy.exp, exp_dd) for formula in formulas))
        self._nodes = [-rate * solution.dt for rate in solution.rates]
        kept = [e for e in found if sum(formula.has(e) for formula in formulas) >= least_uses]
        self.names: dict[Expr, Symbol] = {}
        for exponential in sorted(kept, key=self._chain):
            chain = [solution.spec.states[i].name for i in self._chain(exponential)[1:]]
            kind = "decay" if len(chain) == 1 else "response"
            self.names[exponential] = writer.fresh("_".join([kind, *chain]))

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        return tuple(self.names.values())

    def write(self, formula: Expr) -> Expr:
        """``formula`` in the names."""
        return formula.xreplace(self.names)

    def assignments(self, writer: Writer, label: ir.Label) -> list[ir.Assign]:
        """What the names stand for."""
        return [writer.assign(str(symbol), value, label) for value, symbol in self.names.items()]

    def _chain(self, exponential: Expr) -> tuple[int, ...]:
        """Length, then the states whose rates are the nodes: the first of the spec with each rate."""
        return (len(exponential.args), *sorted(self._nodes.index(node) for node in exponential.args))
