"""Linear models of any shape for tests: acyclic couplings, a guard, a receptor and a readout."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hypothesis import strategies as st

from saltus.derive import spec
from saltus.derive.spec import ModelSpec

DRIVES: tuple[Mapping[str, str], ...] = (
    {"p": ""},
    {"p": "q", "q": ""},
    {"p": "q", "q": "r", "r": ""},
    {"p": "qr", "q": "r", "r": ""},
)
"""Every shape: which states drive each of them; p is watched."""


def shaped(
    drives: Mapping[str, str], choose: Callable[[Sequence[float]], float] = lambda values: values[0]
) -> ModelSpec:
    """States that later ones drive with learnable gains; ``choose`` picks each value."""
    parameters: dict[str, object] = {"theta": 1.0, "low": choose([0.0, -0.5])}
    dynamics = {}
    for name, drivers in drives.items():
        parameters[f"tau_{name}"] = {"value": choose([5e-3, 10e-3, 20e-3]), "positive": True}
        drive = ""
        for later in drivers:
            parameters[f"g_{name}_{later}"] = choose([1.0, -0.7, 1.6])
            drive += f" - g_{name}_{later}*{later}"
        dynamics[f"f_{name}"] = f"tau_{name}*dot({name}) + {name}{drive}"
    last = max(drives)
    data: dict[str, object] = {
        "name": "chain",
        "title": "A chain of states",
        "parameters": parameters,
        "initial": dict.fromkeys(drives, 0.0),
        "dynamics": dynamics,
        "transition": {"fire": {"when": "p - theta", "reset": {"p": "low"}, "emits": True}},
        "readouts": {"area": f"integral(p + 2*{last})"},
    }
    if len(drives) > 1:
        data["receive"] = {"port": {last: f"{last} + w"}}
    return spec.from_dict(data, "chain")


@st.composite
def chain(draw: st.DrawFn) -> ModelSpec:
    """A chain of any shape with any values."""
    return shaped(draw(st.sampled_from(DRIVES)), lambda values: draw(st.sampled_from(values)))


EVERY = [shaped(drives) for drives in DRIVES]
"""One of each shape, for proofs: they know no values."""
