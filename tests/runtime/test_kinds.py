"""A unit of the fast kernel is compiled for one kind of group, without what others need."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

import saltus
import saltus.generated
from saltus.runtime import group
from saltus.runtime.compiler import compiler

GENERATED = Path(next(iter(saltus.generated.__path__)))
UNITS = sorted(path.parent.name for path in GENERATED.glob("*/event.c"))


load = group.event_kernel


def kind_of(monkeypatch, *, joined=False, delay=0.0, **population):
    """Which kind of unit five neurons ask for, and their group."""
    asked = []
    monkeypatch.setattr(group, "event_kernel", lambda ir, kind: asked.append(kind) or load(ir, kind))
    into = {"heard": saltus.Projection(pre="input", post="cells", weights=np.ones((2, 5)))}
    if joined:
        into["own"] = saltus.Projection(pre="cells", post="cells", weights=np.zeros((5, 5)), delay=delay)
    cells = {"cells": saltus.Population(model="lif", size=5, **population)}
    net = saltus.Network(inputs={"input": 2}, populations=cells, projections=into, T=0.05)
    return asked[0]._asdict(), net.groups["cells"]


def test_a_group_asks_for_its_kind(monkeypatch):
    def told(**how):
        return [name for name, so in kind_of(monkeypatch, **how)[0].items() if so]

    assert told() == ["flow_shared"]
    assert told(joined=True) == ["flow_shared", "recurrent"]
    assert told(joined=True, delay=1e-3) == ["flow_shared", "lined"]
    assert told(per_neuron=["theta"]) == ["flow_shared"]
    assert told(per_neuron=["tau_mem"]) == []


def test_groups_of_one_kind_share_a_unit(monkeypatch):
    one, other = (kind_of(monkeypatch, params={"theta": theta})[1].kernel for theta in (1.0, 2.0))
    assert one is other
    assert one is not kind_of(monkeypatch, per_neuron=["tau_mem"])[1].kernel


@pytest.mark.parametrize("recurrent", [False, True], ids=["alone", "recurrent"])
def test_neurons_that_may_differ_but_do_not_are_as_those_that_share(recurrent):
    """To the bit: the unit for such neurons has the code for those that share, too."""
    random = np.random.default_rng(2)
    spikes = saltus.Spikes.from_times([[np.sort(random.uniform(0.0, 0.05, 40)) for _ in range(8)]])
    found = []
    for per_neuron in ([], ["tau_mem", "tau_syn"]):
        layer = saltus.Layer(
            "lif", 40, inputs=8, recurrent=recurrent, weights=saltus.Normal(0.3, 0.3), per_neuron=per_neuron
        )
        net = saltus.Network([layer], T=0.05, seed=3)
        result = net.run(spikes)
        given = {"output": np.ones(len(result.spikes["output"].times))}
        found.append(
            [
                result.spikes["output"].times,
                *net.gradients(result, given, wrt=list(net.all_parameters())).values(),
            ]
        )
    assert len(found[0][0]) > 40
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other.sum() if one.shape != other.shape else other)


@pytest.mark.slow
@pytest.mark.parametrize("model", UNITS)
def test_a_unit_for_any_group_has_no_function_that_nobody_calls(model):
    """Those for one kind leave some out, and are not warned about it."""
    line = [
        *compiler().command,
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fopenmp",
        "-flto",  # no machine code, which takes long and warns of nothing
        "-S",
        "-o",
        "/dev/null",
    ]
    done = subprocess.run(
        [*line, str(GENERATED / model / "event.c")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
