"""Handwritten digits: exact gradients beside surrogate gradients, each tuned by the same search.

    python benchmarks/digits.py [--draws 8] [--seeds 5] [--only exact-sum ...]

For each contestant, settings are drawn at random from the same laws (the surrogate's slope is one more), and
each is trained from two seeds for a third of the epochs. The best by mean validation accuracy, then mean
validation loss, is trained on training and validation set together from each seed, and its last epoch is
tested. About two hours on one core.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache, partial
from math import nan
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import torch
from digits_surrogate import CLASSES, INPUTS, Score, Surrogate, train

import saltus
from saltus.runtime.data import Latency, Split, digits
from saltus.runtime.progress import quiet
from saltus.runtime.schedule import Linear

HIDDEN, BATCH, EPOCHS, COPIES = 150, 32, 15, 9
CONFIG = Path(__file__).parent.parent / "examples" / "digits_max.toml"
READOUTS = {"sum": "li", "max": tomllib.loads(CONFIG.read_text())["network"]["layers"][1]["model"]}
WINDOW, DT = 10e-3, 0.625e-3  # pixels have 17 values, so input spikes lie on the grid exactly


@dataclass(frozen=True)
class Settings:
    """What is tuned.

    tail: seconds from the end of the code to T; mean, std: of hidden weights; out, lift: std and mean of
    readout weights, times the root of their fan-in; lr, ratio: learning rate of hidden weights, and how much
    larger the readout's is; scale: before the softmax; slope: of the surrogate.
    """

    tail: float
    mean: float
    std: float
    out: float
    lift: float
    lr: float
    ratio: float
    scale: float
    slope: float


def draw(random: np.random.Generator, loss: str) -> Settings:
    """The same settings for both kinds of gradient, but the slope."""

    def between(low: float, high: float) -> float:
        return float(np.exp(random.uniform(np.log(low), np.log(high))))

    out = between(0.2, 1.0)
    return Settings(
        tail=float(random.choice([2.5e-3, 5e-3])),
        mean=float(random.choice([0.05, 0.1, 0.15])),
        std=between(0.8, 1.6),
        out=out,
        lift=out * float(random.choice([0.0, 0.5, 1.0])),
        lr=between(4e-3, 12e-3),
        ratio=float(random.choice([1 / 3, 1.0, 3.0])),
        scale=between(150, 600) if loss == "sum" else between(5, 30),
        slope=between(2, 40),
    )


@cache
def data(*shares: float) -> Split:
    return digits(shares, encoding=Latency(t_late=WINDOW), copies=COPIES)


def exact(loss: str, s: Settings, seed: int, epochs: int, parts: Split) -> Score:
    """Trains with Saltus."""
    net = saltus.Network(
        [
            saltus.Layer("lif", HIDDEN, inputs=INPUTS, weights=saltus.Normal(s.mean, s.std), name="hidden"),
            saltus.Layer(READOUTS[loss], CLASSES, weights=saltus.FanIn(s.lift, s.out)),
        ],
        T=WINDOW + s.tail,
        seed=seed,
        threads=1,
        loss=saltus.loss(f"{loss}_cross_entropy", readout=f"{loss}_V", scale=s.scale),
    )
    rates = {"input_hidden.weights": s.lr, "*": s.lr * s.ratio}
    trainer = saltus.Trainer(net, saltus.Adam(lr=rates), batch_size=BATCH, schedule=Linear(epochs), seed=seed)
    if not len(parts.validation):
        trainer.fit(parts.train, epochs=epochs, progress=quiet)
        validation, loss_there = nan, nan
    else:
        history = trainer.fit(parts.train, parts.validation, epochs=epochs, early_stop=epochs, progress=quiet)
        assert history.best is not None
        best = history.epochs[history.best]
        validation, loss_there = best.validation_accuracy or 0.0, best.validation_loss or 0.0
    test, spikes = trainer.evaluate(parts.test), net.run(parts.test.spikes).spikes["hidden"]
    return Score(validation, loss_there, test.accuracy or 0.0, len(spikes.times) / len(parts.test))


def surrogate(loss: str, s: Settings, seed: int, epochs: int, parts: Split) -> Score:
    """Trains with surrogate gradients."""
    random = np.random.default_rng(seed)
    hidden = s.mean + s.std * random.standard_normal((INPUTS, HIDDEN))
    readout = (s.lift + s.out * random.standard_normal((HIDDEN, CLASSES))) / np.sqrt(HIDDEN)
    weights = [torch.from_numpy(w.astype(np.float32)) for w in (hidden, readout)]
    net = Surrogate(*weights, WINDOW + s.tail, DT, s.slope, loss, s.scale)
    return train(net, parts, (s.lr, s.lr * s.ratio), BATCH, epochs, seed)


Contestant = Callable[..., Score]

CONTESTANTS: dict[str, tuple[str, Contestant]] = {
    f"{kind.__name__}-{loss}": (loss, partial(kind, loss))
    for loss in ("max", "sum")
    for kind in (exact, surrogate)
}


def search(loss: str, contestant: Contestant, draws: int) -> Settings:
    """The settings with the best validation accuracy; ties by the loss."""
    random = np.random.default_rng(0)
    best: tuple[tuple[float, float], Settings] | None = None
    for _ in range(draws):
        settings = draw(random, loss)
        scores = [contestant(settings, seed, EPOCHS // 3, data(0.6, 0.2, 0.2)) for seed in range(2)]
        accuracy, mean_loss = mean(s.validation for s in scores), mean(s.loss for s in scores)
        print(f"    {100 * accuracy:.2f} % {mean_loss:.3f} {described(settings)}", flush=True)
        rank = (accuracy, -mean_loss)
        best = (rank, settings) if best is None or rank > best[0] else best
    assert best is not None, "there are draws"
    return best[1]


def described(s: Settings) -> str:
    return json.dumps({key: float(f"{value:.3g}") for key, value in asdict(s).items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for name in chosen.only:
        loss, contestant = CONTESTANTS[name]
        print(f"{name}: validation accuracy and loss of each draw", flush=True)
        best = search(loss, contestant, chosen.draws)
        scores = [contestant(best, seed, EPOCHS, data(0.8, 0.0, 0.2)) for seed in range(chosen.seeds)]
        test = [100 * score.test for score in scores]
        spread = stdev(test) if len(test) > 1 else 0.0
        print(
            f"{name}: test {mean(test):.2f} +- {spread:.2f} %, "
            f"{mean(score.spikes for score in scores):.0f} hidden spikes a sample"
        )
        print("   ", described(best), flush=True)


if __name__ == "__main__":
    main()
