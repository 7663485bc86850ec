"""Handwritten digits: trains, then shows where the network errs and what its spikes look like.

    python examples/digits.py [--config examples/digits_max.toml] [--figure demo/digits.png]

Needs ``pip install "saltus[data,plot]"``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from saltus.runtime import plot
from saltus.runtime.evaluation import confusion
from saltus.runtime.experiment import load, prepare, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("digits_sum.toml"))
    parser.add_argument("--figure", type=Path, default=Path("demo/digits.png"))
    parser.add_argument("--sample", type=int, default=0, help="of the test set, whose spikes are drawn")
    chosen = parser.parse_args()
    experiment = load(chosen.config)
    outcome = run(experiment)
    test = prepare(experiment).data.test
    counts = confusion(outcome.net, test)
    print("rows are labels, columns predictions")
    print("\n".join(" ".join(f"{count:3d}" if count else "  ." for count in row) for row in counts))
    print(f"test accuracy {100 * (outcome.test.accuracy or 0.0):.2f} %")

    figure = plot.new_figure(14.0, 4.3)
    image, raster, matrix, curve = figure.subplots(1, 4, width_ratios=(0.6, 1.2, 1.0, 1.1))
    one = test.take([chosen.sample])
    assert one.points is not None
    image.imshow(one.points.reshape(8, 8), cmap="Greys")
    image.set(xticks=[], yticks=[], title=f"a {one.labels[0]}")
    result = outcome.net.run(one.spikes, one.labels)
    plot.spike_raster(raster, plot.trains(one, result))
    raster.set_title("its spikes", fontsize=10)
    plot.confusion_matrix(matrix, counts)
    plot.training_curve(curve, outcome.history)
    plot.save_figure(figure, chosen.figure)
    print(f"drawn: {chosen.figure}")


if __name__ == "__main__":
    main()
