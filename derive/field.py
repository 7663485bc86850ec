r"""What the vector field of a model looks like: linear in the states, a constant, and what is left.

.. math:: \dot x_i = \sum_j A_{ij} x_j + b_i + q_i(x)

with :math:`q_i` zero where row i is linear. Which flow a model gets follows from this split alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy
from sympy import Matrix

from saltus.derive.model import ModelSpec


@dataclass(frozen=True)
class Field:
    """x' = A x + b + q(x).

    generator: A;  drive: b, a column;  rest: q, a column; its row i, if it is not zero, is the whole of row i
    and A and b are zero there.
    """

    spec: ModelSpec
    generator: Matrix
    drive: Matrix
    rest: Matrix

    @classmethod
    def of(cls, spec: ModelSpec) -> Field:
        """The split of a model's vector field."""
        size = len(spec.states)
        generator, drive, rest = sympy.zeros(size, size), sympy.zeros(size, 1), sympy.zeros(size, 1)
        for i, rate in enumerate(spec.vector_field):
            row = Matrix([rate]).jacobian(spec.x).applyfunc(sympy.cancel)
            if row.has(*spec.x):
                rest[i] = rate
            else:
                generator[i, :] = row
                drive[i] = sympy.cancel(rate - (row * spec.x)[0])
        return cls(spec, generator, drive, rest)

    @property
    def nonlinear(self) -> tuple[int, ...]:
        """The rows that are not linear."""
        return tuple(i for i in range(self.rest.rows) if self.rest[i] != 0)

    def drives_others(self, i: int) -> bool:
        """Whether another state's rate depends on state i."""
        x = self.spec.states[i].symbol
        return any(rate.has(x) for j, rate in enumerate(self.spec.vector_field) if j != i)

    @property
    def order(self) -> tuple[int, ...] | None:
        """The states in the order of the spec, as far as each comes after those it depends on linearly.

        None if there is no such order; ``circle`` has the states in the way.
        """
        left, order = list(range(self.generator.rows)), []
        while left:
            free = next((i for i in left if all(self.generator[i, j] == 0 for j in left if j != i)), None)
            if free is None:
                return None
            order.append(free)
            left.remove(free)
        return tuple(order)

    @property
    def circle(self) -> tuple[str, ...]:
        """Names of the states that act on themselves through others, linearly."""
        size = self.generator.rows
        reach = [{j for j in range(size) if j != i and self.generator[j, i] != 0} for i in range(size)]
        for _ in range(size):
            reach = [found.union(*(reach[j] for j in found)) for found in reach]
        return tuple(state.name for i, state in enumerate(self.spec.states) if i in reach[i])
