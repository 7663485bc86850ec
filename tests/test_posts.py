"""Arrivals anywhere in a short span as arrivals at its posts: right to rounding."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from interpreter import run

import saltus
from saltus.templates import ir
from saltus.templates.near import merged, near, nodes_of
from saltus.templates.posts import LENGTH, REACH, REMAINDER, posts, remainder
from saltus.templates.tangents import tangents

EPS = 2.0**-52


def shares(at: tuple[float, ...], per: tuple[float, ...], u: float) -> list[float]:
    return [p * float(np.prod([u - v for v in at if v != w])) for p, w in zip(per, at, strict=True)]


@pytest.mark.parametrize("more", range(5))
def test_there_are_as_many_posts_as_it_takes(more):
    n = len(posts(more).at)
    assert remainder(n, more) <= REMAINDER < remainder(n - 1, more)


@pytest.mark.parametrize("more", [0, 1, 2, 4])
def test_polynomials_up_to_the_number_of_posts_are_themselves(more):
    found = posts(more)
    for u in np.linspace(-1.0, 1.0, 41):
        shared = shares(found.at, found.per, float(u))
        assert sum(map(abs, shared)) < 3.0  # rounding is not multiplied by more
        for k in range(len(found.at)):
            assert abs(sum(s * v**k for s, v in zip(shared, found.at, strict=True)) - u**k) < 20 * EPS


@pytest.mark.parametrize("name", ["lif", "li", "alpha", "alif", "ei"])
def test_a_span_is_right_to_rounding(name):
    """All propagators and their derivatives between posts, against 40 digits, also where time constants meet.

    The error is a few units of rounding of what the entry comes to over the span, or of the remainder of what
    it comes to within the shortest time constant.
    """
    model = saltus.model(name).ir
    assert isinstance(model.flow, ir.Flow)
    block = merged("motion", (model.flow.propagator, tangents(model, model.flow).sensitivity))
    found = posts(near(block).more)
    taus = [parameter.name for parameter in model.parameters if parameter.name.startswith("tau")]
    rng = np.random.default_rng(0)
    for spread in (0.0, 1e-9, 0.1, 1.5):
        values = dict(zip(taus, 5e-3 * np.exp(spread * rng.normal(size=len(taus))), strict=True))
        shortest = min(values.values())
        values |= {f"per_{tau}": 1.0 / value for tau, value in values.items()}

        def entries(dt: float, values: dict[str, float] = values) -> dict[str, mpmath.mpf]:
            given = {key: mpmath.mpf(value) for key, value in (values | {"dt": dt}).items()}
            found = run(block, given)
            return {output: found[output] for output in block.outputs}

        with mpmath.workdps(40):
            rates = [-float(node) for node in run(nodes_of(block), values | {"dt": 1.0}).values()]
            middle, apart = 0.5 * (max(rates) + min(rates)), 0.5 * (max(rates) - min(rates))
            length = 2.0 * min(REACH / apart if apart else np.inf, LENGTH * shortest)
            at_posts = [entries(0.5 * length * (1.0 - at)) for at in found.at]
            scale = {output: abs(value) for output, value in entries(shortest).items()}
            for u in (-1.0, -0.77, 0.0, 0.31, 0.999):
                shared = [
                    s * np.exp(middle * 0.5 * length * (u - at))
                    for s, at in zip(shares(found.at, found.per, u), found.at, strict=True)
                ]
                exact = entries(0.5 * length * (1.0 - u))
                for output in block.outputs:
                    value = sum(s * posted[output] for s, posted in zip(shared, at_posts, strict=True))
                    most = max(abs(posted[output]) for posted in at_posts)
                    allowed = 16 * EPS * most + 2 * REMAINDER * scale[output]
                    assert abs(value - exact[output]) <= allowed, output
