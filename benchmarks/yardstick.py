"""Kernels written by hand: built with the compiler at hand; that of the Yin-Yang task, called from Python."""

from __future__ import annotations

import atexit
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from cffi import FFI
from numpy.typing import NDArray
from points import HIDDEN, INPUTS, OUTPUTS, Points

FOLDER = Path(__file__).parent / "hand_written"
FLAGS = "-std=gnu11 -O3 -march=native -mprefer-vector-width=512 -fno-math-errno -shared -fPIC"
_DECLARATIONS = """
void yardstick_setup(int samples, double *w1, double *w2, double *times, int *labels);
double yardstick_step(int batch, double *g1, double *g2, long *spikes);
"""


def compiled(name: str, *flags: str) -> Path:
    """A hand-written kernel as a library, in a folder that lasts as long as the process."""
    folder = tempfile.mkdtemp(prefix="yardstick-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    library = Path(folder) / f"{name}.so"
    command = [*shlex.split(os.environ.get("CC", "cc")), *FLAGS.split(), *flags]
    subprocess.run([*command, str(FOLDER / f"{name}.c"), "-o", str(library), "-lm"], check=True)
    return library


class Yardstick:
    """The kernel of the Yin-Yang task, for its usual time constants.

    Raises:
        RuntimeError: on a machine without AVX-512.
    """

    def __init__(self, task: Points) -> None:
        if not has_avx512():
            raise RuntimeError("The hand-written kernel needs AVX-512, which this machine lacks.")
        self._ffi = FFI()
        self._ffi.cdef(_DECLARATIONS)
        self._lib = self._ffi.dlopen(str(compiled("kernel_b")))
        given = task.weights_1, task.weights_2, np.ascontiguousarray(task.times * 1e3), task.labels
        self._lib.yardstick_setup(len(task.labels), *(self._pointer(array) for array in given))
        self.gradient_1 = np.zeros((INPUTS, HIDDEN))
        self.gradient_2 = np.zeros((HIDDEN, OUTPUTS))
        self.spikes = np.zeros(2, np.int64)
        self._out = [self._pointer(a) for a in (self.gradient_1, self.gradient_2, self.spikes)]

    def step(self, batch: int) -> float:
        """Forward and backward over the first ``batch`` samples: the loss; gradients are attributes."""
        return float(self._lib.yardstick_step(batch, *self._out))

    def _pointer(self, array: NDArray[Any]) -> Any:
        kind = {"float64": "double *", "int32": "int *", "int64": "long *"}[array.dtype.name]
        return self._ffi.cast(kind, array.ctypes.data)


def has_avx512() -> bool:
    try:
        features = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return platform.machine() == "x86_64" and "avx512dq" in features and "avx512vl" in features


def processor() -> str:
    """Its name, as far as it is known."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
