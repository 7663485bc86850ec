"""Which names a spec may use: they become names in C, in Python and in files."""

from __future__ import annotations

import keyword
import re

from saltus.derive.expressions import Place

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
_MAX_LENGTH = 48

_C_KEYWORD = re.compile(
    "auto|break|case|char|const|continue|default|do|double|else|enum|extern|float|for|goto|if|inline|int|long|"
    "register|restrict|return|short|signed|sizeof|static|struct|switch|typedef|union|unsigned|void|volatile|"
    "while|bool|true|false|complex|imaginary"
)
_TAKEN = re.compile(
    "w|t|T|dt|external|sensitivity|guard|guard_slope|credit|rate|loss|label|classes|first|index|exp|log|exp_dd|"
    "dot|integral|max|final|at|sum|log_softmax|fmin|fmax|fabs|sqrt|NAN|INFINITY|A_[0-9]+_[0-9]+.*"
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
_SUFFIXES = ("_next", "_dot")


def check_name(name: str, place: Place) -> str:
    """``name`` itself, if a parameter, state, transition or receptor may be called so.

    Raises:
        SpecError: if it is no identifier, or means something else in C, in Python or in the generated code.
    """
    if not _IDENTIFIER.fullmatch(name) or len(name) > _MAX_LENGTH:
        raise place.error(
            f'"{name}" cannot be a name.',
            f"Use a letter, then letters, digits and single underscores, at most {_MAX_LENGTH}.",
        )
    if _C_KEYWORD.fullmatch(name) or keyword.iskeyword(name):
        language = "C" if _C_KEYWORD.fullmatch(name) else "Python"
        raise place.error(f'"{name}" is a keyword of {language}.', "Choose another name.")
    if _TAKEN.fullmatch(name):
        raise place.error(
            f'"{name}" has a meaning of its own in specs or generated code.', "Choose another name."
        )
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
