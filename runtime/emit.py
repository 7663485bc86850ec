"""The committed C: every shipped model and loss derived, lowered, rendered; written, or compared.

For each of them ``generated/`` holds the IR, the C and the derivation as a document. All of it is a pure
function of the specs and of this version's code: the same bytes on every machine, on every day.
"""

from __future__ import annotations

import contextlib
import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from saltus.errors import EmitError

_KEPT = "__init__.py"


@dataclass(frozen=True)
class Drift:
    """A file that is not what the derivation gives; ``what`` says how it differs."""

    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


def generated_root() -> Path:
    """The folder of the package's own generated files."""
    import saltus.generated

    return Path(next(iter(saltus.generated.__path__))).resolve()


def generated() -> Mapping[str, str]:
    """Path (below ``generated/``, with ``/``) and text of every file that is to be there.

    Raises:
        SpecError, DerivationError, EmitError: if a shipped spec cannot be turned into C.
    """
    from saltus.derive.files import shipped

    found: dict[str, str] = {}
    for name in shipped("models"):
        found |= {f"{name}/{file}": text for file, text in model_files(name).items()}
    for name in shipped("losses"):
        found |= {f"losses/{name}/{file}": text for file, text in loss_files(name).items()}
    return dict(sorted(found.items()))


def model_files(model: str | Path) -> dict[str, str]:
    """IR, C and derivation of one model, by file name."""
    from saltus.derive.lower import lower
    from saltus.derive.report import write
    from saltus.derive.spec import load
    from saltus.templates.clock import clock_unit, why_no_clock
    from saltus.templates.ir import dump
    from saltus.templates.network import network_unit
    from saltus.templates.probes import probe_unit
    from saltus.templates.render import event_unit, why_not_fast

    ir = lower(load(model))
    unit = event_unit(ir) if why_not_fast(ir) is None else network_unit((ir,))
    probes = probe_unit(ir).sources if ir.probes else {}
    clock = clock_unit((ir,)).sources if why_no_clock(ir) is None else {}
    return {
        "ir.json": dump(ir).decode(),
        **clock,
        **probes,
        **unit.sources,
        "derivation.md": write(str(model), "markdown"),
    }


def loss_files(loss: str | Path) -> dict[str, str]:
    """IR, C and derivation of one loss, by file name."""
    from saltus.derive.any_loss import load, lower_loss
    from saltus.derive.report import write
    from saltus.templates.ir import dump
    from saltus.templates.render import loss_unit

    ir = lower_loss(load(loss))
    return {
        "ir.json": dump(ir).decode(),
        **loss_unit(ir).sources,
        "derivation.md": write(str(loss), "markdown"),
    }


def write_generated(root: Path, files: Mapping[str, str]) -> tuple[str, ...]:
    """Writes each of ``files`` that differs, returns their paths; raises ``EmitError`` if it cannot."""
    changed = []
    for path, text in files.items():
        target = root / path
        if _read(target) != text:
            _replace(target, text)
            changed.append(path)
    return tuple(changed)


def drift(root: Path, files: Mapping[str, str]) -> tuple[Drift, ...]:
    """Everything below ``root`` that is not as in ``files``: missing, different, or not among them."""
    found = []
    for path, text in files.items():
        there = _read(root / path)
        if there is None:
            found.append(Drift(path, "is missing"))
        elif there != text:
            found.append(Drift(path, _first_difference(there, text)))
    return (
        *found,
        *(Drift(path, "is made by nothing; remove it") for path in _present(root) - set(files)),
    )


def _present(root: Path) -> set[str]:
    files = (path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(root).as_posix() for path in files} - {_KEPT}


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None


def _replace(target: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(text.encode())
        os.replace(part, target)  # noqa: PTH105 (says what it does)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise EmitError(
            f"{target} cannot be written: {error.strerror}. Give a folder that can be, with --root."
        ) from error


def _first_difference(there: str, expected: str) -> str:
    lines = difflib.unified_diff(there.splitlines(), expected.splitlines(), n=0, lineterm="")
    changes = [line for line in islice(lines, 2, None) if not line.startswith("@@")]
    shown = "; ".join(line[:100] for line in changes[:2]) or "line ends"
    return f"differs in {len(changes)} lines ({shown})"
