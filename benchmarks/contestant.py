"""What a contestant of the benchmark is: a process of its own, in an environment of its own, that steps when
told to.

It is started with the task's file, the size of the batch and the number of threads; it says when it is
ready, then answers each line it reads with the times of a training step (forward and backward) as a line of
JSON. Short steps are taken several times in a row, as in training, and the mean is told. At the end it leaves
the gradient of the input weights in a file beside the task's, named by its process.
"""

from __future__ import annotations

import json
import math
import os
import re
import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Task = TypeVar("Task")
TURN = 0.1
"""Seconds that a turn takes at least."""


class Outcome(NamedTuple):
    """Of a step: loss, number of hidden spikes in the batch, gradient of the input weights (pre, post)."""

    loss: float
    spikes: int
    gradient: NDArray[Any]


def serve(
    load: Callable[[Path], Task], build: Callable[[Task, int, int], Callable[[], Outcome]], *packages: str
) -> None:
    """Builds the step from (task, batch, threads) and takes it as often as told; says what it runs on."""
    path, batch, threads = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    before = _peak()
    step = build(load(path), batch, threads)
    step()  # whatever is done once
    start = time.perf_counter()
    outcome = step()
    often = math.ceil(TURN / (time.perf_counter() - start))
    _say({"versions": {name: version(name) for name in packages}})
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(often):
            outcome = step()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        found = {"loss": outcome.loss, "spikes": outcome.spikes, "memory": _peak() - before}
        _say({"wall": wall / often, "cpu": cpu / often, **found})
    np.save(path.with_name(f"{os.getpid()}.npy"), outcome.gradient)


def _peak() -> int:
    """Bytes of memory at the highest, so far; what getrusage tells of a new process is its parent's."""
    try:
        found = re.search(r"^VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    except OSError:
        found = None
    kilobytes = int(found.group(1)) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes * 1024


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)
