"""The C compiler: which one, what it can do, and the flags that kernels are built with.

Flags are named one by one. ``-ffast-math`` is not among them: linking a shared library with it turns denormal
numbers off for the whole Python process, and it lets the compiler reorder sums, so results would change with
the compiler's mood. ``-ffp-contract`` is fixed, because its default differs between compilers.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import msgspec

from saltus.errors import CompileError
from saltus.runtime import cache

BASE_FLAGS = ("-std=c11", "-O3", "-ffp-contract=fast", "-fno-math-errno", "-Wall", "-Wextra")
_OPTIONAL_FLAGS = (
    "-march=native",
    "-fno-trapping-math",
    "-fopenmp",
    "-Wno-psabi",
    "-Wno-error=pass-failed",
)
"""-Wno-psabi: vectors may be longer than the processor's, and functions of one file alone pass them on;
-Wno-error=pass-failed: clang says of each loop that it does not vectorise.
"""
_WITHOUT_OPENMP = ("-fopenmp-simd", "-Wno-unknown-pragmas")
"""Loops are vectorised all the same; or at least nobody is warned that they are not."""
_REMEDY = "Install one (Debian, Ubuntu: apt install gcc) or set CC to the path of one."


class Compiler(msgspec.Struct, frozen=True):
    """A C compiler and the flags it takes.

    command: as started, e.g. ``("/usr/bin/gcc",)``; program: the file behind it, links followed;
    version: the output of ``--version``; flags: all flags for a kernel, the user's ``CFLAGS`` last.
    """

    command: tuple[str, ...]
    program: str
    version: str
    flags: tuple[str, ...]

    @property
    def openmp(self) -> bool:
        """Whether kernels run on OpenMP threads; without, on Python's threads over ranges of samples."""
        return "-fopenmp" in self.flags and "-fno-openmp" not in self.flags

    def identity(self) -> str:
        """All that the machine code depends on besides the sources: compiler, flags and processor."""
        flags = (*self.flags, *_strictness())
        return "\n".join((*self.command, self.program, self.version, *flags, processor()))

    def build(self, source: Path, target: Path) -> None:
        """Compiles ``source`` to the shared library ``target``.

        Raises:
            CompileError: with the first lines of what the compiler said.
        """
        link = ["-shared", "-fPIC", source.name, "-o", str(target), "-lm"]
        done = subprocess.run(
            [*self.command, *self.flags, *_strictness(), *link],
            cwd=source.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = "\n".join(done.stderr.strip().splitlines()[:8])
            raise CompileError(
                f"{shlex.join(self.command)} cannot compile {source.name}:\n{said}\n"
                "Try another compiler through CC, or report this with the lines above."
            )


def compiler() -> Compiler:
    """The compiler that ``CC`` names, else the first of cc, gcc and clang that is on the PATH.

    What it can do is found out once and kept in the cache for as long as its file does not change.

    Raises:
        CompileError: if there is none, or it cannot compile an empty program.
    """
    command = _command(os.environ.get("CC", ""))
    user_flags = tuple(_words("CFLAGS", os.environ.get("CFLAGS", "")))
    program = Path(command[0]).resolve()
    file = program.stat()
    identity = (str(program), file.st_mtime_ns, file.st_size)
    return _probed(command, user_flags, identity, str(cache.cache_directory()))


def _strictness() -> tuple[str, ...]:
    """Warnings are errors where tests run; a library that was built with warnings is another one."""
    return ("-Werror",) if os.environ.get("CI") else ()


@functools.cache
def processor() -> str:
    """What ``-march=native`` looks at: the processor's name and features."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n", 1)[0].splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    wanted = ("model name", "flags", "Features", "CPU implementer", "CPU part")
    return "\n".join([platform.machine(), *(line for line in lines if line.startswith(wanted))])


def _words(variable: str, text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise CompileError(
            f"{variable} is {text!r}, which is no command line ({error}). Mend its quotes, or unset it."
        ) from None


def _command(cc: str) -> tuple[str, ...]:
    """``CC`` with its program as an absolute path; links are kept, since ccache goes by its name."""
    candidates = [cc] if cc.strip() else ["cc", "gcc", "clang"]
    for candidate in candidates:
        words = _words("CC", candidate)
        found = shutil.which(words[0])
        if found is not None:
            return (str(Path(found).absolute()), *words[1:])
    if cc.strip():
        raise CompileError(f"No C compiler: CC is {cc!r}, which is not a program on the PATH. {_REMEDY}")
    raise CompileError(f"No C compiler: none of {', '.join(candidates)} is on the PATH. {_REMEDY}")


@functools.cache
def _probed(
    command: tuple[str, ...], user_flags: tuple[str, ...], file: tuple[str, int, int], folder: str
) -> Compiler:
    key = hashlib.sha256(
        repr((command, user_flags, file, BASE_FLAGS, _OPTIONAL_FLAGS, _WITHOUT_OPENMP, processor())).encode()
    )
    name = f"compilers/{key.hexdigest()[:32]}"

    def probe(target: Path) -> None:
        (target / "compiler.json").write_bytes(msgspec.json.encode(_probe(command, user_flags, file[0])))

    for _ in range(2):
        try:
            return msgspec.json.decode(
                (cache.entry(name, probe) / "compiler.json").read_bytes(), type=Compiler
            )
        except (OSError, msgspec.DecodeError):
            cache.forget(name)
    raise CompileError(f"The cache entry {folder}/{name} cannot be read. Remove it.")


def _probe(command: tuple[str, ...], user_flags: tuple[str, ...], program: str) -> Compiler:
    """Asks the compiler for its version and tries each optional flag on an empty program."""
    try:
        version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError as error:
        raise CompileError(
            f"No C compiler: {command[0]} cannot be started ({error.strerror}). {_REMEDY}"
        ) from error
    wide = ("-mprefer-vector-width=512",) if "avx512f" in processor() else ()
    taken = [flag for flag in (*_OPTIONAL_FLAGS, *wide) if _takes(command, flag)]
    if "-fopenmp" not in taken:
        taken += [flag for flag in _WITHOUT_OPENMP if _takes(command, flag)]
    if not _takes(command):
        raise CompileError(f"The C compiler {shlex.join(command)} cannot compile an empty program. {_REMEDY}")
    return Compiler(command, program, version, (*BASE_FLAGS, *taken, *user_flags))


def _takes(command: tuple[str, ...], *flags: str) -> bool:
    with tempfile.TemporaryDirectory(dir=cache.cache_directory(), prefix=".probe-") as folder:
        source = Path(folder) / "probe.c"
        source.write_text("int probe(void) { return 0; }\n")
        line = [
            *command,
            "-Werror",
            *flags,
            "-shared",
            "-fPIC",
            str(source),
            "-o",
            str(source.with_suffix(".so")),
        ]
        return subprocess.run(line, capture_output=True, check=False).returncode == 0
