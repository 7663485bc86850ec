"""Section 2 of the source, the adjoint method: own numbers 1-10, quoted numbers 15-24."""

from __future__ import annotations

import sympy
from sympy import Derivative, Expr, Function, Integral, S, Symbol

from saltus.derive import notation
from saltus.derive.source import Claim, Row, claim, definition, erratum, proven

P, T, END = Symbol("p"), Symbol("t"), Symbol("T")
K = (0, 1)
"""Two states: the least number in which a transposed Jacobian shows."""
x = tuple(notation.state(f"x_{k + 1}") for k in K)
x_dot = tuple(notation.velocity(f"x_{k + 1}") for k in K)
dx = tuple(notation.partial(f"x_{k + 1}", "p") for k in K)
dx_dot = tuple(notation.partial_rate(f"x_{k + 1}", "p") for k in K)
lam = tuple(notation.adjoint(f"{k + 1}") for k in K)
lam_dot = tuple(notation.adjoint_velocity(f"{k + 1}") for k in K)
F = tuple(Function(f"F_{k + 1}")(*x, P) for k in K)
l = Function("l")(*x, T)
LOSS = notation.quantity("L", r"\mathcal{L}")
GRADIENT = notation.quantity("dL/dp", r"\frac{d\mathcal{L}}{dp}")
DL_DP = notation.total_derivative("l", "p")
ENDS = tuple(
    notation.quantity(
        f"[{notation.text(a)}·{notation.text(b)}]₀ᵀ",
        rf"\left[{notation.latex(a)}\cdot {notation.latex(b)}\right]_0^T",
    )
    for a, b in zip(lam, dx, strict=True)
)
G = "general"


def over(expression: Expr) -> Expr:
    """The integral from 0 to T."""
    return Integral(expression, (T, S.Zero, END))


def dot(a: tuple[Expr, ...], b: tuple[Expr, ...]) -> Expr:
    """The scalar product."""
    return sympy.Add(*(i * j for i, j in zip(a, b, strict=True)))


def jacobian_times(vector: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """(dF/dx) v, as a matrix times a vector."""
    return tuple(sympy.Add(*(Derivative(F[i], x[k]) * vector[k] for k in K)) for i in K)


def transposed_times(vector: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """(dF/dx)^T v."""
    return tuple(sympy.Add(*(Derivative(F[i], x[k]) * vector[i] for i in K)) for k in K)


def each(step: str, lhs: tuple[Expr, ...], rhs: tuple[Expr, ...], holds: bool = True) -> tuple[Claim, ...]:
    """One claim for each component, held against the step of that component."""
    return tuple(claim(lhs[k], rhs[k], f"{step}.{k}", of=G, holds=holds) for k in K)


def rows() -> tuple[Row, ...]:
    """The rows of the section."""
    return (*_forward(), *_lagrangian(), *_adjoint())


def _forward() -> tuple[Row, ...]:
    dl = tuple(Derivative(l, x[k]) for k in K)
    dF = tuple(Derivative(F[k], P) for k in K)
    sensitivity = tuple(a + b for a, b in zip(jacobian_times(dx), dF, strict=True))
    calligraphic = tuple(notation.quantity(f"𝓕{'₁₂'[k]}", rf"\mathcal{{F}}_{{{k + 1}}}") for k in K)
    explicit = tuple(x_dot[k] - F[k] for k in K)
    return (
        definition(
            "2:15",
            "The system x' - F(x, p) = 0",
            "(18), (19)",
            *each("general.dynamics", explicit, (S.Zero,) * 2),
        ),
        definition(
            "2:1",
            "The same as an implicit function",
            "(19)",
            *each("general.implicit", calligraphic, explicit),
        ),
        definition(
            "2:16",
            "The loss, an integral along the trajectory",
            "(17), (19)",
            claim(LOSS, over(l), "general.loss", of=G),
        ),
        proven(
            "2:17",
            "Gradient by forward derivatives",
            claim(GRADIENT, over(dot(dl, dx)), "general.gradient", of=G),
        ),
        proven(
            "2:2",
            "d/dp goes under the integral",
            claim(GRADIENT, over(DL_DP), "general.gradient", of=G, uses=("general.chain",)),
        ),
        proven(
            "2:3", "Chain rule", claim(DL_DP, sympy.Add(*(dl[k] * dx[k] for k in K)), "general.chain", of=G)
        ),
        proven("2:4", "The same as a scalar product", claim(DL_DP, dot(dl, dx), "general.chain", of=G)),
        proven(
            "2:18",
            "Dynamics of the forward derivatives (Gronwall)",
            *each("general.gronwall", dx_dot, sensitivity),
        ),
        proven("2:5", "The dynamics, explicit", *each("general.dynamics", x_dot, F)),
        proven(
            "2:6",
            "The dynamics differentiated by p",
            *each("general.gronwall", dx_dot, sensitivity),
            note="The left side is written d/dt of dx/dp: that they commute is (7).",
        ),
        proven("2:7", "d/dp and d/dt commute", *each("general.gronwall", dx_dot, sensitivity)),
        proven("2:8", "Chain rule for F", *each("general.gronwall", dx_dot, sensitivity)),
    )


def _lagrangian() -> tuple[Row, ...]:
    constraint = dot(lam, tuple(x_dot[k] - F[k] for k in K))
    dl = tuple(Derivative(l, x[k]) for k in K)
    dF = tuple(Derivative(F[k], P) for k in K)
    varied = tuple(dx_dot[k] - jacobian_times(dx)[k] - dF[k] for k in K)
    u, v = Function("u")(T), Function("v")(T)
    ends = notation.quantity("[u v]", r"\left[u(t)v(t)\right]")
    both = {f"general.parts.{k}": S.One for k in K}
    return (
        proven(
            "2:19",
            "The loss with the constraint added",
            claim(LOSS, over(l + constraint), "general.lagrangian", of=G),
        ),
        proven(
            "2:20",
            "Its derivative",
            claim(GRADIENT, over(dot(dl, dx) + dot(lam, varied)), "general.varied", of=G),
        ),
        proven(
            "2:21",
            "Partial integration",
            claim(over(dot(lam, dx_dot)), -over(dot(lam_dot, dx)) + sympy.Add(*ENDS), both, of=G),
        ),
        proven(
            "2:9",
            "The rule of partial integration",
            claim(over(u * v.diff(T)), ends - over(u.diff(T) * v), "parts.rule", of="calculus"),
        ),
    )


def _adjoint() -> tuple[Row, ...]:
    dl = tuple(Derivative(l, x[k]) for k in K)
    dF = tuple(Derivative(F[k], P) for k in K)
    straight, turned = jacobian_times(lam), transposed_times(lam)

    def collected(product: tuple[Expr, ...]) -> Expr:
        return over(dot(tuple(dl[k] - lam_dot[k] - product[k] for k in K), dx) - dot(lam, dF))

    def rate(product: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return tuple(dl[k] - product[k] for k in K)

    return (
        erratum(
            "2:10/22",
            "The gradient after partial integration, collected",
            "As a matrix times a vector, ∂F/∂x λ must be (∂F/∂x)ᵀ λ: λ·(∂F/∂x ∂x/∂p) = ((∂F/∂x)ᵀ λ)·∂x/∂p.",
            claim(GRADIENT, collected(straight), "general.collected", of=G, holds=False),
            claim(GRADIENT, collected(turned), "general.collected", of=G),
        ),
        erratum(
            "2:23",
            "The adjoint differential equation",
            "The Jacobian must be transposed, as in (22).",
            *each("general.adjoint", lam_dot, rate(straight), holds=False),
            *each("general.adjoint", lam_dot, rate(turned)),
        ),
        proven(
            "2:24",
            "The gradient without forward derivatives",
            claim(GRADIENT, -over(dot(lam, dF)), "general.adjoint.gradient", of=G),
        ),
    )
