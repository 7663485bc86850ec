r"""The solution between events in closed form, forward and backward, for linear dynamics.

Between events the state follows :math:`\dot x = A x`. If the states can be ordered so that each depends on
itself and on earlier ones only, :math:`e^{A\,dt}` has the entries (Opitz 1964)

.. math:: \Phi_{ij} = \sum_{j = s_0 \to s_1 \to \dots \to s_k = i}
          \Big(\prod_m A_{s_{m+1} s_m}\Big)\, dt^k \exp[-r_{s_0} dt, \dots, -r_{s_k} dt],
          \qquad r_s = -A_{ss},

a sum over the paths by which state j acts on state i, with divided differences of exp. They are analytic in
the rates, so equal time constants need no case of their own. The adjoint runs backward with
:math:`\lambda(t - dt) = \Psi \lambda(t)`, :math:`\Psi = M^{-T} \Phi^T M^T`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import sympy
from sympy import Expr, Matrix, Symbol

from saltus.derive.arrange import Order
from saltus.derive.divided_differences import exp_dd, to_exponentials
from saltus.derive.expressions import Place
from saltus.derive.model import ModelSpec
from saltus.derive.text import text
from saltus.errors import DerivationError

DT = Symbol("dt", nonnegative=True)
"""The time between two events, in seconds."""


@dataclass(frozen=True)
class FlowSolution:
    """The flow of a model and of its adjoint over a time ``dt``.

    generator: A in x' = A x;  matrix: Phi(dt), x(t + dt) = Phi x(t);
    adjoint_generator: B in lambda' = B lambda, ' = -d/dt;  adjoint_matrix: Psi(dt), lambda(t - dt) = Psi
    lambda(t);
    rates: r_s = -A_ss, the decay rate of each state, in 1/s;
    order: indices of the states, each after those it depends on.
    """

    spec: ModelSpec
    generator: Matrix
    adjoint_generator: Matrix
    matrix: Matrix
    adjoint_matrix: Matrix
    rates: tuple[Expr, ...]
    order: tuple[int, ...]
    dt: Symbol = DT

    def forward(self, name: str) -> Expr:
        """The state ``name`` after ``dt``, from the states before."""
        return self._row(name, self.matrix, self.spec.x)

    def backward(self, name: str) -> Expr:
        """The adjoint variable of the state ``name``, ``dt`` earlier, from the adjoint variables after."""
        return self._row(name, self.adjoint_matrix, self.spec.adjoints)

    def _row(self, name: str, matrix: Matrix, vector: Matrix) -> Expr:
        at = [state.name for state in self.spec.states].index(name)
        return (matrix[at, :] * vector)[0]


def solve(spec: ModelSpec) -> FlowSolution:
    """Solves the dynamics of ``spec`` between events, without its readouts (``with_integrals`` adds them).

    Raises:
        DerivationError: if the dynamics are not linear, have a constant term, or have states that act on one
            another in a circle.
    """
    generator = _generator(spec)
    order = _order(spec, generator)
    matrix = Matrix(len(order), len(order), lambda i, j: _entry(generator, i, j))
    transposed = spec.mass.T
    inverse = transposed.inv().applyfunc(sympy.cancel)
    return FlowSolution(
        spec=spec,
        generator=generator,
        adjoint_generator=(-inverse * spec.force.jacobian(spec.x).T).applyfunc(sympy.cancel),
        matrix=matrix,
        adjoint_matrix=(inverse * matrix.T * transposed).applyfunc(_tidy),
        rates=tuple(-generator[i, i] for i in range(len(order))),
        order=order,
    )


def residuals(solution: FlowSolution) -> dict[str, Expr]:
    r"""What must vanish for ``solution`` to be one, entry by entry and reduced.

    .. math:: \frac{d\Phi}{ds} - A\Phi, \quad \Phi(0) - 1, \quad \frac{d\Psi}{ds} - B\Psi, \quad \Psi(0) - 1
    """
    identity = sympy.eye(len(solution.order))
    at_zero = {solution.dt: sympy.Integer(0)}
    claims = {
        "flow.ode": solution.matrix.diff(solution.dt) - solution.generator * solution.matrix,
        "flow.start": solution.matrix.subs(at_zero) - identity,
        "flow.adjoint.ode": solution.adjoint_matrix.diff(solution.dt)
        - solution.adjoint_generator * solution.adjoint_matrix,
        "flow.adjoint.start": solution.adjoint_matrix.subs(at_zero) - identity,
    }
    names = [state.name for state in solution.spec.states]
    return {
        f"{claim}[{names[i]},{names[j]}]": reduced(matrix[i, j])
        for claim, matrix in claims.items()
        for i in range(len(names))
        for j in range(len(names))
    }


def reduced(expression: Expr) -> Expr:
    """``expression`` in exponentials, brought to one fraction and cancelled: 0 exactly if it is zero.

    Exponentials of different arguments are independent over the rational functions, so each stands for
    itself.
    """
    written = to_exponentials(expression)
    atoms = {e: sympy.Dummy() for e in written.atoms(sympy.exp)}
    back = {dummy: e for e, dummy in atoms.items()}
    return sympy.cancel(sympy.together(written.xreplace(atoms))).xreplace(back)


def why(solution: FlowSolution, order: Order) -> str:
    """Which flow this is and why it may be used, in a sentence; ``order`` is that of its formulas."""
    names = [solution.spec.states[i].name for i in solution.order]
    rates = [text(solution.rates[i], order) for i in solution.order]
    return (
        f"exact: the dynamics are linear without a constant term, and in the order {', '.join(names)} each "
        "state depends on itself and earlier ones only, so exp(A dt) is a sum of divided differences of exp "
        f"with the real rates {', '.join(rates)}; equal rates are no special case"
    )


def _generator(spec: ModelSpec) -> Matrix:
    """A in x' = A x."""
    place = Place(spec.origin, "dynamics")
    if spec.mass.has(*spec.x):
        raise _refused(place, "a time derivative has a factor that depends on the state")
    field = spec.vector_field
    generator = field.jacobian(spec.x).applyfunc(sympy.cancel)
    if generator.has(*spec.x):
        raise _refused(place, "the dynamics are not linear in the states")
    if any(sympy.cancel(rest) != 0 for rest in field - generator * spec.x):
        raise _refused(place, "the dynamics have a constant term")
    return generator


def _refused(place: Place, what: str) -> DerivationError:
    return DerivationError(
        f"{place}: {what}; only linear dynamics without a constant term have a flow in closed form so far.\n"
        "Write each equation as a sum of dot(...) and states with constant factors; "
        "measure a state from its resting value."
    )


def _order(spec: ModelSpec, generator: Matrix) -> tuple[int, ...]:
    """The states in the order of the spec, as far as each comes after those it depends on."""
    left, order = list(range(generator.rows)), []
    while left:
        free = next((i for i in left if all(generator[i, j] == 0 for j in left if j != i)), None)
        if free is None:
            names = ", ".join(spec.states[i].name for i in left)
            raise DerivationError(
                f"{Place(spec.origin, 'dynamics')}: the states {names} act on one another in a circle, "
                "so the rates are roots of a polynomial and may be complex.\n"
                "Only dynamics in which some state depends on itself alone, the next on that one and so on "
                "have a flow so far."
            )
        order.append(free)
        left.remove(free)
    return tuple(order)


def _entry(generator: Matrix, target: int, source: int) -> Expr:
    """One entry of exp(A dt): the sum over the paths from ``source`` to ``target``."""
    return sympy.Add(*(_path_term(generator, path) for path in _paths(generator, source, target)))


def _path_term(generator: Matrix, path: tuple[int, ...]) -> Expr:
    couplings = [generator[b, a] for a, b in pairwise(path)]
    nodes = [generator[s, s] * DT for s in path]
    return sympy.Mul(*couplings) * DT ** len(couplings) * exp_dd(*nodes)


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
