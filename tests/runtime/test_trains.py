"""Merging trains and finding k-th spikes, against loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saltus.runtime.spikes import Spikes, pack
from saltus.runtime.trains import Train, merge

SIZE = 3
SAMPLES = st.lists(
    st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.2, 0.3]), st.integers(0, SIZE - 1)), max_size=6),
    min_size=2,
    max_size=2,
)


def slab(spikes: Spikes, capacity: int) -> Train:
    """The same spikes with gaps, as a kernel writes them."""
    time = np.full(len(spikes) * capacity, np.nan)
    row = np.full(len(spikes) * capacity, -7, dtype=np.int32)
    for b in range(len(spikes)):
        times, neurons = spikes.sample(b)
        time[b * capacity : b * capacity + len(times)] = times
        row[b * capacity : b * capacity + len(times)] = neurons
    return Train(time, row, capacity * np.arange(len(spikes)), np.diff(spikes.start).astype(np.int32))


def packed(samples) -> Spikes:
    return Spikes.from_pairs([[[n, t] for t, n in sample] for sample in samples], SIZE)


@settings(max_examples=100, deadline=None)
@given(SAMPLES, SAMPLES)
def test_a_merge_is_all_events_by_time_then_row(first, second):
    trains = [slab(packed(first), 8), packed(second).as_train]
    train, places = merge(trains, [0, SIZE], 2)
    for b in range(2):
        part = slice(train.start[b], train.start[b] + train.count[b])
        events = list(zip(train.time[part].tolist(), train.row[part].tolist(), strict=True))
        assert events == sorted([(t, n) for t, n in first[b]] + [(t, n + SIZE) for t, n in second[b]])
    for source, place, shift in zip(trains, places, (0, SIZE), strict=True):
        np.testing.assert_array_equal(train.time[place], source.time[source.cells.at])
        np.testing.assert_array_equal(train.row[place], source.row[source.cells.at] + shift)


@settings(max_examples=100, deadline=None)
@given(SAMPLES, st.integers(0, 3))
def test_kth_spikes_are_those_of_a_loop(samples, k):
    spikes = packed(samples)
    for train in (slab(spikes, 7), spikes.as_train):
        time, at = train.kth(k, SIZE)
        for b in range(2):
            for n in range(SIZE):
                times = spikes.train(b, n)
                if len(times) > k:
                    assert train.time[at[b, n]] == time[b, n] == times[k]
                else:
                    assert at[b, n] == -1 and np.isinf(time[b, n])


def test_packing_removes_the_gaps():
    spikes = packed([[(0.1, 0), (0.2, 2)], [(0.3, 1)]])
    again = pack(slab(spikes, 5), SIZE)
    for name in ("times", "neurons", "start"):
        np.testing.assert_array_equal(getattr(again, name), getattr(spikes, name))


@pytest.mark.parametrize("trains", [[], [slab(packed([[], []]), 0)]])
def test_nothing_merges_to_nothing(trains):
    train, _ = merge(trains, [0] * len(trains), 2)
    assert train.count.tolist() == [0, 0]
