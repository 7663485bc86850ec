"""The IR means what the mathematics says, and knows nothing of the names in a spec."""

import re

import mpmath
import pytest
import sympy
from chains import EVERY, chain
from hypothesis import given, settings
from interpreter import run

from saltus.derive import spec
from saltus.derive.arrange import Order, arrange, operations
from saltus.derive.flow import solve
from saltus.derive.ladder import ladder, residuals
from saltus.derive.lower import lower
from saltus.derive.spec import ModelSpec
from saltus.derive.text import text
from saltus.templates import ir

DT = mpmath.mpf("0.013")
FEW = 5
"""Models drawn where each takes a good part of a second."""
TIGHT = {"rel_eps": 1e-25, "abs_eps": 1e-25}


def defaults(model: ir.ModelIR) -> dict[str, mpmath.mpf]:
    return {parameter.name: mpmath.mpf(str(parameter.default)) for parameter in model.parameters}


def numbers(names: list[str], start: int) -> dict[str, mpmath.mpf]:
    """Values with no pattern, all different."""
    return {name: mpmath.sin(start + 7 * i) for i, name in enumerate(names)}


def numeric(matrix: sympy.Matrix, model: ModelSpec, values: dict[str, mpmath.mpf]) -> mpmath.matrix:
    symbols = model.symbols()
    at = {symbols[name]: sympy.Float(str(value), 60) for name, value in values.items() if name in symbols}
    return mpmath.matrix([[mpmath.mpf(str(e.subs(at).evalf(50))) for e in row] for row in matrix.tolist()])


@pytest.fixture(autouse=True)
def fifty_digits():  # type: ignore[no-untyped-def]
    with mpmath.workdps(40):
        yield


@settings(max_examples=FEW)
@given(chain())
def test_the_flow_is_the_matrix_exponential(model: ModelSpec) -> None:
    """advance is exp(A dt) x; adjoint is M^-T exp(A dt)^T M^T lambda: both against mpmath's expm."""
    lowered, whole = lower(model), model.with_integrals()
    values = defaults(lowered) | {"dt": DT}
    entries = run(lowered.flow.propagator, values, lowered.constants)
    flow = mpmath.expm(numeric(whole.vector_field.jacobian(whole.x), whole, values) * DT, method="taylor")
    mass = numeric(whole.mass, whole, values).T
    names = [state.name for state in lowered.states]
    x = numbers(names, 1)
    after = run(lowered.flow.advance, values | entries | x)
    expected = flow * mpmath.matrix(list(x.values()))
    for name, value in zip(names, expected, strict=True):
        assert mpmath.almosteq(after[f"{name}_next"], value, **TIGHT)
    adjoints = [state.adjoint for state in lowered.states]
    later = numbers(adjoints, 2)
    earlier = run(lowered.flow.adjoint, values | entries | later)
    expected = mass**-1 * flow.T * mass * mpmath.matrix(list(later.values()))
    for name, value in zip(adjoints, expected, strict=True):
        assert mpmath.almosteq(earlier[f"{name}_next"], value, **TIGHT)


@settings(max_examples=FEW)
@given(chain())
def test_the_gradient_of_a_segment(model: ModelSpec) -> None:
    """grad_p is d/dp of a . exp(A dt) x with a, x and dt held, equal time constants included."""
    lowered, whole = lower(model), model.with_integrals()
    values = defaults(lowered)
    names = [state.name for state in lowered.states]
    x, later = numbers(names, 1), numbers([state.adjoint for state in lowered.states], 2)
    scope = values | {"dt": DT} | x | later
    scope |= run(lowered.flow.sensitivity, scope, lowered.constants)
    found = run(lowered.flow.parameters, scope, lowered.constants)
    costate = -numeric(whole.mass, whole, values).T * mpmath.matrix(list(later.values()))
    generator = whole.vector_field.jacobian(whole.x)

    def carried(name: str, value: mpmath.mpf) -> mpmath.mpf:
        flow = mpmath.expm(numeric(generator, whole, {**values, name: value}) * DT, method="taylor")
        return (costate.T * flow * mpmath.matrix(list(x.values())))[0]

    for parameter in model.parameters:
        slope = mpmath.diff(lambda v, name=parameter.name: carried(name, v), values[parameter.name], h=1e-12)
        got = found.get(f"grad_{parameter.name}", mpmath.mpf(0))
        assert mpmath.almosteq(got, slope, rel_eps=1e-9, abs_eps=1e-9 * (1 + abs(got)))
    flow_parameters = next(fact.text for fact in lowered.facts if fact.name == "flow_parameters")
    assert [f"grad_{name}" for name in flow_parameters.split(", ")] == list(found)


@pytest.mark.parametrize("model", EVERY)
def test_the_ladder_ends_in_a_single_exponential(model: ModelSpec) -> None:
    """(D + r_k) u_k = u_{k+1} for each rung and 0 after the last; u_0 is the guard."""
    solution = solve(model)
    rungs = ladder(solution, model.transitions[0])
    assert set(residuals(rungs, solution)) == {0}
    assert rungs[0].value == model.transitions[0].when
    assert len(rungs) <= len(model.states) + 1


def test_synapses_of_one_time_constant_are_one_exponential() -> None:
    """Excitation and inhibition with the same decay: no rung more than with one synapse."""
    data = {
        "name": "pair",
        "title": "Two synapses",
        "parameters": {"tau": {"value": 0.02, "positive": True}, "sigma": {"value": 0.005, "positive": True}},
        "initial": {"u": 0.0, "e": 0.0, "i": 0.0},
        "dynamics": {"f_u": "tau*dot(u) + u - e + i", "f_e": "sigma*dot(e) + e", "f_i": "sigma*dot(i) + i"},
        "transition": {"spike": {"when": "u - 1", "reset": {"u": "u - 1"}, "emits": True}},
        "receive": {"exc": {"e": "e + w"}, "inh": {"i": "i + w"}},
    }
    model = spec.from_dict(data)
    solution = solve(model)
    rungs = ladder(solution, model.transitions[0])
    assert len(rungs) == 3
    assert set(residuals(rungs, solution)) == {0}
    lowered = lower(model)
    assert lowered.flow.entries == ("Phi_u_u", "Phi_u_e", "Phi_u_i", "Phi_e_e", "Psi_e_u", "Psi_i_u")


def test_the_ladder_of_the_source_neuron() -> None:
    """V - theta, its slope, and a multiple of I: at most two zeros between events."""
    (emission,) = lower(spec.load("lif")).emissions
    values = {"V": 0.3, "I": 2.0, "theta": 1.0, "tau_mem": 4.0, "tau_syn": 0.5}
    values |= {"per_tau_mem": 0.25, "per_tau_syn": 2.0}
    found = [next(iter(run(rung.value, values).values())) for rung in emission.ladder]
    assert found == [pytest.approx(0.3 - 1.0), pytest.approx(1.7 / 4), pytest.approx(-2.0 / (4 * 0.5))]
    rates = [next(iter(run(rung.rate, values).values())) for rung in emission.ladder]
    assert rates == [0, 0.25, 2.0]


@settings(max_examples=FEW)
@given(chain())
def test_an_emission_is_the_general_rule(model: ModelSpec) -> None:
    """a- = R_x^T a+ - (e/g') g_x and e = w + a+ . (R_x x'- - x'+), in numbers, for any chain."""
    lowered, whole = lower(model), model.with_integrals()
    (emission,), (transition,) = lowered.emissions, whole.transitions
    values = defaults(lowered)
    names = [state.name for state in lowered.states]
    x, after = numbers(names, 3), numbers([state.adjoint for state in lowered.states], 4)
    found = run(emission.adjoint, values | x | after | {"external": mpmath.mpf("0.7")}, lowered.constants)
    reset = sympy.Matrix(transition.reset)
    mass = numeric(whole.mass, whole, values).T
    costate = -mass * mpmath.matrix(list(after.values()))
    rates = numeric(whole.vector_field, whole, values | x)
    jumped = numeric(reset, whole, values | x)
    rates_after = numeric(whole.vector_field, whole, values | dict(zip(names, jumped, strict=True)))
    jacobian = numeric(reset.jacobian(whole.x), whole, values | x)
    slope_of_guard = numeric(sympy.Matrix([transition.when]).jacobian(whole.x), whole, values | x)
    sensitivity = mpmath.mpf("0.7") + (costate.T * (jacobian * rates - rates_after))[0]
    slope = (slope_of_guard * rates)[0]
    before = -(mass**-1) * (jacobian.T * costate - sensitivity / slope * slope_of_guard.T)
    assert mpmath.almosteq(found["sensitivity"], sensitivity, **TIGHT)
    for state, value in zip(lowered.states, before, strict=True):
        assert mpmath.almosteq(found[f"{state.adjoint}_next"], value, **TIGHT)
    shares = run(emission.parameters, values | x | after | {"sensitivity": sensitivity}, lowered.constants)
    assert mpmath.almosteq(shares["grad_theta"], sensitivity / slope, **TIGHT)
    assert mpmath.almosteq(shares["grad_low"], costate[0], **TIGHT)


def test_the_source_jump() -> None:
    """(52a): lambda_V before = V'+/V'- lambda_V + external/(tau_mem V'-); (56); Table 2's credit."""
    lowered = lower(spec.load("lif"))
    V, I, lambda_V, lambda_I, external, tau, v_reset = map(mpmath.mpf, (1, 3, "0.4", "-0.2", "0.6", 2, "0.1"))
    scope = {"V": V, "I": I, "lambda_V": lambda_V, "lambda_I": lambda_I, "external": external}
    scope |= {"tau_mem": tau, "tau_syn": mpmath.mpf("0.7"), "theta": V, "v_reset": v_reset}
    found = run(lowered.emissions[0].adjoint, scope, lowered.constants)
    rate, rate_after = (I - V) / tau, (I - v_reset) / tau
    expected = rate_after / rate * lambda_V + external / (tau * rate)
    assert mpmath.almosteq(found["lambda_V_next"], expected)
    assert found["lambda_I_next"] == lambda_I
    (arrival,) = lowered.arrivals
    assert run(arrival.credit, scope, lowered.constants)["credit"] == lambda_V - lambda_I
    assert run(arrival.weight, scope, lowered.constants)["grad_w"] == -scope["tau_syn"] * lambda_I
    labels = {str(assign.label) for assign in lowered.emissions[0].adjoint.body}
    assert "jump.emission, 3:52a" in labels


def test_both_ends_of_a_run() -> None:
    """a = -M^T lambda at both ends: terminal undoes what initial reads."""
    lowered = lower(spec.load("li"))
    values = defaults(lowered)
    final = {f"final_{state.name}": mpmath.mpf(i + 1) for i, state in enumerate(lowered.states)}
    at_end = run(lowered.terminal, values | final, lowered.constants)
    adjoints = {name.removesuffix("_next"): value for name, value in at_end.items()}
    assert run(lowered.initial, values | adjoints, lowered.constants) == pytest.approx(
        {"grad_V0": 1, "grad_I0": 2}
    )


RENAMES = [
    {"V": "u", "I": "current", "tau_mem": "a_m", "tau_syn": "b_s", "theta": "limit", "v_reset": "base"},
    {"V": "zz", "I": "aa", "tau_mem": "z", "tau_syn": "y", "theta": "c", "v_reset": "b"},
]


@pytest.mark.parametrize("names", RENAMES)
@pytest.mark.parametrize("model", ["lif", "li"])
def test_names_mean_nothing(model: str, names: dict[str, str]) -> None:
    """Rename every symbol of a spec: the IR is the same up to names, labels with their numbers included."""
    from saltus.derive import files

    original, origin = files.read("models", model)
    names = names | {"spike": "fire", "exc": "port", "sum_V": "area"}
    names |= {f"{names[state]}0": f"{names[state]}0" for state in "VI"}
    renamed = _renamed(original, names)
    found = lower(spec.parse(renamed, origin))
    expected = _renamed(ir.dump(lower(spec.parse(original, origin))).decode(), names)
    assert _without_prose(ir.dump(found).decode()) == _without_prose(expected)


def _renamed(document: str, names: dict[str, str]) -> str:
    """``document`` with whole names, and names within names such as Phi_V_I, replaced."""
    pattern = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    word = rf"(?<![A-Za-z])({pattern})(?=(?:0?_next|0)?(?![A-Za-z0-9]))"
    return re.sub(word, lambda match: names[match[1]], document)


def _without_prose(document: str) -> str:
    return re.sub(r'"(title|source|doc)": "[^:]*?"(?=[,\n])', "", document)


def test_the_same_bytes_each_time() -> None:
    assert ir.dump(lower(spec.load("li"))) == ir.dump(lower(spec.load("li")))


V, I, tau, sigma, theta = sympy.symbols("V I tau sigma theta", real=True)
ORDER = Order.of(([V, I], 2), ([tau, sigma, theta], 0))


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        (V - theta, "V - theta"),
        ((I - V) / tau, "(I - V)/tau"),
        (-I / (tau * sigma), "-I/(tau*sigma)"),
        (theta / (V - I), "theta/(V - I)"),
        (-theta / (V - I), "theta/(I - V)"),
        (I / sigma - V / tau, "I/sigma - V/tau"),
        (V * (I - theta) + tau, "V*(I - theta) + tau"),
        (sympy.exp(-tau / sigma) * V, "V*exp(-tau/sigma)"),
        (-(V + I) / tau, "-(V + I)/tau"),
        (-V / 2 + sympy.Rational(3, 2), "(3 - V)/2"),
        (V**2 / tau**3, "V*V/(tau*tau*tau)"),
        (sympy.Integer(0), "0"),
        (sympy.Integer(-2), "-2"),
        (V - V, "0"),
    ],
)
def test_expressions_are_written_as_by_hand(expression: sympy.Expr, written: str) -> None:
    assert text(expression, ORDER) == written


def test_a_division_costs_more_than_a_product() -> None:
    assert operations(arrange(V / tau, ORDER)) > operations(arrange(V * tau, ORDER))
