"""The hand-written kernel: built with the compiler at hand, loaded, and called from Python."""

from __future__ import annotations

import atexit
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cffi import FFI
from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "hand_written"
INPUTS, HIDDEN, OUTPUTS = 5, 120, 3
FLAGS = "-std=gnu11 -O3 -march=native -mprefer-vector-width=512 -fno-math-errno -shared -fPIC"
_DECLARATIONS = """
void yardstick_setup(int samples);
void yardstick_data(double *w1, double *w2, double *times, int *channels, int *labels);
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


@dataclass(frozen=True)
class Task:
    """The network and the data of the yardstick; times in seconds.

    weights_1: (5, 120), weights_2: (120, 3), presynaptic first; times: (samples, 5), ascending, of the inputs
    ``channels``; labels: (samples,).
    """

    weights_1: NDArray[np.float64]
    weights_2: NDArray[np.float64]
    times: NDArray[np.float64]
    channels: NDArray[np.int32]
    labels: NDArray[np.int32]

    @property
    def input_times(self) -> NDArray[np.float64]:
        """(samples, 5): the one spike time of each input."""
        times = np.empty_like(self.times)
        np.put_along_axis(times, self.channels.astype(np.intp), self.times, axis=1)
        return times


class Yardstick:
    """The kernel with ``samples`` inputs drawn. Raises ``RuntimeError`` on a machine without AVX-512."""

    def __init__(self, samples: int) -> None:
        if not has_avx512():
            raise RuntimeError("The hand-written kernel needs AVX-512, which this machine lacks.")
        self._ffi = FFI()
        self._ffi.cdef(_DECLARATIONS)
        self._lib = self._ffi.dlopen(str(compiled("kernel_b")))
        self._lib.yardstick_setup(samples)
        self.samples = samples
        self.gradient_1 = np.zeros((INPUTS, HIDDEN))
        self.gradient_2 = np.zeros((HIDDEN, OUTPUTS))
        self.spikes = np.zeros(2, np.int64)
        self._out = [self._pointer(a) for a in (self.gradient_1, self.gradient_2, self.spikes)]

    def task(self) -> Task:
        arrays = (
            np.empty((INPUTS, HIDDEN)),
            np.empty((HIDDEN, OUTPUTS)),
            np.empty((self.samples, INPUTS)),
            np.empty((self.samples, INPUTS), np.int32),
            np.empty(self.samples, np.int32),
        )
        self._lib.yardstick_data(*(self._pointer(array) for array in arrays))
        weights_1, weights_2, times, channels, labels = arrays
        return Task(weights_1, weights_2, np.abs(times) * 1e-3, channels, labels)

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
