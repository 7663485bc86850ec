"""Comparing the gradient with differences: right where it is, and caught where it is wrong."""

import numpy as np
import pytest
from small_network import labels, layers, spikes

from saltus.errors import InputError
from saltus.runtime import gradients


@pytest.mark.parametrize("recurrent", [False, True])
def test_the_gradient_is_right(recurrent):
    net = layers(recurrent)
    before = {name: value.copy() for name, value in net.all_parameters().items()}
    check = net.check_gradient(spikes(), labels(), [*net.all_parameters(), "input_times"], eps=1e-6)
    assert check.error < 2e-5, str(check)
    assert all(found.compared for found in check.arrays.values())
    for name, value in net.all_parameters().items():
        np.testing.assert_array_equal(value, before[name], err_msg="the parameters are as before")


def test_a_wrong_gradient_is_caught(monkeypatch):
    net = layers()
    exact = gradients.gradients

    def wrong(*arguments):
        found = exact(*arguments)
        found["input_hidden0.weights"][1, 2] *= 1.01
        return found

    monkeypatch.setattr("saltus.runtime.network.gradients", wrong)
    check = net.check_gradient(spikes(), labels(), ["input_hidden0.weights"], eps=1e-6)
    assert 0.005 < check.error < 0.015
    assert check.arrays["input_hidden0.weights"].entry == (1, 2)


def test_the_report_is_a_table():
    check = layers().check_gradient(spikes(), labels(), ["hidden0.theta"], eps=1e-6)
    lines = str(check).splitlines()
    assert lines[0].split() == ["array", "entries", "left", "out", "worst", "relative", "error"]
    assert lines[1].startswith("hidden0.theta")


def test_differences_over_which_a_spike_appears_are_left_out():
    check = layers().check_gradient(spikes(), labels(), ["input_hidden0.weights"], eps=0.1)
    assert check.left_out > 0


def test_at_most_so_many_entries():
    check = layers().check_gradient(spikes(), labels(), ["input_hidden0.weights"], entries=5)
    found = check.arrays["input_hidden0.weights"]
    assert found.compared + found.left_out == 5


def test_without_a_loss_there_is_nothing_to_check():
    with pytest.raises(
        InputError, match=r"there is no loss to differentiate\. Give the network a loss, and labels"
    ):
        layers().check_gradient(spikes())
