"""How many threads, and whose: OpenMP's inside a kernel, or Python's around it.

A process that was forked after OpenMP ran has lost OpenMP's threads, and would wait for them for ever in its
next parallel region. There, and where the compiler has no OpenMP, ranges of chunks go to Python threads;
cffi lets go of the interpreter lock during a call. Chunks are the same in every case, so the bits of the
result are, too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from saltus.errors import ConfigError

PATIENCE = 0.2
"""Seconds; a call that took longer last time is cut into ranges, so that Ctrl-C is heard in between."""

Call = Callable[[int, int, int, int], int]
"""(first chunk, last chunk, OpenMP threads, first place of workspace) to a status code, 0 for success."""


@dataclass
class _Process:
    """What this process knows about itself; a child gets a new one."""

    openmp_lost: bool = False
    pool: ThreadPoolExecutor | None = None


_here = _Process()


def available() -> int:
    """``SALTUS_NUM_THREADS``, or the number of cores that this process may use.

    Raises:
        ConfigError: if the variable is not a positive number.
    """
    wish = os.environ.get("SALTUS_NUM_THREADS", "")
    if not wish:
        return len(os.sched_getaffinity(0))
    if not wish.isdecimal() or int(wish) < 1:
        raise ConfigError(f"SALTUS_NUM_THREADS = {wish!r} is not a number of threads. Use one such as 4.")
    return int(wish)


@dataclass
class Schedule:
    """Runs a kernel over chunks and remembers how long it took."""

    openmp: bool
    seconds: float = 0.0

    def run(self, call: Call, chunks: int, threads: int) -> int:
        """Calls ``call`` for all chunks; returns the first status that is not 0."""
        started = time.perf_counter()
        step = chunks if self.seconds < PATIENCE else threads
        code = 0
        for first in range(0, chunks, max(step, 1)):  # there may be none, so no step
            code = self._range(call, first, min(first + step, chunks), threads)
            if code:
                break
        self.seconds = time.perf_counter() - started
        return code

    def _range(self, call: Call, first: int, last: int, threads: int) -> int:
        if threads == 1 or last - first == 1:
            return call(first, last, 1, 0)
        if self.openmp and not _here.openmp_lost:
            return call(first, last, threads, 0)
        count = min(threads, last - first)
        bounds = [first + (last - first) * i // count for i in range(count + 1)]
        jobs = [_pool().submit(call, bounds[i], bounds[i + 1], 1, i) for i in range(count)]
        try:
            return next((code for job in jobs if (code := job.result())), 0)
        finally:
            wait(jobs)  # after a failure or Ctrl-C, too: they write into memory that is used again


def _pool() -> ThreadPoolExecutor:
    if _here.pool is None:
        _here.pool = ThreadPoolExecutor(available(), thread_name_prefix="saltus")
    return _here.pool


def _forked() -> None:
    global _here  # noqa: PLW0603  the one place where a process learns that it is another
    _here = _Process(openmp_lost=True)  # whoever started OpenMP's threads in the parent


os.register_at_fork(after_in_child=_forked)
