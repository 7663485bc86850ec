"""What states, parameters, receptors, readouts and losses are called changes no bit of what is computed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from on_the_grid import DT, Content, inputs

import saltus

T = 0.05

SECONDS = {"unit": "s", "positive": True}
LINEAR: Content = {
    "name": "cell",
    "title": "A leaky neuron whose threshold adapts",
    "parameters": {
        "tau_a": {"value": 20e-3, **SECONDS},
        "tau_b": {"value": 5e-3, **SECONDS},
        "tau_c": {"value": 30e-3, **SECONDS},
        "level": {"value": 1.0},
        "gain": {"value": 0.3},
        "low": {"value": -0.1},
    },
    "initial": {"pot": 0.0, "cur": 0.1, "ada": 0.0},
    "dynamics": {
        "f_pot": "tau_a*dot(pot) + pot - cur",
        "f_cur": "tau_b*dot(cur) + cur",
        "f_ada": "tau_c*dot(ada) + ada",
    },
    "transition": {
        "fire": {
            "when": "pot - level - gain*ada",
            "reset": {"pot": "low", "ada": "ada + 1"},
            "emits": True,
        }
    },
    "receive": {"syn": {"cur": "cur + w"}},
}
HELD: Content = LINEAR | {
    "title": "The same, held for a while after a spike, and read out at its highest potential",
    "parameters": LINEAR["parameters"] | {"hold": {"value": 3e-3, **SECONDS}},
    "mode": {"wait": {"dynamics": {"f_pot": "dot(pot)"}}},
    "transition": {
        "fire": LINEAR["transition"]["fire"] | {"goto": "wait"},
        "over": {"mode": "wait", "after": "hold"},
    },
    "readouts": {"top": "max(pot - ada)", "area": "integral(pot)"},
}
GATED: Content = LINEAR | {
    "title": "A neuron with gates, which have no solution in closed form",
    "dynamics": {
        "f_pot": "tau_a*dot(pot) + pot + gain*ada*(pot - low) - cur",
        "f_cur": "tau_b*dot(cur) + cur",
        "f_ada": "tau_c*dot(ada) + ada - pot**2*(1 - ada)",
    },
    "transition": {"fire": {"when": "pot - level", "reset": {"pot": "low"}, "emits": True}},
}
READER: Content = {
    "name": "reader",
    "title": "A leaky integrator",
    "parameters": {key: LINEAR["parameters"][key] for key in ("tau_a", "tau_b")},
    "initial": {"pot": 0.0, "cur": 0.0},
    "dynamics": {key: LINEAR["dynamics"][key] for key in ("f_pot", "f_cur")},
    "receive": LINEAR["receive"],
    "readouts": {"area": "integral(pot)"},
}
LOSS: Content = {
    "name": "far",
    "title": "A loss",
    "parameters": {"steep": {"value": 30.0}},
    "loss": {
        "data": {"goal": "value"},
        "readouts": ["seen"],
        "value": "steep*sum((seen - goal)**2)",
    },
}

CHOSEN = (
    "cell reader pot cur ada tau_a tau_b tau_c level gain low hold fire wait over syn top area far steep "
    "goal seen"
)
GIVEN = {
    "natural": "network m n h q k i x LANES many y u j s e spike v g f b p z",
    "of C": (
        "double event NAN int INFINITY near static main M_PI errno linux fabs long goto1 sched memcpy char "
        "uint8_t log1p unsigned size_t auto"
    ),
    "of what is derived": (
        "lif lif_wait j q decay_j scale_k moved_k k now_j span j_end x_j spike wait ladder emission end rise "
        "row batch term largest"
    ),
}
"""What they may be called, in the same order."""


def called(content: Content, kind: str) -> Content:
    """The spec with other names."""
    if kind == "plain":
        return content
    names = dict(zip(CHOSEN.split(), GIVEN[kind].split(), strict=True))
    words = re.compile(rf"(?<![A-Za-z0-9_])(f_)?({'|'.join(names)})(?![A-Za-z0-9_])")
    found: Content = json.loads(words.sub(lambda word: (word[1] or "") + names[word[2]], json.dumps(content)))
    return found


def network(hidden: Content, kind: str, **options: Any) -> saltus.Network:
    """4 inputs, 6 neurons with all their parameters learned, 3 that read them."""
    random = np.random.default_rng(1)
    first, last = saltus.model(called(hidden, kind)), saltus.model(called(READER, kind))
    learn = tuple(parameter.name for parameter in first.ir.parameters)
    weights = {"in_hid": (4, 6, 3.0), "hid_hid": (6, 6, 0.3), "hid_out": (6, 3, 1.0)}
    return saltus.Network(
        T=T,
        inputs={"in": 4},
        populations={
            "hid": {"model": first, "size": 6, "learn": learn, "per_neuron": learn[:1]},
            "out": {"model": last, "size": 3, "learn": ()},
        },
        projections={
            name: {
                "pre": name[:3].rstrip("_"),
                "post": name[-3:],
                "weights": random.normal(mean, 0.5, (m, n)),
            }
            for name, (m, n, mean) in weights.items()
        },
        loss=saltus.loss(called(LOSS, kind), readout=last.ir.integrals[0]),
        **options,
    )


CLOCK = {"engine": "clock", "dt": DT}
QUICK = "phase and maximum", "natural"
CASES: Mapping[str, tuple[Content, dict[str, Any], str]] = {
    "event": (LINEAR, {}, "fast kernel"),
    "phase and maximum": (HELD, {}, "network kernel"),
    "clock": (HELD, CLOCK, "clock"),
    "integrated": (GATED, {}, "network kernel"),
}


def outcome(net: saltus.Network) -> list[Any]:
    """All that a run and its gradient give, in their order."""
    result = net.run(inputs(3, 4, 5, 0.03), targets=np.full((3, 3), 0.01))
    return [result.losses, result.spikes["hid"].times, *net.gradients(result).values()]


ALL = [
    pytest.param(*case, kind, id=f"{name}-{kind}", marks=[] if (name, kind) == QUICK else pytest.mark.slow)
    for name, case in CASES.items()
    for kind in GIVEN
]


@pytest.mark.parametrize(("hidden", "options", "kernel", "kind"), ALL)
def test_names_change_no_bit(
    monkeypatch: pytest.MonkeyPatch, hidden: Content, options: dict[str, Any], kernel: str, kind: str
) -> None:
    monkeypatch.setenv("CFLAGS", "-O0")  # names are gone before anything is optimised
    plain, other = (network(hidden, each, **options) for each in ("plain", kind))
    assert kernel in plain.explain() and kernel in other.explain()
    expected, found = outcome(plain), outcome(other)
    assert len(found) == len(expected)
    for array, one in zip(expected, found, strict=True):
        assert np.any(array != 0.0)
        np.testing.assert_array_equal(one, array)
