"""What the tests of the clock engine share: inputs, models with more readouts, and what an order is."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

import numpy as np

import saltus

DT = 1e-3

Content = dict[str, Any]


def inputs(samples: int, neurons: int, each: int, last: float, seed: int = 0) -> saltus.Spikes:
    """Random spikes on the grid of 1 ms, in (0, last)."""
    random = np.random.default_rng(seed)
    steps = np.sort(random.integers(1, round(last / DT), (samples, neurons, each)), axis=2)
    return saltus.Spikes.from_times([list(sample * DT) for sample in steps])


def spec(name: str, window: tuple[float, float] | None = None, **readouts: str) -> Content:
    """A shipped model with more readouts; ``window``: the parameters t_a and t_b, for their bounds."""
    text = resources.files("saltus.derive.models").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    content["readouts"] = {**content.get("readouts", {}), **readouts}
    for key, value in zip(("t_a", "t_b"), window or (), strict=False):
        content["parameters"][key] = {"value": value, "unit": "s"}
    return content


def assert_first_order(exact: dict[str, Any], coarse: dict[str, Any], fine: dict[str, Any]) -> None:
    """``fine`` has an eighth of the step of ``coarse``."""
    assert set(exact) == set(coarse) == set(fine)
    for name, gradient in exact.items():
        far, near = (float(np.linalg.norm(found[name] - gradient)) for found in (coarse, fine))
        assert near <= 0.33 * far + 1e-3 * np.linalg.norm(gradient), f"{name}: {far:.1e}, then {near:.1e}"
        assert near <= 0.3 * np.linalg.norm(gradient) + 1e-12, name
