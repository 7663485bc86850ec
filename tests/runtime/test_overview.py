"""What a notebook shows of a network."""

from xml.etree import ElementTree

import saltus
from saltus.runtime.network import Network


def rows(net: Network) -> dict[str, list[str]]:
    """The cells of each row, by the name in its first."""
    root = ElementTree.fromstring(net._repr_html_())
    found = [[cell.text or "" for cell in row] for row in root.iter("tr")]
    return {cells[0]: cells[1:] for cells in found}


def layers() -> Network:
    return saltus.Network(
        [saltus.Layer("lif", 12, inputs=5, learn=["weights", "tau_mem"]), saltus.Layer("li", 3)],
        T=0.03,
        loss=saltus.loss("sum_cross_entropy", readout="sum_V", scale=100.0),
    )


def test_populations_projections_and_the_loss_are_shown():
    """Each with its size, what it reads out and learns, and which kernel runs it."""
    net = layers()
    found = rows(net)
    assert found["input"] == ["given spikes", "5", "", "", ""]
    assert found["hidden0"] == ["lif", "12", "spikes", "tau_mem", "fast kernel"]
    assert found["output"] == ["li", "3", "sum_V", "", "fast kernel"]
    assert found["input_hidden0"][:3] == ["input → hidden0", "exc", "60, dense"]
    assert found["input_hidden0"][4:] == ["none", "weights"]
    text = net._repr_html_()
    assert "T = 0.03 s" in text and "1 × sum_cross_entropy of output" in text
    assert f"{sum(v.size for v in net.parameters().values())} numbers learned" in text


def test_it_is_of_the_network_as_it_is_now():
    """Weights are live."""
    net = layers()
    net.synapses["hidden0_output"].weights[...] = 0.25
    assert rows(net)["hidden0_output"][3] == "0.25"


def test_delays_and_sparse_synapses_are_told():
    """Coupled populations with delays run on the network kernel."""
    net = saltus.Network(
        T=0.03,
        inputs={"in": 2},
        populations={"a": {"model": "lif_refractory", "size": 2}},
        projections={
            "in_a": {"pre": "in", "post": "a", "weights": [[2.0, 0.0], [0.0, 2.0]]},
            "a_a": {
                "pre": "a",
                "post": "a",
                "connect": {"pre": [0], "post": [1]},
                "weights": 0.5,
                "delay": 1e-3,
            },
        },
    )
    found = rows(net)
    assert found["a"][-1] == "network kernel, because a_a is sparse"
    assert found["a_a"][:5] == ["a → a", "exc", "1, sparse", "0.5", "0.001 s"]
    assert "Loss: none" in net._repr_html_()
