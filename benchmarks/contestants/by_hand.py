"""A kernel written by hand for this one network: see hand_written/. The kernel's letter comes after the
others."""

from __future__ import annotations

import ctypes
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from contestant import Outcome, serve
from speech import CLASSES, HIDDEN, INPUTS, Speech

FOLDER = Path(__file__).parent.parent / "hand_written"
FLAGS = "-std=gnu11 -O3 -march=native -mprefer-vector-width=512 -fno-math-errno -shared -fPIC"
EXTRA = {"a": "-ffast-math -fno-tree-slp-vectorize", "c": "", "d": "-DBF32=1"}
"""A: clock of 1 ms, float32. C: exact, float64. D: exact, inputs on a grid of 1 ms, adjoint in float32."""
GRADIENT = {"a": np.float32, "c": np.float64, "d": np.float32}


def build(task: Speech, batch: int, threads: int) -> Callable[[], Outcome]:
    """Compiles the kernel and gives it the task; it knows one thread only."""
    letter = sys.argv[4]
    library = compiled(letter)
    held: list[Any] = []

    def pointer(values: Any, kind: type) -> Any:
        held.append(np.ascontiguousarray(values, dtype=kind))
        return held[-1].ctypes.data_as(ctypes.c_void_p)

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
    gradient = aligned[offset:].ctypes.data_as(ctypes.c_void_p)
    spikes = ctypes.c_long()

    def step() -> Outcome:
        loss = library.speech_step(ctypes.c_int(batch), gradient, ctypes.byref(spikes))
        return float(loss), spikes.value

    assert held and CLASSES
    return step


def compiled(letter: str) -> ctypes.CDLL:
    """The kernel as a library, built in a folder that the process keeps."""
    folder = tempfile.mkdtemp(prefix="yardstick-")
    library = Path(folder) / f"kernel_{letter}.so"
    command = [*shlex.split(os.environ.get("CC", "cc")), *FLAGS.split(), *EXTRA[letter].split()]
    subprocess.run([*command, str(FOLDER / f"kernel_{letter}.c"), "-o", str(library), "-lm"], check=True)
    return ctypes.CDLL(str(library))


if __name__ == "__main__":
    serve(build)
