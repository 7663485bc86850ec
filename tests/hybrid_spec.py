"""A spec as the oracle reads it: equations, readouts, phases and transitions as their texts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any


class Spec:
    """A model as its file says it."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.parameters = {
            name: entry["value"] if isinstance(entry, Mapping) else entry
            for name, entry in content.get("parameters", {}).items()
        }
        initial = {
            name: entry["value"] if isinstance(entry, Mapping) else entry
            for name, entry in content["initial"].items()
        }
        self.parameters |= {f"{name}0": start for name, start in initial.items()}
        self.inputs = tuple(content.get("inputs", {}))
        self.dynamics = {name: content["dynamics"][f"f_{name}"] for name in initial}
        self.dynamics |= {name: f"dot({name})" for name in self.inputs}
        self.maxima: dict[str, tuple[str, str, str]] = {}
        self.probes: dict[str, list[tuple[str, str]]] = {}
        for name, text in content.get("readouts", {}).items():
            found = re.fullmatch(r"(integral|max|final|at)\(([^,]*)(?:, ([^,]*))?(?:, ([^,]*))?\)", text)
            assert found is not None, text
            kind, q, first, last = found.groups()
            if kind == "max":
                self.maxima[name] = (q, first or "0", last or "T")
            elif kind != "integral":
                self.probes[name] = [(q, first or "T")]
            elif first is None:
                self.dynamics[name] = f"dot({name}) - ({q})"
            else:
                self.dynamics[f"running_{name}"] = f"dot(running_{name}) - ({q})"
                self.probes[name] = [(f"running_{name}", last or "T"), (f"-running_{name}", first)]
        self.states = tuple(self.dynamics)
        self.modes = {"": self.dynamics}
        for mode, entry in content.get("mode", {}).items():
            rows = {key.removeprefix("f_"): text for key, text in entry["dynamics"].items()}
            self.modes[mode] = {**self.dynamics, **rows}
        transitions = content.get("transition", {}).values()
        self.spike = next((t for t in transitions if "when" in t), None)
        self.ends = {t["mode"]: t for t in transitions if "after" in t}
        self.receive = content.get("receive", {})


def spec_of(model: Any) -> Spec:
    """Of a shipped model's name, or the content of a spec."""
    if isinstance(model, str):
        text = resources.files("saltus.derive.models").joinpath(f"{model}.toml").read_text(encoding="utf-8")
        model = tomllib.loads(text)
    return Spec(model)
