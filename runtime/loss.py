"""``saltus.loss``: a loss by its name or spec, or several of them with weights."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from saltus.errors import ConfigError
from saltus.runtime.losses.data import numbers
from saltus.runtime.losses.evaluated import Objective
from saltus.runtime.losses.head import Loss, Missing
from saltus.runtime.losses.rate import RateHeuristic, rate_heuristic
from saltus.runtime.losses.terms import LossSum
from saltus.runtime.losses.trains import TrainLoss
from saltus.runtime.model import loss_ir
from saltus.templates.ir import AnyLoss, HeadIR, TrainIR

__all__ = ["Loss", "LossSum", "TrainLoss", "as_loss", "loss"]


def loss(
    name: str | Path | Mapping[str, Any] | Sequence[Any],
    *,
    missing: Missing = "error",
    spike: int = 0,
    population: str | None = None,
    readout: str | Mapping[str, str] | None = None,
    targets: Mapping[str, ArrayLike | str] | ArrayLike | str | None = None,
    **parameters: float,
) -> Loss | TrainLoss | LossSum:
    """A loss by its shipped name, the path of a ``.toml`` spec, or a spec's content; or a sum of losses.

    Args:
        name: e.g. ``"first_spike_cross_entropy"``; or a list of losses, each a loss or ``(weight, loss)``,
            which takes no further arguments.
        missing: see ``Loss``.
        spike: see ``Loss``.
        population: see ``Loss``.
        readout: which readout of the model the loss reads, e.g. ``"sum_V"``; for a loss that reads several,
            a dict by the loss's names. A loss that declares the model's own name needs none.
        targets: numbers for each label, ``(labels, neurons)``, for a loss against targets that is trained on
            labels; for several targets a dict by name. A name instead of numbers is what ``net.run`` calls
            the target, for sums of losses that each have one; None: what the loss calls it.
        parameters: values that differ from the spec's.

    Raises:
        SpecError: if there is no such loss.
        ConfigError: for a parameter that it does not have, or a value that makes no sense.
    """
    if isinstance(name, Sequence) and not isinstance(name, str):
        return _sum(name)
    head = loss_ir(name)
    if isinstance(head, TrainIR):
        if missing != "error" or spike or readout is not None or targets is not None:
            raise ConfigError(
                f"loss {head.name}: it reads all spikes and takes its targets with each run, so missing, "
                "spike, readout and targets mean nothing here. Leave them out."
            )
        return TrainLoss(head, _parameters(head, parameters), population)
    if isinstance(spike, bool) or not isinstance(spike, int) or spike < 0:
        raise ConfigError(
            f"loss {head.name}: spike = {spike!r} is not 0 for the first spike, 1 for the second, ..."
        )
    return Loss(
        head,
        _parameters(head, parameters),
        missing if missing in ("error", "skip") else _time(missing, f"loss {head.name}: missing"),
        spike,
        population,
        _readouts(head, readout),
        *_targets(head, targets),
    )


def as_loss(given: Any) -> Objective | LossSum | None:
    """A loss, from one, from a table ``{name = ..., <arguments of loss>}``, or from a list of such.

    A table in a list may have a ``weight``.
    """
    if given is None or isinstance(given, LossSum) or hasattr(given, "evaluate"):
        return given  # type: ignore[no-any-return]
    if isinstance(given, Sequence) and not isinstance(given, str):
        return _sum(given)
    if not isinstance(given, Mapping) or "name" not in given:
        raise ConfigError("loss: give saltus.loss(...), or a table with the name of one.")
    if given["name"] == "rate_heuristic":
        return _rate_heuristic({key: value for key, value in given.items() if key != "name"})
    return loss(**given)


def _rate_heuristic(given: Mapping[str, Any]) -> RateHeuristic:
    known = tuple(inspect.signature(rate_heuristic).parameters)
    if unknown := [name for name in given if name not in known]:
        raise ConfigError(
            f"rate_heuristic: there is no parameter {unknown[0]!r}. There are {', '.join(known)}."
        )
    if "target" not in given:
        raise ConfigError(
            "rate_heuristic: target is missing. Give the number of spikes to be pulled towards."
        )
    return rate_heuristic(**given)


def _sum(given: Sequence[Any]) -> LossSum:
    terms = []
    for term in given:
        weight = 1.0
        if isinstance(term, tuple) and len(term) == 2:
            weight, term = term  # noqa: PLW2901 - a pair is unpacked
        elif isinstance(term, Mapping):
            weight = term.get("weight", 1.0)
            term = {key: value for key, value in term.items() if key != "weight"}  # noqa: PLW2901
        made = as_loss(term)
        if made is None:
            raise ConfigError("loss: a term is None. Give saltus.loss(...) for each.")
        terms.append((_number(weight, "loss: weight"), made))
    if not terms:
        raise ConfigError("loss: the list of terms is empty. Give at least one.")
    return LossSum(tuple(terms))


def _parameters(head: AnyLoss, given: Mapping[str, float]) -> dict[str, float]:
    defaults = {parameter.name: parameter.default for parameter in head.parameters}
    if unknown := [name for name in given if name not in defaults]:
        raise ConfigError(
            f"loss {head.name}: there is no parameter {unknown[0]!r}. "
            f"There are {', '.join(defaults) or 'none'}."
        )
    values = {
        key: _number(given.get(key, value), f"loss {head.name}: {key}") for key, value in defaults.items()
    }
    for parameter in head.parameters:
        if parameter.positive and values[parameter.name] <= 0.0:
            raise ConfigError(
                f"loss {head.name}: {parameter.name} = {values[parameter.name]:g} must be positive."
            )
    return values


def _readouts(head: HeadIR, given: str | Mapping[str, str] | None) -> dict[str, str]:
    """The model's readout for each that the loss declares; one that is not told is called the same."""
    declared = [r.name for r in head.readouts if r.spike is None and r.kernel is None]
    if isinstance(given, str):
        if len(declared) != 1:
            raise ConfigError(
                f"loss {head.name}: it reads {', '.join(declared) or 'spike times alone'}, and readout names "
                f"one readout. {'Give a dict by these names.' if declared else 'Leave it out.'}"
            )
        given = {declared[0]: given}
    if not isinstance(given, Mapping | None):
        raise ConfigError(
            f"loss {head.name}: readout = {given!r} names none. Give a name, or a dict of names."
        )
    chosen = dict(given or {})
    if unknown := [name for name in chosen if name not in declared]:
        raise ConfigError(
            f"loss {head.name}: it has no readout {unknown[0]!r}. There are {', '.join(declared) or 'none'}."
        )
    return {name: chosen.get(name, name) for name in declared}


def _targets(head: HeadIR, given: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """The tables of targets, and what a run calls those that it is given."""
    if given is None:
        return {}, {}
    if not isinstance(given, Mapping):
        if len(head.targets) != 1:
            raise ConfigError(
                f"loss {head.name}: its targets are {', '.join(head.targets) or 'none'}. "
                "Give a dict by these names, or leave targets out."
            )
        given = {head.targets[0]: given}
    if unknown := [name for name in given if name not in head.targets]:
        raise ConfigError(
            f"loss {head.name}: there is no target {unknown[0]!r}. "
            f"There are {', '.join(head.targets) or 'none'}."
        )
    names = {name: table for name, table in given.items() if isinstance(table, str)}
    given = {name: table for name, table in given.items() if name not in names}
    tables = {name: numbers(table, f"loss {head.name}: targets") for name, table in given.items()}
    for table in tables.values():
        if table.ndim < 2:
            raise ConfigError(
                f"loss {head.name}: targets of shape {table.shape}. "
                "Give (labels, neurons), one row for each label."
            )
    return tables, names


def _time(given: Any, where: str) -> float:
    if (time := _number(given, where)) < 0.0:
        raise ConfigError(f"{where} = {given!r} is negative. Give a time, which starts at 0.")
    return time


def _number(given: Any, where: str) -> float:
    if (
        isinstance(given, bool)
        or not isinstance(given, int | float | np.floating)
        or not math.isfinite(given)
    ):
        raise ConfigError(f"{where} = {given!r} is not a finite number. Give one.")
    return float(given)
