"""The folder that compiled kernels and derived models are kept in: the user's own, nobody else's.

What lies there is loaded into the process and run, so the folder is created with mode 0700 and refused when
it belongs to somebody else or when others may write to it.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from saltus.errors import CompileError

_REMEDY = "Set SALTUS_CACHE_DIR to a folder of your own that can be written to."


def cache_directory() -> Path:
    """``SALTUS_CACHE_DIR``, or the user's cache folder of this platform; created when it does not exist.

    Raises:
        CompileError: if it cannot be created or written to, is not a folder, or is not the user's own.
    """
    folder = Path(os.environ.get("SALTUS_CACHE_DIR") or _platform_cache()).expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        raise CompileError(
            f"The cache folder {folder} cannot be made ({error.strerror}). {_REMEDY}"
        ) from error
    if found.st_uid != os.getuid():
        raise CompileError(
            f"The cache folder {folder} belongs to another user (uid {found.st_uid}). {_REMEDY}"
        )
    if stat.S_IMODE(found.st_mode) & 0o022:
        raise CompileError(f"The cache folder {folder} can be written to by others. Run chmod go-w {folder}.")
    return folder


def entry(name: str, build: Callable[[Path], None]) -> Path:
    """The folder ``name`` of the cache; ``build`` fills it when it is not there yet.

    It is filled under another name and then renamed, so that processes that race for it each see the whole
    entry or none; those who come second throw their own copy away.

    Raises:
        CompileError: if the cache cannot be used, its disk is full, or ``build`` raises it.
    """
    target = cache_directory() / name
    if not target.is_dir():
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            building = Path(tempfile.mkdtemp(prefix=".build-", dir=target.parent))
        except OSError as error:
            raise CompileError(
                f"The cache {target.parent} cannot be written ({error.strerror}). {_REMEDY}"
            ) from error
        try:
            build(building)
            building.rename(target)
        except OSError as error:
            if not target.is_dir():
                raise CompileError(
                    f"The cache entry {target} cannot be written ({error.strerror}). {_REMEDY}"
                ) from error
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return target


def forget(name: str) -> None:
    """Removes the entry ``name``, as when it turns out to be damaged; no error when there is none."""
    shutil.rmtree(cache_directory() / name, ignore_errors=True)


def _platform_cache() -> str:
    from platformdirs import user_cache_dir

    return user_cache_dir("saltus")
