"""The same bits for any number of threads, of any kind; forks; Ctrl-C; the end."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from small_network import labels, layers, spikes

from saltus.errors import ConfigError
from saltus.runtime import threads


def bits(net) -> bytes:
    result = net.run(spikes(13), labels(13))
    gradients = net.gradients(result)
    parts = [result.losses.tobytes(), result.spikes["hidden0"].times.tobytes()]
    return b"".join(parts + [np.ascontiguousarray(gradients[name]).tobytes() for name in net.learnable])


@pytest.mark.parametrize("recurrent", [False, True])
def test_the_bits_do_not_depend_on_threads(recurrent):
    assert len({bits(layers(recurrent, threads=count)) for count in (1, 2, 3, 8, 20)}) == 1


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="needs Linux")
def test_threads_may_run_afterwards_where_they_might_before():
    """One that wakes on its caller's processor leaves it, and keeps no mark of that."""
    may = os.sched_getaffinity(0)
    net = layers(threads=2)
    for _ in range(20):
        bits(net)
    for task in Path("/proc/self/task").iterdir():
        assert os.sched_getaffinity(int(task.name)) == may


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="needs Linux")
def test_a_thread_that_may_run_on_one_processor_alone_stays_there():
    net = layers(threads=2)
    bits(net)
    tasks = (int(task.name) for task in Path("/proc/self/task").iterdir())
    helpers = [task for task in tasks if task != threading.get_native_id()]
    may = {task: os.sched_getaffinity(task) for task in helpers}
    try:
        for processor in os.sched_getaffinity(0):
            for task in helpers:
                os.sched_setaffinity(task, {processor})
            for _ in range(5):
                bits(net)
            assert all(os.sched_getaffinity(task) == {processor} for task in helpers)
    finally:
        for task in helpers:
            os.sched_setaffinity(task, may[task])


def test_python_threads_give_the_same_bits(monkeypatch):
    expected = bits(layers(threads=3))
    monkeypatch.setattr(threads._here, "openmp_lost", True)
    assert bits(layers(threads=3)) == expected


def test_python_threads_have_all_ended_when_one_fails():
    ended = []

    def call(first, last, openmp, place):
        time.sleep(0.05 * first)
        ended.append(first)
        return 7 if first == 0 else 0

    assert threads.Schedule(openmp=False).run(call, 4, 4) == 7
    assert sorted(ended) == [0, 1, 2, 3]


def test_slices_give_the_same_bits(monkeypatch):
    expected = bits(layers(threads=2))
    monkeypatch.setattr(threads, "PATIENCE", -1.0)
    assert bits(layers(threads=2)) == expected


def _in_child(answers) -> None:
    answers.put(bits(layers(threads=4)))


def test_a_fork_after_openmp_ran_does_not_hang():
    expected = bits(layers(threads=4))
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=_in_child, args=(answers,))
    child.start()
    assert answers.get(timeout=60) == expected
    child.join()


def test_the_number_of_threads(monkeypatch):
    monkeypatch.delenv("SALTUS_NUM_THREADS", raising=False)
    assert threads.available() == len(os.sched_getaffinity(0))
    monkeypatch.setenv("SALTUS_NUM_THREADS", "3")
    assert threads.available() == 3
    monkeypatch.setenv("SALTUS_NUM_THREADS", "many")
    with pytest.raises(
        ConfigError, match=r"SALTUS_NUM_THREADS = 'many' is not a number of threads\. Use one"
    ):
        threads.available()


@pytest.mark.slow
def test_ctrl_c_is_heard_in_a_long_run():
    program = """
import signal
import numpy as np, saltus
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are born deaf to Ctrl-C
net = saltus.Network([saltus.Layer("lif", 400, inputs=50, weights=saltus.Normal(2.0, 1.0))], T=2.0, threads=1)
times = np.sort(np.random.default_rng(0).uniform(0, 2, (64, 50, 40)), axis=2)
spikes = saltus.Spikes.from_times([list(sample) for sample in times])
print("ready", flush=True)
while True:
    net.run(spikes)
    print("ran", flush=True)
"""
    command = [sys.executable, "-c", program]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as child:
        assert child.stdout.readline() == "ready\n"
        started = time.perf_counter()
        assert child.stdout.readline() == "ran\n"
        whole = time.perf_counter() - started
        time.sleep(0.1 * whole)
        child.send_signal(signal.SIGINT)
        sent = time.perf_counter()
        child.wait(timeout=60)
        assert time.perf_counter() - sent < max(0.7 * whole, 1.0)
        assert "KeyboardInterrupt" in child.stderr.read()


def test_threads_that_spin_do_not_outlive_their_code():
    """OMP_WAIT_POLICY is the user's to set: the interpreter must end with threads in OpenMP's library."""
    program = """
import saltus
net = saltus.Network([saltus.Layer("lif", 9, inputs=4, weights=2.0)], T=0.06, threads=2)
net.run([[[0.01], [0.02], [], []]] * 4)
"""
    environment = {**os.environ, "OMP_WAIT_POLICY": "active"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)
