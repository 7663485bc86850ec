"""Linear models of any shape for tests: random acyclic couplings, a guard, a receptor and a readout."""

from __future__ import annotations

from hypothesis import strategies as st

from saltus.derive import spec
from saltus.derive.spec import ModelSpec

NAMES = ("p", "q", "r")


@st.composite
def chain(draw: st.DrawFn) -> ModelSpec:
    """One to three states, each driven by any of the later ones with a learnable gain; p is watched."""
    size = draw(st.integers(1, 3))
    names = NAMES[:size]
    parameters: dict[str, object] = {"theta": 1.0, "low": draw(st.sampled_from([0.0, -0.5]))}
    dynamics = {}
    for i, name in enumerate(names):
        parameters[f"tau_{name}"] = {"value": draw(st.sampled_from([5e-3, 10e-3, 20e-3])), "positive": True}
        drive = ""
        for later in names[i + 1 :]:
            if later == names[i + 1] or draw(st.booleans()):
                parameters[f"g_{name}_{later}"] = draw(st.sampled_from([1.0, -0.7, 1.6]))
                drive += f" - g_{name}_{later}*{later}"
        dynamics[f"f_{name}"] = f"tau_{name}*dot({name}) + {name}{drive}"
    last = names[-1]
    data: dict[str, object] = {
        "name": "chain",
        "title": "A chain of states",
        "parameters": parameters,
        "initial": dict.fromkeys(names, 0.0),
        "dynamics": dynamics,
        "transition": {"fire": {"when": "p - theta", "reset": {"p": "low"}, "emits": True}},
        "readouts": {"area": f"integral(p + 2*{last})"},
    }
    if size > 1:
        data["receive"] = {"port": {last: f"{last} + w"}}
    return spec.from_dict(data, "chain")
