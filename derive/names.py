"""Which names a spec may use: they stand in expressions, in the IR, in Python and in files.

In C they may be anything, as ``templates.naming`` sees to it that they clash with nothing there.
"""

from __future__ import annotations

import keyword
import re

from saltus.derive.expressions import Place

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
_MAX_LENGTH = 48

_TAKEN = re.compile(
    "w|t|T|dt|exp|log|sqrt|dot|integral|max|final|at|sum|log_softmax|"  # in expressions
    "loss|label|classes|first|"  # in losses
    "external|sensitivity|guard|guard_slope|credit|A_[0-9]+_[0-9]+.*|"  # in the IR
    "weights|delays"  # in learn and gradients
)
_PREFIXES = (
    "lambda_",
    "costate_",
    "pull_",
    "grad_",
    "Phi_",
    "Psi_",
    "psi_",
    "u_",
    "per_",
    "final_",
    "saltus_",
)
_SUFFIXES = ("_next", "_dot", "_partial")


def check_name(name: str, place: Place) -> str:
    """``name`` itself, if a parameter, state, transition or receptor may be called so.

    Raises:
        SpecError: if it is no identifier, or means something else in specs, in the IR or in Python.
    """
    if not _IDENTIFIER.fullmatch(name) or len(name) > _MAX_LENGTH:
        raise place.error(
            f'"{name}" cannot be a name.',
            f"Use a letter, then letters, digits and single underscores, at most {_MAX_LENGTH}.",
        )
    if keyword.iskeyword(name):
        raise place.error(f'"{name}" is a keyword of Python.', "Choose another name.")
    if _TAKEN.fullmatch(name):
        raise place.error(f'"{name}" has a meaning of its own in Saltus.', "Choose another name.")
    for affix in _PREFIXES:
        if name.startswith(affix):
            raise place.error(
                f'"{name}" starts with {affix}, which Saltus keeps for itself.', "Choose another name."
            )
    for affix in _SUFFIXES:
        if name.endswith(affix):
            raise place.error(
                f'"{name}" ends with {affix}, which Saltus keeps for itself.', "Choose another name."
            )
    return name
