"""Every shipped model, and readouts of many kinds, against the model's own equations in mpmath."""

from functools import cache
from importlib import resources
from typing import Any

import mpmath
import pytest
from equations import rates, solution
from interpreter import run

from saltus.derive import spec
from saltus.derive.files import shipped
from saltus.derive.flow import residuals, solve
from saltus.derive.lower import lower
from saltus.derive.spec import ModelSpec
from saltus.templates import ir

KINDS = {
    "exact": (
        "alif",
        "alpha",
        "bouncing_ball",
        "ei",
        "li",
        "li_max",
        "lif",
        "lif2",
        "lif_bias",
        "lif_delta",
        "lif_refractory",
        "lif_soft",
    ),
    "matrix": ("adlif", "resonator", "two_compartment"),
    "numeric": ("adex", "eif", "izhikevich", "lif_conductance", "lotka_volterra", "qif"),
}
READOUTS = {
    "lif": (
        "integral(V**2)",
        "integral(V*I)",
        "integral((V - theta)**2)",
        "integral(exp(-t/0.03)*V)",
        "integral(exp(-t/tau_mem)*V)",
        "integral(t*V)",
        "integral(V**3)",
    ),
    "lif_bias": ("integral(V**2)", "integral(I_ext*V)"),
    "ei": ("integral(I_exc*I_inh)",),
    "bouncing_ball": ("integral(velocity**2/2 + gravity*height)",),
}
EXACT = [(name, None) for name in KINDS["exact"]] + [(n, r) for n, rs in READOUTS.items() for r in rs]
NEAR = {"rel_eps": 1e-18, "abs_eps": 1e-18}


@pytest.fixture(autouse=True)
def thirty_digits():  # type: ignore[no-untyped-def]
    with mpmath.workdps(30):
        yield


@cache
def load(name: str, readout: str | None = None) -> ModelSpec:
    text = resources.files("saltus.derive.models").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    if readout is not None:  # without receptors: what follows is about the time between events
        text = text.split("[receive.")[0] + f'\n[readouts]\nfound = "{readout}"\n'
    return spec.parse(text, f"{name}.toml")


@cache
def lowered_from(name: str, readout: str | None) -> ir.ModelIR:
    """The IR, made once."""
    return lower(load(name, readout))


def defaults(model: ir.ModelIR) -> dict[str, Any]:
    return {parameter.name: mpmath.mpf(repr(parameter.default)) for parameter in model.parameters}


def drawn(names: list[str], start: int) -> dict[str, Any]:
    """Values with no pattern, all different."""
    return {name: mpmath.sin(start + 7 * i) for i, name in enumerate(names)}


def advanced(model: ir.ModelIR, values: dict[str, Any], x: dict[str, Any], dt: Any) -> dict[str, Any]:
    """The states after dt, by a closed form or a matrix."""
    scope = values | x | {"dt": dt}
    if isinstance(model.flow, ir.Flow):
        entries = run(model.flow.propagator, scope, model.constants)
        after = run(model.flow.advance, scope | entries, model.constants)
        return {name: after[f"{name}_next"] for name in x}
    whole = mpmath.expm(matrix(model, scope) * dt, method="taylor")
    return dict(zip(x, (whole * mpmath.matrix([*x.values(), 1]))[:-1], strict=True))


def matrix(model: ir.ModelIR, scope: dict[str, Any]) -> Any:
    assert isinstance(model.flow, ir.MatrixFlow)
    found = run(model.flow.matrix, scope, model.constants)
    size = len(model.states) + 1
    return mpmath.matrix(size, size) + _filled(
        size, {e: found[f"A_{e[0]}_{e[1]}"] for e in model.flow.entries}
    )


def _filled(size: int, entries: dict[tuple[int, int], Any]) -> Any:
    whole = mpmath.matrix(size, size)
    for (i, j), value in entries.items():
        whole[i, j] = value
    return whole


def costates(model: ir.ModelIR, values: dict[str, Any], adjoints: dict[str, Any]) -> dict[str, Any]:
    assert model.costate is not None
    return run(model.costate, values | adjoints, model.constants)


def test_every_shipped_model_has_its_kind_of_flow() -> None:
    assert sorted(shipped("models")) == sorted(name for names in KINDS.values() for name in names)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in KINDS.items() for name in names])
def test_the_choice_is_explained(kind: str, name: str) -> None:
    facts = {fact.name: fact.text for fact in lowered_from(name, None).facts}
    assert facts["flow"].startswith(f"{kind}: ")


@pytest.mark.parametrize(("name", "readout"), [*EXACT, *((name, None) for name in KINDS["matrix"])])
@pytest.mark.parametrize("equal", [False, True], ids=["apart", "equal"])
def test_two_steps_of_the_flow_solve_the_equations(name: str, readout: str | None, equal: bool) -> None:
    """From the start, so that clocks show the time; with all time constants one, too."""
    model, lowered = load(name, readout), lowered_from(name, readout)
    values = defaults(lowered)
    if equal:
        values |= {p: mpmath.mpf("0.02") for p in values if p.startswith("tau_")}
    x = drawn([state.name for state in model.states], 1)
    start = x | {state.name: mpmath.mpf(0) for state in lowered.states if state.name not in x}
    half = advanced(lowered, values, start, mpmath.mpf("0.013"))
    end = advanced(lowered, values, half, mpmath.mpf("0.008"))
    readouts = [r.name for r in model.readouts]
    expected = solution(model, values, [*x.values(), *(0 for _ in readouts)], 0, mpmath.mpf("0.021"))
    for state, value in zip([*x, *readouts], expected, strict=True):
        assert mpmath.almosteq(end[state], value, **NEAR)


@pytest.mark.parametrize(("name", "readout"), EXACT)
def test_adjoint_and_gradient_are_the_derivatives_of_the_step(name: str, readout: str | None) -> None:
    """a(start) . dx = a(end) . d advance and grad_p = a(end) . d advance/dp, by differences."""
    lowered = lowered_from(name, readout)
    assert isinstance(lowered.flow, ir.Flow)
    values, dt = defaults(lowered), mpmath.mpf("0.013")
    x = drawn([state.name for state in lowered.states], 3)
    after = drawn([state.adjoint for state in lowered.states], 5)
    scope = values | x | after | {"dt": dt}
    entries = run(lowered.flow.propagator, scope, lowered.constants)
    found = run(lowered.flow.adjoint, scope | entries, lowered.constants)
    before = {name.removesuffix("_next"): value for name, value in found.items()}
    worth, worth_before = costates(lowered, values, after), costates(lowered, values, before)

    def carried(more: dict[str, Any]) -> Any:
        moved = values | {k: v for k, v in more.items() if k in values}
        end = advanced(lowered, moved, x | {k: v for k, v in more.items() if k in x}, dt)
        return mpmath.fsum(worth[f"costate_{state}"] * value for state, value in end.items())

    for state, value in x.items():
        slope = mpmath.diff(lambda v, state=state: carried({state: v}), value, h=mpmath.mpf("1e-10"))
        assert mpmath.almosteq(worth_before[f"costate_{state}"], slope, rel_eps=1e-15, abs_eps=1e-15)
    scope |= run(lowered.flow.sensitivity, scope, lowered.constants)
    gradient = run(lowered.flow.parameters, scope, lowered.constants)
    for parameter in [p for p in lowered.parameters if p.initial_of is None]:
        value = values[parameter.name]
        slope = mpmath.diff(
            lambda v, p=parameter.name: carried({p: v}),
            value,
            h=value * mpmath.mpf("1e-11") or mpmath.mpf("1e-11"),
        )
        got = gradient.get(f"grad_{parameter.name}", mpmath.mpf(0))
        assert mpmath.almosteq(got, slope, rel_eps=1e-12, abs_eps=1e-12 * (1 + abs(got)))


@pytest.mark.parametrize("name", KINDS["matrix"])
def test_derivatives_of_the_matrix(name: str) -> None:
    lowered = lowered_from(name, "integral(V)")
    assert isinstance(lowered.flow, ir.MatrixFlow)
    values, size = defaults(lowered), len(lowered.states) + 1
    found = run(lowered.flow.derivatives, values, lowered.constants)
    for parameter in [p for p in lowered.parameters if p.initial_of is None]:
        for i, j in lowered.flow.entries:
            slope = mpmath.diff(
                lambda v, p=parameter.name, i=i, j=j: matrix(lowered, values | {p: v})[i, j],
                values[parameter.name],
                h=mpmath.mpf("1e-13"),
            )
            got = found.get(f"A_{i}_{j}_{parameter.name}", mpmath.mpf(0))
            assert mpmath.almosteq(got, slope, rel_eps=1e-10, abs_eps=1e-9)
    assert all(j < size for _, j in lowered.flow.entries)


@pytest.mark.parametrize(
    ("name", "readout"),
    [
        *((name, None) for name in KINDS["numeric"]),
        ("qif", "integral(V**2*exp(-t/0.03) + t*I)"),
        ("lif", "integral(exp(V))"),
        ("alpha", "integral(V**2)"),
        ("adlif", "integral(V**2)"),
    ],
)
def test_a_numeric_field_and_its_pull(name: str, readout: str | None) -> None:
    """The field is that of the equations, clocks aside; the pull is its derivative, by differences."""
    model, lowered = load(name, readout), lowered_from(name, readout)
    assert isinstance(lowered.flow, ir.NumericFlow)
    flow, values = lowered.flow, defaults(lowered)
    x = drawn([state.name for state in lowered.states], 2)
    if "elapsed" in x:
        x |= {"clock": mpmath.exp(-x["elapsed"] / mpmath.mpf("0.03")) - 1}

    def field(more: dict[str, Any]) -> dict[str, Any]:
        return run(flow.field, values | x | more, lowered.constants)

    expected = rates(model, values)(x.get("elapsed", 0), list(x.values()))
    for state, value in zip(
        [*(s.name for s in model.states), *(r.name for r in model.readouts)], expected, strict=True
    ):
        assert mpmath.almosteq(field({})[f"{state}_dot"], value, **NEAR)
    costate = drawn([f"costate_{state}" for state in x], 4)
    pulled = run(flow.pull, values | x | costate, lowered.constants)

    def along(which: str, value: Any) -> Any:
        moved = field({which: value})
        return mpmath.fsum(costate[f"costate_{state}"] * moved[f"{state}_dot"] for state in x)

    for moving, value in [
        *x.items(),
        *((p.name, values[p.name]) for p in lowered.parameters if p.initial_of is None),
    ]:
        slope = mpmath.diff(lambda v, moving=moving: along(moving, v), value, h=mpmath.mpf("1e-12"))
        got = pulled.get(f"pull_{moving}" if moving in x else f"grad_{moving}", mpmath.mpf(0))
        assert mpmath.almosteq(got, slope, rel_eps=1e-8, abs_eps=1e-8)


@pytest.mark.parametrize(
    "name", [n for kind in ("exact", "matrix") for n in KINDS[kind] if n not in ("li", "li_max")]
)
def test_each_rung_is_the_derivative_of_the_one_before(name: str) -> None:
    """u_{k+1} = (D + r_k) u_k along the flow; after the last rung of a closed form comes nothing."""
    model, lowered = load(name), lowered_from(name, None)
    (emission,) = lowered.emissions
    values = defaults(lowered)
    x = drawn([state.name for state in lowered.states], 6)
    velocity = rates(model, values)(0, list(x.values()))

    def rung(k: int, s: Any = 0) -> Any:
        moved = {n: v + s * d for (n, v), d in zip(x.items(), velocity, strict=True)}
        return next(iter(run(emission.ladder[k].value, values | moved, lowered.constants).values()))

    def rate(k: int) -> Any:
        return next(iter(run(emission.ladder[k].rate, values, lowered.constants).values()))

    assert rung(0) == next(iter(run(emission.guard, values | x, lowered.constants).values()))
    assert rate(0) == 0
    for k in range(len(emission.ladder)):
        following = rung(k + 1) if k + 1 < len(emission.ladder) else 0
        if k + 1 == len(emission.ladder) and name in KINDS["matrix"]:
            break
        derived = mpmath.diff(lambda s, k=k: rung(k, s), 0, h=mpmath.mpf("1e-10")) + rate(k) * rung(k)
        assert mpmath.almosteq(derived, following, rel_eps=1e-12, abs_eps=1e-10)
    if name in KINDS["matrix"]:
        assert len(emission.ladder) == 3


@pytest.mark.parametrize("name", [*KINDS["numeric"]])
def test_a_numeric_flow_has_no_ladder(name: str) -> None:
    assert all(emission.ladder == () for emission in lowered_from(name, None).emissions)


@pytest.mark.parametrize(
    ("name", "readout"),
    [("bouncing_ball", None), ("lif_bias", None), ("lif", "integral(V**2)"), ("lif", "integral(t*V)")],
)
def test_closed_forms_are_proved(name: str, readout: str | None) -> None:
    assert set(residuals(solve(load(name, readout).with_integrals())).values()) == {0}


def test_a_closed_form_that_is_too_long_is_left() -> None:
    """Kernels have divided differences over six nodes, which V squared of three states in a row exceeds."""
    facts = {fact.name: fact.text for fact in lower(load("alpha", "integral(V**2)")).facts}
    assert facts["flow"].startswith(
        "numeric: the polynomial integral of found has a closed form of too many terms"
    )


def test_inputs_are_states_that_stay() -> None:
    lowered = lower(load("lif_bias"))
    assert lowered.inputs == ("I_ext",)
    assert [state.initial for state in lowered.states] == ["V0", "I0", None]
    assert [p.initial_of for p in lowered.parameters if p.initial_of] == ["V", "I"]


def test_readouts_share_a_clock() -> None:
    model = load("lif", 'integral(exp(-t/0.03)*V)"\nalso = "integral(exp(1 - t/0.03)*I)')
    assert [state.name for state in lower(model).states] == ["V", "I", "clock", "found", "also"]
