"""The C of a document: its labelled assignments, linked with the equations that they come from.

Whoever asks for a document passes the C as data; nothing here knows how it was made.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

_GIVEN_ELSEWHERE = (
    (re.compile(r"jump\.arrival\.(.+)"), r"input.jump.\1"),
    (re.compile(r"receive\.(.+)"), r"input.receive.\1"),
    (re.compile(r"gradient\.weight"), "gradient.input"),
)
"""Where a model sends no spikes, its arrivals are those from outside."""


@dataclass(frozen=True)
class Source:
    """A file of C, and the steps that its assignments carry as ``/* step, number */``."""

    file: str
    text: str
    labels: frozenset[str]


@dataclass(frozen=True)
class Line:
    """A line of C; ``label``: the comment that ends an assignment, ``step``: where it leads."""

    number: int
    text: str
    label: str = ""
    step: str = ""


@dataclass(frozen=True)
class Listing:
    """The parts of a file that hold equations, in their order: whole functions."""

    file: str
    parts: tuple[tuple[Line, ...], ...]


@dataclass(frozen=True)
class Place:
    """A line that an equation became."""

    file: str
    number: int


def listings(sources: Sequence[Source], steps: Collection[str]) -> tuple[Listing, ...]:
    """The functions with equations of each file, each labelled line with the step that it comes from."""
    found = []
    for source in sources:
        lines = [_line(i, text, source.labels, steps) for i, text in enumerate(source.text.split("\n"), 1)]
        parts = [part for part in _functions(lines) if any(line.label for line in part)]
        if parts:
            found.append(Listing(source.file, tuple(parts)))
    return tuple(found)


def places(found: Sequence[Listing]) -> Mapping[str, tuple[Place, ...]]:
    """Step -> the lines that it became."""
    known: dict[str, list[Place]] = {}
    for listing in found:
        for line in (line for part in listing.parts for line in part if line.step):
            known.setdefault(line.step, []).append(Place(listing.file, line.number))
    return {step: tuple(lines) for step, lines in known.items()}


def _line(number: int, text: str, labels: Collection[str], steps: Collection[str]) -> Line:
    match = re.search(r"/\* ([^*]+) \*/$", text)
    if match is None or match[1] not in labels:
        return Line(number, text)
    return Line(number, text, match[1], _step(match[1].partition(",")[0], steps))


def _step(label: str, steps: Collection[str]) -> str:
    """The step of a document that a label means; none where the document has none."""
    if label in steps:
        return label
    for pattern, other in _GIVEN_ELSEWHERE:
        if pattern.fullmatch(label) and (elsewhere := pattern.sub(other, label)) in steps:
            return elsewhere
    return ""


def _functions(lines: Sequence[Line]) -> list[tuple[Line, ...]]:
    """What stands between blank lines."""
    parts: list[list[Line]] = [[]]
    for line in lines:
        if line.text:
            parts[-1].append(line)
        elif parts[-1]:
            parts.append([])
    return [tuple(part) for part in parts if part]
