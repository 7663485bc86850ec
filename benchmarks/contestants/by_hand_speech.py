"""A kernel written by hand for the recurrent task: see hand_written/. The kernel's letter comes after the
others."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from contestant import Outcome, serve
from speech import HIDDEN, INPUTS, Speech
from yardstick import compiled

EXTRA = {"a": ("-ffast-math", "-fno-tree-slp-vectorize"), "c": (), "d": ("-DBF32=1",)}
"""A: clock of 1 ms, float32. C: exact, float64. D: exact, inputs on a grid of 1 ms, adjoint in float32."""
GRADIENT = {"a": np.float32, "c": np.float64, "d": np.float32}


def build(task: Speech, batch: int, threads: int) -> Callable[[], Outcome]:
    """Compiles the kernel and gives it the task; it knows one thread only."""
    letter = sys.argv[4]
    library = ctypes.CDLL(str(compiled(f"kernel_{letter}", *EXTRA[letter])))

    def pointer(
        values: Any, kind: type
    ) -> Any:  # it keeps its array alive; the kernel copies what it is given
        return np.ascontiguousarray(values, dtype=kind).ctypes.data_as(ctypes.c_void_p)

    library.speech_step.restype = ctypes.c_double
    start = np.arange(batch + 1) * task.times.shape[1]
    library.speech_setup(
        ctypes.c_int(batch),
        pointer(task.w_in, np.float32),
        pointer(task.w_rec, np.float32),
        pointer(task.w_out, np.float32),
        pointer(task.times[:batch] * 1e3, np.float64),
        pointer(task.channels[:batch], np.int32),
        pointer(start, np.int32),
        pointer(task.labels[:batch], np.int32),
    )
    aligned = np.zeros((INPUTS + HIDDEN) * HIDDEN + 16, GRADIENT[letter])
    offset = -aligned.ctypes.data % 64 // aligned.itemsize
    gradient = aligned[offset:][: INPUTS * HIDDEN].reshape(INPUTS, HIDDEN)
    there = aligned[offset:].ctypes.data_as(ctypes.c_void_p)
    spikes = ctypes.c_long()

    def step() -> Outcome:
        loss = library.speech_step(ctypes.c_int(batch), there, ctypes.byref(spikes))
        return Outcome(float(loss), spikes.value, gradient)

    return step


if __name__ == "__main__":
    serve(Speech.load, build)
