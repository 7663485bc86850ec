"""The flow of a model as IR: its entries once, the steps forward and backward, its gradient in parameters."""

from __future__ import annotations

from collections.abc import Iterable

import sympy
from sympy import Expr, Matrix, Symbol

from saltus.derive.divided_differences import exp_dd
from saltus.derive.flow import FlowSolution
from saltus.derive.writer import Writer
from saltus.templates import ir


def flow(solution: FlowSolution, writer: Writer) -> ir.Flow:
    """The blocks of the flow.

    The entries of the adjoint flow are multiples of the flow's own, :math:`\\Psi = M^{-T} J^T M^T`, so
    all exponentials are computed once, in the propagator. Where a state integrates a polynomial, its row of
    the Jacobian J holds the states at the start, and stays in the adjoint's block.
    """
    names = _Entries(solution, writer)
    sensitivity, parameters = _parameters(solution, writer)
    return ir.Flow(
        kind="exact",
        entries=tuple(str(symbol) for symbol in names.symbols),
        propagator=names.propagator(),
        advance=_step("advance", names, names.forward, solution.spec.x, "flow"),
        adjoint=_step("adjoint", names, names.backward, solution.spec.adjoints, "flow.adjoint"),
        sensitivity=sensitivity,
        parameters=parameters,
    )


class _Entries:
    """The distinct entries under names; ``forward`` and ``backward``, each a column, are written in them."""

    def __init__(self, solution: FlowSolution, writer: Writer) -> None:
        self.solution, self.writer = solution, writer
        self.values: dict[Symbol, Expr] = {}
        spec = solution.spec
        linear = self._named("Phi", solution.matrix)
        offsets = [self._name(f"psi_{s.name}", v) for s, v in zip(spec.states, solution.offset, strict=True)]
        self.forward = linear * spec.x + Matrix(offsets)
        for i, lifted in solution.lifts.items():
            entries = [
                self._name(f"Phi_{spec.states[i].name}_{_factors(monomial, spec.x)}", value) * monomial
                for monomial, value in lifted.entries.items()
            ]
            self.forward[i] += sympy.Add(*entries)
        mass = spec.mass.T
        inverse = mass.inv().applyfunc(sympy.cancel)
        pulled = inverse * self.forward.jacobian(spec.x).T * mass
        self.backward = self._named("Psi", pulled.applyfunc(sympy.cancel)) * spec.adjoints

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
        """The symbol of an entry. A multiple of another is written out where its factors cancel: it need not
        wait for that one.
        """
        if value in self.values or value.has(*self.solution.spec.x):
            return value
        full = value.subs(self.values)
        value = full if len(full.args) <= len(value.args) else value
        if value.is_number:
            return value
        known = next((symbol for symbol, other in self.values.items() if other == value), None)
        if known is not None:
            return known
        symbol = _distinct(self.writer, name, self.values)
        self.values[symbol] = value
        return symbol

    def propagator(self) -> ir.Block:
        shared = _Exponentials(self.solution, self.writer, self.values.values(), least_uses=2)
        writer = self.writer.with_locals((*shared.symbols, *self.symbols))
        label = writer.label("flow.propagator")
        body = shared.assignments(writer, label)
        body += [writer.assign(str(s), shared.write(v), label) for s, v in self.values.items()]
        return writer.block("propagator", body, [str(symbol) for symbol in self.symbols])


def _step(name: str, names: _Entries, values: Matrix, vector: Matrix, step: str) -> ir.Block:
    """``vector`` one step on: ``<name>_next = sum of entry * name``."""
    writer = names.writer.with_locals(names.symbols)
    body = [
        writer.assign(f"{vector[i]}_next", values[i], writer.label(f"{step}.{state.name}"))
        for i, state in enumerate(names.solution.spec.states)
    ]
    return writer.block(name, body, [assign.target for assign in body])


def _parameters(solution: FlowSolution, writer: Writer) -> tuple[ir.Block, ir.Block]:
    r"""The gradient of a segment, :math:`\partial_p\, a^T x(dt; x, p)` with a, x and dt held.

    In two blocks: the derivatives of the entries by the parameters, which need no state, and what they give.

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
        for i in range(len(spec.states)):
            for name, value, factor in _terms(solution, i):
                derivative = value.diff(parameter.symbol)
                if derivative != 0:
                    symbol = _distinct(writer, f"{name}_{parameter.name}", derivatives)
                    derivatives[symbol] = derivative
                    total += costates[i] * symbol * factor
        if total != 0:
            gradients[parameter.name] = total
    exponentials = _Exponentials(solution, writer, derivatives.values())
    local = writer.with_locals((*exponentials.symbols, *derivatives))
    body = exponentials.assignments(local, local.label("flow.propagator"))
    body += [
        local.assign(str(symbol), exponentials.write(value), local.label("flow.derivative"))
        for symbol, value in derivatives.items()
    ]
    sensitivity = local.block("flow_sensitivity", body, [str(symbol) for symbol in derivatives])
    local = writer.with_adjoints(costates).with_locals(tuple(derivatives))
    body = [
        local.assign(str(symbol), value, local.label("costate"))
        for symbol, value in zip(costates, -spec.mass.T * spec.adjoints, strict=True)
        if any(total.has(symbol) for total in gradients.values())
    ]
    body += [
        local.assign(f"grad_{name}", total, local.label(f"gradient.flow.{name}"))
        for name, total in gradients.items()
    ]
    return sensitivity, local.block("flow_parameters", body, [f"grad_{name}" for name in gradients])


def _terms(solution: FlowSolution, i: int) -> list[tuple[str, Expr, Expr]]:
    """The terms of state i after dt: a name, the coefficient, and what of the states before it multiplies."""
    spec = solution.spec
    name = spec.states[i].name
    terms = [
        (f"Phi_{name}_{source.name}", solution.matrix[i, j], source.symbol)
        for j, source in enumerate(spec.states)
    ]
    terms.append((f"psi_{name}", solution.offset[i], sympy.Integer(1)))
    if i in solution.lifts:
        lifted = solution.lifts[i].entries
        terms += [(f"Phi_{name}_{_factors(monomial, spec.x)}", k, monomial) for monomial, k in lifted.items()]
    return terms


def _factors(monomial: Expr, states: Matrix) -> str:
    """A monomial as part of a name: ``V_V`` for V squared; a shifted state, such as 1 + clock, by its own."""
    powers = monomial.as_powers_dict().items()
    found = [str(x) for base, n in powers for x in states if base.has(x) for _ in range(int(n))]
    return "_".join(sorted(found, key=[str(x) for x in states].index)) or "constant"


def _distinct(writer: Writer, name: str, taken: Iterable[Symbol]) -> Symbol:
    """A symbol that neither the model nor ``taken`` has."""
    while (symbol := writer.fresh(name)) in taken:
        name += "_"
    return symbol


class _Exponentials:
    """The exponentials in some formulas, each under a name of its own.

    ``decay_V`` is exp(-r_V dt) of the state V alone, ``response_V_I`` the divided difference over the chain
    V, I; ``decay_V_I`` the decay of their product.
    """

    def __init__(
        self, solution: FlowSolution, writer: Writer, formulas: Iterable[Expr], least_uses: int = 1
    ) -> None:
        formulas = list(formulas)
        found = set().union(*(formula.atoms(sympy.exp, exp_dd) for formula in formulas))
        self._nodes = _node_names(solution)
        kept = [e for e in found if sum(formula.has(e) for formula in formulas) >= least_uses]
        self.names: dict[Expr, Symbol] = {}
        words = list(self._nodes.values())
        for exponential in sorted(kept, key=self._chain):
            chain = [words[i] for i in self._chain(exponential)[1:]]
            kind = "decay" if len(chain) == 1 else "response"
            name = _distinct(writer, "_".join([kind, *chain]), self.names.values())
            self.names[exponential] = name

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
        """Length, then the places of the nodes: the first state of the spec with each rate."""
        places = list(self._nodes)
        return (len(exponential.args), *sorted(places.index(node) for node in exponential.args))


def _node_names(solution: FlowSolution) -> dict[Expr, str]:
    """What decays with each node: a state alone, a product of states, or a constant."""
    found: dict[Expr, str] = {}
    for state, rate in zip(solution.spec.states, solution.rates, strict=True):
        found.setdefault(-rate * solution.dt, state.name)
    for lifted in solution.lifts.values():
        for node, name in lifted.names.items():
            found.setdefault(node, name)
    found.setdefault(sympy.Integer(0), "constant")
    return found
