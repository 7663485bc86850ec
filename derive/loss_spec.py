"""Reads a loss from TOML or a dict: one expression in readouts and targets of any number of classes.

``first`` is the first spike time of each class's neuron, ``spike(k)`` its spike number k, counted from 0, and
``spikes(f)`` the sum of f(t) over the times t of all its spikes. Any other readout is declared, ``readouts =
["x"]``, and whoever uses the loss says which readout of the model x is; ``trajectories = ["x"]`` are states
at sample times, and sums then go over neurons and times. The data are the sample's class, ``label =
"class"``, and numbers for each class, ``target = "value"``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import sympy
from sympy import Expr, Indexed, IndexedBase, Sum, Symbol

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
SPIKE_TIME = Symbol("t", nonnegative=True)
"""The time of a spike, in what is summed over all spikes of a neuron."""
MAX_SPIKE = 63
"""The largest number of a spike that a loss can read."""

_KEYS = ("name", "title", "source", "parameters", "loss")
_INDEX = re.compile(r"k|j(_\d+)*")
_TAKEN = re.compile(r"spikes?|(spike|count)_\d+|count|(lse|total)(_\d+)?")


@dataclass(frozen=True)
class LossReadout:
    """What a loss reads of each class's neuron.

    name: in the loss's formulas; spike: the number of the spike whose time it is, counted from 0; kernel: of
    what it is the sum over all spikes, in ``SPIKE_TIME`` and parameters; sampled: a state at sample times,
    which the loss's user names. None of them: a readout of the model, which the user names.
    """

    name: str
    spike: int | None = None
    kernel: Expr | None = None
    sampled: bool = False

    @property
    def base(self) -> IndexedBase:
        """The array over classes that stands for it."""
        return IndexedBase(self.name, real=True)


@dataclass(frozen=True)
class LossSpec:
    """The loss of one sample, ``value``, in readouts, targets, ``LABEL``, ``CLASSES`` and parameters.

    targets: names of the data that are one number for each class.
    """

    name: str
    title: str
    source: str
    origin: str
    parameters: tuple[Parameter, ...]
    value: Expr
    readouts: tuple[LossReadout, ...] = (LossReadout("t", 0),)
    targets: tuple[str, ...] = ()

    @property
    def labelled(self) -> bool:
        """Whether the loss depends on the sample's class."""
        return bool(self.value.has(LABEL))


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
    tables.check_keys(body, ("data", "readouts", "trajectories", "value"), place)
    parameters = tables.parameters(data, origin)
    for parameter in parameters:
        _check_free(parameter.name, Place(origin, "parameters", parameter.name))
    names = {parameter.name for parameter in parameters}
    labelled, targets = _data(body, names, Place(origin, "loss", "data"))
    declared = _readouts(body, "readouts", names.union(targets), Place(origin, "loss", "readouts"))
    taken = names.union(targets, (readout.name for readout in declared))
    followed = _readouts(body, "trajectories", taken, Place(origin, "loss", "trajectories"))
    counts = _Counts()
    at = Place(origin, "loss", "value")
    value = parse_expression(
        tables.text(body, "value", place),
        _grammar(parameters, labelled, targets, declared + followed, counts),
        at,
    )
    readouts = _check(value, labelled, targets, declared + followed, counts.found, at)
    if followed and (labelled or len(followed) < len(readouts)):
        raise Place(origin, "loss", "trajectories").error(
            "they are numbers for each neuron and time, and the loss has a label or another readout as well.",
            "Write two losses, and add them: saltus.loss([...]).",
        )
    return LossSpec(
        name=check_name(tables.text(data, "name", Place(origin)), Place(origin, key="name")),
        title=tables.text(data, "title", Place(origin)),
        source=tables.text(data, "source", Place(origin), default=""),
        origin=origin,
        parameters=parameters,
        value=value,
        readouts=readouts,
        targets=targets,
    )


def spike(k: int) -> LossReadout:
    """The readout that is the time of spike k, counted from 0: ``t``, ``spike_1``, ``spike_2``, ..."""
    return LossReadout(f"spike_{k}" if k else str(TIMES), k)


def _data(body: Mapping[str, object], taken: set[str], place: Place) -> tuple[bool, tuple[str, ...]]:
    """Whether there is a label, and the names of the targets."""
    known = tables.subtable(body, "data", place)
    targets = []
    for name, kind in known.items():
        if kind != ("class" if name == "label" else "value"):
            raise place.error(
                f"{name} is {kind!r}.", 'Write label = "class" for the class, target = "value" for numbers.'
            )
        if name != "label":
            targets.append(_new(name, taken, place))
    return "label" in known, tuple(targets)


def _readouts(
    body: Mapping[str, object], kind: str, taken: set[str], place: Place
) -> tuple[LossReadout, ...]:
    given = body.get(kind, [])
    if not isinstance(given, list | tuple) or not all(isinstance(name, str) for name in given):
        raise place.error(f"{given!r} is not a list of names.", f'Write {kind} = ["x"].')
    found: list[LossReadout] = []
    for name in given:
        new = _new(name, taken | {r.name for r in found}, place)
        found.append(LossReadout(new, sampled=kind == "trajectories"))
    return tuple(found)


class _Counts:
    """The sums over all spikes that a text asks for; equal ones are one readout."""

    def __init__(self) -> None:
        self.found: tuple[LossReadout, ...] = ()

    def __call__(self, kernel: Expr) -> Expr:
        if kernel.has(Indexed, CLASS, LABEL, CLASSES) or not kernel.has(SPIKE_TIME):
            raise ValueError(
                f"sums {kernel} over the spikes of each neuron",
                "Write a function of t, the time of a spike, and parameters: spikes(exp(-t/tau)).",
            )
        for readout in self.found:
            if readout.kernel == kernel:
                return readout.base[CLASS]
        number = f"_{len(self.found)}" if self.found else ""
        self.found += (LossReadout(f"count{number}", kernel=kernel),)
        return self.found[-1].base[CLASS]


def _new(name: str, taken: set[str], place: Place) -> str:
    if name in taken:
        raise place.error(f"{name} has two meanings.", "Give each thing a name of its own.")
    _check_free(check_name(name, place), place)
    return name


def _check_free(name: str, place: Place) -> None:
    if _INDEX.fullmatch(name):
        raise place.error(f"{name} is an index of classes here.", "Choose another name.")
    if _TAKEN.fullmatch(name):
        raise place.error(f"{name} has a meaning of its own in losses.", "Choose another name.")


def _grammar(
    parameters: tuple[Parameter, ...],
    labelled: bool,
    targets: tuple[str, ...],
    readouts: tuple[LossReadout, ...],
    counts: _Counts,
) -> Grammar:
    r"""What a loss may say: ``first`` is :math:`t_k`, one for each class k; ``[label]`` picks one.

    ``sum(v)`` is :math:`\sum_j v_j`, and ``log_softmax(v)`` is :math:`v_k - \log \sum_j e^{v_j}`.
    """

    def over_classes(values: Expr) -> Expr:
        if not values.has(CLASS):
            raise ValueError(
                "sums over the classes what is the same for all of them",
                "Sum something that has a readout in it.",
            )
        depth = _nesting(values)
        index = Symbol(f"j_{depth}" if depth else "j", integer=True, nonnegative=True)
        return Sum(values.subs(CLASS, index), (index, 0, CLASSES - 1))

    def log_softmax(values: Expr) -> Expr:
        return values - sympy.log(over_classes(sympy.exp(values)))

    def spike_time(number: Expr) -> Expr:
        if not number.is_Integer or not 0 <= number <= MAX_SPIKE:
            raise ValueError(
                f"reads the spike number {number}",
                f"Count from 0, the first spike, to at most {MAX_SPIKE}: spike(0), spike(1), ...",
            )
        return spike(int(number)).base[CLASS]

    def over_spikes(kernel: Expr) -> Expr:
        return counts(kernel)

    def pick(values: Expr, index: Expr) -> Expr:
        if index != LABEL:
            raise ValueError(f"picks the class {index}", "Write [label], the class of the sample.")
        if not values.has(CLASS):
            raise ValueError(
                "picks the label's part of what is the same for all classes", "Leave [label] out."
            )
        return values.subs(CLASS, LABEL)

    names: dict[str, Expr] = {parameter.name: parameter.symbol for parameter in parameters}
    names |= {readout.name: readout.base[CLASS] for readout in readouts}
    names |= {target: IndexedBase(target, real=True)[CLASS] for target in targets}
    names |= {"label": LABEL} if labelled else {}
    return Grammar(
        names=names | {"first": TIMES[CLASS], "classes": CLASSES, "t": SPIKE_TIME},
        functions={
            **ELEMENTARY,
            "sum": over_classes,
            "log_softmax": log_softmax,
            "spike": spike_time,
            "spikes": over_spikes,
        },
        subscript=pick,
    )


def _nesting(values: Expr) -> int:
    """How many sums stand within one another; those side by side share an index, so equal ones are equal."""
    inside = max((_nesting(argument) for argument in values.args), default=0)
    return inside + isinstance(values, Sum)


def _check(
    value: Expr,
    labelled: bool,
    targets: tuple[str, ...],
    declared: tuple[LossReadout, ...],
    counts: tuple[LossReadout, ...],
    place: Place,
) -> tuple[LossReadout, ...]:
    """The readouts of a value that is a number, uses all that was declared, and label only as an index."""
    if value.has(SPIKE_TIME):
        raise place.error(
            "the value uses t, the time of a spike, outside of a sum over spikes.",
            "Write spikes(...) around it, or first and spike(k) for single spikes.",
        )
    if CLASS in value.free_symbols:
        raise place.error(
            "the value is a number for each class, and a loss is one number.",
            "Pick the label's part with [label], or add the classes with sum(...).",
        )
    arrays = {str(element.base) for element in value.atoms(Indexed)}
    known = (*map(spike, range(MAX_SPIKE + 1)), *counts, *declared)
    readouts = tuple(readout for readout in known if readout.name in arrays)
    if not readouts:
        raise place.error(
            "the value does not depend on a readout.",
            "Use first, spike(k), spikes(...), or one that you declare.",
        )
    picked = {element: sympy.Dummy() for element in value.atoms(Indexed) if element.indices == (LABEL,)}
    if LABEL in value.xreplace(picked).free_symbols:
        raise place.error(
            "the value uses label as a number, and it is the name of a class.",
            "Use label between brackets only: first[label].",
        )
    unused = [r.name for r in declared if r not in readouts] + [t for t in targets if t not in arrays]
    unused += ["label"] if labelled and not picked else []
    if unused:
        raise place.error(f"the value does not use {unused[0]}.", "Use what is declared, or leave it out.")
    return readouts
