"""What leads a population off the shortest path of the fast kernel is said, with what it costs."""

import re
from pathlib import Path

import numpy as np
import pytest

import saltus
from saltus.runtime import costs

KERNELS = Path(__file__).parents[2] / "docs" / "kernels.md"
EACH = np.array([0.9, 1.0, 1.1])


def lines(model="lif", recurrent=True, receptor=None, **layer):
    """What is said of a layer of three neurons, besides its kernel."""
    one = saltus.Layer(model, 3, inputs=2, recurrent=recurrent, receptor=receptor, name="a", **layer)
    kernel, *more = saltus.Network([one], T=0.02).explain().splitlines()
    assert kernel.startswith("a: ")
    return more


def said(why, cost):
    return f"a: {why}: {cost} with 256 recurrent LIF neurons."


FLOW = said(
    "each neuron has its own tau_mem and tau_syn, so propagators are computed for each at each event",
    "forward × 1.8 to 2.5, backward × 1.6 to 2.3",
)
LEARNS = "it learns {}, so states and what moves them are stepped once more"
WAITING = said(
    "each neuron has its own theta, so spikes do not wait for the end of an interval",
    "forward × 1.4 to 1.5, backward × 1 to 1.1",
)
TAUS = {"tau_mem": 20e-3 * EACH, "tau_syn": 5e-3 * EACH}


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ({}, []),
        ({"params": {"tau_mem": 15e-3, "theta": 0.8}}, []),
        ({"params": TAUS}, [FLOW]),
        ({"params": TAUS, "recurrent": False}, [FLOW]),
        (
            {"learn": ("weights", "tau_mem", "V0")},
            [said(LEARNS.format("tau_mem"), "forward × 1, backward × 1.7 to 2.2")],
        ),
        ({"learn": ("theta", "v_reset", "V0")}, []),  # which the adjoints give by themselves
        (
            {"params": TAUS, "learn": ("tau_syn", "theta")},
            [FLOW, said(LEARNS.format("tau_syn"), "forward × 1.9 to 2.5, backward × 2.8 to 3.8")],
        ),
        ({"params": {"theta": EACH}}, [WAITING]),
        ({"params": {"theta": EACH}, "recurrent": False}, []),
        ({"params": {"v_reset": -EACH}}, []),  # neither the guard nor an arrival reads it
        ({"params": {"theta": EACH, **TAUS}}, [FLOW]),  # with that no spike waits anyway
    ],
)
def test_each_option_has_a_line(layer, expected):
    assert lines(**layer) == expected


def test_numbers_of_their_own_count_once_they_differ_or_will():
    """One number a neuron, all equal, is as good as shared until it is learned."""
    assert lines(per_neuron=("theta", "tau_mem")) == []
    assert lines(per_neuron=("theta",), learn=("theta",)) == [WAITING]
    net = saltus.Network([saltus.Layer("lif", 3, inputs=2, recurrent=True, per_neuron=("theta",))], T=0.02)
    net.all_parameters()["output.theta"][1] = 2.0
    assert net.explain().endswith(WAITING.removeprefix("a"))


def test_names_are_the_models_own():
    assert "own tau_inh," in lines("ei", receptor="exc", params={"tau_inh": 5e-3 * EACH})[0]


def test_a_guard_whose_spikes_never_wait_has_nothing_to_lose():
    assert lines("alif", params={"beta": EACH}) == []


def test_the_network_kernel_has_its_own_line_alone():
    slow = said(
        "each arrival at each neuron is an event of its own there",
        "forward × 23 to 250, backward × 37 to 430",
    )
    assert lines(params={"theta": EACH, **TAUS}, sample_times=[0.01]) == [slow]


def test_several_delays_a_source_are_as_many_events():
    assert lines(recurrent_delay=1e-3) == []
    two = said(
        "a source has up to 2 delays, each an event of its own; where all neurons have 16",
        "forward × 6.2 to 8.2, backward × 10 to 10.5",
    )
    assert lines(recurrent_delay=1e-3 * np.arange(1, 10).reshape(3, 3)) == [two]  # none to itself
    three = 1e-3 * np.arange(1, 7).reshape(2, 3)
    assert lines(delay=three, recurrent=False) == [two.replace("up to 2", "up to 3")]


def test_the_table_in_the_documentation_has_the_same_figures():
    table = re.findall(r"^\|[^|]*\| ([\d. to]+) \| ([\d. to]+) \|", KERNELS.read_text("utf-8"), re.MULTILINE)
    said = [
        costs.OWN_FLOW, costs.LEARNED, costs.LEARNED_OWN_FLOW, costs.OWN_GUARD, costs.DELAY, costs.DELAYS,
        costs.NETWORK_KERNEL,
    ]  # fmt: skip
    assert table == [tuple(cost) for cost in said]
