"""Names of specs in C: none can be taken for an identifier of the templates or of C itself.

A unit is rendered with the names of its specs in an alphabet of their own, which neither templates nor C
have. So in the text that comes out, every identifier shows which parts of it are a spec's, and all others
are known, wherever they come from. Then names are written in Latin letters again: as in the spec, if the
identifiers with names in them differ from all others, else with an ending, in C alone. What differed still
differs, so the text means the same. Comments have the names of the spec.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import string
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from saltus.errors import EmitError
from saltus.templates.renaming import renamed

if TYPE_CHECKING:
    from saltus.templates.render import Unit

_ALPHABET = {ord(letter): 0x13000 + ord(letter) for letter in f"{string.ascii_letters}{string.digits}_"}
"""To hieroglyphs, one for each letter and in the same order: lines break, and names sort, as they would."""
_LATIN = {foreign: letter for letter, foreign in _ALPHABET.items()}
_NAME = re.compile(f"[{''.join(map(chr, _LATIN))}]+")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_COMMENT_OR_NAME = re.compile(f"({_COMMENT.pattern})|{_NAME.pattern}", re.DOTALL)
_FUNCTION = re.compile(r"\([^()]*\)\n\{.*?^\}", re.DOTALL | re.MULTILINE)
"""Parameters and body of a function."""

OF_C = re.compile(
    "alignas|alignof|asm|auto|bool|break|case|char|complex|const|constexpr|continue|default|do|double|else|enum|"
    "errno|extern|false|float|for|goto|if|imaginary|inline|int|linux|long|main|math_errhandling|noreturn|nullptr|"
    "register|restrict|return|sched_priority|short|signed|sizeof|static|static_assert|stderr|stdin|stdout|struct|"
    "switch|thread_local|true|typedef|typeof|typeof_unqual|union|unix|unsigned|void|volatile|while|"
    "[A-Z0-9_]*[A-Z]{2}[A-Z0-9_]*|M_[A-Z0-9_]+([fl][0-9x]*)?"
)
"""Keywords, C23's too, and what headers define as macros, in capitals for the most part."""

_IR = TypeVar("_IR")
_P = ParamSpec("_P")


def in_c(unit: Callable[Concatenate[_IR, _P], Unit]) -> Callable[Concatenate[_IR, _P], Unit]:
    """A function that renders an IR, or a tuple of them, such that no name in it clashes in C."""

    def safe(ir: _IR, /, *args: _P.args, **kwargs: _P.kwargs) -> Unit:
        try:
            return _in_latin(unit(renamed(ir, lambda name: name.translate(_ALPHABET)), *args, **kwargs))
        except EmitError as refusal:
            raise EmitError(spelled(str(refusal))) from refusal

    functools.update_wrapper(safe, unit)
    return safe


def spelled(text: str) -> str:
    """A text with the names of specs as they are there."""
    return text.translate(_LATIN)


def _in_latin(unit: Unit) -> Unit:
    names = c_names(unit.sources.values())

    def letters(found: re.Match[str]) -> str:
        return spelled(found[0]) if found[1] else names[found[0]]

    sources = {file: _COMMENT_OR_NAME.sub(letters, text) for file, text in unit.sources.items()}
    return dataclasses.replace(unit, sources=sources, cdef=_COMMENT_OR_NAME.sub(letters, unit.cdef))


def c_names(sources: Iterable[str]) -> Mapping[str, str]:
    """What each name of a spec (in the alphabet of its own) in the sources of a unit is in C."""
    identifiers = {
        word for text in sources for word in re.findall(r"\w+", _in_reach(_COMMENT.sub(" ", text)))
    }
    ours = sorted((word for word in identifiers if _NAME.search(word)), key=_plainest_first)
    names = {name: spelled(name) for word in ours for name in _NAME.findall(word)}
    endings = dict.fromkeys(names, 0)
    while clashes := _clashes(ours, identifiers, names):
        for name in {_NAME.findall(word)[-1] for word in clashes}:
            endings[name] += 1
            names[name] = f"{spelled(name)}_spec{endings[name] if endings[name] > 1 else ''}"
    return names


def _in_reach(code: str) -> str:
    """A file's code; where no name of a spec is in it, without what its functions declare for themselves."""
    return code if _NAME.search(code) else _FUNCTION.sub(" ", code)


def _clashes(ours: Iterable[str], identifiers: set[str], names: Mapping[str, str]) -> list[str]:
    """Those of ``ours`` that would be another identifier as well; of two of ours, the first."""
    texts: dict[str, str] = {}
    found = []
    for word in ours:
        text = _NAME.sub(lambda name: names[name[0]], word)
        if text in identifiers or OF_C.fullmatch(text):
            found.append(word)
        elif texts.setdefault(text, word) != word:
            found.append(texts[text])
    return found


def _plainest_first(word: str) -> tuple[int, str]:
    return len(_NAME.sub("", word)), word
