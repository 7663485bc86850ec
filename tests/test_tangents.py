"""How states move with a neuron's own parameters: the blocks, against derivatives that mpmath takes."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import mpmath
import numpy as np
import pytest
from interpreter import run

import saltus
from saltus.derive import spec
from saltus.derive.lower import lower
from saltus.templates import ir
from saltus.templates.tangents import Tangents, tangents

GRADED = """
name = "graded"
title = "Arrivals with a parameter, and a reset that mixes states"
source = "a test"
[parameters]
tau_u = { value = 20e-3, positive = true }
tau_g = { value = 5e-3, positive = true }
c = 0.8
b = 0.3
theta = 1.0
[initial]
U = 0.0
G = 0.0
[dynamics]
f_U = "tau_u*dot(U) + U - c*G"
f_G = "tau_g*dot(G) + G"
[transition.spike]
when = "U - theta"
reset = { U = "b*U - c", G = "G - b*U*c" }
emits = true
[receive.exc]
G = "G + c*w"
[receive.inh]
G = "G - w/c"
[readouts]
q = "integral(U)"
"""
MODELS = {
    name: lambda name=name: saltus.model(name).ir for name in ("lif", "li", "alif", "alpha", "ei", "lif_soft")
}
MODELS["graded"] = lambda: lower(spec.parse(GRADED, "graded.toml"))
TAUS = {"tau_u": 20e-3, "tau_g": 5e-3}
DT = mpmath.mpf("0.003")
SLOPE = mpmath.mpf("1.7")


class Point:
    """A model at a point: numbers for its parameters, states and their derivatives."""

    def __init__(self, model: ir.ModelIR) -> None:
        assert isinstance(model.flow, ir.Flow)
        self.model, self.flow = model, model.flow
        self.tangents: Tangents = tangents(model, model.flow)
        numbers = (mpmath.sin(k) + mpmath.mpf("1.5") for k in range(1, 1000))
        self.parameters = {p.name: p.default * next(numbers) for p in model.parameters}
        self.states = {state.name: next(numbers) for state in model.states}
        self.moved = {name: next(numbers) for name in self.tangents.names}

    def known(self, p: str | None = None, by: Any = 0) -> dict[str, Any]:
        """All names, with parameter p changed by so much, and the states as they move with it."""
        parameters = self.parameters | ({p: self.parameters[p] + by} if p else {})
        moving = {state: self.moved[name] for name, (state, q) in self.tangents.names.items() if q == p}
        states = {name: value + by * moving.get(name, 0) for name, value in self.states.items()}
        return parameters | run(self.model.constants, parameters) | states | {"w": mpmath.mpf("0.7")}

    def differences(
        self, after: Callable[[dict[str, Any]], dict[str, Any]], own: bool
    ) -> Iterator[tuple[str, Any]]:
        """Of each tangent, what it is after something that makes states; own: p itself moves too."""
        for name, (state, p) in self.tangents.names.items():

            def at(by: Any, state: str = state, p: str = p) -> Any:
                known = self.known(p, by)
                return after(known if own else known | self.only(self.parameters))[f"{state}_next"]

            yield name, mpmath.diff(at, 0)

    def only(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return parameters | run(self.model.constants, parameters)

    def scale(self, p: str) -> Any:
        return run(self.tangents.scale, self.known())[f"scale_{p}"]


@pytest.fixture(params=MODELS)
def point(request: pytest.FixtureRequest) -> Iterator[Point]:
    with mpmath.workdps(40):
        yield Point(MODELS[request.param]())


def close(found: Any, expected: Any) -> bool:
    return bool(abs(found - expected) <= mpmath.mpf("1e-15") * (1 + abs(expected)))


def test_over_a_stretch(point: Point):
    """In units of ``scale`` the derivatives step to what those of the flow are."""
    scaled = {
        name: value / point.scale(p)
        for (name, (_, p)), value in zip(point.tangents.names.items(), point.moved.values(), strict=True)
    }
    known = point.known() | {"dt": DT}
    known |= run(point.flow.propagator, known) | run(point.tangents.sensitivity, known)
    found = run(point.tangents.step, known | scaled)

    def flow(known: dict[str, Any]) -> dict[str, Any]:
        return run(point.flow.advance, known | run(point.flow.propagator, known | {"dt": DT}))

    for name, expected in point.differences(flow, own=True):
        assert close(found[f"{name}_next"] * point.scale(point.tangents.names[name][1]), expected), name


def test_at_a_spike(point: Point):
    """Its time moves against the guard; behind it the states move as the reset lets them."""
    if point.tangents.spike is None:
        assert not point.model.emissions
        return
    (emission,) = point.model.emissions
    found = run(point.tangents.spike, point.known() | point.moved | {"guard_slope": SLOPE})
    for p in point.tangents.parameters:

        def guard(by: Any, p: str = p) -> Any:
            return run(emission.guard, point.known(p, by) | point.only(point.parameters))["guard"]

        assert close(found[f"moved_{p}"], -mpmath.diff(guard, 0) / SLOPE), p
    for name, expected in point.differences(lambda known: run(emission.reset, known), own=False):
        assert close(found.get(f"{name}_next", point.moved[name]), expected), name


def test_at_an_arrival(point: Point):
    """A parameter of the arrival moves the states by itself, too."""
    for arrival, block in zip(point.model.arrivals, point.tangents.arrivals, strict=True):
        found = run(block, point.known() | point.moved)
        for name, expected in point.differences(lambda known, a=arrival: run(a.jump, known), own=True):
            assert close(found.get(f"{name}_next", point.moved[name]), expected), (arrival.receptor, name)


def test_units_are_left_out_where_an_arrival_adds_to_them():
    point = Point(MODELS["graded"]())
    assert "c" in point.tangents.parameters
    assert run(point.tangents.scale, point.known())["scale_c"] == 1


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize(("trains", "strength"), [(1, 12.0), (12, 1.2)])
def test_the_gradient_of_a_network_is_right(own, recurrent, trains, strength, monkeypatch):
    """Parameters in the flow, in arrivals and in the reset at once; fewer events than spikes, and more."""
    monkeypatch.setenv("CFLAGS", "-O1")  # compiles in half the time
    rng = np.random.default_rng(3)
    spread = 0.2 if own else 0.0
    taus = {name: tau * rng.uniform(1 - spread, 1 + spread, 4) for name, tau in TAUS.items()}
    names = (*taus, "c", "b", "theta", "U0", "G0")
    layer = saltus.Layer(
        tomllib.loads(GRADED), 4, inputs=3, recurrent=recurrent, receptor="exc", name="a",
        params=taus if own else {}, per_neuron=names if own else (), learn=("weights", *names),
        weights=strength * rng.uniform(0.7, 1.2, (3, 4)),
        **({"recurrent_weights": rng.normal(0.0, 0.5, (4, 4))} if recurrent else {}),
    )  # fmt: skip
    loss = saltus.loss("sum_cross_entropy", readout="q", scale=100.0)
    net = saltus.Network([layer], T=50e-3, loss=loss)
    assert "fast kernel" in net.explain()
    times = np.sort(rng.uniform(0.0, 40e-3, (5, 3, trains)), axis=2)
    spikes = [[list(train) for train in sample] for sample in times]
    fired = len(net.run(spikes).spikes["a"].times)
    assert fired > 20
    assert (fired > 5 * 3 * trains) == (trains == 1)
    check = net.check_gradient(spikes, np.arange(5) % 4, eps=1e-6)
    assert check.error < 2e-5, str(check)
