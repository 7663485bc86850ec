r"""The adjoint method for a smooth system: x' = F(x, p), L = \int_0^T l(x, t) dt, for any F and l.

Each step of the source's section 2 is an equation about arbitrary functions :math:`F_1, \dots, F_N` and l
of the given dimension; nothing is known of them but that they are smooth. The transposed Jacobian in the
adjoint equation is found here, not assumed: it is what makes the coefficient of every :math:`\partial
x_i/\partial p` vanish.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import sympy
from sympy import Expr, Function, Integral, S, Symbol

from saltus.derive import notation
from saltus.derive.algebra import total
from saltus.derive.derivation import Derivation, Equation

P = Symbol("p")
"""The parameter."""
T = Symbol("t")
"""Time."""
_RANGE = (T, S.Zero, Symbol("T"))


@dataclass(frozen=True)
class SmoothSystem:
    """N states x_i, arbitrary functions F_i(x, p) and l(x, t), and multipliers lambda_i."""

    size: int

    @cached_property
    def names(self) -> tuple[str, ...]:
        """``x1 … xN``."""
        return tuple(f"x_{i + 1}" for i in range(self.size))

    @cached_property
    def x(self) -> tuple[Symbol, ...]:
        """The states."""
        return tuple(notation.state(name) for name in self.names)

    @cached_property
    def x_dot(self) -> tuple[Symbol, ...]:
        """Their time derivatives."""
        return tuple(notation.velocity(name) for name in self.names)

    @cached_property
    def dx(self) -> tuple[Symbol, ...]:
        """Their derivatives with respect to p."""
        return tuple(notation.partial(name, "p") for name in self.names)

    @cached_property
    def dx_dot(self) -> tuple[Symbol, ...]:
        """The time derivatives of those."""
        return tuple(notation.partial_rate(name, "p") for name in self.names)

    @cached_property
    def lam(self) -> tuple[Symbol, ...]:
        """The multipliers."""
        return tuple(notation.adjoint(str(i + 1)) for i in range(self.size))

    @cached_property
    def lam_dot(self) -> tuple[Symbol, ...]:
        """Their time derivatives."""
        return tuple(notation.adjoint_velocity(str(i + 1)) for i in range(self.size))

    @cached_property
    def F(self) -> tuple[Expr, ...]:
        """The right sides, arbitrary functions of all states and p."""
        return tuple(Function(f"F_{i + 1}")(*self.x, P) for i in range(self.size))

    @cached_property
    def loss(self) -> Expr:
        """l, an arbitrary function of all states and t."""
        return Function("l")(*self.x, T)

    def sensitivity(self, expression: Expr) -> Expr:
        """d/dp at fixed time, by the chain rule."""
        return total(expression, dict(zip(self.x, self.dx, strict=True)) | {P: S.One})

    def by_functions(self, expression: Expr) -> Expr:
        """The same derivative by SymPy's own rules, each x_i a function of t and q, and p = q: a witness."""
        q, parameter = Symbol("q"), Function("P")
        functions = [Function(f"X_{i}")(T, q) for i in range(self.size)]
        derived = (
            expression.xreplace({P: parameter(q)})
            .xreplace({dot: f.diff(T) for dot, f in zip(self.x_dot, functions, strict=True)})
            .xreplace(dict(zip(self.x, functions, strict=True)))
            .diff(q)
            .xreplace({parameter(q).diff(q): S.One})
            .xreplace({f.diff(T, q): rate for f, rate in zip(functions, self.dx_dot, strict=True)})
            .xreplace({f.diff(q): dx for f, dx in zip(functions, self.dx, strict=True)})
        )
        return derived.xreplace({parameter(q): P, **dict(zip(functions, self.x, strict=True))})


def integral(expression: Expr) -> Expr:
    """The integral over the run, from 0 to T."""
    return Integral(expression, _RANGE)


def adjoint_method(size: int) -> Derivation:
    """Section 2 of the source as a derivation, for ``size`` states."""
    system = SmoothSystem(size)
    steps = [*_forward(system), *_lagrangian(system), *_adjoint(system)]
    return Derivation(f"The adjoint method for a smooth system of {size} states", steps)


def _forward(s: SmoothSystem) -> list[Equation]:
    dynamics = [Equation(f"general.dynamics.{i}", s.x_dot[i], s.F[i], "The system.") for i in range(s.size)]
    implicit = [
        Equation(
            f"general.implicit.{i}",
            _calligraphic(i),
            s.x_dot[i] - s.F[i],
            "The same, as a function that is zero along a trajectory.",
        )
        for i in range(s.size)
    ]
    loss = Equation("general.loss", _loss(), integral(s.loss), "The loss.")
    chain = Equation(
        "general.chain",
        notation.total_derivative("l", "p"),
        s.sensitivity(s.loss),
        "l depends on p through x alone: chain rule.",
        facts={notation.total_derivative("l", "p"): s.by_functions(s.loss)},
        differentiates=("general.loss",),
    )
    gradient = Equation(
        "general.gradient",
        _gradient(),
        integral(s.sensitivity(s.loss)),
        "The limits of the integral do not depend on p, so d/dp goes under it.",
        facts={_gradient(): integral(notation.total_derivative("l", "p")).xreplace({chain.lhs: chain.rhs})},
        differentiates=("general.loss", "general.chain"),
    )
    gronwall = [
        Equation(
            f"general.gronwall.{i}",
            s.dx_dot[i],
            s.sensitivity(s.F[i]),
            "Differentiate the dynamics by p; d/dp and d/dt commute.",
            witness=s.by_functions(s.x_dot[i] - s.F[i]),
            differentiates=(f"general.dynamics.{i}",),
        )
        for i in range(s.size)
    ]
    return [*dynamics, *implicit, loss, chain, gradient, *gronwall]


def _lagrangian(s: SmoothSystem) -> list[Equation]:
    constraint = sympy.Add(*(s.lam[i] * _calligraphic(i) for i in range(s.size)))
    explicit = {_calligraphic(i): s.x_dot[i] - s.F[i] for i in range(s.size)}
    added = Equation(
        "general.lagrangian",
        _loss(),
        integral(s.loss + constraint.xreplace(explicit)),
        "The constraint is zero along trajectories, so any multiplier may be added.",
        uses=("general.loss", *(f"general.dynamics.{i}" for i in range(s.size))),
    )
    under = s.sensitivity(s.loss) + sympy.Add(
        *(s.lam[i] * (s.dx_dot[i] - s.sensitivity(s.F[i])) for i in range(s.size))
    )
    varied = Equation(
        "general.varied",
        _gradient(),
        integral(under),
        "Its derivative: the constraint stays zero when p changes, whatever the multiplier does.",
        facts={
            _gradient(): integral(
                s.by_functions(s.loss)
                + sympy.Add(*(s.lam[i] * s.by_functions(s.x_dot[i] - s.F[i]) for i in range(s.size)))
            )
        },
    )
    return [added, replace(varied, differentiates=("general.lagrangian",))]


def _adjoint(s: SmoothSystem) -> list[Equation]:
    parts = [by_parts(f"general.parts.{i}", s, i) for i in range(s.size)]
    ends = [
        Equation(
            f"general.boundary.{i}",
            parts_bracket(s, i),
            S.Zero,
            "lambda(T) = 0 is chosen, and the initial state does not depend on p.",
        )
        for i in range(s.size)
    ]
    weights = {
        s.dx[j]: s.loss.diff(s.x[j])
        - s.lam_dot[j]
        - sum((s.lam[i] * s.F[i].diff(s.x[j]) for i in range(s.size)), S.Zero)
        for j in range(s.size)
    }
    rest = -sum((s.lam[i] * s.F[i].diff(P) for i in range(s.size)), S.Zero)
    collected = Equation(
        "general.collected",
        _gradient(),
        integral(sympy.Add(*(c * dx for dx, c in weights.items())) + rest),
        "Partial integration, boundary terms gone, and collected in the unavailable derivatives.",
        combines={"general.varied": S.One}
        | {f"general.parts.{i}": S.One for i in range(s.size)}
        | {f"general.boundary.{i}": S.One for i in range(s.size)},
    )
    choice = [
        Equation(
            f"general.choice.{j}",
            weights[s.dx[j]],
            S.Zero,
            "The multiplier is chosen so that this coefficient vanishes.",
        )
        for j in range(s.size)
    ]
    solved = sympy.solve([c.lhs for c in choice], s.lam_dot, dict=True)[0]
    ode = [
        Equation(
            f"general.adjoint.{j}",
            s.lam_dot[j],
            sympy.expand(solved[s.lam_dot[j]]),
            "Solved for its time derivative: the Jacobian comes transposed.",
            combines={f"general.choice.{j}": S.NegativeOne},
        )
        for j in range(s.size)
    ]
    final = Equation(
        "general.adjoint.gradient",
        _gradient(),
        integral(rest),
        "What is left: one integral for each parameter, and no derivative of a state.",
        combines={"general.collected": S.One},
        facts={a.lhs: a.rhs for a in ode},
        differentiates=tuple(a.label for a in ode),
    )
    return [*parts, *ends, collected, *choice, *ode, final]


def by_parts(label: str, s: SmoothSystem, i: int) -> Equation:
    r"""Partial integration of lambda_i against d/dt (dx_i/dp).

    .. math:: \int \lambda\,\frac{d}{dt}\frac{\partial x}{\partial p}\,dt
              = -\int \dot\lambda\,\frac{\partial x}{\partial p}\,dt
                + \Big[\lambda\,\frac{\partial x}{\partial p}\Big]

    The bracket is the integral of the total derivative of the product: product rule and fundamental theorem.
    """
    product = s.lam[i] * s.dx[i]
    rates = {s.lam[i]: s.lam_dot[i], s.dx[i]: s.dx_dot[i]}
    return Equation(
        label,
        integral(s.lam[i] * s.dx_dot[i]),
        -integral(s.lam_dot[i] * s.dx[i]) + parts_bracket(s, i),
        "Partial integration.",
        facts={parts_bracket(s, i): integral(total(product, rates))},
    )


def parts_bracket(s: SmoothSystem, i: int) -> Symbol:
    """The boundary term of the partial integration over the whole run."""
    inner, latex = notation.text(s.lam[i]), notation.latex(s.lam[i])
    return notation.quantity(
        f"[{inner}·{notation.text(s.dx[i])}]₀ᵀ", rf"\left[{latex}\cdot {notation.latex(s.dx[i])}\right]_0^T"
    )


def calculus() -> Derivation:
    r"""The two rules of calculus that the method rests on, for arbitrary functions.

    Differentiation of an integral whose limits and integrand depend on the parameter (h = dH/dt; where p
    enters the integrand directly it is written u),

    .. math:: \frac{d}{dp}\int_{a(p)}^{b(p)} h(u, t)\,dt
              = h(u, b)\,b' - h(u, a)\,a' + \int_a^b \frac{\partial h}{\partial u}\,dt,

    and partial integration.
    """
    H, a, b, direct = Function("H"), Function("a")(P), Function("b")(P), Symbol("u")
    h = H(direct, T).diff(T)
    lhs = notation.quantity("d/dp ∫h dt", r"\frac{d}{dp}\int_a^b h\,dt")
    primitive = H(direct, b) - H(direct, a)
    through_limits = h.subs(T, b) * b.diff(P) - h.subs(T, a) * a.diff(P)
    inside = Integral(h.diff(direct), (T, a, b))
    u, v = Function("u")(T), Function("v")(T)
    x, when = Function("x"), Function("t_k")(P)
    moved = notation.quantity("d/dp x(t_k)", r"\frac{d}{dp} x(t_k)")
    ends = notation.quantity("[u v]", r"\left[u(t)v(t)\right]")
    return Derivation(
        "Two rules of calculus",
        [
            Equation(
                "leibniz.antiderivative",
                lhs,
                primitive.diff(P) + primitive.diff(direct),
                "The integral is H(b) - H(a), by the fundamental theorem; this is its total derivative.",
            ),
            Equation(
                "leibniz.chain",
                lhs,
                through_limits + H(direct, b).diff(direct) - H(direct, a).diff(direct),
                "Chain rule: through the limits, where dH/dt = h, and directly.",
                uses=("leibniz.antiderivative",),
            ),
            Equation(
                "leibniz.rule",
                lhs,
                through_limits + inside,
                "The direct part is the integral of the derivative, by the fundamental theorem.",
                combines={"leibniz.chain": S.One},
                facts={inside: inside.doit()},
            ),
            Equation(
                "parts.rule",
                integral(u * v.diff(T)),
                ends - integral(u.diff(T) * v),
                "Product rule, and the fundamental theorem for the integral of (u v)'.",
                facts={ends: integral((u * v).diff(T))},
            ),
            Equation(
                "moving.rule",
                moved,
                x(direct, when).diff(direct) + x(direct, T).diff(T).subs(T, when) * when.diff(P),
                "A value at a moving time: its change at fixed time, and its velocity times the time's.",
                facts={moved: x(direct, when).diff(direct) + x(direct, when).diff(P)},
            ),
        ],
    )


def _calligraphic(i: int) -> Symbol:
    return notation.quantity(f"𝓕{notation.subscript(str(i + 1))}", rf"\mathcal{{F}}_{{{i + 1}}}")


def _loss() -> Symbol:
    return notation.quantity("L", r"\mathcal{L}")


def _gradient() -> Symbol:
    return notation.quantity("dL/dp", r"\frac{d\mathcal{L}}{dp}")
