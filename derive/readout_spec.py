"""Reads ``[readouts]``: integrals, maxima, and states at given times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sympy
from sympy import Expr

from saltus.derive import tables
from saltus.derive.expressions import Grammar, Place, parse_expression
from saltus.derive.model import END, TIME, Parameter, Probe, Reading, Readout
from saltus.derive.names import check_name

NO_DOT = (
    "uses a time derivative, which jumps at a spike",
    "Write it in terms of states and parameters.",
)


@dataclass(frozen=True)
class Readouts:
    """Those of a model, by kind."""

    integrals: tuple[Readout, ...]
    peaks: tuple[Readout, ...]
    probes: tuple[Probe, ...]


def readouts(
    data: Mapping[str, object],
    origin: str,
    parameters: tuple[Parameter, ...],
    names: Mapping[str, Expr],
    functions: Mapping[str, Callable[..., Expr]],
) -> Readouts:
    """The readouts of a spec's content.

    Args:
        data: the content.
        origin: names the spec in messages.
        parameters: which times may be made of.
        names: of states, parameters and initial values, with their meanings.
        functions: that may be called.

    Raises:
        SpecError: for a readout of no known kind, or with a time that is none.
    """
    entries = tables.subtable(data, "readouts", Place(origin, "readouts"))
    grammar = Grammar(
        {**names, "t": TIME, "T": END}, functions={**functions, **_KINDS}, refusals={"dot": NO_DOT}
    )
    constant = {parameter.symbol for parameter in parameters} | {END}
    found = []
    for name, value in entries.items():
        place = Place(origin, "readouts", name)
        check_name(name, Place(origin, "readouts"))
        parsed = parse_expression(value, grammar, place)
        if parsed.func not in _MARKERS or any(argument.has(*_MARKERS) for argument in parsed.args):
            raise place.error(
                f'"{value}" is a readout of no known kind.',
                "Write one of integral(...), max(...), final(...) and at(...) of states; a loss can put "
                "several together.",
            )
        quantity, *times = parsed.args
        if quantity.has(END):
            raise place.error(
                f'"{value}" uses T, the end of a run, in what it reads.',
                "Use T for times, and parameters for the rest.",
            )
        for time in times:
            if not time.free_symbols <= constant:
                raise place.error(
                    f'"{value}" has the time {time}, which is more than parameters and T.',
                    "Write a number, a parameter, T, or an expression of them.",
                )
        found.append(_MADE[parsed.func](name, quantity, times, value, place))
    return Readouts(*(tuple(r for kind, r in found if kind == wanted) for wanted in _ORDER))


def _integral(name: str, q: Expr, times: list[Expr], written: object, place: Place) -> tuple[str, Readout]:
    return "integral", Readout(name, q, _window(times))


def _maximum(name: str, q: Expr, times: list[Expr], written: object, place: Place) -> tuple[str, Readout]:
    if q.has(TIME):
        raise place.error(
            f'"{written}" is the maximum of something that depends on the time itself.',
            "Write max(...) of states and parameters.",
        )
    return "max", Readout(name, q, _window(times))


def _window(times: list[Expr]) -> tuple[Expr, Expr] | None:
    """From when to when: to the end where that is not said."""
    return None if not times else (times[0], times[1] if len(times) > 1 else END)


def _final(name: str, q: Expr, times: list[Expr], written: object, place: Place) -> tuple[str, Probe]:
    if times:
        raise place.error(f'"{written}" has a time, and final(...) is at T.', "Write at(...) with the time.")
    return _probe(name, Reading(q, END), False, written, place)


def _at(name: str, q: Expr, times: list[Expr], written: object, place: Place) -> tuple[str, Probe]:
    if len(times) > 1:
        raise place.error(
            f'"{written}" has several times.',
            "Write one; or none, and give the population sample_times.",
        )
    return _probe(name, Reading(q, times[0] if times else END), not times, written, place)


def _probe(name: str, reading: Reading, listed: bool, written: object, place: Place) -> tuple[str, Probe]:
    if reading.value.has(TIME):
        raise place.error(
            f'"{written}" depends on t, which is one time where it is read.', "Write that time instead of t."
        )
    return "probe", Probe(name, (reading,), listed)


def _marker(name: str) -> Callable[..., Expr]:
    """A readout's kind as a function of one to three arguments, which stands for itself."""
    function = sympy.Function(name)

    def kind(*arguments: Expr) -> Expr:
        if not 1 <= len(arguments) <= 3:
            raise ValueError(f"calls {name} with {len(arguments)} arguments", f"Write {name}(...) of one.")
        return function(*arguments)

    return kind


_ORDER = ("integral", "max", "probe")
_MADE = dict(
    zip(
        (sympy.Function(name) for name in ("integral", "max", "final", "at")),
        (_integral, _maximum, _final, _at),
        strict=True,
    )
)
_MARKERS = tuple(_MADE)
_KINDS = {str(marker): _marker(str(marker)) for marker in _MARKERS}
