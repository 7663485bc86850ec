"""The compiled units: rendered from an IR, compiled, loaded, and called with pointers into NumPy's arrays."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable
from importlib import resources
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from saltus.errors import CompileError
from saltus.runtime import cache, compile
from saltus.templates.ir import AnyLoss, HeadIR, ModelIR, TrainIR, dump


class _Unit(msgspec.Struct, frozen=True):
    """What rendering gave: C files, the declarations in them, and the version of their interface."""

    sources: dict[str, str]
    cdef: str
    abi: int


class Kernel:
    """A loaded unit. Every array that a pointer was taken from must outlive the calls that use it."""

    def __init__(self, library: compile.Library) -> None:
        self.ffi = library.ffi
        self.lib = library.lib
        self.openmp = library.openmp
        self.null = library.ffi.NULL
        self._types = {np.dtype(kind).char: library.ffi.typeof(f"{name}[]") for kind, name in _NAMES.items()}

    def struct(self, kind: str, **fields: Any) -> Any:
        """A new C struct with these fields; arrays go in as pointers."""
        made = self.ffi.new(f"saltus_{kind} *")
        for name, value in fields.items():
            setattr(made, name, self.pointer(value) if isinstance(value, np.ndarray) else value)
        return made

    def pointer(self, array: NDArray[Any]) -> Any:
        """The address of a contiguous array's data, typed; it keeps the array alive."""
        return self.ffi.from_buffer(self._types[array.dtype.char], array)

    def array(self, array: NDArray[Any] | None) -> Any:
        """The address of an array's data, or NULL."""
        return self.null if array is None else self.pointer(array)


_NAMES = {np.float64: "double", np.int32: "int32_t", np.int64: "int64_t", np.uint8: "uint8_t"}


@functools.cache
def event_kernel(model: ModelIR) -> Kernel:
    """The event engine for a group of this model, compiled on first use.

    Raises:
        EmitError: if the engine cannot do what the model needs.
        CompileError: if there is no compiler, or it fails.
    """
    unit = _rendered(model, "event_unit")
    return Kernel(compile.load(f"{model.name}-event", unit.sources, unit.cdef, ("saltus_abi", unit.abi)))


@functools.cache
def head_kernel(head: HeadIR) -> Kernel:
    """The compiled loss head; raises as ``event_kernel`` does."""
    unit = _rendered(head, "head_unit")
    return Kernel(compile.load(head.name, unit.sources, unit.cdef))


@functools.cache
def train_kernel(trains: TrainIR) -> Kernel:
    """A compiled distance of spike trains; raises as ``event_kernel`` does."""
    unit = _rendered(trains, "train_unit")
    return Kernel(compile.load(trains.name, unit.sources, unit.cdef))


@functools.cache
def kth_spike_kernel() -> Kernel:
    """The search for the k-th spike of each neuron, ``saltus_kth_spike``; raises as ``event_kernel`` does."""
    name = "kth_spike.c"
    source = resources.files("saltus.templates.kernels").joinpath(f"{name}.jinja").read_text(encoding="utf-8")
    (prototype,) = re.findall(r"^void saltus_kth_spike\([^)]*\)", source, re.MULTILINE)
    return Kernel(compile.load("kth_spike", {name: source}, f"{prototype};"))


def _rendered(ir: ModelIR | AnyLoss, render: str) -> _Unit:
    """The unit, from the cache where the same IR was rendered by the same templates: that needs no Jinja."""
    key = hashlib.sha256(dump(ir) + _templates()).hexdigest()[:40]
    name = f"units/{ir.name}-{key}"

    def build(folder: Any) -> None:
        from saltus.templates import render as templates

        make: Callable[[Any], Any] = getattr(templates, render)
        unit = make(ir)
        made = _Unit(dict(unit.sources), unit.cdef, templates.ABI)
        (folder / "unit.json").write_bytes(msgspec.json.encode(made))

    for _ in range(2):
        try:
            return msgspec.json.decode((cache.entry(name, build) / "unit.json").read_bytes(), type=_Unit)
        except (OSError, msgspec.DecodeError):
            cache.forget(name)
    raise CompileError(
        f"The cache entry {name} cannot be read. Remove the cache folder, or set SALTUS_CACHE_DIR."
    )


@functools.cache
def _templates() -> bytes:
    """A digest of the rendering code."""
    digest = hashlib.sha256()
    for package in ("saltus.templates", "saltus.templates.kernels"):
        for entry in sorted(resources.files(package).iterdir(), key=lambda entry: entry.name):
            if entry.name.endswith((".py", ".jinja")):
                digest.update(entry.read_bytes())
    return digest.digest()
