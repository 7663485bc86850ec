"""Resets that leave the guard at zero: that zero is no crossing, whatever the flow and the rounding.

Every flow has a ball whose landing times have a closed form: free fall (closed form in the kernel), a damped
spring (matrix exponential), x'' = -k x^3 (Runge-Kutta).
"""

import numpy as np
import pytest
from scipy.special import gamma

import saltus
from saltus.derive import files
from saltus.errors import RunError


def test_a_bouncing_ball():
    """Landing times and their derivatives in closed form; there is no input."""
    ball = {"model": "bouncing_ball", "size": 2, "params": {"height0": [1.0, 0.5]}}
    net = saltus.Network(T=1.4, populations={"ball": ball})
    result = net.run()
    g, r, h = 9.81, 0.8, np.array([1.0, 0.5])
    first = np.sqrt(2 * h / g)
    np.testing.assert_allclose(result.spike_times("ball", 0).time[0], first, rtol=1e-13)
    np.testing.assert_allclose(result.spike_times("ball", 1).time[0], first * (1 + 2 * r), rtol=1e-13)
    seeds = np.zeros((1, 2, 2))
    seeds[:, :, 1] = 1.0
    names = ["ball.gravity", "ball.restitution", "ball.height0"]
    found = net.gradients(result, d_spike_times={"ball": seeds}, wrt=names)
    np.testing.assert_allclose(found["ball.gravity"], (-first / (2 * g) * (1 + 2 * r)).sum(), rtol=1e-12)
    np.testing.assert_allclose(found["ball.restitution"], (2 * first).sum(), rtol=1e-12)
    np.testing.assert_allclose(found["ball.height0"], first / (2 * h) * (1 + 2 * r), rtol=1e-12)


def test_many_bounces_follow_their_closed_form():
    """Landing k + 1 is at sqrt(2h/g)(1 + 2(r + r^2 + ... + r^k)), whatever the rounding of the height."""
    g, h, r = 9.81, 2.0, 0.9
    ball = {"model": "bouncing_ball", "size": 1, "params": {"restitution": r, "height0": h}}
    times = saltus.Network(T=12.1, populations={"ball": ball}).run().spikes["ball"].times
    powers = np.cumsum([0.0, *(r ** np.arange(1, len(times)))])
    np.testing.assert_allclose(times, np.sqrt(2 * h / g) * (1 + 2 * powers), rtol=1e-12)
    assert len(times) > 50


def test_bounces_that_accumulate_are_an_error():
    net = saltus.Network(T=10.0, populations={"ball": {"model": "bouncing_ball", "size": 1}})
    with pytest.raises(
        RunError, match=r"'ball' has transitions that come ever faster and accumulate, at t = .* End"
    ):
        net.run()


def test_a_ball_that_lies_on_the_ground_is_an_error():
    ball = {"model": "bouncing_ball", "size": 1, "params": {"restitution": 0.0}}
    net = saltus.Network(T=10.0, populations={"ball": ball})
    with pytest.raises(RunError, match=r"at or above its threshold right after its reset"):
        net.run()


@pytest.mark.parametrize("speed", [-2.0, -6.0])
def test_a_ball_that_is_pushed_below_the_ground_is_an_error(speed):
    """It turns there and moves up, but from below: that is no bounce from zero."""
    model = files.toml(files.read("models", "bouncing_ball")[0], "ball")
    model["receive"] = {"push": {"height": "height - w"}}
    net = saltus.Network(
        T=0.5,
        inputs={"in": 1},
        populations={"ball": {"model": model, "size": 1, "params": {"height0": 0.2, "velocity0": speed}}},
        projections={"in_ball": {"pre": "in", "post": "ball", "receptor": "push", "weights": [[0.3]]}},
    )
    with pytest.raises(RunError, match=r"at or above its threshold right after its reset, at t = 0\.01 s"):
        net.run(saltus.Spikes.from_times([[[0.01]]]))


def ball(force, reset=None, **parameters):
    """x'' = force(x, v), which bounces at x = 0 with ``restitution``."""
    return {
        "name": "ball",
        "title": "A ball",
        "parameters": {"restitution": 0.8, **parameters},
        "initial": {"x": 1.0, "v": 0.0},
        "dynamics": {"f_x": "dot(x) - v", "f_v": f"dot(v) - ({force})"},
        "transition": {"bounce": {"when": "-x", "reset": reset or {"v": "-restitution*v"}, "emits": True}},
    }


def bounces(spec, T, names=(), tolerance=1e-12, **params):
    """Landing times, and the gradient of the sum of (k + 1) t_k."""
    population = {"model": spec, "size": 1, "params": params}
    net = saltus.Network(T=T, populations={"ball": population}, tolerance=tolerance)
    result = net.run()
    times = result.spikes["ball"].times
    seeds = {"ball": 1.0 + np.arange(len(times))}
    found = net.gradients(result, d_spike_times=seeds, wrt=[f"ball.{name}" for name in names])
    return times, {name: float(found[f"ball.{name}"].sum()) for name in names}


def test_a_ball_on_a_damped_spring():
    """Each flight is half a damped period, whatever the speed; the flow is a matrix exponential."""
    spec = ball("-omega**2*x - 2*damping*v", omega=5.0, damping=0.3)
    times, found = bounces(spec, 20.0, ["omega", "damping", "restitution"])
    w, d = 5.0, 0.3
    k, rate = np.arange(len(times)), np.sqrt(w**2 - d**2)
    first = (np.pi - np.arctan(rate / d)) / rate
    np.testing.assert_allclose(times, first + k * np.pi / rate, rtol=1e-13)
    assert len(times) == 32
    by_rate = -times / rate
    assert abs(found["restitution"]) < 1e-13 * ((k + 1) * times).sum()
    # d arctan(rate/d): (d rate' - rate d')/w^2
    by_omega = by_rate * w / rate - d / (w**2) * (w / rate) / rate
    by_damping = -by_rate * d / rate + (d * d / rate + rate) / w**2 / rate
    np.testing.assert_allclose(found["omega"], ((k + 1) * by_omega).sum(), rtol=1e-10)
    np.testing.assert_allclose(found["damping"], ((k + 1) * by_damping).sum(), rtol=1e-10)


def quartic(r, k, x0, count):
    """Landing times for x'' = -k x^3 from rest at x0: a flight takes a time that goes as 1/sqrt(speed)."""
    half = gamma(0.25) ** 2 / (4 * np.sqrt(2 * np.pi)) * np.sqrt(2 / k) / x0
    return half * (1 + 2 * np.cumsum([0.0, *r ** (-0.5 * np.arange(1, count))]))


def test_a_ball_on_a_spring_that_is_not_linear():
    """The flow is integrated; the zero at the left end is left out there, too."""
    spec = ball("-k*x**3", k=2.0)
    times, found = bounces(spec, 30.0, ["k", "restitution", "x0"])
    n = len(times)
    assert n > 5
    np.testing.assert_allclose(times, quartic(0.8, 2.0, 1.0, n), rtol=1e-10)
    weights = 1.0 + np.arange(n)
    np.testing.assert_allclose(found["k"], -(weights * times).sum() / (2 * 2.0), rtol=1e-8)
    np.testing.assert_allclose(found["x0"], -(weights * times).sum(), rtol=1e-8)
    h = 1e-5
    by_r = (quartic(0.8 + h, 2.0, 1.0, n) - quartic(0.8 - h, 2.0, 1.0, n)) / (2 * h)
    np.testing.assert_allclose(found["restitution"], (weights * by_r).sum(), rtol=1e-8)


def exponential(r, g, x0, count):
    """Landing times for x'' = -g exp(-x) from rest: flights take 2/a arccos(a^2/g - 1), a^2 = 2g - v^2."""
    speed = np.sqrt(2 * g * (1 - np.exp(-x0))) * r ** np.arange(count)
    a = np.sqrt(2 * g - speed**2)
    flights = 2 / a * np.arccos(a**2 / g - 1)
    return np.cumsum(flights) - flights[0] / 2


@pytest.mark.parametrize(("tolerance", "count"), [(1e-3, 22), (1e-6, 32), (1e-9, 42)])
def test_flights_within_one_step(tolerance, count):
    """Bounces that take less time than a first step are all there."""
    spec = ball("-g*exp(-x)", g=9.81)
    landings = exponential(0.8, 9.81, 1.0, count + 1)
    times, _ = bounces(spec, float(landings[-2:].mean()), tolerance=tolerance)
    assert abs(len(times) - count) <= 2
    np.testing.assert_allclose(times[: count - 2], landings[: count - 2], rtol=3 * tolerance)


@pytest.mark.parametrize(
    ("spec", "params"),
    [
        (ball("-omega**2*x - 2*damping*v - 9.81", omega=5.0, damping=0.3), {}),
        (ball("-k*x**3", k=2.0), {"restitution": 4.0}),
        (ball("-g*exp(-x)", g=9.81), {}),
        (ball("-9.81 - drag*v", drag=0.1), {}),
    ],
    ids=["spring", "quartic", "exponential", "drag"],
)
@pytest.mark.parametrize("T", [20.0, 1e8])
def test_bounces_accumulate_in_every_flow(spec, params, T):
    with pytest.raises(RunError, match=r"transitions that come ever faster and accumulate"):
        bounces(spec, T, **params)


def test_a_ball_in_air_falls_as_its_equations_say():
    """Drag adds an exponential to the guard; heights at the landings are zero, and energy is only lost."""
    spec = ball("-9.81 - drag*v", drag=0.5)
    times, found = bounces(spec, 2.5, ["drag", "restitution"])
    g, c, r = 9.81, 0.5, 0.8
    flights, v, x = [], 0.0, 1.0
    for _ in times:  # x(t) = x + (v + g/c)(1 - exp(-c t))/c - g t/c, by Newton from beyond the root
        t = 2.0
        for _ in range(60):
            decay = np.exp(-c * t)
            t -= (x + (v + g / c) * (1 - decay) / c - g * t / c) / ((v + g / c) * decay - g / c)
        flights.append(t)
        v = -r * ((v + g / c) * np.exp(-c * t) - g / c)
        x = 0.0
    np.testing.assert_allclose(times, np.cumsum(flights), rtol=1e-12)
    assert len(times) > 3
    for name in found:
        h, moved = 1e-4, []
        for s in (-2, -1, 1, 2):
            at = {"drag": 0.5, "restitution": 0.8}
            at[name] += s * h
            moved.append(bounces(spec, 2.5, **at)[0])
        weights = 1.0 + np.arange(len(times))
        by = (8 * (moved[2] - moved[1]) - (moved[3] - moved[0])) / (12 * h)
        np.testing.assert_allclose(found[name], (weights * by).sum(), rtol=1e-9)


@pytest.mark.parametrize("reset", [{"x": "0", "v": "-restitution*v"}, {"x": "2*x", "v": "-restitution*v"}])
def test_a_reset_to_the_guard_bounces_as_one_that_leaves_it(reset):
    """Zero after, wherever it was zero before: by elimination, not by the look of the reset."""
    plain, by_plain = bounces(ball("-9.81"), 3.5, ["restitution", "x0"])
    other, by_other = bounces(ball("-9.81", reset), 3.5, ["restitution", "x0"])
    assert len(plain) > 5
    np.testing.assert_allclose(other, plain, rtol=1e-12)
    for name in by_plain:
        np.testing.assert_allclose(by_other[name], by_plain[name], rtol=1e-10)


def test_restitution_of_each_ball():
    """Learned per neuron: d t_1 / d r = 2 sqrt(2h/g), of each its own."""
    r, h = np.array([0.5, 0.7, 0.9]), np.array([1.0, 0.4, 0.8])
    population = {
        "model": "bouncing_ball",
        "size": 3,
        "params": {"restitution": r, "height0": h},
        "per_neuron": ["restitution"],
        "learn": ["restitution"],
    }
    net = saltus.Network(T=1.25, populations={"ball": population})
    result = net.run()
    spikes = result.spikes["ball"]
    seeds = np.zeros(len(spikes.times))
    for i in range(3):
        seeds[np.flatnonzero(spikes.neurons == i)[1]] = 1.0
    found = net.gradients(result, d_spike_times={"ball": seeds})["ball.restitution"]
    np.testing.assert_allclose(found, 2 * np.sqrt(2 * h / 9.81), rtol=1e-12)


def test_a_throw_upward():
    """From height h with speed v: t = (v + sqrt(v^2 + 2 g h))/g."""
    h, v, g = 0.5, 2.0, 9.81
    population = {"model": "bouncing_ball", "size": 1, "params": {"height0": h, "velocity0": v}}
    net = saltus.Network(T=0.8, populations={"ball": population})
    result = net.run()
    root = np.sqrt(v * v + 2 * g * h)
    np.testing.assert_allclose(result.spikes["ball"].times, [(v + root) / g], rtol=1e-13)
    names = ["ball.velocity0", "ball.height0", "ball.gravity"]
    found = net.gradients(result, d_spike_times={"ball": [1.0]}, wrt=names)
    exact = [(1 + v / root) / g, 1 / root, h / (g * root) - (v + root) / g**2]
    np.testing.assert_allclose([float(found[name].sum()) for name in names], exact, rtol=1e-12)
