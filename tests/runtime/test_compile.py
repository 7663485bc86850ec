"""Compiling, the cache and its errors, on a toy library."""

import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import saltus.generated
from saltus.errors import CompileError
from saltus.runtime import cache, compile, compiler

GENERATED = Path(next(iter(saltus.generated.__path__)))
SOURCE = {"toy.c": '#include <stdint.h>\n#include "toy.h"\nint32_t twice(int32_t x) { return FACTOR * x; }\n'}
CDEF = "int32_t twice(int32_t);"


def toy(factor: int = 2, **changes: str) -> compile.Library:
    return compile.load("toy", {**SOURCE, "toy.h": f"#define FACTOR {factor}\n", **changes}, CDEF)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SALTUS_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("CC", "CFLAGS", "CI"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


def fake_compiler(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


WITHOUT_OPENMP = 'for a in "$@"; do [ "$a" = -fopenmp ] && exit 1; done\nexec cc "$@"'


def test_compiles_and_calls():
    assert toy().lib.twice(21) == 42


def test_a_header_is_part_of_the_key():
    assert toy(2).path != toy(3).path
    assert toy(3).lib.twice(2) == 6


def test_flags_are_part_of_the_key(monkeypatch):
    first = toy().path
    monkeypatch.setenv("CFLAGS", "-DSOMETHING")
    assert toy().path != first


def test_a_second_load_does_not_compile(monkeypatch):
    first = toy().path
    monkeypatch.setattr(compiler.Compiler, "build", None)
    assert toy().path == first


def test_a_cached_load_in_a_new_process_takes_milliseconds(folder):
    toy()
    code = f"""
import time, saltus.runtime.compile as c
start = time.perf_counter()
library = c.load("toy", { ({**SOURCE, "toy.h": "#define FACTOR 2" + chr(10)})!r}, {CDEF!r})
print(time.perf_counter() - start)
"""
    best = min(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    )
    assert best < 0.02


def test_the_folder_is_the_users_own(folder):
    toy()
    assert folder.stat().st_mode & 0o777 == 0o700


def _race(barrier) -> int:
    barrier.wait()
    return toy(5).lib.twice(1)


def _racer(barrier, answers) -> None:
    try:
        answers.put(_race(barrier))
    except Exception as error:
        answers.put(repr(error))


@pytest.mark.parametrize("processes", [12])
def test_racing_processes_all_succeed(processes, folder):
    context = multiprocessing.get_context("fork")
    barrier, answers = context.Barrier(processes), context.Queue()
    racers = [context.Process(target=_racer, args=(barrier, answers)) for _ in range(processes)]
    for racer in racers:
        racer.start()
    assert [answers.get(timeout=60) for _ in racers] == [5] * processes
    for racer in racers:
        racer.join()
    assert not [path for path in folder.rglob(".*") if path.is_dir()], "nothing half-built is left"


def test_a_damaged_entry_is_built_again():
    path = toy().path
    path.unlink()
    path.write_bytes(b"not a library")
    compile._LOADED.clear()
    assert toy().lib.twice(4) == 8


def test_cc_is_honoured(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", fake_compiler(tmp_path / "mycc", f'echo used >> {tmp_path}/log\nexec cc "$@"'))
    assert toy().lib.twice(4) == 8
    assert (tmp_path / "log").exists()


def test_a_compiler_that_goes_by_its_name(tmp_path, monkeypatch):
    """As ccache does: a link named cc to one program for all compilers."""
    fake_compiler(tmp_path / "all", 'case "$0" in */mycc) exec cc "$@";; esac\nexit 1')
    (tmp_path / "mycc").symlink_to(tmp_path / "all")
    monkeypatch.setenv("CC", str(tmp_path / "mycc"))
    assert toy().lib.twice(4) == 8


def test_another_version_of_the_compiler_builds_again(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", fake_compiler(tmp_path / "mycc", 'exec cc "$@"'))
    first = toy().path
    fake_compiler(tmp_path / "mycc", '[ "$1" = --version ] && echo mycc 2.0\nexec cc "$@"')
    assert toy().path != first


def test_without_openmp_the_library_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", fake_compiler(tmp_path / "plaincc", WITHOUT_OPENMP))
    assert not toy().openmp


@pytest.mark.slow
@pytest.mark.parametrize("flags", ["", "-march=x86-64"], ids=["this processor", "any processor"])
@pytest.mark.parametrize("unit", ["lif/event.c", "lif/clock.c", "lif_refractory/network.c"])
def test_kernels_give_no_warning_without_openmp_and_long_vectors(unit, flags, tmp_path, monkeypatch):
    monkeypatch.setenv("CC", fake_compiler(tmp_path / "plaincc", WITHOUT_OPENMP))
    monkeypatch.setenv("CFLAGS", f"{flags} -O1")
    monkeypatch.setenv("CI", "1")
    source = shutil.copytree((GENERATED / unit).parent, tmp_path / "unit") / Path(unit).name
    compiler.compiler().build(source, tmp_path / "unit.so")
    assert (tmp_path / "unit.so").exists()


def test_a_compiler_that_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", fake_compiler(tmp_path / "mycc", "exit 0"))
    with pytest.raises(CompileError, match=r"built cannot be loaded \(.*\)\. Set CC to a compiler for"):
        toy()


@pytest.mark.parametrize("variable", ["CC", "CFLAGS"])
def test_a_quote_that_does_not_end(monkeypatch, variable):
    monkeypatch.setenv(variable, "gcc '")
    with pytest.raises(CompileError, match=rf"{variable} is \"gcc '\", which is no command line \(No"):
        toy()


def test_no_compiler_names_what_was_tried(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(CompileError, match=r"none of cc, gcc, clang is on the PATH\. Install one .*set CC"):
        toy()


def test_a_wrong_cc_is_named(monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(CompileError, match=r"CC is 'no-such-compiler', which is not a program"):
        toy()


def test_a_compiler_that_compiles_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", fake_compiler(tmp_path / "brokencc", "exit 3"))
    with pytest.raises(CompileError, match="cannot compile an empty program"):
        toy()


def test_a_compile_error_shows_what_the_compiler_said():
    with pytest.raises(CompileError, match=r"(?s)cannot compile toy\.c:.*FACTOR.*Try another compiler"):
        toy(**{"toy.h": "\n"})


def test_warnings_are_errors_in_ci_only(monkeypatch):
    unused = {"toy.c": SOURCE["toy.c"] + "static int unused(void) { return 1; }\n"}
    toy(**unused)
    monkeypatch.setenv("CI", "1")
    with pytest.raises(CompileError, match="unused"):
        toy(**unused)


def test_an_old_interface_is_refused():
    text = {"old.c": "#include <stdint.h>\nint32_t abi(void) { return 1; }\n"}
    with pytest.raises(CompileError, match=r"interface version 1 where 2 is needed\. Run saltus emit"):
        compile.load("old", text, "int32_t abi(void);", abi=("abi", 2))


def test_a_cache_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SALTUS_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(CompileError, match=r"cannot be made .*Set SALTUS_CACHE_DIR"):
        toy()


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir(mode=0o500)
    monkeypatch.setenv("SALTUS_CACHE_DIR", str(tmp_path / "closed"))
    with pytest.raises(CompileError, match=r"cannot be written .*Set SALTUS_CACHE_DIR"):
        toy()


def test_a_full_disk(monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(CompileError, match=r"cannot be written \(No space left on device\)"):
        cache.entry("kernels/full", full)


def test_a_cache_of_somebody_else(folder, monkeypatch):
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    with pytest.raises(CompileError, match="belongs to another user"):
        toy()


def test_a_cache_that_others_may_write_to(folder):
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(CompileError, match="can be written to by others"):
        toy()


def test_compiling_is_quick():
    start = time.perf_counter()
    toy(7)
    assert time.perf_counter() - start < 5
