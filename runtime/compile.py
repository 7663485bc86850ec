"""C sources in, a loaded library out; compiled once for each machine, compiler and set of flags.

cffi in ABI mode: the compiler makes a plain shared library, and the declarations, already parsed, lie beside
it as a Python module, so that a later process needs neither the compiler nor a C parser.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saltus.errors import CompileError
from saltus.runtime import cache
from saltus.runtime.compiler import Compiler, compiler

_LAYOUT = "1"  # of a cache entry
_LOADED: dict[Path, Library] = {}  # never let go: that would close a library in use


@dataclass(frozen=True)
class Library:
    """A loaded library. ``ffi`` and ``lib`` are cffi's, untyped: this is the one place where C meets Python.

    openmp: whether its parallel loops have threads of their own.
    """

    ffi: Any
    lib: Any
    path: Path
    openmp: bool


def load(name: str, sources: Mapping[str, str], cdef: str, abi: tuple[str, int] | None = None) -> Library:
    """Compiles the one ``.c`` file of ``sources`` with its headers, or finds it compiled, and loads it.

    Args:
        name: what it is, for messages and for the folder's name.
        sources: file name to text; headers are part of the cache key as the source is.
        cdef: the declarations, as cffi reads them.
        abi: name of a function ``int32_t f(void)`` and the version it must return.

    Raises:
        CompileError: if there is no compiler, it fails, the cache cannot be used, or the version differs.
    """
    chosen = compiler()
    key = f"kernels/{name}-{_key(sources, cdef, chosen)[:40]}"

    def build(folder: Path) -> None:
        _build(folder, name, sources, cdef, chosen)

    folder = cache.entry(key, build)
    try:
        library = _open(folder, name, chosen)
    except (
        OSError,
        ImportError,
        SyntaxError,
    ):  # damaged, as by a crash while the disk was written to: build it again
        cache.forget(key)
        folder = cache.entry(key, build)
        try:
            library = _open(folder, name, chosen)
        except OSError as error:
            cache.forget(key)
            raise CompileError(
                f"What {shlex.join(chosen.command)} built cannot be loaded ({error}). "
                "Set CC to a compiler for this machine."
            ) from error
    if abi is not None and (found := getattr(library.lib, abi[0])()) != abi[1]:
        raise CompileError(
            f"The library {library.path} has interface version {found} where {abi[1]} is needed. "
            "Run saltus emit to make the kernels again."
        )
    return library


def _key(sources: Mapping[str, str], cdef: str, chosen: Compiler) -> str:
    digest = hashlib.sha256()
    for part in (
        _LAYOUT,
        chosen.identity(),
        cdef,
        *(text for item in sorted(sources.items()) for text in item),
    ):
        digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()


def _build(folder: Path, name: str, sources: Mapping[str, str], cdef: str, chosen: Compiler) -> None:
    from cffi import FFI, recompiler

    for file, text in sources.items():
        (folder / file).write_text(text)
    (main,) = (file for file in sources if file.endswith(".c"))
    chosen.build(folder / main, folder / f"{name}.so")
    declarations = FFI()
    declarations.cdef(cdef)
    recompiler.make_py_source(declarations, "saltus_declarations", str(folder / "declarations.py"))


def _open(folder: Path, name: str, chosen: Compiler) -> Library:
    spec = importlib.util.spec_from_file_location("saltus_declarations", folder / "declarations.py")
    if spec is None or spec.loader is None:
        raise ImportError(folder / "declarations.py")
    path = folder / f"{name}.so"
    if path in _LOADED:
        return _LOADED[path]
    # OpenMP reads this when it is loaded: threads that wait sleep, where spinning ones cost a busy machine
    # far more than the work itself (small batches took fifteen times as long).
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # Nor may it be unloaded when the interpreter ends: threads that somebody has told to spin are in it.
    stays = os.RTLD_NOW | getattr(os, "RTLD_NODELETE", 0)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return _LOADED.setdefault(
        path, Library(module.ffi, module.ffi.dlopen(str(path), stays), path, chosen.openmp)
    )
