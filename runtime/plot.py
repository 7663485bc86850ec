"""Figures of a trained network: decision regions, spike raster, training curve.

Each function draws into axes that it is given, so that plots can be put together at will;
``yin_yang_figure`` puts all three into one figure. Needs matplotlib (``pip install "saltus[plot]"``), no
display and no global state. The colours are those of Okabe & Ito (2008), which colour-blind
people can tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from saltus.errors import InputError
from saltus.runtime.data.dataset import Dataset
from saltus.runtime.data.yin_yang import CLASSES, Encoding, inside
from saltus.runtime.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from saltus.runtime.network import Network, Result

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
INK = "#222222"
FAINT = "#B8B8B8"

Train = tuple[NDArray[np.float64], NDArray[np.integer[Any]]]
"""Spike times in seconds and the neuron of each."""


def yin_yang_figure(
    net: Network,
    history: History,
    test: Dataset,
    *,
    encoding: Encoding | None = None,
    sample: int = 0,
    title: str = "",
) -> Figure:
    """Decision regions with the test points, the spikes of one test sample, and the training curve.

    Args:
        net: a network with five inputs and three output neurons, trained on ``yin_yang()``.
        history: what ``Trainer.fit`` returned.
        test: the test set, with its points.
        encoding: the one that the data set was made with; None: the default.
        sample: index of the test sample whose spikes are shown.
        title: a line above all.

    Raises:
        InputError: without matplotlib, or for a data set without points.
    """
    if test.points is None:
        raise InputError("plot: the data set has no points to draw. Use one that yin_yang() made.")
    figure = new_figure(13.0, 4.3)
    regions, raster, curve = figure.subplots(1, 3, width_ratios=(1.0, 1.35, 1.1))
    decision_regions(regions, net, encoding or Encoding())
    points(regions, net, test)
    one = test.take([sample])
    result = net.run(one.spikes, one.labels)
    spike_raster(raster, trains(one, result), answer=int(one.labels[0]))
    x, y = test.points[sample]
    raster.set_title(f"spikes for ({x:.2f}, {y:.2f}), a {CLASSES[int(one.labels[0])]}", fontsize=10)
    regions.plot(x, y, "o", markersize=11, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=1.4)
    training_curve(curve, history)
    if title:
        figure.suptitle(title, fontsize=12, color=INK)
    return figure


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches; raises ``InputError`` where matplotlib is missing."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise InputError(
            'plot: matplotlib is not installed. Install it with: pip install "saltus[plot]".'
        ) from None
    return Figure(figsize=(width, height), layout="constrained", dpi=150)


def save_figure(figure: Figure, path: Path) -> None:
    """Writes a figure (``.png``, ``.svg``, ``.pdf``) and makes its folder; raises ``InputError``."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"plot: {path} cannot be written: {error}. Choose a path that ends in .png, .svg or .pdf."
        ) from error


def decision_regions(axes: Axes, net: Network, encoding: Encoding, resolution: int = 160) -> None:
    """The class that the network gives to each point of the disc; white where no output neuron spikes."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    grid = (np.arange(resolution) + 0.5) / resolution
    places = np.stack(np.meshgrid(grid, grid), axis=-1)
    disc = inside(places)
    image = np.full(disc.shape, np.nan)
    image[disc] = predictions(net, encoding, places[disc])
    image[image < 0] = np.nan
    colours = ListedColormap(COLOURS[: len(CLASSES)])
    norm = BoundaryNorm(np.arange(len(CLASSES) + 1) - 0.5, len(CLASSES))
    axes.imshow(image, origin="lower", extent=(0, 1, 0, 1), cmap=colours, norm=norm, alpha=0.35)
    axes.set(xlabel="x", ylabel="y", xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    axes.set_aspect("equal")
    _bare(axes)


def predictions(net: Network, encoding: Encoding, places: NDArray[np.float64]) -> NDArray[np.integer[Any]]:
    """The class of each point ``(points, 2)``, -1 where no output neuron spikes."""
    found: list[NDArray[np.integer[Any]]] = []
    for part in np.array_split(places, max(1, len(places) // 500)):
        classes = net.run(encoding.spikes(part)).predictions()
        if classes is None:
            raise InputError("plot: this network does not classify. Give one whose loss reads first spikes.")
        found.append(classes)
    return np.concatenate(found)


def points(axes: Axes, net: Network, data: Dataset) -> None:
    """The samples in the colour of their label; a cross on each that the network gets wrong."""
    assert data.points is not None
    wrong = net.run(data.spikes, data.labels).predictions() != data.labels
    for label, name in enumerate(CLASSES):
        x, y = data.points[data.labels == label].T
        axes.scatter(x, y, s=5, color=COLOURS[label], linewidths=0, label=name)
    x, y = data.points[wrong].T
    axes.scatter(x, y, s=26, color=INK, marker="x", linewidths=1.1, label="wrong")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=4, frameon=False, fontsize=8)
    axes.set_title(f"{np.count_nonzero(~wrong)} of {len(data)} test samples right", fontsize=10)


def trains(data: Dataset, result: Result) -> dict[str, Train]:
    """The spikes of a result's first sample, by population in the order of the network, inputs first."""
    found: dict[str, Train] = {"input": data.spikes.sample(0)}
    return found | {name: spikes.sample(0) for name, spikes in result.spikes.items()}


def spike_raster(axes: Axes, spikes: Mapping[str, Train], answer: int | None = None) -> None:
    """Spikes over time in milliseconds, a band for each population, from the bottom up in the order given.

    The last population's neurons are drawn in the colours of their classes; a line marks the first spike of
    ``answer``.
    """
    edges = _bands([_size(neurons) for _, neurons in spikes.values()])
    last = len(spikes) - 1
    for band, (times, neurons) in enumerate(spikes.values()):
        pitch = (edges[band + 1] - edges[band]) / _size(neurons)
        axes.eventplot(
            [[1e3 * float(t)] for t in times] or [[]],
            lineoffsets=[edges[band] + (int(n) + 0.5) * pitch for n in neurons] or [0.0],
            linelengths=max(0.8 * pitch, 0.012),
            linewidths=2.2 if band == last else 1.1,
            colors=[COLOURS[n % len(COLOURS)] if band == last else INK for n in neurons] or INK,
        )
        if band == last and answer is not None and np.any(neurons == answer):
            first = 1e3 * float(times[neurons == answer].min())
            axes.axvline(first, color=COLOURS[answer % len(COLOURS)], linewidth=0.9, linestyle=":")
    for edge in edges[1:-1]:
        axes.axhline(edge, color=FAINT, linewidth=0.6)
    axes.set_yticks([(low + high) / 2 for low, high in pairwise(edges)], list(spikes))
    axes.tick_params(axis="y", length=0)
    axes.set(xlabel="time (ms)", ylim=(0, 1))
    axes.set_xlim(left=-0.5)
    _bare(axes)


def _size(neurons: NDArray[np.integer[Any]]) -> int:
    return int(neurons.max()) + 1 if len(neurons) else 1


def _bands(sizes: Sequence[int], least: float = 0.16) -> list[float]:
    """Edges of bands that fill 0 to 1 in proportion to their sizes, none below ``least``."""
    shares = np.maximum(np.array(sizes) / sum(sizes), least)
    large = shares > least
    if large.any():
        shares[large] *= (1.0 - shares[~large].sum()) / shares[large].sum()
    return [0.0, *(float(edge) for edge in np.cumsum(shares / shares.sum()))]


def training_curve(axes: Axes, history: History) -> None:
    """Errors in percent over the epochs, logarithmic, or losses where the network does not classify."""
    epochs = np.arange(1, len(history) + 1)
    if np.isfinite(_numbers(history.column("train_accuracy"))).any():
        for colour, name in ((COLOURS[4], "train"), (COLOURS[5], "validation")):
            error = 100.0 * (1.0 - _numbers(history.column(f"{name}_accuracy")))
            if not np.isnan(error).all():
                axes.plot(epochs, error, color=colour, linewidth=1.4, label=name)
        axes.set_ylabel("error (%)")
    else:
        for colour, name in ((COLOURS[4], "train"), (COLOURS[5], "validation")):
            loss = _numbers(history.column(f"{name}_loss"))
            if not np.isnan(loss).all():
                axes.plot(epochs, loss, color=colour, linewidth=1.4, label=name)
        axes.set_ylabel("loss")
    axes.set_yscale("log")
    if history.best is not None:
        axes.axvline(history.best + 1, color=FAINT, linewidth=1.0, linestyle="--", label="best")
    axes.set(xlabel="epoch")
    axes.set_title("training", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
    _plain_ticks(axes)
    _bare(axes)


def confusion_matrix(axes: Axes, counts: NDArray[np.int64]) -> None:
    """Numbers of samples by label (rows) and prediction (columns); what is wrong stands out in colour."""
    from matplotlib.colors import LinearSegmentedColormap

    wrong = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    colours = LinearSegmentedColormap.from_list("wrong", ["white", COLOURS[5]])
    axes.imshow(wrong, cmap=colours, vmin=0, vmax=max(1, int(wrong.max())))
    for (row, column), count in np.ndenumerate(counts):
        if count:
            axes.text(column, row, str(count), ha="center", va="center", fontsize=7, color=INK)
    axes.set(xlabel="prediction", ylabel="label", xticks=range(len(counts)), yticks=range(len(counts)))
    axes.set_title(f"{np.trace(counts)} of {counts.sum()} test samples right", fontsize=10)
    axes.tick_params(length=0)
    _bare(axes)


def _numbers(column: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in column])


def _plain_ticks(axes: Axes) -> None:
    """1, 2, 5 and 10 instead of powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.yaxis.set_major_locator(LogLocator(10.0, subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _bare(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=8)
