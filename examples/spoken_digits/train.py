"""Trains 256 recurrent neurons on spoken digits with exact gradients, and reports how well.

    python examples/spoken_digits/data.py FOLDER        (once; needs espeak-ng)
    python examples/spoken_digits/train.py FOLDER [--epochs 40] [--resume]

700 inputs, 256 recurrent LIF neurons, 20 leaky readouts. The loss is the cross-entropy of the readouts'
integrals, weighted so that early times count most: an unweighted integral hardly depends on *when* a spike
comes, so exact gradients say little about the hidden layer (Nowotny, Turner & Knight 2022). Words are
shifted in channels and stretched in time at random. A heuristic raises the weights of neurons that stay
silent. The best epoch by validation is kept. Writes run-SEED.npz (to resume), confusion.png and raster.png
into FOLDER, and prints the accuracy on voices that were never heard in training, beside that of a linear
readout of the channels' spike counts.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import saltus
from saltus.runtime.data import Dataset, load_dataset
from saltus.runtime.schedule import Linear
from saltus.runtime.spikes import Spikes

CHANNELS, HIDDEN, CLASSES, HORIZON = 700, 256, 20, 1.0
FADE = 0.3
"""Seconds in which the weight of the readouts' integrals falls to 1/e."""
BIN = 1e-3
"""Input spikes are put on a grid of 1 ms: arrivals of one bin act as one, and the run is faster."""


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a word: shift of all channels, at most; stretch of time, at most, as a share."""

    shift: int = 20
    stretch: float = 0.2

    def __call__(self, data: Dataset, rng: np.random.Generator) -> Dataset:
        samples = []
        for i in range(len(data)):
            times, channels = data.spikes.sample(i)
            moved = channels + rng.integers(-self.shift, self.shift + 1)
            kept = (moved >= 0) & (moved < CHANNELS)
            when = times[kept] * (1.0 + rng.uniform(-self.stretch, self.stretch))
            samples.append((when, moved[kept]))
        return Dataset(binned(samples), data.labels)


def binned(samples: list[tuple[NDArray[np.float64], NDArray[np.int64]]]) -> Spikes:
    """Spikes on the grid, within the run."""
    on_grid = []
    for times, channels in samples:
        when = np.minimum(np.rint(times / BIN), round(HORIZON / BIN) - 1) * BIN
        order = np.lexsort((channels, when))
        on_grid.append((when[order], channels[order]))
    return Spikes.from_events(on_grid, CHANNELS)


def read(path: Path) -> Dataset:
    """A data set as data.py wrote it, on the grid."""
    data = load_dataset(path)
    return Dataset(binned([data.spikes.sample(i) for i in range(len(data))]), data.labels)


def network(seed: int, threads: int | None) -> saltus.Network:
    """The network; at the start about three spikes a word come from each hidden neuron."""
    hidden = saltus.Layer(
        "lif",
        HIDDEN,
        inputs=CHANNELS,
        recurrent=True,
        weights=saltus.Normal(0.005, 0.12),
        recurrent_weights=saltus.Normal(0.0, 0.02),
        name="hidden",
    )
    model = str(Path(__file__).with_name("li_early.toml"))
    readout = saltus.Layer(
        model, CLASSES, weights=saltus.FanIn(0.0, 0.1), params={"fade": FADE}, name="readout"
    )
    loss = saltus.loss("last_value_cross_entropy", readout="S", scale=300.0 * math.exp(-HORIZON / FADE))
    return saltus.Network([hidden, readout], T=HORIZON, seed=seed, threads=threads, loss=loss)


def linear_readout(train: Dataset, test: Dataset) -> float:
    """Accuracy of a logistic regression of the channels' spike counts."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def counts(data: Dataset) -> NDArray[np.float64]:
        found = np.zeros((len(data), CHANNELS))
        np.add.at(found, (data.spikes.samples(), data.spikes.neurons), 1.0)
        return found

    readout = make_pipeline(StandardScaler(), LogisticRegression(C=1e-2, max_iter=1000))
    return float(readout.fit(counts(train), train.labels).score(counts(test), test.labels))


def predictions(net: saltus.Network, data: Dataset, batch: int = 64) -> NDArray[np.int64]:
    """The class of each word: the readout with the largest weighted integral."""
    found = []
    for first in range(0, len(data), batch):
        result = net.run(data.take(np.arange(first, min(first + batch, len(data)))).spikes)
        found.append(result.predictions())
    return np.concatenate(found)


def draw(net: saltus.Network, data: Dataset, answers: NDArray[np.int64], folder: Path) -> None:
    """The confusion matrix, and a raster of one word."""
    import matplotlib.pyplot as plt

    names = [f"{language} {number}" for language in ("en", "de") for number in range(10)]
    confusion = np.zeros((CLASSES, CLASSES))
    np.add.at(confusion, (data.labels, answers), 1.0)
    figure, axes = plt.subplots(figsize=(6, 5.4), layout="constrained")
    image = axes.imshow(confusion / confusion.sum(axis=1, keepdims=True), cmap="Blues", vmin=0, vmax=1)
    axes.set(xticks=range(CLASSES), yticks=range(CLASSES), yticklabels=names, xlabel="answer", ylabel="word")
    axes.set_xticklabels(names, rotation=90)
    figure.colorbar(image, label="share of the word's utterances")
    figure.savefig(folder / "confusion.png", dpi=150)

    word = data.take(np.array([0]))
    hidden = net.run(word.spikes).spikes["hidden"]
    figure, (above, below) = plt.subplots(2, figsize=(7, 5), sharex=True, layout="constrained")
    for axes, spikes, label in ((above, word.spikes, "channel"), (below, hidden, "hidden neuron")):
        axes.scatter(spikes.times * 1e3, spikes.neurons, s=1, color="black", linewidths=0)
        axes.set_ylabel(label)
    above.set_title(f"{names[word.labels[0]]}, heard as {names[answers[0]]}")
    below.set_xlabel("time (ms)")
    figure.savefig(folder / "raster.png", dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="default: the cores this process may use")
    parser.add_argument("--resume", action="store_true", help="go on from run.npz")
    arguments = parser.parse_args()
    train, validation, test = (
        read(arguments.folder / f"{part}.npz") for part in ("train", "validation", "test")
    )
    net = network(arguments.seed, arguments.threads)
    trainer = saltus.Trainer(
        net,
        saltus.Adam(lr={"hidden_readout.weights": 5e-3, "*": 1e-3}),
        batch_size=32,
        seed=arguments.seed,
        silent_boost=1e-3,
        schedule=Linear(arguments.epochs),
        augment=Augmentation(),
    )
    trainer.fit(
        train,
        validation,
        epochs=arguments.epochs,
        early_stop=arguments.epochs,
        checkpoint=arguments.folder / f"run-{arguments.seed}.npz",
        resume=arguments.resume,
    )
    answers = predictions(net, test)
    report = {
        "accuracy": float((answers == test.labels).mean()),
        "validation": trainer.evaluate(validation).accuracy,
        "linear readout of counts": linear_readout(train, test),
    }
    print(json.dumps(report, indent=1))
    draw(net, test, answers, arguments.folder)


if __name__ == "__main__":
    main()
