"""The IR of a flow: of the closed form by ``flow_blocks``, of the two others here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import singledispatch

import sympy
from sympy import Expr, Matrix, Symbol

from saltus.derive import flow_blocks
from saltus.derive.flow import FlowSolution
from saltus.derive.flow_choice import AnySolution, MatrixSolution, NumericSolution
from saltus.derive.writer import Writer
from saltus.templates import ir


@singledispatch
def lower_flow(solution: AnySolution, writer: Writer) -> ir.AnyFlow:
    """The blocks of the flow."""
    raise TypeError(f"{type(solution).__name__} is no flow")


@lower_flow.register
def _(solution: FlowSolution, writer: Writer) -> ir.AnyFlow:
    return flow_blocks.flow(solution, writer)


@lower_flow.register
def _(solution: MatrixSolution, writer: Writer) -> ir.AnyFlow:
    r"""A and b, and their derivatives: the kernel has :math:`e^{A dt}` and its Fréchet derivative."""
    whole = solution.generator.row_join(solution.drive)
    values = {(i, j): whole[i, j] for i in range(whole.rows) for j in range(whole.cols) if whole[i, j] != 0}
    derivatives = {
        f"A_{i}_{j}_{parameter.name}": value.diff(parameter.symbol)
        for parameter in solution.spec.parameters
        for (i, j), value in values.items()
        if value.has(parameter.symbol)
    }
    return ir.MatrixFlow(
        entries=tuple(values),
        matrix=_block(
            writer, "flow_matrix", "flow.matrix", {f"A_{i}_{j}": v for (i, j), v in values.items()}
        ),
        derivatives=_block(writer, "flow_derivatives", "flow.derivative", derivatives),
    )


@lower_flow.register
def _(solution: NumericSolution, writer: Writer) -> ir.AnyFlow:
    r"""F, and what reverse steps need: :math:`v \cdot \partial F/\partial x` and :math:`v \cdot \partial
    F/\partial p`.
    """
    spec = solution.spec
    field = {f"{s.name}_dot": rate for s, rate in zip(spec.states, solution.field, strict=True)}
    costates = [Symbol(f"costate_{state.name}", real=True) for state in spec.states]
    local = writer.with_adjoints(costates)
    rates = Matrix(solution.field)
    pulled = {f"pull_{s.name}": _along(costates, rates.diff(s.symbol)) for s in spec.states}
    shares = {p.name: _along(costates, rates.diff(p.symbol)) for p in spec.parameters}
    pulled |= {f"grad_{name}": share for name, share in shares.items() if share != 0}
    return ir.NumericFlow(
        field=_block(writer, "field", "flow.field", field),
        pull=_block(local, "pull", "flow.pull", pulled),
    )


def costate(states: Matrix, mass: Matrix, adjoints: Matrix, writer: Writer) -> ir.Block:
    """dL/dx = -M^T lambda, for each state."""
    values = {f"costate_{x}": value for x, value in zip(states, -mass.T * adjoints, strict=True)}
    return _block(writer, "costate", "costate", values)


def _along(costates: Iterable[Symbol], rates: Matrix) -> Expr:
    return sympy.Add(*(v * rate for v, rate in zip(costates, rates, strict=True)))


def _block(writer: Writer, name: str, step: str, values: Mapping[str, Expr]) -> ir.Block:
    body = [writer.assign(target, value, writer.label(step)) for target, value in values.items()]
    return writer.block(name, body, list(values))
