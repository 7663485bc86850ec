"""Models by name, by path and by content."""

import subprocess
import sys

import pytest

import saltus
from saltus.errors import SpecError

LEAK = {
    "name": "leak",
    "title": "One leaking state",
    "parameters": {"tau": {"value": 10e-3, "unit": "s", "positive": True, "doc": "time constant"}},
    "initial": {"x": 0.0},
    "dynamics": {"f_x": "tau*dot(x) + x"},
    "receive": {"exc": {"x": "x + w"}},
    "readouts": {"sum_x": "integral(x)"},
}


def test_shipped_models_have_their_names():
    assert saltus.model("lif").spikes and not saltus.model("li").spikes
    assert saltus.model(saltus.model("li")) is not None
    assert "tau_mem=0.02" in repr(saltus.model("lif"))


def test_a_model_from_its_content(tmp_path, monkeypatch):
    monkeypatch.setenv("SALTUS_CACHE_DIR", str(tmp_path))
    net = saltus.Network([saltus.Layer(LEAK, 2, inputs=1, weights=1.0)], T=1.0)
    found = net.run([[[0.0]]]).readouts["output"]["sum_x"]
    assert found[0, 0] == pytest.approx(10e-3, rel=1e-12)


def test_a_model_is_derived_once(tmp_path, monkeypatch):
    monkeypatch.setenv("SALTUS_CACHE_DIR", str(tmp_path))
    saltus.model(LEAK)
    monkeypatch.setattr("saltus.runtime.model._derive", None)
    assert saltus.model(LEAK).name == "leak"


def test_an_unknown_model_is_named():
    with pytest.raises(
        SpecError, match=r"'lief' is not among the shipped models \(.*lif.*\)\. Give one of these"
    ):
        saltus.model("lief")


def test_a_missing_file_is_named():
    with pytest.raises(SpecError, match=r"none\.toml cannot be read \(No such file.*\)\. Give the path"):
        saltus.model("none.toml")


def test_a_shipped_model_runs_without_sympy_or_a_template():
    program = """
import sys, saltus
net = saltus.Network([saltus.Layer("lif", 2, inputs=1)], T=0.1)
net.gradients(net.run([[[0.01]]]), d_readouts={"output": {"V": [[1.0, 0.0]]}})
heavy = ("sympy", "jinja2", "cffi", "typer", "matplotlib")
print([name for name in sys.modules if name.split(".")[0] in heavy])
"""
    for _ in range(2):  # the first may have to render and compile
        found = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        ).stdout
    assert found.strip() == "[]"
