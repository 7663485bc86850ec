"""The Yin-Yang task is the one of Kriener et al. (2021), point by point."""

import math

import numpy as np
import pytest

from saltus.errors import InputError
from saltus.runtime.data import (
    CLASSES,
    Dataset,
    Encoding,
    classify,
    load_dataset,
    sample,
    save_dataset,
    yin_yang,
)
from saltus.runtime.data.yin_yang import inside
from saltus.runtime.spikes import Spikes


def original_class(x, y, r_small=0.1, r_big=0.5):
    """The rule as published with the paper, in scalars, without numpy."""
    right = math.hypot(x - 1.5 * r_big, y - r_big)
    left = math.hypot(x - 0.5 * r_big, y - r_big)
    if right < r_small or left < r_small:
        return 2
    first = right <= r_small
    second = r_small < left <= 0.5 * r_big
    third = y > r_big and right > 0.5 * r_big
    return int(first or second or third)


def test_classes_are_those_of_the_original():
    points = np.random.default_rng(0).random((2000, 2))
    assert classify(points).tolist() == [original_class(x, y) for x, y in points]
    assert CLASSES == ("yin", "yang", "dot")


def test_half_a_turn_exchanges_yin_and_yang():
    """The figure is point-symmetric; only its borders are not."""
    points, labels = sample(3000, 5)
    turned = classify(1.0 - points)
    assert np.array_equal(turned, np.array([1, 0, 2])[labels])


def test_samples_lie_in_the_disc_with_their_class_and_balanced():
    points, labels = sample(6000, 1)
    assert inside(points).all()
    assert np.array_equal(classify(points), labels)
    shares = np.bincount(labels, minlength=3) / len(labels)
    np.testing.assert_allclose(shares, 1 / 3, atol=0.03)


def test_a_class_fills_its_area_evenly():
    """Rejection sampling is uniform within a class: a quarter of a dot within half its radius."""
    points, labels = sample(20000, 2)
    dots = points[labels == 2]
    nearest = np.minimum(
        np.hypot(dots[:, 0] - 0.25, dots[:, 1] - 0.5), np.hypot(dots[:, 0] - 0.75, dots[:, 1] - 0.5)
    )
    assert np.mean(nearest < 0.05) == pytest.approx(0.25, abs=0.02)
    assert np.mean(dots[:, 0] < 0.5) == pytest.approx(0.5, abs=0.02)


def test_sizes_seeds_and_repeatability():
    train, validation, test = yin_yang()
    assert (len(train), len(validation), len(test)) == (5000, 1000, 1000)
    again = yin_yang()
    assert train.fingerprint() == again.train.fingerprint()
    assert len({part.fingerprint() for part in again}) == 3
    assert yin_yang(seeds=(1, 2, 3)).train.fingerprint() != train.fingerprint()


def test_coordinates_become_spike_times():
    encoding = Encoding(t_early=2e-3, t_late=12e-3, t_bias=1e-3)
    data = yin_yang((20, 1, 1), encoding=encoding).train
    for b, (x, y) in enumerate(data.points):
        times, neurons = data.spikes.sample(b)
        assert np.all(np.diff(times) >= 0)
        expected = [2e-3 + 10e-3 * v for v in (x, y, 1 - x, 1 - y)] + [1e-3]
        np.testing.assert_allclose(times, np.array(expected)[neurons], rtol=0, atol=1e-17)
        assert sorted(neurons) == [0, 1, 2, 3, 4]


def test_take_keeps_samples_together():
    data = yin_yang((20, 1, 1)).train
    part = data.take(np.array([7, 3]))
    assert len(part) == 2
    assert np.array_equal(part.points, data.points[[7, 3]])
    assert np.array_equal(part.labels, data.labels[[7, 3]])
    assert np.array_equal(part.spikes.sample(1)[0], data.spikes.sample(3)[0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Encoding(t_early=3e-2, t_late=1e-2),
            r"do not satisfy 0 <= t_early < t_late. Give times in seconds",
        ),
        (lambda: Encoding(t_early=-1.0), r"do not satisfy"),
        (lambda: Encoding(t_bias=-1e-3), r"t_bias = -0.001 is not a time. Give seconds"),
        (
            lambda: yin_yang(seeds=(1, 2, 1)),
            r"seeds \(1, 2, 1\) repeat, so two sets would share points. Give three",
        ),
        (lambda: sample(0, 1), r"a set of 0 samples is empty. Ask for at least one"),
    ],
)
def test_wrong_arguments_say_what_is_right(make, message):
    with pytest.raises(InputError, match=message):
        make()


def spikes(samples):
    return Spikes.from_times(np.zeros((samples, 1)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dataset(spikes(2), np.array([0])), r"2 samples of spikes but 1 labels. Give one of each"),
        (lambda: Dataset(spikes(2), np.array([0, 1]), np.zeros((3, 2))), r"2 samples of spikes but 3 points"),
        (
            lambda: Dataset(spikes(2), np.array([0.0, 1.0])),
            r"type float64 are not classes. Give one whole number",
        ),
        (lambda: Dataset(spikes(2), np.array([0, -1])), r"are not classes"),
        (lambda: Dataset(spikes(2), np.array([[0, 1]])), r"labels of shape \(1, 2\)"),
    ],
)
def test_a_data_set_checks_its_parts(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_data_set_goes_through_a_file(tmp_path):
    data = yin_yang((20, 1, 1)).train
    save_dataset(tmp_path / "train.npz", data)
    again = load_dataset(tmp_path / "train.npz")
    assert again.fingerprint() == data.fingerprint() and again.spikes.size == 5
    assert np.array_equal(again.points, data.points)


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    data = Dataset(spikes(2), np.array([0, 1]))
    with pytest.raises(InputError, match=r"gone/train.npz cannot be written: No such file.* Choose"):
        save_dataset(tmp_path / "gone" / "train.npz", data)


def test_a_label_that_no_class_can_have_is_refused():
    with pytest.raises(InputError, match=r"the label 1099511627776 is no class\. Count classes from 0"):
        Dataset(spikes(2), np.array([0, 2**40]))


def test_a_file_without_points_has_none(tmp_path):
    save_dataset(tmp_path / "a.npz", Dataset(spikes(2), np.array([0, 1])))
    assert load_dataset(tmp_path / "a.npz").points is None


def arrays(**changes):
    whole = {"times": [1.0, 2.0], "neurons": [0, 1], "start": [0, 1, 2], "size": 2, "labels": [0, 1]}
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (arrays(labels=None), r"a.npz: there is no array 'labels'. It needs times"),
        (arrays(times=[-1.0, 2.0]), r"a.npz: spikes, sample 0, neuron 0: the spike at t = -1 s is negative"),
        (arrays(labels=[0, 1, 2]), r"a.npz: data set: 2 samples of spikes but 3 labels"),
    ],
)
def test_a_wrong_file_names_itself_and_the_place(tmp_path, content, message):
    np.savez(tmp_path / "a.npz", **content)
    with pytest.raises(InputError, match=message):
        load_dataset(tmp_path / "a.npz")


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / "a.npz").write_text("hello")
    with pytest.raises(
        InputError, match=r"no data set can be read here .*Give a file that save_dataset wrote"
    ):
        load_dataset(tmp_path / "a.npz")
    with pytest.raises(InputError, match=r"No such file"):
        load_dataset(tmp_path / "b.npz")
