r"""The gradient of a network against differences of its own loss, on the user's own network and data.

Central differences at steps h and 2h, combined so that the error is of order :math:`h^4` (Richardson):

.. math:: \frac{dL}{dp} \approx \frac{4 D(h) - D(2h)}{3}, \qquad D(h) = \frac{L(p + h) - L(p - h)}{2 h}

The loss is smooth only as long as no spike appears or vanishes, so a difference across which the number of
any neuron's spikes changes is left out and counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saltus.errors import InputError
from saltus.runtime.config import OF_SYNAPSES
from saltus.runtime.gradients import INPUT_TIMES
from saltus.runtime.result import Result
from saltus.runtime.spikes import Spikes

if TYPE_CHECKING:
    from saltus.runtime.network import Network

Array = NDArray[np.float64]

FLOOR = 1e-3
"""An entry's error is relative to the entry, or to this share of its array's largest where it is smaller."""


@dataclass(frozen=True)
class Compared:
    """One array: worst relative error, its entry, how many entries were compared and how many left out."""

    error: float
    entry: tuple[int, ...]
    compared: int
    left_out: int


@dataclass(frozen=True)
class GradientCheck:
    """What was compared, by name of the array; ``str`` prints it as a table."""

    arrays: Mapping[str, Compared]

    @property
    def error(self) -> float:
        """The worst relative error of all."""
        return max((found.error for found in self.arrays.values()), default=0.0)

    @property
    def left_out(self) -> int:
        """Differences across which a spike appeared or vanished."""
        return sum(found.left_out for found in self.arrays.values())

    def __str__(self) -> str:
        width = max([len(name) for name in self.arrays] + [5])
        lines = [f"{'array':{width}}  entries  left out  worst relative error"]
        for name, found in self.arrays.items():
            at = f" at {found.entry}" if found.entry else ""
            lines.append(f"{name:{width}}  {found.compared:7}  {found.left_out:8}  {found.error:.1e}{at}")
        return "\n".join(lines)


def check_gradient(
    net: Network,
    spikes: Any,
    labels: ArrayLike | None = None,
    parameters: Collection[str] | None = None,
    *,
    eps: float = 1e-5,
    entries: int = 64,
    seed: int = 0,
) -> GradientCheck:
    """Compares exact gradients with differences of the loss.

    Args:
        net: a network with a loss; its parameters are the same afterwards.
        spikes, labels: as for ``Network.run``.
        parameters: names, ``"input_times"`` included; None: what is learned.
        eps: step, relative to the largest entry of an array (or 1 if all are zero; T for input times).
        entries: at most so many of an array, drawn at random from the seed.
        seed: of that draw.

    Raises:
        InputError: without a loss or labels, or for a name that does not exist.
        RunError: if a simulation cannot go on.
    """
    if labels is None or net.loss is None:
        raise InputError(
            "check_gradient: there is no loss to differentiate. Give the network a loss, and labels."
        )
    if not (math.isfinite(eps) and eps > 0.0) or entries < 1:
        raise InputError(
            f"check_gradient: with eps = {eps} and entries = {entries} there is nothing to compare. "
            "Give positive ones."
        )
    if isinstance(parameters, str):
        raise InputError(f"check_gradient: {parameters!r} is one name. Give a list of names.")
    names = net.learnable if parameters is None else tuple(parameters)
    packed = {name: replace(given, layout=None) for name, given in net.run(spikes, labels).inputs.items()}
    start = net.run(packed, labels)
    exact = net.gradients(start, wrt=names)
    random = np.random.default_rng(seed)
    found = {}
    for name in names:
        if name != INPUT_TIMES:
            found[name] = _compare(
                _parameter(net, name, packed, labels, exact[name]), start, eps, entries, random
            )
            continue
        for key, gradient in _by_input(net, exact[name]).items():
            target = _input(net, key, packed, labels, gradient)
            found[name if len(packed) == 1 else f"{name}.{key}"] = _compare(
                target, start, eps, entries, random
            )
    return GradientCheck(found)


@dataclass(frozen=True, eq=False)
class _Target:
    """An array to differentiate by: its exact gradient, the entries that exist, the unit of a step, and a
    run with one entry shifted (None: that cannot be run)."""

    exact: Array
    entries: NDArray[np.int64]
    scale: float
    shifted: Callable[[tuple[int, ...], float], Result | None]


def _parameter(
    net: Network, name: str, inputs: Mapping[str, Spikes], labels: ArrayLike, exact: Array
) -> _Target:
    view = net.all_parameters()[name]
    owner, _, what = name.rpartition(".")
    mask = net.synapses[owner].mask if what in OF_SYNAPSES and owner in net.synapses else None

    def shifted(entry: tuple[int, ...], step: float) -> Result:
        before = view[entry].copy()
        try:
            view[entry] = before + step
            return net.run(inputs, labels)
        finally:
            view[entry] = before

    exists = np.ones(view.shape, bool) if mask is None else mask
    scale = float(np.abs(view).max()) or 1.0
    return _Target(exact, np.argwhere(exists), scale, shifted)


def _input(net: Network, name: str, inputs: Mapping[str, Spikes], labels: ArrayLike, exact: Array) -> _Target:
    spikes = inputs[name]
    samples = spikes.samples()

    def shifted(entry: tuple[int, ...], step: float) -> Result | None:
        times = spikes.times.copy()
        times[entry] += step
        if not 0.0 <= times[entry] <= net.horizon:
            return None
        order = np.lexsort((times, samples))
        moved = Spikes(times[order], spikes.neurons[order], spikes.start, spikes.size)
        return net.run({**inputs, name: moved}, labels)

    return _Target(exact, np.arange(len(spikes.times))[:, None], net.horizon, shifted)


def _by_input(net: Network, gradient: Any) -> Mapping[str, Array]:
    return gradient if len(net.inputs) != 1 else {next(iter(net.inputs)): gradient}


def _compare(
    target: _Target, start: Result, eps: float, entries: int, random: np.random.Generator
) -> Compared:
    chosen = target.entries
    if len(chosen) > entries:
        chosen = chosen[np.sort(random.choice(len(chosen), entries, replace=False))]
    floor = FLOOR * float(np.abs(target.exact).max(initial=0.0))
    # what a difference of losses that are right to their last bit cannot tell: the weights add up to 18/12
    rounding = 1.5 * float(np.finfo(np.float64).eps) * abs(start.loss) / (eps * target.scale)
    worst, compared, left_out = 0.0, 0, 0
    where: tuple[int, ...] = ()
    counts = _counts(start)
    for row in chosen:
        entry = tuple(int(i) for i in row)
        estimate = _difference(target, entry, eps * target.scale, counts)
        if estimate is None:
            left_out += 1
            continue
        compared += 1
        exact = float(target.exact[entry])
        if error := max(abs(estimate - exact) - rounding, 0.0):
            error /= max(abs(exact), abs(estimate), floor)
        if error > worst:
            worst, where = error, entry
    return Compared(worst, where, compared, left_out)


def _difference(
    target: _Target, entry: tuple[int, ...], step: float, counts: NDArray[np.int64]
) -> float | None:
    """The derivative by Richardson's rule; None if a spike appears or vanishes."""
    losses = []
    for shift in (-2.0 * step, -step, step, 2.0 * step):
        result = target.shifted(entry, shift)
        if result is None or not np.array_equal(_counts(result), counts):
            return None
        losses.append(result.loss)
    a, b, c, d = losses
    return (8.0 * (c - b) - (d - a)) / (12.0 * step)


def _counts(result: Result) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(0, np.int64), *(s.counts().ravel() for s in result.spikes.values())])
