"""Random small networks, in the format of tests/cases, for properties that must hold for any of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st


@st.composite
def cases(draw: st.DrawFn, readout: str | None = None) -> dict[str, Any]:
    """A feed-forward or recurrent network of a few neurons, with a loss.

    Hypothesis draws the structure, a seed draws the numbers. ``readout``: "lif" or "li"; None: either.
    """
    sizes = {name: draw(st.integers(1, most)) for name, most in (("in", 3), ("hid", 4), ("out", 3))}
    recurrent = draw(st.sampled_from(["none", "others", "all"]))
    parameters = draw(st.sampled_from(["shared", "equal taus", "per neuron"]))
    out = readout or draw(st.sampled_from(["lif", "li"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    joined = recurrent == "all" or (recurrent == "others" and sizes["hid"] > 1)
    layers = [("in", "hid"), ("hid", "out")] + ([("hid", "hid")] if joined else [])
    trains = [
        (n, t) for n in range(sizes["in"]) for t in np.sort(rng.uniform(0, 0.02, draw(st.integers(1, 4))))
    ]
    case = {
        "T": 0.04,
        "populations": [
            population(rng, "hid", "lif", sizes["hid"], parameters),
            population(rng, "out", out, sizes["out"], parameters),
        ],
        "input": {"name": "in", "size": sizes["in"], "spikes": [[n, float(t)] for n, t in trains]},
        "projections": [projection(rng, pre, post, sizes, recurrent) for pre, post in layers],
    }
    case["loss"] = {
        "type": "linear",
        "pop": "out",
        "coefficients": rng.normal(0, 1, 7).tolist(),
        "integrals": rng.normal(0, 1, sizes["out"]).tolist() if out == "li" else [],
    }
    return case


def population(rng: np.random.Generator, name: str, model: str, n: int, parameters: str) -> dict[str, Any]:
    spread = 0.3 if parameters == "per neuron" else 0.0
    params = {
        "tau_mem": 0.02 * np.exp(spread * rng.normal(size=n)),
        "tau_syn": 0.005 * np.exp(spread * rng.normal(size=n)),
        "theta": np.exp(0.5 * spread * rng.normal(size=n)),
        "v_reset": spread * rng.uniform(-1, 0.5, n),
        "V0": spread * rng.uniform(-1, 1, n),
        "I0": spread * rng.uniform(-1, 1, n),
    }
    if parameters == "equal taus":
        params["tau_syn"] = params["tau_mem"]
    if model == "li":
        del params["theta"], params["v_reset"]
    lists = {key: values.tolist() for key, values in params.items()}
    return {"name": name, "size": n, "model": model, "reset": "hard", "params": lists}


def projection(
    rng: np.random.Generator, pre: str, post: str, sizes: dict[str, int], recurrent: str
) -> dict[str, Any]:
    mean, spread = {"in": (4.0, 2.0), "hid": (2.0, 1.2)}[pre] if pre != post else (0.0, 0.8)
    weights: list[list[float | None]] = rng.normal(mean, spread, (sizes[post], sizes[pre])).tolist()
    if pre == post and recurrent == "others":
        for n in range(sizes[pre]):
            weights[n][n] = None
    return {"name": f"{pre}_{post}", "pre": pre, "post": post, "receptor": 0, "weights": weights}
