"""Plots: what is drawn is what was given; nothing needs a display; a missing matplotlib is said plainly."""

import subprocess
import sys

import numpy as np
import pytest

import saltus
from saltus.errors import InputError
from saltus.runtime import plot
from saltus.runtime.data import Dataset, Encoding, yin_yang
from saltus.runtime.history import Epoch, History


def network(seed=0):
    return saltus.Network(
        [
            saltus.Layer("lif", 16, inputs=5, weights=saltus.Normal(2.2, 1.0)),
            saltus.Layer("lif", 3, weights=saltus.Normal(1.2, 0.3)),
        ],
        T=60e-3,
        seed=seed,
        loss=saltus.loss("first_spike_cross_entropy", missing="skip"),
    )


def history(*accuracies, validation=True):
    found = History()
    for number, accuracy in enumerate(accuracies, start=1):
        found = found.with_epoch(
            Epoch(
                epoch=number,
                train_loss=1.0 / number,
                train_accuracy=accuracy,
                validation_loss=1.0 / number if validation else None,
                validation_accuracy=accuracy if validation else None,
                missing=0,
                silent=0,
                boosted=0,
                clipped=0,
                rate=1.0,
                seconds=0.1,
            )
        )
    return found


def test_the_figure_has_regions_raster_and_curve_and_is_saved(tmp_path):
    test = yin_yang((1, 1, 40)).test
    net = network()
    figure = plot.yin_yang_figure(net, history(0.5, 0.9, 0.8), test, title="a title")
    regions, raster, curve = figure.axes
    right = int(np.count_nonzero(net.run(test.spikes).predictions() == test.labels))
    assert regions.get_title() == f"{right} of 40 test samples right"
    image = regions.images[0].get_array()
    assert set(np.unique(image.compressed())) <= {0.0, 1.0, 2.0} and image.mask[0, 0]
    assert [label.get_text() for label in raster.get_yticklabels()] == ["input", "hidden0", "output"]
    np.testing.assert_allclose(curve.lines[0].get_ydata(), [50.0, 10.0, 20.0])
    assert curve.lines[-1].get_xdata()[0] == 2  # the best epoch
    path = tmp_path / "new" / "figure.png"
    plot.save_figure(figure, path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_regions_agree_with_the_network():
    net, encoding = network(1), Encoding()
    places = np.array([[0.5, 0.5], [0.25, 0.5], [0.9, 0.4]])
    expected = net.run(encoding.spikes(places)).predictions()
    assert np.array_equal(plot.predictions(net, encoding, places), expected)


def test_the_raster_draws_every_spike():
    figure = plot.new_figure(4, 3)
    axes = figure.subplots()
    trains = {
        "input": (np.array([0.0, 5e-3]), np.array([0, 1])),
        "hidden": (np.array([], dtype=float), np.array([], dtype=int)),
        "output": (np.array([10e-3, 20e-3]), np.array([1, 0])),
    }
    plot.spike_raster(axes, trains, answer=0)
    drawn = sorted(segment[0][0] for line in axes.collections for segment in line.get_segments())
    np.testing.assert_allclose(drawn, [0.0, 5.0, 10.0, 20.0])
    marks = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == ":"]
    assert marks == [pytest.approx(20.0)]  # the answer's first spike


@pytest.mark.parametrize(("column", "accuracies"), [("error (%)", (0.5, 0.7)), ("loss", (None, None))])
def test_the_curve_shows_errors_or_losses(column, accuracies):
    axes = plot.new_figure(4, 3).subplots()
    plot.training_curve(axes, history(*accuracies, validation=accuracies[0] is not None))
    assert axes.get_ylabel() == column and len(axes.lines[0].get_ydata()) == 2


def test_no_display_is_needed_and_pyplot_is_not_loaded():
    use = "from saltus.runtime import plot; plot.new_figure(1, 1)"
    code = f"import sys; {use}; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PATH": ""}
    )
    assert done.stdout == "False\n"


def test_a_missing_matplotlib_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(
        InputError, match=r'matplotlib is not installed. Install it with: pip install "saltus\[plot\]"'
    ):
        plot.new_figure(1, 1)


def test_a_data_set_without_points_cannot_be_drawn():
    test = yin_yang((1, 1, 2)).test
    with pytest.raises(InputError, match=r"no points to draw. Use one that yin_yang\(\) made"):
        plot.yin_yang_figure(network(), history(0.5), Dataset(test.spikes, test.labels))


@pytest.mark.parametrize("name", ["figure.txt", "file/figure.png"])
def test_a_path_that_cannot_be_written_is_named(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be written: .*Choose a path that ends in .png"):
        plot.save_figure(plot.new_figure(1, 1), tmp_path / name)
