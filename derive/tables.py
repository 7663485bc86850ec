"""Typed access to the tables of a spec file: texts, numbers, parameters."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import cast

from saltus.derive.expressions import Place, suggestion
from saltus.derive.model import Parameter, make_parameter
from saltus.derive.names import check_name

_PARAMETER_KEYS = ("value", "unit", "positive", "doc")
_OTHER_TIMES = re.compile(r"\b(ms|msec|us|µs|μs|ns|min|h)\b")
"""Units of time that are not the second, which t and T are in."""


def check_keys(table: Mapping[str, object], known: tuple[str, ...], place: Place) -> None:
    """Raises ``SpecError`` for the first key of ``table`` that is not among ``known``."""
    for key in table:
        if key not in known:
            raise place.error(f'"{key}" is not known here.', suggestion(key, known))


def subtable(data: Mapping[str, object], key: str, place: Place) -> dict[str, object]:
    """The table ``key`` of ``data``, empty if it is missing."""
    value = data.get(key, {})
    if not isinstance(value, dict):
        raise place.error(f"{value!r} is not a table.", f"Write it as a table: [{place.table or key}].")
    return cast(dict[str, object], value)


def text(data: Mapping[str, object], key: str, place: Place, default: str | None = None) -> str:
    """The text ``key`` of ``data``; one without a default must be there."""
    value = data.get(key, default)
    if value is None:
        raise place.error(f"{key} is missing.", f'Write {key} = "...".')
    if not isinstance(value, str):
        raise place.error(f"{key} is {value!r}, not a text.", f'Write {key} = "...".')
    return value


def flag(data: Mapping[str, object], key: str, place: Place, default: bool | None = None) -> bool:
    """The truth value ``key`` of ``data``; one without a default must be there."""
    value = data.get(key, default)
    if value is None:
        raise place.error(f"{key} is missing.", f"Write {key} = true or {key} = false.")
    if not isinstance(value, bool):
        raise place.error(f"{key} is {value!r}.", f"Write {key} = true or {key} = false.")
    return value


def number(value: object, place: Place) -> float:
    """A finite number, which true and false are not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise place.error(f"{value!r} is not a number.", "Write a number, such as 20e-3.")
    try:
        finite = math.isfinite(value)
    except OverflowError:
        raise place.error("the number is beyond float64.", "Write a finite number, such as 20e-3.") from None
    if not finite:
        raise place.error(f"{value} is not finite.", "Write a finite number, such as 20e-3.")
    return float(value)


def parameter(name: str, entry: object, place: Place, positive: bool = False) -> Parameter:
    """The parameter that a number or a table with value, unit, positive and doc describes."""
    if not isinstance(entry, dict):
        entry = {"value": entry}
    check_keys(entry, _PARAMETER_KEYS, place)
    if "value" not in entry:
        raise place.error("value is missing.", "Write value = ... with its default.")
    unit = text(entry, "unit", place, default="1")
    if _OTHER_TIMES.search(unit):
        raise place.error(
            f"unit is {unit!r}, and nothing is converted.",
            'Write the value in seconds, such as value = 20e-3 with unit = "s".',
        )
    made = make_parameter(
        name,
        default=number(entry["value"], place),
        unit=unit,
        positive=flag(entry, "positive", place, default=positive),
        doc=text(entry, "doc", place, default=""),
    )
    if made.positive and made.default <= 0:
        raise place.error(
            f"{name} is declared positive, and its value is {made.default}.",
            "Give a value above 0, or leave positive out.",
        )
    return made


def parameters(data: Mapping[str, object], origin: str) -> tuple[Parameter, ...]:
    """The parameters of ``[parameters]``, in the order of the file."""
    entries = subtable(data, "parameters", Place(origin, "parameters"))
    return tuple(
        parameter(check_name(name, Place(origin, "parameters")), entry, Place(origin, "parameters", name))
        for name, entry in entries.items()
    )
