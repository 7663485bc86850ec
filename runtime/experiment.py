"""A training run as data: network, data set, optimiser and training in one TOML file.

.. code-block:: toml

    [network]                    # what saltus.Network takes
    T = 60e-3
    [[network.layers]]
    ...
    [data]
    name = "yin_yang"
    [optimiser]
    name = "adam"
    lr   = 2e-3
    [training]
    epochs = 100
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from saltus.errors import ConfigError
from saltus.runtime.config import with_folder
from saltus.runtime.data.dataset import Split
from saltus.runtime.data.digits import Latency, digits
from saltus.runtime.data.files import load_dataset
from saltus.runtime.data.yin_yang import Encoding, yin_yang
from saltus.runtime.evaluation import Evaluation
from saltus.runtime.gradient_check import GradientCheck
from saltus.runtime.history import History
from saltus.runtime.network import Network
from saltus.runtime.optimiser import SGD, Adam
from saltus.runtime.progress import Progress, bar
from saltus.runtime.schedule import Constant, Exponential, Linear
from saltus.runtime.trainer import Trainer


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class YinYangData(_Table, frozen=True, tag="yin_yang", tag_field="name"):
    """The Yin-Yang task; the arguments of ``yin_yang`` and ``Encoding``."""

    sizes: tuple[int, int, int] = (5000, 1000, 1000)
    seeds: tuple[int, int, int] = (42, 41, 40)
    t_early: float = Encoding.t_early
    t_late: float = Encoding.t_late
    t_bias: float = Encoding.t_bias

    def encoding(self) -> Encoding:
        """How a point becomes spikes."""
        return Encoding(self.t_early, self.t_late, self.t_bias)

    def load(self, folder: Path) -> Split:
        """Training, validation and test set."""
        return yin_yang(self.sizes, self.seeds, self.encoding())


class DigitsData(_Table, frozen=True, tag="digits", tag_field="name"):
    """Handwritten digits; the arguments of ``digits`` and ``Latency``."""

    shares: tuple[float, float, float] = (0.6, 0.2, 0.2)
    seed: int = 0
    t_early: float = Latency.t_early
    t_late: float = Latency.t_late
    copies: int = 0
    shift: float = 0.5

    def load(self, folder: Path) -> Split:
        """Training, validation and test set."""
        encoding = Latency(self.t_early, self.t_late)
        return digits(self.shares, self.seed, encoding, self.copies, self.shift)


class FileData(_Table, frozen=True, tag="files", tag_field="name"):
    """Three files that ``saltus.runtime.data.save_dataset`` wrote."""

    train: str
    validation: str
    test: str

    def load(self, folder: Path) -> Split:
        """Training, validation and test set."""
        return Split(*(load_dataset(folder / file) for file in (self.train, self.validation, self.test)))


class Training(_Table, frozen=True):
    """The arguments of ``Trainer`` and ``Trainer.fit``."""

    epochs: int
    batch_size: int = 32
    seed: int = 0
    early_stop: int | None = None
    silent_boost: float | None = None
    schedule: Constant | Linear | Exponential = Constant()
    checkpoint: str | None = None


class Experiment(_Table, frozen=True):
    """A whole training run; ``network`` is checked by ``saltus.Network``, paths are taken from ``folder``."""

    network: dict[str, Any]
    data: YinYangData | DigitsData | FileData
    optimiser: Adam | SGD
    training: Training
    folder: str = "."


@dataclass(frozen=True)
class Prepared:
    """An experiment's parts, ready to run: untrained network, its trainer, the data."""

    net: Network
    trainer: Trainer
    data: Split


@dataclass(frozen=True)
class Outcome:
    """What a run gives: the trained network, the epochs, and the network on data that it never saw."""

    net: Network
    history: History
    test: Evaluation


def load(path: Path) -> Experiment:
    """Reads an experiment; paths in it are taken from its folder.

    Raises:
        ConfigError: if the file cannot be read, is not TOML, or an entry is wrong, naming the entry.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
        return msgspec.convert({"folder": str(path.parent), **content}, type=Experiment)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read ({error.strerror}). Give the path of a training configuration."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}. Correct it there.") from None
    except msgspec.ValidationError as error:
        entry = str(error).replace(" - at `$.", " at `").replace("`$`", "the top")
        raise ConfigError(f"{path}: {entry}. See examples/yin_yang.toml for one that works.") from None


def prepare(experiment: Experiment) -> Prepared:
    """Builds network, trainer and data; raises ``ConfigError`` for what does not fit."""
    training, net = (
        experiment.training,
        Network.from_dict(with_folder(experiment.network, Path(experiment.folder))),
    )
    trainer = Trainer(
        net,
        experiment.optimiser,
        batch_size=training.batch_size,
        seed=training.seed,
        silent_boost=training.silent_boost,
        schedule=training.schedule,
    )
    return Prepared(net, trainer, experiment.data.load(Path(experiment.folder)))


def run(
    experiment: Experiment, *, resume: bool = False, epochs: int | None = None, progress: Progress = bar
) -> Outcome:
    """Trains the experiment's network and evaluates it on the test set.

    Args:
        experiment: the run.
        resume: go on from the experiment's checkpoint.
        epochs: instead of the experiment's number.
        progress: what is shown.
    """
    training, ready = experiment.training, prepare(experiment)
    history = ready.trainer.fit(
        ready.data.train,
        ready.data.validation if len(ready.data.validation) else None,
        epochs=training.epochs if epochs is None else epochs,
        early_stop=training.early_stop,
        checkpoint=None if training.checkpoint is None else Path(experiment.folder) / training.checkpoint,
        resume=resume,
        progress=progress,
    )
    return Outcome(ready.net, history, ready.trainer.evaluate(ready.data.test))


def check_gradient(experiment: Experiment, samples: int) -> GradientCheck:
    """Compares the gradient of the experiment's untrained network with differences, on its first samples."""
    ready = prepare(experiment)
    few = ready.data.train.take(np.arange(min(samples, len(ready.data.train))))
    return ready.net.check_gradient(few.spikes, few.labels)
