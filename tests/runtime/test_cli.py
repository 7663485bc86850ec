"""The command line: results on standard output, mistakes in one line on standard error, exit codes."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

import saltus
from saltus.errors import CompileError
from saltus.runtime import doctor, emit
from saltus.runtime.checkpoint import load
from saltus.runtime.cli import output
from saltus.runtime.cli.app import app

SMALL = """
[network]
T = 60e-3
[[network.layers]]
model   = "lif"
size    = 16
inputs  = 5
weights = { init = "normal", mean = 2.2, std = 1.0 }
[[network.layers]]
model   = "lif"
size    = 3
weights = { init = "normal", mean = 1.2, std = 0.3 }
[network.loss]
name    = "first_spike_cross_entropy"
missing = "skip"
[data]
name  = "yin_yang"
sizes = [60, 20, 20]
[optimiser]
name = "adam"
lr   = 1e-3
[training]
epochs     = 2
batch_size = 20
"""


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def flat(text):
    """The text as one line, whatever the width of the terminal."""
    return " ".join(text.split())


def test_version():
    assert call("--version").stdout == f"saltus {saltus.__version__}\n"


def test_python_m_saltus():
    done = subprocess.run(
        [sys.executable, "-m", "saltus", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"saltus {saltus.__version__}\n"


def test_without_arguments_help_is_shown():
    shown = call().output
    assert all(name in shown for name in ("derive", "check", "emit", "train", "gradient", "doctor"))


def test_an_unknown_command_is_a_usage_error():
    assert call("trian").exit_code == 2


def test_train_reports_and_writes_the_history(config, tmp_path):
    done = call("train", config, "--epochs", 1, "--history", tmp_path / "h.json")
    assert done.exit_code == 0, done.output
    assert "1 epoch; test loss" in done.stdout and "(20 samples)" in done.stdout
    assert [row["epoch"] for row in json.loads((tmp_path / "h.json").read_text())] == [1]


def test_train_writes_the_weights(config, tmp_path):
    assert call("train", config, "--epochs", 0, "--weights", tmp_path / "w" / "w.npz").exit_code == 0
    with np.load(tmp_path / "w" / "w.npz") as weights:
        assert weights["input_hidden0.weights"].shape == (5, 16) and "hidden0.tau_mem" in weights.files


@pytest.mark.parametrize("option", ["--weights", "--history"])
def test_a_file_that_cannot_be_written_is_found_before_the_training(config, tmp_path, monkeypatch, option):
    def long(*arguments, **options):
        raise AssertionError("trained")

    monkeypatch.setattr("saltus.runtime.experiment.run", long)
    done = call("train", config, option, tmp_path)
    assert done.exit_code == 2 and f"{tmp_path} cannot be written: Is a directory." in flat(done.stderr)


def test_a_look_whether_a_file_can_be_written_leaves_it_as_it_was(tmp_path):
    old = tmp_path / "old"
    old.write_text("kept")
    output.writable(old)
    output.writable(tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["old"] and old.read_text() == "kept"


def test_a_full_disk_behind_the_output_is_one_message():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "saltus", "derive", "lif", "--format", "json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2, done.stderr
    assert done.stderr == "The output cannot be written: the disk is full. Free space, or write elsewhere.\n"


def test_memory_that_is_not_there_is_one_message(config, monkeypatch):
    def too_much(*arguments, **options):
        raise MemoryError("Unable to allocate 1. TiB")

    monkeypatch.setattr("saltus.runtime.experiment.run", too_much)
    done = call("train", config)
    assert done.exit_code == 2 and "Out of memory" in flat(done.stderr)


def test_train_prints_json(config):
    done = call("train", config, "--json")
    assert done.exit_code == 0, done.output
    outcome = json.loads(done.stdout)
    assert len(outcome["history"]["epochs"]) == 2 and outcome["test"]["samples"] == 20


def test_train_resumes_from_the_checkpoint(config, tmp_path):
    path = tmp_path / "run.npz"
    config.write_text(SMALL + f'checkpoint = "{path}"\n')
    assert call("train", config, "--epochs", 1).exit_code == 0
    resumed = json.loads(call("train", config, "--resume", "--json").stdout)
    path.unlink()
    whole = json.loads(call("train", config, "--json").stdout)
    assert resumed["test"] == whole["test"]


def test_gradient_agrees(config):
    done = call("gradient", config, "--samples", 3, "--json", "--tolerance", "1e-5")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert {row["name"] for row in rows} == {"input_hidden0.weights", "hidden0_output.weights"}
    assert all(row["compared"] > 0 for row in rows)


def test_a_gradient_beyond_the_tolerance_fails(config):
    done = call("gradient", config, "--samples", 3, "--tolerance", "1e-30")
    assert done.exit_code == 1 and "WRONG" in done.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[network", "is not TOML"),
        (SMALL.replace("epochs     = 2", ""), "missing required field `epochs` at `training`"),
        (SMALL.replace("batch_size", "batchsize"), "unknown field `batchsize` at `training`"),
        (SMALL.replace('"adam"', '"adm"'), "Invalid value 'adm' at `optimiser.name`"),
        (SMALL.replace("lr   = 1e-3", "lr = -1.0"), '"lr" = -1.0 is negative or not finite'),
        (SMALL.replace('"yin_yang"', '"mnist"'), "Invalid value 'mnist' at `data.name`"),
        (SMALL.replace('model   = "lif"', 'model = "lfi"'), "lfi"),
        (SMALL.replace("inputs  = 5", "inputs = 4"), "5 neurons where the network has 4"),
    ],
)
def test_a_wrong_configuration_is_one_message_and_exit_code_2(config, text, message):
    config.write_text(text)
    done = call("train", config)
    assert done.exit_code == 2, done.output
    assert message in flat(done.stderr)
    assert "Traceback" not in done.output and done.stdout == ""


def test_a_missing_configuration_is_named(tmp_path):
    done = call("train", tmp_path / "none.toml")
    assert done.exit_code == 2
    assert "none.toml cannot be read (No such file or directory). Give the path" in flat(done.stderr)


def test_ctrl_c_ends_with_130(config, monkeypatch):
    def stopped(*arguments, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr("saltus.runtime.experiment.run", stopped)
    done = call("train", config)
    assert done.exit_code == 130 and "Stopped." in done.stderr


def test_emit_writes_and_finds_drift(tmp_path, monkeypatch):
    files = {"m/model.h": "a\nb\n", "m/ir.json": "{}\n"}
    monkeypatch.setattr(emit, "generated", lambda: files)
    root = tmp_path / "generated"
    done = call("emit", "--check", "--root", root)
    assert done.exit_code == 1 and "m/model.h: is missing" in flat(done.stderr)
    assert call("emit", "--root", root).exit_code == 0
    assert (root / "m" / "model.h").read_text() == "a\nb\n"
    assert call("emit", "--check", "--root", root).exit_code == 0
    (root / "m" / "model.h").write_text("a\nc\n")
    (root / "old.c").write_text("")
    done = call("emit", "--check", "--root", root)
    assert done.exit_code == 1
    assert "m/model.h: differs in 2 lines (-c; +b)" in flat(done.stderr)
    assert "old.c: is made by nothing; remove it" in flat(done.stderr)
    assert "Run saltus emit and commit what it writes." in flat(done.stderr)


def test_emit_without_permission_says_which_file(tmp_path, monkeypatch):
    monkeypatch.setattr(emit, "generated", lambda: {"m/model.h": "a\n"})
    (tmp_path / "m").write_text("a file where a folder should be")
    done = call("emit", "--root", tmp_path)
    assert done.exit_code == 2 and "model.h cannot be written" in flat(done.stderr)


def test_doctor_lists_what_it_found():
    done = call("doctor", "--json")
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert {"saltus", "python", "compiler", "flags", "openmp", "cache", "processor", "kernel"} <= set(
        findings
    )
    assert done.exit_code == (0 if all(finding["ok"] for finding in findings.values()) else 1)
    assert findings["kernel"]["ok"], findings["kernel"]


def test_doctor_without_a_compiler_says_what_to_do(monkeypatch):
    def none():
        raise CompileError("No C compiler: none of cc is on the PATH. Install one or set CC.")

    monkeypatch.setattr("saltus.runtime.compiler.compiler", none)
    monkeypatch.setattr(doctor, "_kernel", lambda: doctor.Finding("kernel", ""))
    done = call("doctor")
    assert done.exit_code == 1
    assert "wrong" in done.stdout and "Install one or set CC." in flat(done.stdout)


def test_doctor_prints_brackets_as_they_are(monkeypatch):
    monkeypatch.setattr(doctor, "examine", lambda: (doctor.Finding("a[b]", "c[d]", remedy="e[plot]"),))
    assert all(shown in call("doctor").stdout for shown in ("a[b]", "c[d]", "e[plot]"))


@pytest.mark.parametrize(
    ("model", "flow", "kernel", "clock"),
    [
        ("lif", "exact: ", "fast kernel: one population with a solution in closed form", "it can run"),
        ("li_max", "exact: ", "network kernel, because li_max reads the maximum max_V,", "it can run"),
        ("qif", "numeric: ", "network kernel, because qif has a flow without a closed", "not linear"),
        (
            "lif_refractory",
            "exact: ",
            "network kernel, because lif_refractory has the phase held",
            "it can run",
        ),
        ("lif_delta", "exact: ", "network kernel, because lif_delta", "lift the guard over zero"),
    ],
)
def test_doctor_says_which_kernel_and_flow_a_model_takes(model, flow, kernel, clock):
    done = call("doctor", model, "--json")
    found = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert done.exit_code == 0
    assert found["flow"]["value"].startswith(flow)
    assert found["kernel"]["value"].startswith(kernel)
    assert clock in found["clock"]["value"]
    said = "more than 16 different delays of a source, sparse" in found["kernel"]["remedy"]
    assert said == kernel.startswith("fast")


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("lif", ["learning", "flow", "flow, learning", "waiting", "delay", "network"]),
        ("li", ["learning", "flow", "flow, learning", "network"]),
        ("qif", ["network"]),
    ],
)
def test_doctor_says_what_the_options_of_a_model_cost(model, options):
    found = {
        finding["name"]: finding["value"] for finding in json.loads(call("doctor", model, "--json").stdout)
    }
    assert [name.removeprefix("cost.") for name in found if name.startswith("cost.")] == options
    assert found["costs"].startswith("times as long as the fast kernel takes")
    assert "network kernel is taken: forward × 23 to 250, backward × 37 to 430" in found["cost.network"]
    if "flow" in options:
        assert found["cost.flow"].startswith("each neuron has its own tau_mem or tau_syn: forward × ")


def test_doctor_knows_that_a_readout_at_a_time_brings_in_the_network_kernel(tmp_path):
    spec = (Path(emit.generated_root()).parent / "derive" / "models" / "lif.toml").read_text()
    (tmp_path / "seen.toml").write_text(spec + '\n[readouts]\nseen = "at(V, 5e-3)"\n')
    found = {row["name"]: row for row in json.loads(call("doctor", tmp_path / "seen.toml", "--json").stdout)}
    net = saltus.Network([saltus.Layer(str(tmp_path / "seen.toml"), 2, inputs=1)], T=0.02)
    assert found["kernel"]["value"] == "network kernel, because its states are read at given times."
    assert net.explain().startswith("output: " + found["kernel"]["value"])


@pytest.mark.parametrize(
    ("model", "shown", "hidden"),
    [
        (
            "lif",
            ["waiting.spike: ", "together.exc: S(S(x, w), v) = S(x, w + v)", "kernel: fast"],
            "at the end:",
        ),
        ("li", ["at the end: nothing jumps but by arrivals", "kernel: fast kernel"], "waiting"),
        ("lif_refractory", ["phase.held: exact", "because lif_refractory has the phase held"], "together"),
        ("qif", ["flow: numeric", "clock: refused: qif: its dynamics are not linear"], "waiting"),
    ],
)
def test_derive_says_how_a_model_runs_and_why(model, shown, hidden):
    done = call("derive", model)
    assert done.exit_code == 0, done.output
    table, _, how = done.stdout.partition("How it runs")
    assert "Gradients" in table and all(text in flat(how) for text in shown)
    assert hidden not in how


def test_derive_writes_other_forms_and_losses_without_it():
    assert "How it runs" not in call("derive", "lif", "-f", "json").stdout
    assert "How it runs" not in call("derive", "mean_squared_error").stdout


def test_doctor_finds_the_cache_from_any_folder(tmp_path, monkeypatch):
    """The kernel is tried in a process that starts elsewhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SALTUS_CACHE_DIR", "here")
    seen = {}

    def run(command, **how):
        seen.update(how)
        return SimpleNamespace(returncode=1, stderr="No C compiler: none is there. Install one.")

    monkeypatch.setattr(doctor.subprocess, "run", run)
    found = doctor._guarded("kernel", doctor._kernel)
    assert seen["env"]["SALTUS_CACHE_DIR"] == str(tmp_path / "here")
    assert (found.value, found.remedy) == ("No C compiler: none is there", "Install one.")


def test_doctor_says_how_many_threads_and_why(monkeypatch):
    monkeypatch.delenv("SALTUS_NUM_THREADS", raising=False)
    assert doctor._threads().value.split(";")[0].endswith("(all cores)")
    monkeypatch.setenv("SALTUS_NUM_THREADS", "3")
    assert doctor._threads().value.startswith("3 (SALTUS_NUM_THREADS)")
    monkeypatch.setenv("SALTUS_NUM_THREADS", "many")
    found = doctor._guarded("threads", doctor._threads)
    assert not found.ok and found.remedy == "Use one such as 4."


def fake_rows(*oks):
    return tuple(
        SimpleNamespace(id=f"3:{i}", status="proven", ok=ok, title="x[0] = x", reason="")
        for i, ok in enumerate(oks)
    )


@pytest.mark.parametrize(("oks", "code"), [((True, True), 0), ((True, False), 1)])
def test_check_exits_with_1_when_a_line_fails(monkeypatch, oks, code):
    verify = pytest.importorskip("saltus.derive.verify")
    monkeypatch.setattr(verify, "check_source", lambda: fake_rows(*oks))
    monkeypatch.setattr(verify, "check_model", lambda spec: fake_rows(True))
    done = call("check")
    assert done.exit_code == code
    assert ("FAILED: 3:1" in flat(done.stdout)) == bool(code) and "x[0] = x" in done.stdout


AS_IN_A_TERMINAL = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are born deaf to Ctrl-C
from saltus.runtime.cli import main
main()
"""


def test_ctrl_c_in_a_run_leaves_a_checkpoint_to_go_on_from(config, tmp_path):
    config.write_text(SMALL.replace("epochs     = 2", "epochs = 100000") + 'checkpoint = "run.npz"\n')
    arguments = [sys.executable, "-c", AS_IN_A_TERMINAL, "train", str(config)]
    run = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "run.npz").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    finally:
        run.kill()
        run.wait()
    assert run.returncode == 130, err
    assert out == "" and err.splitlines()[-1] == "Stopped."
    done = len(load(tmp_path / "run.npz").progress["history"]["epochs"])
    resumed = call("train", config, "--resume", "--epochs", done + 1, "--json")
    assert len(json.loads(resumed.stdout)["history"]["epochs"]) == done + 1


def test_bench_takes_the_options_of_the_checkout():
    found = subprocess.run(
        [sys.executable, "-m", "saltus", "bench", "--help"], capture_output=True, text=True, check=True
    )
    assert "--peers" in found.stdout


def test_bench_outside_a_checkout_says_where_the_benchmarks_are(monkeypatch, tmp_path):
    monkeypatch.setattr(saltus, "__file__", str(tmp_path / "saltus" / "__init__.py"))
    found = CliRunner().invoke(app, ["bench"])
    assert found.exit_code == 2
    assert "The benchmarks are not part of the installed package" in found.output
