"""Spikes in every accepted form, and a message for every mistake."""

import numpy as np
import pytest

from saltus.errors import InputError
from saltus.runtime.spikes import Spikes, as_spikes, check_horizon


def test_three_forms_are_the_same_spikes():
    nested = Spikes.from_times([[[0.1, 0.3], [0.2]], [[], [0.4]]])
    pairs = Spikes.from_pairs([[[0, 0.3], [1, 0.2], [0, 0.1]], [[1, 0.4]]], size=2)
    events = Spikes.from_events([([0.1, 0.2, 0.3], [0, 1, 0]), ([0.4], [1])], size=2)
    for spikes in (pairs, events):
        for name in ("times", "neurons", "start"):
            np.testing.assert_array_equal(getattr(spikes, name), getattr(nested, name))
    assert nested.start.tolist() == [0, 3, 4]


def test_an_array_is_one_spike_for_each_neuron():
    spikes = Spikes.from_times(np.array([[0.3, 0.1], [0.2, 0.2]]))
    assert spikes.times.tolist() == [0.1, 0.3, 0.2, 0.2]
    assert spikes.neurons.tolist() == [1, 0, 0, 1]
    assert spikes.to_times()[0] == [0.3, 0.1]


def test_values_go_back_in_the_form_of_the_input():
    nested = Spikes.from_times([[[0.1, 0.3], [0.2]], [[], [0.4]]])
    back = nested.arrange(np.array([1.0, 2.0, 3.0, 4.0]))
    assert [[train.tolist() for train in sample] for sample in back] == [[[1.0, 3.0], [2.0]], [[], [4.0]]]
    pairs = Spikes.from_pairs([[[0, 0.3], [1, 0.2], [0, 0.1]], [[1, 0.4]]], size=2)
    assert [part.tolist() for part in pairs.arrange(np.array([1.0, 2.0, 3.0, 4.0]))] == [
        [3.0, 2.0, 1.0],
        [4.0],
    ]


def test_values_of_an_array_are_an_array():
    times = np.array([[0.3, 0.1, 0.2], [0.2, 0.2, 0.1]])
    spikes = Spikes.from_times(times)
    back = spikes.arrange(10.0 * spikes.times)
    assert isinstance(back, np.ndarray)
    np.testing.assert_array_equal(back, 10.0 * times)


def test_first_and_kth_spikes():
    spikes = Spikes.from_times([[[0.1, 0.3], [0.2], []]])
    assert spikes.first().tolist() == [[0.1, 0.2, np.inf]]
    assert spikes.first(1).tolist() == [[0.3, np.inf, np.inf]]
    assert spikes.counts().tolist() == [[2, 1, 0]]


def test_taking_samples_keeps_their_order():
    spikes = Spikes.from_times([[[0.1], [0.2]], [[], []], [[0.3], []]])
    taken = spikes.take([2, 1, 0, 0])
    assert taken.times.tolist() == [0.3, 0.1, 0.2, 0.1, 0.2]
    assert taken.start.tolist() == [0, 1, 1, 3, 5]


def test_no_samples_and_no_spikes():
    assert len(Spikes.from_times([])) == 0
    assert Spikes.from_times([[[], []]]).first().tolist() == [[np.inf, np.inf]]
    assert len(Spikes.from_pairs([[]], size=3)) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Spikes.from_times([[[0.1], [np.nan]]]),
            r"sample 0, neuron 1: the spike at t = nan s is not finite\. Leave",
        ),
        (
            lambda: Spikes.from_times([[[-0.1]]]),
            r"neuron 0: the spike at t = -0.1 s is negative\. Time starts at 0",
        ),
        (
            lambda: Spikes.from_times([[[0.2, 0.1]]]),
            r"neuron 0: the times are not in ascending order\. Sort them",
        ),
        (
            lambda: Spikes.from_times([[[0.2]], [[], []]]),
            r"sample 1: 2 neurons where sample 0 has 1\. Give a list",
        ),
        (lambda: Spikes.from_times(np.zeros((2, 2, 2))), r"shape \(2, 2, 2\) is not one time .* Give shape"),
        (
            lambda: Spikes.from_pairs([[[2, 0.1]]], size=2),
            r"is of a neuron outside 0 \.\.\. 1\. Check the size",
        ),
        (lambda: Spikes.from_pairs([[[0.5, 0.1]]], size=2), r"sample 0: 0\.5 is not a neuron\. Give pairs"),
        (
            lambda: Spikes.from_pairs([[0.1, 0.2, 0.3]], size=2),
            r"sample 0: shape \(3,\) is not a list of pairs\. Give",
        ),
        (
            lambda: Spikes.from_events([([0.2, 0.1], [0, 0])], size=1),
            r"comes before the spike in front of it\. Sort",
        ),
        (
            lambda: Spikes.from_events([([0.2, 0.1], [0])], size=1),
            r"sample 0: times of shape \(2,\) .* Give one time",
        ),
        (
            lambda: Spikes.from_events([([0.2], [0.0])], size=1),
            r"type float64 are not whole numbers\. Give integers",
        ),
        (
            lambda: Spikes(np.ones(2), np.zeros(2, int), np.array([0, 1]), 1),
            r"start does not divide 2 spikes .* It must",
        ),
        (
            lambda: Spikes(np.ones(2), np.zeros(3, int), np.array([0, 2]), 1),
            r"do not belong together\. Give one",
        ),
        (
            lambda: as_spikes([[[0.1]]], 3, "in"),
            r"spikes of 'in': 1 neurons where the network has 3\. .*from_pairs",
        ),
        (lambda: as_spikes(7, 3, "in"), r"int is none of the accepted forms\. Give saltus\.Spikes"),
        (
            lambda: check_horizon(Spikes.from_times([[[0.1], [0.3]]]), 0.2, "in"),
            r"neuron 1: .* beyond the end, T = 0.2 s\. Raise T",
        ),
        (lambda: Spikes.from_times([0.1, 0.2]), r"a list of numbers is no list of samples\. Give samples"),
        (
            lambda: Spikes.from_times([[[0.1], ["soon"]]]),
            r"sample 0, neuron 1: these are not times\. Give numbers",
        ),
        (lambda: Spikes.from_times(np.ones((2, 2), bool)), r"these are not times\. Give numbers"),
        (lambda: Spikes.from_times(np.ones((2, 2)) * 1j), r"these are not times\. Give numbers"),
        (
            lambda: Spikes.from_times(np.ma.masked_array([[0.1, 0.2]], [[False, True]])),
            r"a masked array hides spikes\. Give",
        ),
        (
            lambda: Spikes.from_pairs([[[2**40, 0.1]]], size=2),
            r"sample 0: 1\.09951e\+12 is not a neuron\. Give pairs",
        ),
        (
            lambda: Spikes.from_events([([0.1], [0], [1.0])], size=1),
            r"sample 0: not \(times, neurons\)\. Give two arrays",
        ),
        (
            lambda: Spikes.from_events([([0.1], [2**40])], size=2),
            r"hold a number beyond 2147483647\. Count from 0",
        ),
        (
            lambda: Spikes.from_times([[[0.1]]]).take([1]),
            r"sample 1 is taken where there are 1\. Count from 0",
        ),
        (lambda: Spikes.from_times([[[0.1]]]).take([0.5]), r"taken by a list of their numbers\. Give whole"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(make, message):
    with pytest.raises(InputError, match=message):
        make()
