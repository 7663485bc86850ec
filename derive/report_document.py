"""A derivation as a document: sections of prose, steps and tables, free of any written form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from saltus.derive import source
from saltus.derive.derivation import Derivation, Equation
from saltus.derive.report_layout import Relation, relation
from saltus.derive.report_reading import Reading
from saltus.derive.source_numbers import short

PROVED = "proved"
DEFINITION = "definition"


@dataclass(frozen=True)
class Link:
    """A step that another came from, by its label and as it is cited."""

    label: str
    cited: str


@dataclass(frozen=True)
class Erratum:
    """What the source prints where that is wrong or not general, and why."""

    printed: tuple[Relation, ...]
    reason: str


@dataclass(frozen=True)
class Step:
    """One labelled equation; ``status`` is ``proved`` only if that was shown while the document was made."""

    label: str
    numbers: tuple[str, ...]
    relation: Relation
    why: str
    links: tuple[Link, ...]
    status: str
    erratum: Erratum | None = None


@dataclass(frozen=True)
class Table:
    """A table; a cell is a sequence of equations and remarks, one below the other."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[tuple[Relation | str, ...], ...], ...]


@dataclass(frozen=True)
class Section:
    """Prose (``$...$`` is LaTeX), tables, steps; ``source`` names the source's sections."""

    anchor: str
    title: str
    prose: str
    source: str = ""
    tables: tuple[Table, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Document:
    """The whole: ``name`` is what ``saltus derive`` was given."""

    name: str
    title: str
    source: str
    prose: str
    sections: tuple[Section, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, in the order of the document."""
        return tuple(step for section in self.sections for step in section.steps)

    @property
    def summary(self) -> str:
        """How many steps were proved."""
        statuses = [step.status for step in self.steps]
        proved, defined = statuses.count(PROVED), statuses.count(DEFINITION)
        failed = len(statuses) - proved - defined
        sentence = f"{len(statuses)} steps: {proved} proved, {defined} definitions and choices"
        return f"{sentence}, {failed} NOT PROVED." if failed else f"{sentence}."


def steps_of(derivation: Derivation, labels: Iterable[str], reading: Reading) -> tuple[Step, ...]:
    """The steps with these labels, each proved again now."""
    return tuple(_step(derivation, derivation[label], reading) for label in labels)


def _step(derivation: Derivation, equation: Equation, reading: Reading) -> Step:
    numbers = tuple(short(number) for number in equation.source)
    links = []
    for label in equation.sources_of:
        premise = derivation[label]
        links.append(Link(premise.label, short(premise.source[0]) if premise.source else premise.label))
    over = "k" if equation.over == "intervals and spikes" else equation.over
    return Step(
        label=equation.label,
        numbers=numbers,
        relation=relation(equation.lhs, equation.rhs, reading, over),
        why=equation.why,
        links=tuple(links),
        status=derivation.status(equation.label),
        erratum=next((e for n in numbers if (e := erratum(n)) is not None), None),
    )


def erratum(number: str) -> Erratum | None:
    """The erratum of an equation of the source, if it has one."""
    row = next((r for r in source.rows() if short(r.id) == number), None)
    if row is None or row.status is not source.Status.ERRATUM:
        return None
    reading = Reading(("V", "I"), ())
    printed = tuple(relation(e.lhs, e.rhs, reading) for e in row.printed)
    return Erratum(printed, row.reason)


def source_sections(steps: Iterable[Step]) -> str:
    """The sections of the source that the steps are from, in words."""
    numbers = [number for step in steps for number in step.numbers if ":table" not in number]
    known = {short(row.id): row.id.partition(":")[0] for row in source.rows()}
    found = sorted({known[number] for number in numbers if number in known}, key=_by_parts)
    if not found:
        return ""
    return f"section {found[0]}" if len(found) == 1 else f"sections {', '.join(found)}"


def prose_parts(prose: str) -> Iterator[tuple[bool, str]]:
    """The prose in pieces, each with whether it is LaTeX."""
    for i, part in enumerate(re.split(r"\$", prose)):
        if part:
            yield i % 2 == 1, part


def names_of(derivation: Mapping[str, Equation]) -> Reading:
    """The order of states and parameters, read from the labels of a derivation."""

    def after(prefix: str) -> tuple[str, ...]:
        return tuple(label[len(prefix) :] for label in derivation if label.startswith(prefix))

    return Reading(after("dynamics."), after("gradient.parameter."))


def _by_parts(section: str) -> tuple[int, ...]:
    return tuple(int(part) for part in section.split("."))
