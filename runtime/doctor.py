"""Whether this machine can run Saltus, and how a model runs; what to do where something is missing."""

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
    from saltus.runtime.choice import Choice
    from saltus.runtime.model import Model
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
    """Looks at versions, processor, cache, compiler, OpenMP, threads and a shipped kernel, in this order."""
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
        _guarded("threads", _threads),
        _guarded("kernel", _kernel),
    )


def examine_model(spec: str) -> tuple[Finding, ...]:
    """How a model runs (``paths``), what leads it off the fast path, and what that costs.

    Args:
        spec: a shipped name or the path of a spec.

    Raises:
        SpecError, DerivationError: as ``saltus.model``.
    """
    from saltus.runtime.model import model

    found = model(spec)
    choice = _choice(found)
    return (
        Finding("model", f"{found.name}: {found.ir.title}"),
        *paths(found),
        *_costs(found.ir, choice.fast),
    )


def paths(found: Model) -> tuple[Finding, ...]:
    """Which flow, kernel and short cuts a model takes, each with the reason."""
    from saltus.runtime.choice import OFF_THE_FAST_PATH
    from saltus.runtime.kernel import why_no_clock
    from saltus.templates.context import read_at_the_end

    choice = _choice(found)
    kinds = ("flow", "ladder", "phase", *(("waiting", "together", "arrival") if choice.fast else ()))
    slow = "The network kernel counts no near misses." if found.spikes else ""
    remedy = f"It stays there in networks without {OFF_THE_FAST_PATH}." if choice.fast else slow
    clock = why_no_clock(found.ir)
    steps = "it can run on the clock engine, which is not exact: docs/clock.md says how far off it is"
    return (
        *(Finding(f.name, f.text) for f in found.ir.facts if f.name.partition(".")[0] in kinds),
        *((_LINEAR_AT_THE_END,) if choice.fast and read_at_the_end(found.ir) else ()),
        Finding("kernel", choice.reason, remedy=remedy),
        Finding("clock", steps if clock is None else f"refused: {clock.partition('. ')[0]}"),
    )


_LINEAR_AT_THE_END = Finding(
    "at the end",
    "nothing jumps but by arrivals, and these add up, so the states at the end are linear in all of them: "
    "propagators are summed by rows of weights, and no neuron is stepped through time",
)


def _choice(found: Model) -> Choice:
    """The kernel of a population of this model that has no projections."""
    from saltus.runtime.choice import choose
    from saltus.templates.context import timed

    return choose({found.name: found}, (), (found.name,) if timed(found.ir) else (), ())


def _costs(ir: ModelIR, fast: bool) -> Iterator[Finding]:
    """What leads off the shortest path through the fast kernel, and how much longer it takes."""
    from saltus.runtime.costs import MEASURED, of_model, of_network_kernel

    yield Finding(
        "costs",
        "times as long as the fast kernel takes with shared parameters of which none is learned",
        remedy=f"Measured with {MEASURED}; docs/kernels.md has the table.",
    )
    costs = of_model(ir) if fast else of_network_kernel()
    yield from (Finding(f"cost.{name}", text) for name, text in costs.items())


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
        return Finding("openmp", "yes")
    return Finding(
        "openmp",
        "no: batches run on Python threads",
        remedy="Install OpenMP (Debian, Ubuntu: apt install libgomp1; macOS: brew install libomp).",
    )


def _threads() -> Finding:
    from saltus.runtime.threads import available

    count = available()
    why = "SALTUS_NUM_THREADS" if os.environ.get("SALTUS_NUM_THREADS") else "all cores"
    return Finding("threads", f"{count} ({why}); Network(..., threads=...) and SALTUS_NUM_THREADS change it")


_PROGRAM = """
import saltus
from saltus.errors import SaltusError
from saltus.runtime.model import shipped
from saltus.templates.render import why_not_fast
name = next(name for name in shipped("models") if why_not_fast(saltus.model(name).ir) is None)
try:
    saltus.Network([saltus.Layer(name, 2, inputs=1)], T=0.02)
except SaltusError as mistake:
    raise SystemExit(str(mistake))
"""


def _kernel() -> Finding:
    """Compiles (or finds) a kernel and loads it, in a process of its own: a bad one may crash."""
    from saltus.runtime.cache import cache_directory

    folder = str(cache_directory())  # absolute: the process starts in another folder
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(saltus.__file__).resolve().parent.parent,
        env=os.environ | {"SALTUS_CACHE_DIR": folder},
    )
    if done.returncode == 0:
        return Finding("kernel", f"compiled, or found so, and loaded in {time.perf_counter() - start:.2f} s")
    if done.returncode == 1 and "Traceback" not in done.stderr:
        raise SaltusError(done.stderr.strip())
    said = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    return Finding("kernel", said, ok=False, remedy=f"Remove {folder} and try again; if it stays, report it.")
