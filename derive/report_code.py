"""The C of a document: its labelled assignments, linked with the equations that they come from.

Whoever asks for a document passes the C as data; nothing here knows how it was made.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

_ELSEWHERE = (
    (re.compile(r"jump\.arrival\.(.+)"), r"input.jump.\1"),
    (re.compile(r"receive\.(.+)"), r"input.receive.\1"),
    (re.compile(r"gradient\.weight"), "gradient.input"),
    (re.compile(r"maximum\.\w+"), "maximum.jump"),
    (re.compile(r"loss\.sum"), "loss.value"),
)
"""Where a model sends no spikes, arrivals are those from outside; a maximum's partials are in its jump; sums
over the classes are in the loss.
"""
_SECTIONS = (
    ("flow", "section-flow"),
    ("gradient.flow", "section-flow"),
    ("guard.ladder", "section-crossings"),
    ("constants", "section-rules"),
    ("maximum", "section-maximum"),
    ("probe", "section-readouts"),
)
"""What no step says alone is in a section."""


@dataclass(frozen=True)
class Source:
    """A file of C, and the steps that its assignments carry as ``/* step, number */``."""

    file: str
    text: str
    labels: frozenset[str]


@dataclass(frozen=True)
class Line:
    """A line of C; ``label``: the comment that ends an assignment, ``anchor``: where it leads."""

    number: int
    text: str
    label: str = ""
    anchor: str = ""


@dataclass(frozen=True)
class Listing:
    """The parts of a file that hold equations, in their order: whole functions."""

    file: str
    parts: tuple[tuple[Line, ...], ...]


@dataclass(frozen=True)
class Place:
    """The lines that an equation became, from the first to the last."""

    file: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.file}:{self.first}" + (f"-{self.last}" if self.last > self.first else "")


def listings(sources: Sequence[Source], anchors: Collection[str]) -> tuple[Listing, ...]:
    """The functions with equations of each file; each labelled line leads to one of ``anchors``, which are
    the labels of steps, and those of sections.
    """
    found = []
    for source in sources:
        lines, function, target = [], "", ""
        for number, text in enumerate(source.text.split("\n"), 1):
            if (opened := _FUNCTION.match(text)) is not None:
                function = opened[1]
            if (assigned := _ASSIGNED.match(text)) is not None:
                target = assigned[1]
            lines.append(_line(number, text, (target, function), source.labels, anchors))
        parts = [part for part in _functions(lines) if any(line.label for line in part)]
        if parts:
            found.append(Listing(source.file, tuple(parts)))
    return tuple(found)


_ASSIGNED = re.compile(r"\s*(?:const \w+ )?\*?(\w+)(?:\[\w+\])? \+?= ")
"""The beginning of an assignment, and what is assigned."""
_FUNCTION = re.compile(r"SALTUS_INLINE \w+ (\w+)\(")
"""The beginning of a function with equations, and its name."""


def places(found: Sequence[Listing]) -> Mapping[str, tuple[Place, ...]]:
    """Anchor -> the lines that it became, those that follow one another together."""
    known: dict[str, list[Place]] = {}
    for listing in found:
        for line in (line for part in listing.parts for line in part if line.anchor):
            here = known.setdefault(line.anchor, [])
            if here and here[-1].file == listing.file and line.number - here[-1].last <= _NEAR:
                here[-1] = replace(here[-1], last=line.number)
            else:
                here.append(Place(listing.file, line.number, line.number))
    return {anchor: tuple(lines) for anchor, lines in known.items()}


_NEAR = 3
"""An assignment may take so many lines."""


def _line(
    number: int, text: str, within: tuple[str, str], labels: Collection[str], anchors: Collection[str]
) -> Line:
    match = re.search(r"/\* ([^*]+) \*/$", text)
    if match is None or match[1] not in labels:
        return Line(number, text)
    return Line(number, text, match[1], _anchor(match[1].partition(",")[0], within, anchors))


def _anchor(label: str, within: tuple[str, str], anchors: Collection[str]) -> str:
    """The step that a label means, of several the one about what is assigned or the function, or the section;
    empty where there is none.
    """
    if label in anchors:
        return label
    others = (pattern.sub(other, label) for pattern, other in _ELSEWHERE if pattern.fullmatch(label))
    for name in (*others, label):
        found = [anchor for anchor in anchors if anchor == name or anchor.startswith(f"{name}.")]
        for about in within:
            named = [anchor for anchor in found if _is_about(anchor.removeprefix(f"{name}."), about)]
            if named:
                return max(named, key=len)
        if found:
            return found[0]
    sections = (section for start, section in _SECTIONS if label == start or label.startswith(f"{start}."))
    return next((anchor for section in sections for anchor in anchors if anchor.startswith(section)), "")


def _is_about(name: str, written: str) -> bool:
    """Whether a name of the C holds that of a state or receptor: ``lambda_V_next``, ``grad_V0``."""
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z])", written) is not None


def _functions(lines: Sequence[Line]) -> list[tuple[Line, ...]]:
    """What stands between blank lines."""
    parts: list[list[Line]] = [[]]
    for line in lines:
        if line.text:
            parts[-1].append(line)
        elif parts[-1]:
            parts.append([])
    return [tuple(part) for part in parts if part]
