"""Which names a spec may use: they become names in C, in Python and in files."""

from __future__ import annotations

import re

from saltus.derive.expressions import Place

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
_MAX_LENGTH = 48

_C_KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if inline int long "
    "register restrict return short signed sizeof static struct switch typedef union unsigned void volatile "
    "while bool true false complex imaginary".split()
)
_PYTHON_KEYWORDS = frozenset(
    "and as assert async await class def del elif except finally from global import in is lambda nonlocal not "
    "or pass raise try with yield None True False".split()
)
_TAKEN = frozenset(
    "w t T dt external sensitivity guard guard_slope credit rate loss label first index exp log exp_dd dot integral "
    "max final at sum log_softmax fmin fmax fabs sqrt NAN INFINITY".split()
)
_PREFIXES = ("lambda_", "grad_", "Phi_", "Psi_", "u_", "saltus_")
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
    if name in _C_KEYWORDS or name in _PYTHON_KEYWORDS:
        language = "C" if name in _C_KEYWORDS else "Python"
        raise place.error(f'"{name}" is a keyword of {language}.', "Choose another name.")
    if name in _TAKEN:
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
