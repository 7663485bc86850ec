"""The compiled units: rendered from an IR, compiled, loaded, and called with pointers into NumPy's arrays."""

from __future__ import annotations

import functools
import hashlib
import importlib
import re
from collections.abc import Callable
from importlib import resources
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from saltus.errors import CompileError, EmitError
from saltus.runtime import cache, compile
from saltus.templates.ir import AnyLoss, HeadIR, ModelIR, TrainIR, dump


class _Unit(msgspec.Struct, frozen=True):
    """What rendering gave: C files, the declarations in them, their interface's version; or a refusal."""

    sources: dict[str, str]
    cdef: str
    abi: int
    refusal: str = ""


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


_OF_GROUPS = ("network", "clock")
"""Templates of units for several models."""

_NAMES = {
    np.float64: "double",
    np.float32: "float",
    np.int32: "int32_t",
    np.int64: "int64_t",
    np.uint8: "uint8_t",
    np.uint16: "uint16_t",
}


@functools.cache
def why_not_fast(model: ModelIR) -> str | None:
    """Why the fast kernel does not take a model, in a sentence; None where it does."""
    return _rendered((model,), "render", "event_unit").refusal or None


class GroupKind(NamedTuple):
    """What a group is, whatever is assigned to it: its unit holds no code for others.

    flow_shared: all neurons have the same flow (False: they may have their own); recurrent: its spikes come
    back at once; lined: with delays.
    """

    flow_shared: bool
    recurrent: bool
    lined: bool


@functools.cache
def event_kernel(model: ModelIR, kind: GroupKind) -> Kernel:
    """The fast kernel for groups of this model and of one kind, compiled on first use.

    Raises:
        EmitError: if it cannot do what the model needs.
        CompileError: if there is no compiler, or it fails.
    """
    unit = _rendered((model,), "render", "event_unit")
    known = "".join(f"#define SALTUS_{name.upper()} {int(so)}\n" for name, so in kind._asdict().items())
    sources = {file: known + text if file == "event.c" else text for file, text in unit.sources.items()}
    return _loaded(f"{model.name}-event", msgspec.structs.replace(unit, sources=sources))


@functools.cache
def network_kernel(models: tuple[ModelIR, ...]) -> Kernel:
    """The network kernel for populations of any of these models, whose names differ; raises as above."""
    name = "-".join(model.name for model in models)[:80]
    return _loaded(f"{name}-network", _rendered(models, "network", "network_unit"))


@functools.cache
def probe_kernel(model: ModelIR) -> Kernel:
    """The compiled readouts of the state at given times; raises as ``event_kernel`` does."""
    unit = _rendered((model,), "probes", "probe_unit")
    return Kernel(compile.load(f"{model.name}-probes", unit.sources, unit.cdef))


@functools.cache
def why_no_clock(model: ModelIR) -> str | None:
    """Why the clock kernel does not take a model, in a sentence with the way out; None where it does."""
    return _rendered((model,), "clock", "clock_unit").refusal or None


@functools.cache
def clock_kernel(models: tuple[ModelIR, ...], number: str) -> Kernel:
    """The clock kernel for populations of these models, whose names differ.

    number: C's type of states and weights. Raises as above.
    """
    name = "-".join(model.name for model in models)[:80]
    return _loaded(f"{name}-clock-{number}", _rendered(models, "clock", "clock_unit", number))


@functools.cache
def head_kernel(head: HeadIR) -> Kernel:
    """The compiled loss head; raises as ``event_kernel`` does."""
    unit = _rendered((head,), "render", "head_unit")
    return Kernel(compile.load(head.name, unit.sources, unit.cdef))


@functools.cache
def train_kernel(trains: TrainIR) -> Kernel:
    """A compiled distance of spike trains; raises as ``event_kernel`` does."""
    unit = _rendered((trains,), "render", "train_unit")
    return Kernel(compile.load(trains.name, unit.sources, unit.cdef))


@functools.cache
def kth_spike_kernel() -> Kernel:
    """The search for the k-th spike of each neuron, ``saltus_kth_spike``; raises as ``event_kernel`` does."""
    return _written("kth_spike")


@functools.cache
def arrivals_kernel() -> Kernel:
    """Spikes put in the order in which they arrive, ``saltus_arrivals``; raises as ``event_kernel`` does."""
    return _written("arrivals")


def _written(name: str) -> Kernel:
    """A unit that no IR goes into: its source as it is; what begins with ``saltus_`` can be called."""
    file = f"{name}.c"
    source = resources.files("saltus.templates.kernels").joinpath(f"{file}.jinja").read_text(encoding="utf-8")
    structs = re.findall(r"^typedef struct \{[^}]*\} saltus_\w+;", source, re.MULTILINE)
    prototypes = [f"{found};" for found in re.findall(r"^void saltus_\w+\([^)]*\)", source, re.MULTILINE)]
    return Kernel(compile.load(name, {file: source}, "\n".join([*structs, *prototypes])))


def _loaded(name: str, unit: _Unit) -> Kernel:
    if unit.refusal:
        raise EmitError(unit.refusal)
    return Kernel(compile.load(name, unit.sources, unit.cdef, ("saltus_abi", unit.abi)))


def _rendered(irs: tuple[ModelIR | AnyLoss, ...], module: str, render: str, *how: str) -> _Unit:
    """The unit, from the cache where the same IR was rendered by the same templates: that needs no Jinja."""
    content = b"".join(map(dump, irs)) + " ".join((module, render, *how)).encode() + _templates()
    key = hashlib.sha256(content).hexdigest()[:40]
    name = f"units/{'-'.join(ir.name for ir in irs)[:80]}-{key}"

    def build(folder: Any) -> None:
        from saltus.templates.render import ABI

        make: Callable[..., Any] = getattr(importlib.import_module(f"saltus.templates.{module}"), render)
        try:
            unit = make(irs if module in _OF_GROUPS else irs[0], *how)
            made = _Unit(dict(unit.sources), unit.cdef, ABI)
        except EmitError as refusal:
            made = _Unit({}, "", ABI, str(refusal))
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
