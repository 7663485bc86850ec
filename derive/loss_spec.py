"""Reads a loss from TOML or a dict: one expression in the first spike times of any number of classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import sympy
from sympy import Expr, IndexedBase, Sum, Symbol

from saltus.derive import files, tables
from saltus.derive.expressions import ELEMENTARY, Grammar, Place, parse_expression
from saltus.derive.model import Parameter
from saltus.derive.names import check_name

TIMES = IndexedBase("t", real=True)
"""t[k], the first spike time of the neuron of class k, in seconds."""
CLASSES = Symbol("classes", integer=True, positive=True)
"""The number of classes."""
LABEL = Symbol("label", integer=True, nonnegative=True)
"""The class of the sample."""
CLASS = Symbol("k", integer=True, nonnegative=True)
"""Any class."""

_KEYS = ("name", "title", "source", "parameters", "loss")


@dataclass(frozen=True)
class LossSpec:
    """The loss of one sample, ``value``, in ``TIMES``, ``LABEL``, ``CLASSES`` and parameters."""

    name: str
    title: str
    source: str
    origin: str
    parameters: tuple[Parameter, ...]
    value: Expr


def load(loss: str | Path) -> LossSpec:
    """The loss in a ``.toml`` file, or the shipped one of that name.

    Raises:
        SpecError: if there is no such loss, or it is wrong (the message says where and what to write).
    """
    text, origin = files.read("losses", loss)
    return parse(text, origin)


def parse(text: str, origin: str) -> LossSpec:
    """The loss that a TOML text describes; ``origin`` names it in messages."""
    return from_dict(files.toml(text, origin), origin)


def from_dict(data: Mapping[str, object], origin: str = "loss") -> LossSpec:
    """The loss that a dict with the content of a spec file describes.

    Raises:
        SpecError: if it is wrong (the message says where and what to write).
    """
    tables.check_keys(data, _KEYS, Place(origin))
    place = Place(origin, "loss")
    body = tables.subtable(data, "loss", place)
    tables.check_keys(body, ("data", "value"), place)
    known = tables.subtable(body, "data", Place(origin, "loss", "data"))
    if known != {"label": "class"}:
        raise Place(origin, "loss", "data").error(
            f"{known} is not supported yet.", 'Write data = { label = "class" }.'
        )
    parameters = tables.parameters(data, origin)
    for parameter in parameters:
        if parameter.name == str(CLASS) or parameter.name.split("_")[0] == "j":
            raise Place(origin, "parameters", parameter.name).error(
                f"{parameter.name} is an index of classes here.", "Choose another name."
            )
    value = parse_expression(
        tables.text(body, "value", place), _grammar(parameters), Place(origin, "loss", "value")
    )
    _check(value, Place(origin, "loss", "value"))
    return LossSpec(
        name=check_name(tables.text(data, "name", Place(origin)), Place(origin, key="name")),
        title=tables.text(data, "title", Place(origin)),
        source=tables.text(data, "source", Place(origin), default=""),
        origin=origin,
        parameters=parameters,
        value=value,
    )


def _grammar(parameters: tuple[Parameter, ...]) -> Grammar:
    r"""What a loss may say: ``first`` is :math:`t_k`, one for each class k; ``[label]`` picks one.

    ``sum(v)`` is :math:`\sum_j v_j`, and ``log_softmax(v)`` is :math:`v_k - \log \sum_j e^{v_j}`.
    """

    def over_classes(values: Expr) -> Expr:
        if not values.has(CLASS):
            raise ValueError(
                "sums over the classes what is the same for all of them",
                "Sum something that has first in it.",
            )
        depth = _nesting(values)
        index = Symbol(f"j_{depth}" if depth else "j", integer=True, nonnegative=True)
        return Sum(values.subs(CLASS, index), (index, 0, CLASSES - 1))

    def log_softmax(values: Expr) -> Expr:
        return values - sympy.log(over_classes(sympy.exp(values)))

    def pick(values: Expr, index: Expr) -> Expr:
        if index != LABEL:
            raise ValueError(f"picks the class {index}", "Write [label], the class of the sample.")
        if not values.has(CLASS):
            raise ValueError(
                "picks the label's part of what is the same for all classes", "Leave [label] out."
            )
        return values.subs(CLASS, LABEL)

    names: dict[str, Expr] = {parameter.name: parameter.symbol for parameter in parameters}
    return Grammar(
        names=names | {"first": TIMES[CLASS], "label": LABEL},
        functions={**ELEMENTARY, "sum": over_classes, "log_softmax": log_softmax},
        subscript=pick,
    )


def _nesting(values: Expr) -> int:
    """How many sums stand within one another; those side by side share an index, so equal ones are equal."""
    inside = max((_nesting(argument) for argument in values.args), default=0)
    return inside + isinstance(values, Sum)


def _check(value: Expr, place: Place) -> None:
    if CLASS in value.free_symbols:
        raise place.error(
            "the value is a number for each class, and a loss is one number.",
            "Pick the label's part with [label], or add the classes with sum(...).",
        )
    if not value.has(TIMES):
        raise place.error("the value does not depend on a spike time.", "Use first or first[label].")
    if LABEL in value.xreplace({TIMES[LABEL]: sympy.Dummy()}).free_symbols:
        raise place.error(
            "the value uses label as a number, and it is the name of a class.",
            "Use label between brackets only: first[label].",
        )
