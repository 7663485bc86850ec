"""Handwritten digits: each image in one set, every grey value kept in the code, and the task is learned."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import saltus
from saltus.errors import InputError
from saltus.runtime import plot
from saltus.runtime.data import Latency, digits
from saltus.runtime.data.digits import load as images
from saltus.runtime.data.digits import moved
from saltus.runtime.evaluation import confusion
from saltus.runtime.experiment import load, run
from saltus.runtime.progress import quiet

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_each_image_is_in_one_set_and_each_digit_in_the_same_share_of_all():
    parts = digits()
    assert [len(part) for part in parts] == [1078, 360, 359]
    for part, share in zip(parts, (0.6, 0.2, 0.2), strict=True):
        counts = np.bincount(part.labels) / np.bincount(images()[1])
        np.testing.assert_allclose(counts, share, atol=0.01)
    together = np.concatenate([part.points for part in parts])
    assert sorted(map(bytes, together)) == sorted(map(bytes, images()[0]))
    assert digits().test.fingerprint() == parts.test.fingerprint()
    assert digits(seed=1).test.fingerprint() != parts.test.fingerprint()


def test_bright_pixels_spike_early_and_every_grey_value_can_be_told():
    data = digits(encoding=Latency(1e-3, 9e-3)).validation
    times = data.spikes.first()
    np.testing.assert_allclose(16 * (9e-3 - times) / 8e-3, data.points, atol=1e-12)
    assert times[data.points == 16].max() == pytest.approx(1e-3)


def test_copies_are_of_training_images_alone():
    plain, more = digits(), digits(copies=2)
    assert len(more.train) == 3 * len(plain.train)
    assert more.train.take(np.arange(len(plain.train))).fingerprint() == plain.train.fingerprint()
    for name in ("validation", "test"):
        assert getattr(more, name).fingerprint() == getattr(plain, name).fingerprint()
    np.testing.assert_array_equal(more.train.labels, np.tile(plain.train.labels, 3))


def test_without_validation_the_test_set_stays_the_same():
    parts, whole = digits(), digits(shares=(0.8, 0.0, 0.2))
    assert len(whole.validation) == 0
    assert whole.test.fingerprint() == parts.test.fingerprint()
    both = np.concatenate([parts.train.points, parts.validation.points])
    assert sorted(map(bytes, whole.train.points)) == sorted(map(bytes, both))


def test_a_moved_image_has_its_centre_of_mass_moved():
    """An image that does not reach the edge keeps its brightness, and moves by what was drawn."""
    image = np.zeros((1, 8, 8))
    image[0, 3:5, 2:5] = 16.0
    by = np.random.default_rng(3).uniform(-1.0, 1.0, (2, 1, 1, 1)).ravel()
    found = moved(image.reshape(1, 64), 1.0, np.random.default_rng(3)).reshape(8, 8)
    assert found.sum() == pytest.approx(image.sum(), abs=6)  # rounded to whole grey values
    for axis, shift in zip((0, 1), by, strict=True):
        weights = found.sum(axis=1 - axis) / found.sum()
        before = image[0].sum(axis=1 - axis) / image.sum()
        assert (weights - before) @ np.arange(8) == pytest.approx(shift, abs=0.1)
    same = moved(images()[0][:5], 0.0, np.random.default_rng(0))
    np.testing.assert_array_equal(same, images()[0][:5])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: digits(shares=(0.5, 0.5, 0.2)), r"are not a division into three sets. Give positive"),
        (lambda: digits(shares=(0.6, 0.4, 0.0)), "are not a division"),
        (lambda: digits(shares=(1.1, -0.2, 0.1)), "are not a division"),
        (lambda: digits(copies=-1), r"copies = -1 and shift = 0.5 make no copies. Give a number"),
        (lambda: digits(copies=1, shift=2.0), r"shift = 2.0 make no copies"),
        (lambda: Latency(3e-3, 2e-3), r"t_early = 0.003 and t_late = 0.002 do not satisfy"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_without_scikit_learn_the_way_out_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(InputError, match=r'is not installed. Install it with: pip install "saltus\[data\]"'):
        digits()


def test_numbers_of_numpy_are_numbers():
    layer = saltus.Layer("lif", 3, inputs=2)
    assert saltus.Network([layer], T=np.float64(0.02), seed=np.int64(3)).horizon == 0.02


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits_sum.toml", "digits_max.toml"])
def test_the_digits_are_learned(tmp_path, name):
    """Less of everything: five epochs on four versions of the images."""
    changes = {"copies = .*": "copies = 3", "size    = 150": "size    = 100", "epochs = 15 }": "epochs = 5 }"}
    text = (EXAMPLES / name).read_text()
    for before, after in changes.items():
        text, count = re.subn(before, after, text)
        assert count == 1
    (tmp_path / name).write_text(text)
    outcome = run(load(tmp_path / name), epochs=5, progress=quiet)
    assert outcome.test.accuracy > 0.9
    test = digits().test
    counts = confusion(outcome.net, test)
    assert counts.sum() == len(test) and np.trace(counts) == round(outcome.test.accuracy * len(test))
    axes = plot.new_figure(4.0, 4.0).subplots()
    plot.confusion_matrix(axes, counts)
    assert axes.get_title() == f"{np.trace(counts)} of 359 test samples right"
    assert sum(int(text.get_text()) for text in axes.texts) == 359
