"""The flow solves the equations, forward and backward, and nothing happens where time constants meet."""

from dataclasses import replace

import mpmath
import pytest
import sympy
from chains import EVERY
from hypothesis import given
from hypothesis import strategies as st
from interpreter import exp_dd as numeric_exp_dd

from saltus.derive import spec
from saltus.derive.divided_differences import confluent, exp_dd, to_exponentials
from saltus.derive.flow import DT, FlowSolution, reduced, residuals, solve
from saltus.derive.spec import ModelSpec
from saltus.errors import DerivationError

a, b, c = sympy.symbols("a b c", real=True)


@pytest.fixture(params=["lif", "li"])
def solution(request: pytest.FixtureRequest) -> FlowSolution:
    return solve(spec.load(request.param).with_integrals())


def test_the_flow_solves_the_equations(solution: FlowSolution) -> None:
    assert set(residuals(solution).values()) == {0}


@pytest.mark.parametrize("model", EVERY)
def test_the_flow_solves_the_equations_of_any_chain(model: ModelSpec) -> None:
    assert set(residuals(solve(model.with_integrals())).values()) == {0}


def test_a_wrong_flow_does_not(solution: FlowSolution) -> None:
    """Each entry is needed: without any one of them the equations fail."""
    size = solution.matrix.rows
    for i in range(size):
        for j in range(size):
            if solution.matrix[i, j] != 0:
                wrong = solution.matrix.copy()
                wrong[i, j] = 2 * wrong[i, j]
                changed = replace(solution, matrix=wrong)
                assert set(residuals(changed).values()) != {0}


def test_the_source_has_it_too() -> None:
    """Sections 7 and 10: (58) with the time constants exchanged, (73) and (74)."""
    lif = spec.load("lif")
    tau_m, tau_s = (lif.symbols()[name] for name in ("tau_mem", "tau_syn"))
    V, I = lif.x
    lambda_V, lambda_I = lif.adjoints
    slow, fast = sympy.exp(-DT / tau_m), sympy.exp(-DT / tau_s)
    found = solve(lif)
    assert reduced(found.forward("V") - (I / (tau_m / tau_s - 1) * (slow - fast) + V * slow)) == 0
    assert reduced(found.backward("V") - lambda_V * slow) == 0
    printed = tau_m / (tau_s - tau_m) * lambda_V * (fast - slow) + lambda_I * fast
    assert reduced(found.backward("I") - printed) == 0


def test_equal_time_constants_are_no_special_case() -> None:
    """V's answer to a current is (t/tau) exp(-t/tau) then, and it is the limit of the general one."""
    lif = spec.load("lif")
    tau_m, tau_s = (lif.symbols()[name] for name in ("tau_mem", "tau_syn"))
    entry = solve(lif).matrix[0, 1]
    meeting = confluent(entry, {tau_s: tau_m})
    assert sympy.simplify(meeting - DT / tau_m * sympy.exp(-DT / tau_m)) == 0
    general = to_exponentials(entry)
    at = {DT: sympy.Rational(3, 10), tau_m: sympy.Rational(2, 10)}
    near = general.subs(at).subs(tau_s, sympy.Rational(2, 10) + sympy.Rational(1, 10**12))
    assert abs((near - meeting.subs(at)).evalf(40)) < 1e-11


def test_a_mass_matrix_that_is_not_diagonal() -> None:
    """The equations may share time derivatives: the adjoint flow still solves the adjoint equations."""
    model = spec.from_dict(
        {
            "name": "mixed",
            "title": "Two equations that share a derivative",
            "parameters": {"tau": {"value": 1.0, "positive": True}, "m": 0.5},
            "initial": {"x": 0.0, "y": 0.0},
            "dynamics": {"f_x": "tau*dot(x) + m*dot(y) + x", "f_y": "dot(y) + y"},
        }
    )
    assert set(residuals(solve(model)).values()) == {0}


def test_rates_that_are_exponentials_of_a_parameter() -> None:
    """They stand in denominators, beside the exponentials of time."""
    model = spec.from_dict(
        {
            "name": "warm",
            "title": "Rates that grow with the temperature",
            "parameters": {"tau": {"value": 1.0, "positive": True}, "c": 0.3},
            "initial": {"x": 0.0, "y": 0.0},
            "dynamics": {"f_x": "(1 + exp(c))*tau*dot(x) + x - y*exp(-c)", "f_y": "tau*exp(c)*dot(y) + y"},
            "readouts": {"area": "integral(x*y)"},
        }
    )
    assert set(residuals(solve(model.with_integrals())).values()) == {0}


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=4))
def test_divided_differences_of_numbers(nodes: list[int]) -> None:
    """Repeated nodes or not, the value is the one of the definition by integrals."""
    found = exp_dd(*nodes).evalf(30) if len(nodes) > 1 else sympy.exp(nodes[0]).evalf(30)
    assert mpmath.almosteq(mpmath.mpf(str(found)), numeric_exp_dd(*nodes), rel_eps=1e-12)


def test_divided_differences_are_symmetric() -> None:
    assert exp_dd(a, b, c) == exp_dd(c, a, b)
    assert exp_dd(a) == sympy.exp(a)


@pytest.mark.parametrize("nodes", [(a, b), (a, a), (a, b, c), (a, a, b), (a, a, a)])
def test_the_derivative_of_a_divided_difference(nodes: tuple[sympy.Symbol, ...]) -> None:
    """It is one again, multiplicities included: d/da exp[a, a] = 2 exp[a, a, a]."""
    derived = exp_dd(*nodes).diff(a)
    assert derived.atoms(sympy.exp) == set()
    assert reduced(derived - to_exponentials(exp_dd(*nodes)).diff(a)) == 0
    assert exp_dd(a, a).diff(a) == 2 * exp_dd(a, a, a)


def test_a_circle_is_refused() -> None:
    """An oscillator has complex rates."""
    data = {
        "name": "oscillator",
        "title": "Two states that drive one another",
        "initial": {"x": 1.0, "v": 0.0},
        "dynamics": {"f_x": "dot(x) - v", "f_v": "dot(v) + x"},
    }
    with pytest.raises(DerivationError, match="the states x, v drive one another in a circle"):
        solve(spec.from_dict(data, "oscillator.toml"))
