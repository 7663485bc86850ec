r"""The solution between events in closed form, forward and backward, for linear dynamics.

Between events the state follows :math:`\dot x = A x + b`. If the states can be ordered so that each depends
on itself and on earlier ones only, :math:`e^{A\,dt}` has the entries (Opitz 1964)

.. math:: \Phi_{ij} = \sum_{j = s_0 \to s_1 \to \dots \to s_k = i}
          \Big(\prod_m A_{s_{m+1} s_m}\Big)\, dt^k \exp[-r_{s_0} dt, \dots, -r_{s_k} dt],
          \qquad r_s = -A_{ss},

a sum over the paths by which state j acts on state i, with divided differences of exp. They are analytic in
the rates, so equal time constants need no case of their own. The constant acts as one more state, of rate 0,
which gives :math:`\psi`; the integral of a polynomial of the states is ``lift``'s. So

.. math:: x(t + dt) = \Phi\, x(t) + \psi + \sum_m K_m\, m(x(t)).

The adjoint runs backward with :math:`\lambda(t - dt) = \Psi \lambda(t)`, :math:`\Psi = M^{-T} J^T M^T`, where
J is the Jacobian of the step: :math:`\Phi` itself but in the rows of polynomials.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import sympy
from sympy import Expr, Matrix, Symbol

from saltus.derive.arrange import Order
from saltus.derive.divided_differences import exp_dd, to_exponentials
from saltus.derive.expressions import Place
from saltus.derive.field import Field
from saltus.derive.lift import Lift, TooLargeError, lift
from saltus.derive.model import ModelSpec
from saltus.derive.text import text
from saltus.errors import DerivationError

DT = Symbol("dt", nonnegative=True)
"""The time between two events, in seconds."""


@dataclass(frozen=True)
class FlowSolution:
    """The flow of a model and of its adjoint over a time ``dt``.

    generator, drive: A and b in x' = A x + b;
    matrix, offset: Phi(dt) and psi(dt) in x(t + dt) = Phi x + psi;
    adjoint_generator: B in lambda' = B lambda, ' = -d/dt;  adjoint_matrix: Psi(dt), lambda(t - dt) = Psi
    lambda(t), which holds the states at t - dt where x(t + dt) is not linear in them;
    rates: r_s = -A_ss, the decay rate of each state, in 1/s;
    order: indices of the states, each after those it depends on;
    lifts: index of a state whose rate is a polynomial of others -> its K_m; A, b and psi are 0 there.
    """

    spec: ModelSpec
    generator: Matrix
    adjoint_generator: Matrix
    matrix: Matrix
    adjoint_matrix: Matrix
    rates: tuple[Expr, ...]
    order: tuple[int, ...]
    drive: Matrix
    offset: Matrix
    lifts: Mapping[int, Lift] = field(default_factory=dict)
    dt: Symbol = DT

    def forward(self, name: str) -> Expr:
        """The state ``name`` after ``dt``, from the states before."""
        at = self._index(name)
        added = self.lifts[at].entries if at in self.lifts else {}
        polynomial = sympy.Add(*(k * m for m, k in added.items()))
        return (self.matrix[at, :] * self.spec.x)[0] + self.offset[at] + polynomial

    def backward(self, name: str) -> Expr:
        """The adjoint variable of the state ``name``, ``dt`` earlier, from the adjoint variables after."""
        return (self.adjoint_matrix[self._index(name), :] * self.spec.adjoints)[0]

    @property
    def is_linear(self) -> bool:
        """Whether the states after dt are linear in those before, and a constant."""
        return not self.lifts

    def _index(self, name: str) -> int:
        return [state.name for state in self.spec.states].index(name)


def solve(spec: ModelSpec) -> FlowSolution:
    """Solves the dynamics of ``spec`` between events, without its readouts (``with_integrals`` adds them).

    Raises:
        DerivationError: if there is no closed form of this kind: the message says why.
    """
    found = Field.of(spec)
    if reason := obstacle(found):
        raise DerivationError(
            f"{Place(spec.origin, 'dynamics')}: {reason}, so there is no flow in closed form.\n"
            "Take the flow that flow_choice.choose finds for these dynamics."
        )
    return closed_form(found)


def obstacle(found: Field) -> str | None:
    """Why there is no closed form, None if there is one."""
    names = [state.name for state in found.spec.states]
    for i in found.nonlinear:
        polynomial = found.rest[i].is_polynomial(*found.spec.x)
        if found.drives_others(i) or found.rest[i].has(found.spec.x[i]) or not polynomial:
            involved = [str(x) for x in found.spec.x if _is_nonlinear_in(found.rest[i], x, found.spec.x)]
            return f"the rate of {names[i]} is not linear in {' and '.join(involved)}"
    if found.order is None:
        return f"the states {', '.join(found.circle)} drive one another in a circle"
    try:
        _lifts(found)
    except TooLargeError:
        wide = ", ".join(names[i] for i in found.nonlinear)
        return f"the polynomial integral of {wide} has a closed form of too many terms"
    return None


def closed_form(found: Field) -> FlowSolution:
    """The flow of dynamics to which there is no ``obstacle``."""
    spec, generator, order = found.spec, found.generator, found.order
    assert order is not None
    size = len(order)
    lifts = _lifts(found)
    matrix = Matrix(size, size, lambda i, j: _entry(generator, i, j))
    jacobian = matrix.copy()
    for i, lifted in lifts.items():
        polynomial = sympy.Add(*(k * m for m, k in lifted.entries.items()))
        jacobian[i, :] += Matrix([polynomial]).jacobian(spec.x)
    transposed = spec.mass.T
    inverse = transposed.inv().applyfunc(sympy.cancel)
    return FlowSolution(
        spec=spec,
        generator=generator,
        adjoint_generator=(-inverse * spec.force.jacobian(spec.x).T).applyfunc(sympy.cancel),
        matrix=matrix,
        adjoint_matrix=(inverse * jacobian.T * transposed).applyfunc(_tidy),
        rates=tuple(-generator[i, i] for i in range(size)),
        order=order,
        drive=found.drive,
        offset=Matrix([_driven(generator, found.drive, i) for i in range(size)]),
        lifts=lifts,
    )


def residuals(solution: FlowSolution) -> dict[str, Expr]:
    r"""What must vanish for ``solution`` to be one, entry by entry and reduced.

    .. math:: \frac{d\Phi}{ds} - A\Phi, \quad \Phi(0) - 1, \quad \frac{d\psi}{ds} - A\psi - b, \quad \psi(0),
              \quad \frac{d\Psi}{ds} - B\Psi, \quad \Psi(0) - 1

    and, for the integral Q of a polynomial q, :math:`dQ/ds - q(\Phi x + \psi)`.
    """
    spec, size = solution.spec, len(solution.order)
    identity = sympy.eye(size)
    at_zero = {solution.dt: sympy.Integer(0)}
    claims = {
        "flow.ode": solution.matrix.diff(solution.dt) - solution.generator * solution.matrix,
        "flow.start": solution.matrix.subs(at_zero) - identity,
        "flow.adjoint.ode": solution.adjoint_matrix.diff(solution.dt)
        - solution.adjoint_generator * solution.adjoint_matrix,
        "flow.adjoint.start": solution.adjoint_matrix.subs(at_zero) - identity,
    }
    names = [state.name for state in spec.states]
    linear = [i for i in range(size) if i not in solution.lifts]
    found = {
        f"{claim}[{names[i]},{names[j]}]": reduced(matrix[i, j])
        for claim, matrix in claims.items()
        for i in range(size)
        for j in (linear if claim.startswith("flow.adjoint") else range(size))
    }
    driven = solution.offset.diff(solution.dt) - solution.generator * solution.offset - solution.drive
    for i in range(size):
        if solution.drive != sympy.zeros(size, 1):
            found[f"flow.offset.ode[{names[i]}]"] = reduced(driven[i])
            found[f"flow.offset.start[{names[i]}]"] = reduced(solution.offset[i].subs(at_zero))
    later = dict(zip(spec.x, map(solution.forward, names), strict=True))
    for i in solution.lifts:
        rate = spec.vector_field[i].xreplace(later)
        found[f"flow.lift.ode[{names[i]}]"] = reduced(later[spec.x[i]].diff(solution.dt) - rate)
        found[f"flow.lift.start[{names[i]}]"] = reduced(later[spec.x[i]].subs(at_zero) - spec.x[i])
    return found


def reduced(expression: Expr) -> Expr:
    """``expression`` in exponentials of ``DT``, the factor of each cancelled: 0 exactly if it is zero.

    Exponentials of different arguments are independent over the rational functions, so each stands for
    itself, and products of exponentials are joined before. With one in a denominator it is all one fraction.
    """
    written = to_exponentials(expression)
    moving = sorted((e for e in written.atoms(sympy.exp) if e.has(DT)), key=str)
    names = {sympy.Dummy(): e for e in moving}
    named = written.xreplace({e: name for name, e in names.items()})
    if not named.is_polynomial(*names):
        return sympy.cancel(sympy.together(named)).xreplace(names)
    factors: dict[Expr, Expr] = {}
    for powers, factor in _factors(named, list(names)):
        joined = sympy.exp(sympy.expand(sympy.Add(*(names[name].args[0] * n for name, n in powers.items()))))
        factors[joined] = factors.get(joined, sympy.S.Zero) + factor
    return sympy.Add(*(sympy.cancel(sympy.together(factor)) * e for e, factor in factors.items()))


def _factors(polynomial: Expr, names: list[Symbol]) -> Iterator[tuple[dict[Symbol, int], Expr]]:
    """Each product of powers of ``names``, and its factor: Taylor's formula, which expands nothing."""
    if not names:
        yield {}, polynomial
        return
    *others, name = names
    power, rest = 0, polynomial
    while rest != 0:
        for powers, factor in _factors(rest.xreplace({name: sympy.S.Zero}), others):
            yield {**powers, name: power}, factor
        power += 1
        rest = rest.diff(name) / power


def why(solution: FlowSolution, order: Order) -> str:
    """Which flow this is and why it may be used, in a sentence; ``order`` is that of its formulas."""
    names = [solution.spec.states[i].name for i in solution.order]
    rates = [text(solution.rates[i], order) for i in solution.order]
    driven = solution.drive != sympy.zeros(len(names), 1)
    lifted = "".join(
        f"; {solution.spec.states[i].name} integrates a polynomial of the states, whose monomials obey a "
        "linear system of their own with sums of these rates"
        for i in solution.lifts
    )
    return (
        f"exact: the dynamics are linear {'with' if driven else 'without'} a constant term, and in "
        f"the order {', '.join(names)} each state depends on itself and earlier ones only, so exp(A dt) is a "
        f"sum of divided differences of exp with the real rates {', '.join(rates)}; equal rates are no "
        f"special case{lifted}"
    )


def _is_nonlinear_in(rate: Expr, x: Symbol, states: Matrix) -> bool:
    return bool(sympy.cancel(rate.diff(x)).has(*states))


def _lifts(found: Field) -> dict[int, Lift]:
    x, generator, drive = found.spec.x, found.generator, found.drive
    return {i: lift(found.rest[i], x, generator, drive, DT) for i in found.nonlinear}


def _driven(generator: Matrix, drive: Matrix, target: int) -> Expr:
    """One entry of psi: the sum over the paths from the constant, of rate 0, through each driven state."""
    terms = [
        drive[source] * _path_term(generator, path, [sympy.Integer(0)])
        for source in range(generator.rows)
        if drive[source] != 0
        for path in _paths(generator, source, target)
    ]
    return sympy.Add(*terms)


def _entry(generator: Matrix, target: int, source: int) -> Expr:
    """One entry of exp(A dt): the sum over the paths from ``source`` to ``target``."""
    return sympy.Add(*(_path_term(generator, path, []) for path in _paths(generator, source, target)))


def _path_term(generator: Matrix, path: tuple[int, ...], before: list[Expr]) -> Expr:
    """The product of the couplings along a path, with its divided difference; ``before``: nodes ahead."""
    couplings = [generator[b, a] for a, b in pairwise(path)]
    nodes = before + [generator[s, s] * DT for s in path]
    return sympy.Mul(*couplings) * DT ** (len(nodes) - 1) * exp_dd(*nodes)


def _paths(generator: Matrix, source: int, target: int) -> Iterator[tuple[int, ...]]:
    """All chains of states by which ``source`` acts on ``target``."""
    if source == target:
        yield (source,)
        return
    for following in range(generator.rows):
        if following != source and generator[following, source] != 0:
            for rest in _paths(generator, following, target):
                yield (source, *rest)


def _tidy(entry: Expr) -> Expr:
    """Cancels the factors of M against the couplings, term by term."""
    return sympy.Add(*(sympy.cancel(term) for term in sympy.Add.make_args(sympy.expand(entry))))
