"""A training run from a file is the training run from Python, to the bit."""

from importlib import resources
from pathlib import Path

import numpy as np
import pytest

import saltus
from saltus.errors import ConfigError
from saltus.runtime.data import Encoding, save_dataset, yin_yang
from saltus.runtime.experiment import load, prepare, run
from saltus.runtime.progress import quiet
from saltus.runtime.schedule import Exponential, Linear

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

TEXT = """
[network]
T = 60e-3
seed = 3
[[network.layers]]
model   = "lif"
size    = 12
inputs  = 5
weights = { init = "normal", mean = 2.2, std = 1.0 }
[[network.layers]]
model   = "lif"
size    = 3
weights = { init = "normal", mean = 1.2, std = 0.3 }
[network.loss]
name    = "first_spike_cross_entropy"
alpha   = 1e-2
missing = "skip"
[data]
name  = "yin_yang"
sizes = [60, 20, 20]
t_late = 20e-3
[optimiser]
name = "adam"
lr   = { "input_*" = 1e-3, "*" = 2e-3 }
[training]
epochs       = 3
batch_size   = 16
early_stop   = 3
seed         = 7
silent_boost = 1e-2
schedule     = { name = "linear", epochs = 3 }
"""


def by_hand():
    net = saltus.Network(
        [
            saltus.Layer("lif", 12, inputs=5, weights=saltus.Normal(2.2, 1.0)),
            saltus.Layer("lif", 3, weights=saltus.Normal(1.2, 0.3)),
        ],
        T=60e-3,
        seed=3,
        loss=saltus.loss("first_spike_cross_entropy", alpha=1e-2, missing="skip"),
    )
    train, validation, _ = yin_yang((60, 20, 20), encoding=Encoding(t_late=20e-3))
    trainer = saltus.Trainer(
        net,
        saltus.Adam(lr={"input_*": 1e-3, "*": 2e-3}),
        batch_size=16,
        seed=7,
        silent_boost=1e-2,
        schedule=Linear(3),
    )
    trainer.fit(train, validation, epochs=3, early_stop=3, progress=quiet)
    return net


def test_a_file_and_python_give_the_same_bits(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(TEXT)
    ready = prepare(load(path))
    ready.trainer.fit(ready.data.train, ready.data.validation, epochs=3, early_stop=3, progress=quiet)
    expected = by_hand().parameters()
    assert {name: value.tobytes() for name, value in ready.net.parameters().items()} == {
        name: value.tobytes() for name, value in expected.items()
    }


def test_a_run_reports_history_and_test(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(TEXT)
    outcome = run(load(path), epochs=2, progress=quiet)
    assert len(outcome.history) == 2 and outcome.test.samples == 20
    np.testing.assert_allclose(outcome.history.column("rate"), [1.0, 2 / 3])


def test_data_may_come_from_files_beside_the_configuration(tmp_path):
    for name, part in zip(("train", "validation", "test"), yin_yang((60, 20, 20)), strict=True):
        save_dataset(tmp_path / f"{name}.npz", part)
    files = 'name = "files"\ntrain = "train.npz"\nvalidation = "validation.npz"\ntest = "test.npz"'
    given = TEXT.replace('name  = "yin_yang"\nsizes = [60, 20, 20]\nt_late = 20e-3', files)
    (tmp_path / "files.toml").write_text(given)
    (tmp_path / "formula.toml").write_text(TEXT.replace("t_late = 20e-3\n", ""))
    outcomes = [run(load(tmp_path / name), progress=quiet) for name in ("files.toml", "formula.toml")]
    assert outcomes[0].test == outcomes[1].test


def test_a_spec_beside_the_configuration_is_found(tmp_path):
    shipped = resources.files("saltus.derive.models").joinpath("lif.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(shipped.replace('"lif"', '"mine"'))
    (tmp_path / "run.toml").write_text(TEXT.replace('"lif"', '"mine.toml"'))
    (tmp_path / "shipped.toml").write_text(TEXT)
    outcomes = [run(load(tmp_path / name), epochs=1, progress=quiet) for name in ("run.toml", "shipped.toml")]
    assert outcomes[0].test.loss == outcomes[1].test.loss


def test_the_shipped_example_is_a_whole_experiment():
    ready = prepare(load(EXAMPLES / "yin_yang.toml"))
    assert [len(part) for part in ready.data] == [5000, 1000, 1000]
    assert ready.net.output == "output"


def test_the_task_is_learned(tmp_path):
    """A few epochs on a fifth of the data leave the 64 % of a network without hidden layer behind."""
    path = tmp_path / "run.toml"
    text = (EXAMPLES / "yin_yang.toml").read_text()
    path.write_text(text.replace('name = "yin_yang"', 'name = "yin_yang"\nsizes = [1000, 200, 500]'))
    outcome = run(load(path), epochs=12, progress=quiet)
    assert outcome.test.accuracy > 0.8


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Linear(0), r"epochs = 0 is not positive. Give those of the run"),
        (lambda: Exponential(1.5), r"factor = 1.5 is outside \(0, 1\]. Use one near 1"),
        (lambda: Exponential(0.0), r"factor = 0.0 is outside"),
    ],
)
def test_schedules_check_their_numbers(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_schedules_say_what_they_do():
    assert [Linear(4)(epoch) for epoch in range(6)] == [1.0, 0.75, 0.5, 0.25, 0.25, 0.25]
    assert [Exponential(0.5)(epoch) for epoch in range(3)] == [1.0, 0.5, 0.25]
