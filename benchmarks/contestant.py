"""What a contestant of the benchmark is: a process of its own, in an environment of its own, that steps when
told to.

It is started with the task's file, the size of the batch and the number of threads; it says when it is
ready, then answers each line it reads with the times of one training step (forward and backward) as a line
of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from speech import Speech

Outcome = tuple[float, int]
"""Loss, and number of hidden spikes in the batch."""


def serve(build: Callable[[Speech, int, int], Callable[[], Outcome]]) -> None:
    """Builds the step from (task, batch, threads) and takes it as often as told."""
    path, batch, threads = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    before = _peak()
    step = build(Speech.load(path), batch, threads)
    step()
    _say({"ready": True})
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        loss, spikes = step()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        _say({"wall": wall, "cpu": cpu, "loss": loss, "spikes": spikes, "memory": _peak() - before})


def _peak() -> int:
    """Bytes of memory at the highest, so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)
