"""The adjoint method for smooth systems: proved for any F, and right on systems with known answers."""

import pytest
import sympy
from sympy import Rational, S, exp

from saltus.derive.dynamics import P, SmoothSystem, T, adjoint_method, calculus

END = Rational(3, 2)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_step_is_proved(size: int) -> None:
    adjoint_method(size).check()


def test_the_rules_of_calculus_are_proved() -> None:
    calculus().check()


def test_the_jacobian_comes_transposed() -> None:
    system = SmoothSystem(2)
    rate = adjoint_method(2)["general.adjoint.0"].rhs
    assert rate.coeff(system.lam[1]) == -system.F[1].diff(system.x[0])


def test_the_gradient_traces_back_to_the_system() -> None:
    trace = adjoint_method(2).trace("general.adjoint.gradient")
    assert {"general.dynamics.0", "general.dynamics.1", "general.loss", "general.parts.0"} <= set(trace)


def _as_derived(size: int, F: list[sympy.Expr], loss: sympy.Expr) -> tuple[list[sympy.Expr], sympy.Expr]:
    """The derived adjoint dynamics and integrand of the gradient, for concrete functions of x, p and t."""
    system, derivation = SmoothSystem(size), adjoint_method(size)

    def put_in(expression: sympy.Expr) -> sympy.Expr:
        heads = {f.func: sympy.Lambda((*system.x, P), value) for f, value in zip(system.F, F, strict=True)}
        for head, value in heads.items():
            expression = expression.replace(head, value)
        return expression.replace(system.loss.func, sympy.Lambda((*system.x, T), loss)).doit()

    rates = [put_in(derivation[f"general.adjoint.{i}"].rhs) for i in range(size)]
    return rates, put_in(derivation["general.adjoint.gradient"].rhs.function)


def test_a_linear_system_with_unequal_couplings() -> None:
    """x1' = -x1 + p x2, x2' = -2 x2: exact trajectories, adjoint and gradient in closed form."""
    system = SmoothSystem(2)
    (x1, x2), (l1, l2) = system.x, system.lam
    rates, integrand = _as_derived(2, [-x1 + P * x2, -2 * x2], x1)
    x2_t = exp(-2 * T)
    x1_t = exp(-T) + P * (exp(-T) - exp(-2 * T))
    l1_t = exp(T - END) - 1
    l2_t = -P * (Rational(1, 2) - exp(T - END) + exp(2 * (T - END)) / 2)
    at = {x1: x1_t, x2: x2_t, l1: l1_t, l2: l2_t}
    assert sympy.expand(-x1_t + P * x2_t - x1_t.diff(T)) == 0
    assert sympy.expand(rates[0].subs(at) - l1_t.diff(T)) == 0
    assert sympy.expand(rates[1].subs(at) - l2_t.diff(T)) == 0
    assert (l1_t.subs(T, END), l2_t.subs(T, END)) == (0, 0)
    forward = sympy.integrate(x1_t, (T, 0, END)).diff(P)
    backward = sympy.integrate(sympy.expand(integrand.subs(at)), (T, 0, END))
    assert sympy.simplify(forward - backward) == 0


def test_a_system_that_is_not_linear() -> None:
    """x' = p x^2 from x(0) = 1: x = 1/(1 - p t), and lambda in closed form."""
    system = SmoothSystem(1)
    (x,), (lam,) = system.x, system.lam
    (rate,), integrand = _as_derived(1, [P * x**2], x)
    left = 1 - P * T
    x_t = 1 / left
    lam_t = left**2 * (1 / left - 1 / (1 - P * END)) / P
    assert sympy.cancel(rate.subs({x: x_t, lam: lam_t}) - lam_t.diff(T)) == 0
    assert lam_t.subs(T, END) == 0
    shown = sympy.cancel(integrand.subs({x: x_t, lam: lam_t}))
    value = {P: Rational(1, 5)}
    backward = sympy.integrate(shown.subs(value), (T, 0, END))
    forward = (-sympy.log(1 - P * END) / P).diff(P).subs(value)
    assert abs((backward - forward).evalf(30)) < S(10) ** -25
