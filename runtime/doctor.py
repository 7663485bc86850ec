"""Whether this machine can run Saltus, what it found, and what to do where something is missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

import saltus
from saltus.errors import SaltusError

if TYPE_CHECKING:
    from saltus.templates.ir import ModelIR


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at.

    Attributes:
        name: what it is.
        value: what was found.
        ok: whether Saltus can work with it.
        remedy: what to do if not, or what would be better; empty if there is nothing to do.
    """

    name: str
    value: str
    ok: bool = True
    remedy: str = ""


def examine() -> tuple[Finding, ...]:
    """Looks at versions, compiler, OpenMP, cache, processor and the committed kernels, in this order."""
    return (
        Finding("saltus", saltus.__version__),
        Finding("python", f"{platform.python_version()} ({sys.executable})"),
        *(_package(name) for name in ("numpy", "cffi", "sympy", "msgspec", "typer", "jinja2")),
        _optional("matplotlib", "plots", 'pip install "saltus[plot]"'),
        Finding("system", f"{platform.system()} {platform.release()} {platform.machine()}"),
        _guarded("processor", _processor),
        _guarded("cache", _cache),
        _guarded("compiler", _compiler),
        _guarded("flags", _flags),
        _guarded("openmp", _openmp),
        _guarded("kernel", _kernel),
    )


def examine_model(spec: str) -> tuple[Finding, ...]:
    """Which flow and kernels a model takes, what keeps it or its networks off the fast path, and its cost.

    Args:
        spec: a shipped name or the path of a spec.

    Raises:
        SpecError, DerivationError: as ``saltus.model``.
    """
    from saltus.runtime.choice import OFF_THE_FAST_PATH, choose
    from saltus.runtime.kernel import why_no_clock
    from saltus.runtime.model import model

    found = model(spec)
    choice = choose({found.name: found}, (), (), ())
    slow = "The network kernel counts no near misses." if found.spikes else ""
    remedy = f"It stays there in networks without {OFF_THE_FAST_PATH}." if choice.fast else slow
    clock = why_no_clock(found.ir)
    return (
        Finding("model", f"{found.name}: {found.ir.title}"),
        *(
            Finding(fact.name, fact.text)
            for fact in found.ir.facts
            if fact.name == "flow" or fact.name.startswith(("ladder.", "phase."))
        ),
        Finding("kernel", choice.reason, remedy=remedy),
        Finding("clock", "it can run on the clock engine" if clock is None else clock.partition(". ")[0]),
        *(_costs(found.ir) if choice.fast else ()),
    )


def _costs(ir: ModelIR) -> Iterator[Finding]:
    """What leads off the shortest path through the fast kernel, and how much longer it takes."""
    from saltus.runtime.costs import MEASURED, of_model

    yield Finding(
        "costs",
        "times as long as with shared parameters of which none is learned",
        remedy=f"Measured with {MEASURED}; docs/kernels.md has the table.",
    )
    yield from (Finding(f"cost.{name}", text) for name, text in of_model(ir).items())


def _package(name: str) -> Finding:
    try:
        return Finding(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, "missing", ok=False, remedy=f"pip install {name}")


def _optional(name: str, use: str, remedy: str) -> Finding:
    if importlib.util.find_spec(name) is None:
        return Finding(name, f"missing (only needed for {use})", remedy=remedy)
    return _package(name)


def _guarded(name: str, look: Callable[[], Finding]) -> Finding:
    """An error becomes a finding: its first sentence is what was found, the rest is the remedy."""
    try:
        return look()
    except SaltusError as error:
        place, _, remedy = str(error).partition(". ")
        return Finding(name, place, ok=False, remedy=remedy)


def _processor() -> Finding:
    from saltus.runtime.compiler import processor

    text = processor()
    model = next((line.split(":", 1)[1].strip() for line in text.splitlines() if "model name" in line), "")
    words = set(text.split())
    vector = [name for name in ("avx512f", "avx2", "fma", "asimd", "sve") if name in words]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding(
        "processor", f"{model or platform.machine()}, {cores} cores, {' '.join(vector) or 'no vector unit'}"
    )


def _cache() -> Finding:
    from saltus.runtime.cache import cache_directory

    folder = cache_directory()
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Finding(
            "cache",
            f"{folder} cannot be written ({error.strerror})",
            ok=False,
            remedy="Set SALTUS_CACHE_DIR to a folder of your own that can be written to.",
        )
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    source = "SALTUS_CACHE_DIR" if os.environ.get("SALTUS_CACHE_DIR") else "default"
    return Finding("cache", f"{folder} ({source}), {size / 1e6:.1f} MB")


def _compiler() -> Finding:
    from saltus.runtime.compiler import compiler

    found = compiler()
    return Finding("compiler", f"{shlex.join(found.command)}: {found.version.splitlines()[0]}")


def _flags() -> Finding:
    from saltus.runtime.compiler import compiler

    user = os.environ.get("CFLAGS")
    return Finding("flags", " ".join(compiler().flags) + (f" (CFLAGS adds {user})" if user else ""))


def _openmp() -> Finding:
    from saltus.runtime.compiler import compiler

    if compiler().openmp:
        threads = os.environ.get("OMP_NUM_THREADS", "")
        return Finding("openmp", "yes" + (f", OMP_NUM_THREADS={threads}" if threads else ""))
    return Finding(
        "openmp",
        "no: batches run on Python threads",
        remedy="Install OpenMP (Debian, Ubuntu: apt install libgomp1; macOS: brew install libomp).",
    )


_PROGRAM = """
import time, saltus
start = time.perf_counter()
from saltus.runtime.model import shipped
from saltus.templates.render import why_not_fast
name = next(name for name in shipped("models") if why_not_fast(saltus.model(name).ir) is None)
net = saltus.Network([saltus.Layer(name, 2, inputs=1)], T=0.02)
print(time.perf_counter() - start)
"""


def _kernel() -> Finding:
    """Compiles (or finds) a kernel and loads it, in a process of its own: a bad one may crash."""
    start = time.perf_counter()
    root = str(Path(saltus.__file__).resolve().parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=root,
    )
    if done.returncode == 0:
        return Finding("kernel", f"compiled and loaded in {time.perf_counter() - start:.2f} s")
    said = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    return Finding(
        "kernel", said, ok=False, remedy="Look at the lines above; saltus emit makes kernels again."
    )
