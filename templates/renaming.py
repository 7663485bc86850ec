"""An IR with other names for what its spec names; what is derived from a name follows it.

Whatever makes identifiers of names, in the IR, in templates or beside them, has its rule here: a name after
``grad_``, before ``_next`` and so on. ``derive.names`` refuses names that would look like such.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

import msgspec

from saltus.templates.ir import (
    Arrival,
    Assign,
    Block,
    Emission,
    Fact,
    Flow,
    HeadIR,
    HeadReadout,
    Mode,
    ModelIR,
    Parameter,
    Peak,
    Probe,
    Ref,
    State,
    TrainIR,
)

PREFIXES = ("lambda_", "costate_", "pull_", "grad_", "per_", "final_")
SUFFIXES = ("_next", "_dot", "_partial")
_OF_MATRIX = re.compile(r"(A_\d+_\d+_)(.+)")

_NAMES: dict[type, tuple[str, ...]] = {
    Arrival: ("receptor",),
    Emission: ("name",),
    HeadIR: ("name", "targets"),
    HeadReadout: ("name",),
    Mode: ("name", "duration"),
    ModelIR: ("name", "integrals", "inputs"),
    Parameter: ("name", "initial_of"),
    Peak: ("name",),
    Probe: ("name",),
    TrainIR: ("name", "target"),
}
"""Where names of the spec are."""

_IDENTIFIERS: dict[type, tuple[str, ...]] = {
    Assign: ("target",),
    Block: ("inputs", "outputs"),
    Flow: ("entries",),
    Ref: ("name",),
    State: ("name", "adjoint", "initial"),
}
"""Where there are names, what is derived from them, and others."""

_IR = TypeVar("_IR")


def renamed(ir: _IR, name: Callable[[str], str]) -> _IR:
    """The same IR, or tuple of them, with ``name(x)`` for each name x of its spec."""
    if isinstance(ir, tuple):
        return type(ir)(renamed(each, name) for each in ir)
    found: _IR = _Renaming(name, dict(_derived(_numbers(ir), name))).node(ir, _Begin())
    return found


def _numbers(ir: object) -> list[str]:
    """The names of numbers."""
    match ir:
        case ModelIR():
            return [*(state.name for state in ir.states), *(each.name for each in ir.parameters)]
        case HeadIR():
            readouts = (readout.name for readout in ir.readouts)
            return [*readouts, *ir.targets, *(each.name for each in ir.parameters)]
        case TrainIR():
            return [ir.target, *(each.name for each in ir.parameters)]
    raise TypeError(type(ir).__name__)


def _derived(numbers: list[str], name: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """Each number's name, and what is derived from it, with what they become."""
    for before, each, after in product(("", *PREFIXES), numbers, ("", *SUFFIXES)):
        yield f"{before}{each}{after}", f"{before}{name(each)}{after}"


@dataclass(frozen=True)
class _Begin:
    """What the names of blocks begin with: in the IR as it is, and renamed."""

    given: str = ""
    renamed: str = ""

    def then(self, word: str, renamed: str | None = None) -> _Begin:
        """With one more word."""
        return _Begin(f"{self.given}{word}_", f"{self.renamed}{renamed or word}_")


@dataclass(frozen=True)
class _Renaming:
    """name: what a name of the spec becomes; numbers: what identifiers with one in them become."""

    name: Callable[[str], str]
    numbers: Mapping[str, str]

    def node(self, node: Any, begin: _Begin) -> Any:
        """A part of an IR."""
        if isinstance(node, tuple):
            return tuple(self.node(each, begin) for each in node)
        if not isinstance(node, msgspec.Struct):
            return node
        inside = self._inside(node, begin)
        fields = {field: self.node(getattr(node, field), inside) for field in node.__struct_fields__}
        fields |= {field: _each(self.name, fields[field]) for field in _NAMES.get(type(node), ())}
        derived = _IDENTIFIERS.get(type(node), ())
        fields |= {field: _each(self._identifier, fields[field]) for field in derived}
        match node:
            case Block(name=name) if f"{name}_".startswith(begin.given):
                fields["name"] = (begin.renamed + f"{name}_".removeprefix(begin.given)).removesuffix("_")
            case Fact(name="flow_parameters", text=text):
                fields["text"] = re.sub(r"\w+", lambda found: self._identifier(found[0]), text)
            case ModelIR(peaks=peaks, modes=modes):
                fields["peaks"] = tuple(self._peak(peak, modes) for peak in peaks)
            case HeadIR(readouts=readouts, partials=partials):
                begins = [begin.then(each.name, self.name(each.name)) for each in readouts]
                fields["partials"] = tuple(map(self.node, partials, begins))
        return type(node)(**fields)

    def _inside(self, node: msgspec.Struct, begin: _Begin) -> _Begin:
        """How the names of blocks in a record begin."""
        match node:
            case Mode(name=name) | Arrival(receptor=name) | HeadReadout(name=name):
                return begin.then(name, self.name(name))
            case Probe(name=name):
                return begin.then("probe").then(name, self.name(name))
        return begin

    def _peak(self, peak: Peak, modes: tuple[Mode, ...]) -> Peak:
        """The names of blocks begin with the phase's, if there is one, ``peak`` and the readout's."""

        def begin(phase: _Begin) -> _Begin:
            return phase.then("peak").then(peak.name, self.name(peak.name))

        phases = (
            self.node(rungs, begin(_Begin().then(mode.name, self.name(mode.name))))
            for mode, rungs in zip(modes, peak.phases, strict=True)
        )
        found: Peak = self.node(peak, begin(_Begin()))
        return msgspec.structs.replace(found, phases=tuple(phases))

    def _identifier(self, word: str) -> str:
        if word in self.numbers:
            return self.numbers[word]
        found = _OF_MATRIX.fullmatch(word)
        return found[1] + self.numbers.get(found[2], found[2]) if found else word


def _each(name: Callable[[str], str], given: Any) -> Any:
    """A name, some names, or none."""
    if isinstance(given, tuple):
        return tuple(map(name, given))
    return given if given is None else name(given)
