"""Random linear models of two to four states and networks of them, on which Saltus and the oracle agree.

Hypothesis draws the structure: how the membrane moves, what synapses feed it, what adapts, when it spikes and
what that changes. A seed draws the numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hybrid import Case
from hypothesis import strategies as st

T = 0.04

MEMBRANES = {
    "leaky": ({"V": "tau*dot(V) + V - drive"}, {}),
    "two compartments": (
        {"V": "tau*dot(V) + V + c*(V - U) - drive", "U": "tau_u*dot(U) + U - d*V"},
        {"tau_u": 12e-3, "c": 0.5, "d": 0.6},
    ),
    "oscillating": (
        {"V": "tau*dot(V) + V - c*U - drive", "U": "tau*dot(U) + U + c*V"},
        {"c": 4.0},
    ),
    "derivatives that mix": (
        {"V": "tau*dot(V) - d*tau_u*dot(U) + V - drive", "U": "tau_u*dot(U) + c*tau*dot(V) + U"},
        {"tau_u": 8e-3, "c": 0.3, "d": 0.4},
    ),
}
SYNAPSES = {
    "one": ({"I": "tau_i*dot(I) + I"}, {"tau_i": 5e-3}, "I", {"exc": {"I": "I + w"}}),
    "alpha": (
        {"I": "tau_i*dot(I) + I - J", "J": "tau_i*dot(J) + J"},
        {"tau_i": 4e-3},
        "I",
        {"exc": {"J": "J + w"}},
    ),
    "chain": (
        {"I": "tau_i*dot(I) + I - J", "J": "tau_j*dot(J) + J"},
        {"tau_i": 4e-3, "tau_j": 2e-3},
        "I",
        {"exc": {"J": "J + w"}},
    ),
    "two": (
        {"I": "tau_i*dot(I) + I", "J": "tau_j*dot(J) + J"},
        {"tau_i": 5e-3, "tau_j": 3e-3},
        "I - J/4",
        {"exc": {"I": "I + w"}, "inh": {"J": "J + k*w", "I": "I - w/8"}},
    ),
}
ADAPTATIONS = {
    "none": ({}, {}, "0", {}),
    "of its own": ({"A": "tau_a*dot(A) + A"}, {"tau_a": 30e-3, "b": 0.3}, "A", {"A": "A + b"}),
    "driven by the membrane": (
        {"A": "tau_a*dot(A) + A - a*V"},
        {"tau_a": 30e-3, "a": 0.4, "b": 0.2},
        "A",
        {"A": "A + b*V"},
    ),
}
RESETS = {
    "to a value": "v_reset",
    "by the threshold": "V - theta",
    "by a part": "v_reset + r*(V - theta/2)",
    "to a share": "r*V",
    "with the current": "v_reset - r*I",
}
LINEAR = ("V", "3*V - I")
READOUTS = {"leaky": (*LINEAR, "V*I")}
"""Products of states that may oscillate have no closed form here, so they would not be exact."""


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """The content of a spec."""
    membrane = draw(st.sampled_from(sorted(MEMBRANES)))
    rows, values = MEMBRANES[membrane]
    synapse, more, current, receive = SYNAPSES[draw(st.sampled_from(sorted(SYNAPSES)))]
    fits = [name for name in sorted(ADAPTATIONS) if len(rows) + len(synapse) + len(ADAPTATIONS[name][0]) <= 4]
    adaptation, third, slow, own = ADAPTATIONS[draw(st.sampled_from(fits))]
    values = {"tau": 20e-3, "theta": 1.0, "v_reset": -0.1, "r": 0.3, "k": 1.2} | values | more | third
    if draw(st.booleans()):
        values |= {name: values["tau"] for name in values if name.startswith("tau")}  # equal to the last bit
    guard, drive = "V - theta", current
    if slow != "0" and draw(st.booleans()):
        guard += f" - k*{slow}"
    elif slow != "0":
        drive += f" - {slow}"
    if draw(st.booleans()):
        guard += " + k*I/40"  # an arrival may make it spike
    reset = {"V": RESETS[draw(st.sampled_from(sorted(RESETS)))], **own}
    if draw(st.booleans()):
        reset["I"] = "I - r*V"
    states = {**rows, **synapse, **adaptation}
    dynamics = {f"f_{name}": row.replace("drive", f"({drive})") for name, row in states.items()}
    return {
        "name": "drawn",
        "title": "A linear model that was drawn",
        "source": "a test",
        "parameters": {
            name: {"value": value, "positive": True} if name.startswith("tau") else value
            for name, value in values.items()
            if any(name in text for text in [*dynamics.values(), guard, *reset.values(), str(receive)])
        },
        "initial": dict.fromkeys(states, 0.0),
        "dynamics": dynamics,
        "transition": {"spike": {"when": guard, "reset": reset, "emits": True}},
        "receive": receive,
        "readouts": {"q": f"integral({draw(st.sampled_from(READOUTS.get(membrane, LINEAR)))})"},
    }


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Input, neurons of the drawn model, and perhaps leaky ones after them."""
    spec = draw(specs())
    loops = (
        ["none", "delayed"] if "I/40" in spec["transition"]["spike"]["when"] else ["none", "plain", "delayed"]
    )
    loop, second = draw(st.sampled_from(loops)), draw(st.booleans())
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size, receptors = draw(st.integers(1, 3)), list(spec["receive"])
    drive = draw(st.sampled_from([4.0, 7.0, 12.0]))
    populations = {"a": {"model": spec, "size": size, "params": spread(spec, size, random)}}
    projections = {
        f"in_{receptor}": projection("in", "a", receptor, random.normal(drive, 1.0, (2, size)))
        for receptor in receptors
    }
    if loop != "none":
        weights = random.normal(0.0, 0.5, (size, size))
        projections["again"] = projection("a", "a", receptors[-1], weights)
    if loop == "delayed":
        projections["again"]["delay"] = random.uniform(1e-3, 5e-3, (size, size))
    if second:
        populations["b"] = {"model": "lif", "size": 2, "params": {"v_reset": random.uniform(-0.5, 0.0, 2)}}
        projections["a_b"] = projection("a", "b", "exc", random.normal(2.0, 1.0, (size, 2)))
    network = {"T": T, "inputs": {"in": 2}, "populations": populations, "projections": projections}
    return Case(network, [np.sort(random.uniform(1e-3, 0.025, 3)).tolist() for _ in range(2)])


def projection(pre: str, post: str, receptor: str, weights: np.ndarray) -> dict[str, Any]:
    return {"pre": pre, "post": post, "receptor": receptor, "weights": weights}


def spread(spec: dict[str, Any], size: int, random: np.random.Generator) -> dict[str, Any]:
    """Values around those of the spec, those of time constants shared so that equal ones stay equal."""
    found: dict[str, Any] = {f"{name}0": random.uniform(-0.2, 0.2, size) for name in spec["initial"]}
    factor = random.uniform(0.8, 1.2, size)
    for name, entry in spec["parameters"].items():
        value = entry["value"] if isinstance(entry, dict) else entry
        found[name] = value * (factor if name.startswith("tau") else random.uniform(0.7, 1.3, size))
    return found
