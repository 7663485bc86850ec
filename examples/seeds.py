"""Mean and spread of the test accuracy over seeds: ``python examples/seeds.py --seeds 10 --config CONFIG``.

A seed draws the first weights and the order of the samples; the data sets stay the same. The epoch is chosen
by validation, never by the test set.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import msgspec

from saltus.runtime.experiment import Experiment, load, run
from saltus.runtime.progress import quiet


def seeded(experiment: Experiment, seed: int) -> Experiment:
    """The same experiment from another seed."""
    return msgspec.structs.replace(
        experiment,
        network={**experiment.network, "seed": seed},
        training=msgspec.structs.replace(experiment.training, seed=seed),
    )


def main() -> None:
    """Trains once for each seed and prints a line for each, then the mean."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("yin_yang.toml"))
    chosen = parser.parse_args()
    experiment = load(chosen.config)
    accuracies = []
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        outcome = run(seeded(experiment, seed), progress=quiet)
        best, seconds = outcome.history.best, sum(epoch.seconds for epoch in outcome.history.epochs)
        assert best is not None and outcome.test.accuracy is not None
        validation = outcome.history.epochs[best].validation_accuracy or 0.0
        accuracies.append(100 * outcome.test.accuracy)
        shares = f"validation {100 * validation:.2f} %, test {accuracies[-1]:.2f} %"
        print(f"seed {seed}: {shares} ({seconds:.0f} s)", flush=True)
    spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
    print(f"test accuracy {statistics.mean(accuracies):.2f} +- {spread:.2f} % over {len(accuracies)} seeds")


if __name__ == "__main__":
    main()
