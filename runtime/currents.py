"""States that are given from outside: checked, and laid out as events that set them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saltus.errors import InputError
from saltus.runtime.members import Members
from saltus.runtime.trains import Train

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Current:
    """An input state, constant from each time to the next and zero before the first.

    times: in seconds, ``(times,)``; values: ``(times,)``, ``(times, neurons)`` or ``(batch, times,
    neurons)``.
    """

    times: Array
    values: Array

    def gradient(self, each: Array) -> Array:
        """dL/dvalues, shaped like them, from one number for each of ``(batch, times, neurons)``."""
        if self.values.ndim == 3:
            return each.copy()
        total = each.sum(axis=0)
        return total if self.values.ndim == 2 else np.asarray(total.sum(axis=1))


Currents = Mapping[str, Mapping[str, Current]]
"""By population and input state."""


class Settings(NamedTuple):
    """All that a group's input states are set to.

    train: one event for each neuron, state and time, its row what the kernel takes for its channel;
    values: of each; parts: for each population and state, where its events begin in each sample.
    """

    train: Train
    values: Array
    parts: dict[tuple[str, str], int]


def checked(
    given: Mapping[str, Mapping[str, Any]] | None,
    populations: Mapping[str, Members],
    batch: int,
    horizon: float,
) -> Currents:
    """What ``Network.run`` was given, as arrays.

    Raises:
        InputError: for a name that does not exist, or times or values that do not fit.
    """
    found: dict[str, dict[str, Current]] = {}
    for name, states in (given or {}).items():
        known = {key: members.model.ir.inputs for key, members in populations.items()}
        if not known.get(name):
            there = ", ".join(key for key, inputs in known.items() if inputs) or "none"
            raise InputError(f"currents: no population {name!r} has input states. There are {there}.")
        if not isinstance(states, Mapping):
            raise InputError(f"currents[{name!r}]: not a dict. Give {{state: (times, values)}}.")
        for state, current in states.items():
            where = f"currents[{name!r}][{state!r}]"
            if state not in known[name]:
                raise InputError(f"{where}: there is no such state. There are {', '.join(known[name])}.")
            found.setdefault(name, {})[state] = _current(
                current, (batch, populations[name].size), horizon, where
            )
    return found


def settings(
    currents: Currents, populations: Mapping[str, Members], batch: int, states_max: int
) -> Settings | None:
    """The events of a group's populations; None if there are none.

    ``states_max``: the width of the kernel's arrays of states.
    """
    times, rows, values = [np.empty((batch, 0))], [np.empty(0, dtype=np.int64)], [np.empty((batch, 0))]
    parts: dict[tuple[str, str], int] = {}
    total = 0
    for name, members in populations.items():
        states = [state.name for state in members.model.ir.states]
        for state, current in currents.get(name, {}).items():
            shape = (batch, len(current.times), members.size)
            neurons = members.first + np.arange(members.size)
            times.append(np.broadcast_to(current.times[:, None], shape).reshape(batch, -1))
            rows.append(np.tile(-2 - (states_max * neurons + states.index(state)), len(current.times)))
            values.append(_each(current.values, shape).reshape(batch, -1))
            parts[name, state] = total
            total += shape[1] * shape[2]
    if not parts:
        return None
    row = np.tile(np.concatenate(rows), batch).astype(np.int32)
    count = np.full(batch, total, dtype=np.int32)
    train = Train(np.concatenate(times, axis=1).ravel(), row, total * np.arange(batch), count)
    return Settings(train, np.concatenate(values, axis=1).ravel(), parts)


def _each(values: Array, shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(values[:, None] if values.ndim == 1 else values, shape)


def _current(given: Any, shape: tuple[int, int], horizon: float, where: str) -> Current:
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise InputError(f"{where}: not times and values. Give (times, values).")
    times, values = (_numbers(part, where) for part in given)
    if times.ndim != 1 or np.any(np.diff(times) <= 0.0) or np.any((times < 0.0) | (times > horizon)):
        raise InputError(
            f"{where}: the times are not a list that ascends within [0, {horizon:g}]. Sort them, each once."
        )
    batch, neurons = shape
    if values.shape not in ((len(times),), (len(times), neurons), (batch, len(times), neurons)):
        raise InputError(
            f"{where}: values of shape {values.shape} for {len(times)} times. Give shape (times,), "
            f"(times, neurons) or (samples, times, neurons), with {neurons} neurons and {batch} samples."
        )
    return Current(times, values)


def _numbers(given: Any, where: str) -> Array:
    try:
        values = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.array(np.nan)
    if not np.isfinite(values).all():
        raise InputError(f"{where}: not finite numbers. Give arrays of them.")
    return values
