"""Exponentials near zero, all of a block together: loops over neurons with their own constants have these."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from interpreter import run

import saltus
from saltus.runtime import compile
from saltus.templates import ir
from saltus.templates.near import TERMS, merged, near, nodes_of
from saltus.templates.render import event_unit
from saltus.templates.tangents import tangents

MODELS = ("lif", "li", "alpha", "alif", "ei")
WIDEST = tuple(TERMS.values())
EPS = 2.0**-52


def motion(model: ir.ModelIR) -> ir.Block:
    assert isinstance(model.flow, ir.Flow)
    return merged("motion", (model.flow.propagator, tangents(model, model.flow).sensitivity))


def compiled(model: ir.ModelIR) -> compile.Library:
    """``motion(terms, inputs, outputs)`` of a model, ``terms(furthest)`` and ``reach(dt, rate)``, in C."""
    block = motion(model)
    arguments = [f"in[{i}]" for i in range(len(block.inputs))]
    arguments += [f"&out[{i}]" for i in range(len(block.outputs))]
    cases = "".join(f"case {n}: model_motion_near({n}, {', '.join(arguments)}); break;\n" for n in TERMS)
    source = f"""
#include "model.h"
void motion(int32_t terms, const double *in, double *out) {{ switch (terms) {{ {cases} }} }}
int32_t terms(double furthest) {{ return saltus_terms(furthest); }}
double reach(double dt, double rate) {{ return saltus_reach(dt, rate); }}
"""
    headers = {name: text for name, text in event_unit(model).sources.items() if name.endswith(".h")}
    cdef = (
        "void motion(int32_t, const double *, double *); int32_t terms(double); double reach(double, double);"
    )
    return compile.load("near", {**headers, "near.c": source}, cdef)


@pytest.mark.parametrize("name", MODELS)
def test_all_are_right_to_rounding(name):
    """Also where nodes meet, and at the ends of each range: against 40 digits."""
    model = saltus.model(name).ir
    block, library = motion(model), compiled(model)
    rng = np.random.default_rng(0)
    taus = [parameter.name for parameter in model.parameters if parameter.name.startswith("tau")]
    with mpmath.workdps(40):
        for terms, widest in zip(TERMS, WIDEST, strict=True):
            for spread in (0.0, 1e-9, 0.1, 1.5):
                values = dict(zip(taus, 5e-3 * np.exp(spread * rng.normal(size=len(taus))), strict=True))
                dt = float(rng.choice([1.0, 0.3, 1e-6])) * widest * min(values.values()) * (1.0 - EPS)
                values |= {f"per_{tau}": 1.0 / value for tau, value in values.items()} | {"dt": dt}
                exact = run(block, {key: mpmath.mpf(value) for key, value in values.items()})
                found = np.empty(len(block.outputs))
                inputs = np.array([values[key] for key in block.inputs])
                pointers = (library.ffi.from_buffer("double[]", array) for array in (inputs, found))
                library.lib.motion(terms, *pointers)
                for output, value in zip(block.outputs, found, strict=True):
                    assert abs(value - exact[output]) <= 4 * EPS * abs(exact[output]), (output, terms, spread)


def test_each_range_ends_where_its_polynomial_does():
    library = compiled(saltus.model("lif").ir)
    assert [library.lib.terms(widest) for widest in WIDEST] == list(TERMS)
    assert [library.lib.terms(np.nextafter(widest, 1.0)) for widest in WIDEST] == [*tuple(TERMS)[1:], 0]
    assert library.lib.terms(float("nan")) == 0
    for terms, widest in zip(TERMS, WIDEST, strict=True):
        assert mpmath.mpf(widest) ** (terms + 1) / mpmath.factorial(terms + 1) < 5e-17


def test_the_reach_is_never_short():
    """No guard that may cross is left out for it; three in a hundred too long, it lets few others in."""
    library = compiled(saltus.model("lif").ir)
    for x in [*np.linspace(-WIDEST[-1], WIDEST[-1], 1001), 1e-9, -1e-9]:
        with mpmath.workdps(30):
            exact = mpmath.expm1(x) / x if x else mpmath.mpf(1)
        assert exact < library.lib.reach(1.0, x) < 1.03 * exact


def test_the_plan_for_a_leaky_neuron():
    """Two chains give the propagator, a third the derivatives; everything else follows from them."""
    flow = saltus.model("lif").ir.flow
    assert isinstance(flow, ir.Flow)
    plan = near(flow.propagator)
    assert [chain.target for chain in plan.chains] == ["saltus_exp_0_1", "saltus_exp_0"]
    assert [target for target, _ in plan.steps] == ["saltus_exp_1"]
    whole = near(motion(saltus.model("lif").ir))
    assert (len(whole.chains), whole.more) == (3, 2)
    assert nodes_of(flow.propagator).inputs == ("dt", "per_tau_mem", "per_tau_syn")
