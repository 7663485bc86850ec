r"""Adam and stochastic gradient descent: pure functions over named arrays.

``optimiser.update(parameters, gradients, state, positive=...)`` returns new arrays and a new state and
changes no argument, so a step can be repeated and compared, and a checkpoint is the arrays themselves.

**Positive parameters.** A parameter declared positive in its spec (a time constant) is never clamped. It is
optimised in its logarithm:

.. math:: p = e^q, \qquad \frac{dL}{dq} = p \frac{dL}{dp}, \qquad
          q^+ = q - \delta \;\Rightarrow\; p^+ = p e^{-\delta},

so it stays positive whatever the step; its learning rate is a *relative* change per step and has no unit.

**Learning rates.** One number for all parameters, or a mapping from names (with ``*``, as in
``"*.weights"``) to numbers; the first pattern that matches a name holds. What must not move is frozen in the
network, by ``learn=``.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Protocol, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from saltus.errors import ConfigError, InputError, RunError

Array: TypeAlias = NDArray[np.float64]
Arrays: TypeAlias = Mapping[str, NDArray[np.float64]]
Rate: TypeAlias = float | Mapping[str, float]


@dataclass(frozen=True)
class OptimiserState:
    """What an optimiser remembers between two steps.

    Attributes:
        steps: number of steps taken.
        clipped: number of those whose gradient was clipped.
        moments: for each kind of moment (``"mean"``, ``"square"``) an array per parameter, shaped like it.
    """

    steps: int = 0
    clipped: int = 0
    moments: Mapping[str, Arrays] = field(default_factory=dict)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """The state as plain arrays with names ``steps``, ``clipped`` and ``<moment>/<parameter>``."""
        flat: dict[str, NDArray[np.generic]] = {
            "steps": np.array(self.steps, dtype=np.int64),
            "clipped": np.array(self.clipped, dtype=np.int64),
        }
        for moment, arrays in self.moments.items():
            flat |= {f"{moment}/{name}": np.array(array) for name, array in arrays.items()}
        return flat

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> OptimiserState:
        """The inverse of ``to_arrays``; raises ``InputError`` when the counters are missing."""
        try:
            steps, clipped = int(arrays["steps"]), int(arrays["clipped"])
        except KeyError as missing:
            raise InputError(
                f"optimiser state: there is no array named {missing}. Give the arrays that to_arrays() made."
            ) from None
        moments: dict[str, dict[str, Array]] = {}
        for key, array in arrays.items():
            if "/" in key:
                moment, name = key.split("/", 1)
                moments.setdefault(moment, {})[name] = np.array(array, dtype=np.float64)
        return cls(steps, clipped, moments)


class Optimiser(Protocol):
    """What a trainer needs: frozen settings, a first state and an update."""

    @property
    def lr(self) -> Rate:
        """Learning rate of all parameters, or of each name or pattern."""

    def start(self, parameters: Arrays) -> OptimiserState:
        """The state before the first step; raises ``ConfigError`` for a rate that fits no parameter."""

    def update(
        self,
        parameters: Arrays,
        gradients: Arrays,
        state: OptimiserState,
        positive: Collection[str] = (),
        factor: float = 1.0,
    ) -> tuple[dict[str, Array], OptimiserState]:
        """One step of size ``factor * lr``; see ``Adam.update``."""


class _Settings(msgspec.Struct, frozen=True, tag_field="name", forbid_unknown_fields=True):
    """Read from a configuration by its ``name``."""


class Adam(_Settings, frozen=True, tag="adam"):
    r"""Adam (Kingma & Ba 2015), with a constant learning rate.

    .. math:: m = \beta_1 m + (1 - \beta_1) g, \quad v = \beta_2 v + (1 - \beta_2) g^2, \quad
              \delta = \eta \, \frac{m / (1 - \beta_1^k)}{\sqrt{v / (1 - \beta_2^k)} + \epsilon}

    The rate stays constant unless a schedule is asked for: Adam adapts the step to the gradient already, and
    tapering the rate on top of it (a factor 0.95 an epoch) stopped learning early; with the taper removed and
    nothing else unusual the network learned (source, section 8, "Insight of the day").

    Attributes:
        lr: learning rate, one for all or a mapping from names or patterns.
        beta_1, beta_2: decay of the mean and of the mean square, in [0, 1).
        epsilon: added to the root of the mean square, in the unit of the gradient.
        clip: largest Euclidean norm of the whole gradient (after the change to logarithms); None: no limit.
            Each step that was clipped is counted in the state and in the trainer's history.
    """

    lr: Rate = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    clip: float | None = None

    def __post_init__(self) -> None:
        _check_rates(self.lr)
        _check_clip(self.clip)
        for name, beta in (("beta_1", self.beta_1), ("beta_2", self.beta_2)):
            if not 0.0 <= beta < 1.0:
                raise ConfigError(f"Adam: {name} = {beta} is outside [0, 1). Use a value such as 0.9.")
        if not self.epsilon > 0.0:
            raise ConfigError(f"Adam: epsilon = {self.epsilon} is not positive. Use a value such as 1e-8.")

    def start(self, parameters: Arrays) -> OptimiserState:
        """Zero moments for each parameter; raises ``ConfigError`` for a rate that fits no parameter."""
        _rates(self.lr, parameters)
        return OptimiserState(moments={"mean": _zeros(parameters), "square": _zeros(parameters)})

    def update(
        self,
        parameters: Arrays,
        gradients: Arrays,
        state: OptimiserState,
        positive: Collection[str] = (),
        factor: float = 1.0,
    ) -> tuple[dict[str, Array], OptimiserState]:
        """One step.

        Args:
            parameters: current values, by name.
            gradients: dL/dp of each parameter, shaped like it; other names are left alone.
            state: what ``start`` or the last ``update`` returned.
            positive: names of the parameters that are optimised in their logarithm.
            factor: multiplies every learning rate, for a schedule.

        Returns:
            The new values and the new state.

        Raises:
            RunError: for a gradient that is not finite, naming array and entry, or a step that overflows.
            InputError: for a missing or misshapen gradient.
        """
        slopes, clipped = _slopes(parameters, gradients, positive, self.clip)
        steps = state.steps + 1
        root = math.sqrt(1.0 - self.beta_2**steps)
        scale = root / (1.0 - self.beta_1**steps)
        rates = _rates(self.lr, parameters)
        values: dict[str, Array] = {}
        means: dict[str, Array] = {}
        squares: dict[str, Array] = {}
        for name, g in slopes.items():
            m = self.beta_1 * state.moments["mean"][name] + (1.0 - self.beta_1) * g
            v = self.beta_2 * state.moments["square"][name] + (1.0 - self.beta_2) * np.square(g)
            delta = (factor * rates[name] * scale) * m / (np.sqrt(v) + self.epsilon * root)
            means[name], squares[name] = m, v
            values[name] = _moved(name, parameters[name], delta, name in positive)
        moments = {"mean": means, "square": squares}
        return values, replace(state, steps=steps, clipped=state.clipped + clipped, moments=moments)


class SGD(_Settings, frozen=True, tag="sgd"):
    r"""Stochastic gradient descent with (heavy-ball) momentum.

    .. math:: u = \mu u + g, \qquad \delta = \eta u

    Attributes:
        lr: learning rate, one for all or a mapping from names or patterns.
        momentum: mu, in [0, 1); 0 is plain gradient descent.
        clip: as in ``Adam``.
    """

    lr: Rate = 1e-2
    momentum: float = 0.0
    clip: float | None = None

    def __post_init__(self) -> None:
        _check_rates(self.lr)
        _check_clip(self.clip)
        if not 0.0 <= self.momentum < 1.0:
            raise ConfigError(f"SGD: momentum = {self.momentum} is outside [0, 1). Use a value such as 0.9.")

    def start(self, parameters: Arrays) -> OptimiserState:
        """Zero velocity for each parameter; raises ``ConfigError`` for a learning rate that fits none."""
        _rates(self.lr, parameters)
        return OptimiserState(moments={"velocity": _zeros(parameters)})

    def update(
        self,
        parameters: Arrays,
        gradients: Arrays,
        state: OptimiserState,
        positive: Collection[str] = (),
        factor: float = 1.0,
    ) -> tuple[dict[str, Array], OptimiserState]:
        """One step; arguments, results and errors are those of ``Adam.update``."""
        slopes, clipped = _slopes(parameters, gradients, positive, self.clip)
        rates = _rates(self.lr, parameters)
        values: dict[str, Array] = {}
        velocities: dict[str, Array] = {}
        for name, g in slopes.items():
            velocities[name] = self.momentum * state.moments["velocity"][name] + g
            delta = factor * rates[name] * velocities[name]
            values[name] = _moved(name, parameters[name], delta, name in positive)
        moments = {"velocity": velocities}
        return values, replace(state, steps=state.steps + 1, clipped=state.clipped + clipped, moments=moments)


def _zeros(parameters: Arrays) -> dict[str, Array]:
    return {name: np.zeros(np.shape(value)) for name, value in parameters.items()}


def _slopes(
    parameters: Arrays, gradients: Arrays, positive: Collection[str], clip: float | None
) -> tuple[dict[str, Array], int]:
    """The gradient with respect to what is optimised (p, or log p), and 1 if it had to be clipped."""
    slopes = {}
    for name, value in parameters.items():
        gradient = _finite(name, _shaped(name, value, gradients))
        slopes[name] = gradient * value if name in positive else gradient
    if clip is None:
        return slopes, 0
    norm = math.sqrt(sum(float(np.sum(np.square(g))) for g in slopes.values()))
    if norm <= clip:
        return slopes, 0
    return {name: g * (clip / norm) for name, g in slopes.items()}, 1


def _shaped(name: str, value: Array, gradients: Arrays) -> Array:
    if name not in gradients:
        raise InputError(
            f'optimiser: there is no gradient for "{name}". Freeze it with learn=, or compute its gradient.'
        )
    gradient = np.asarray(gradients[name], dtype=np.float64)
    if gradient.shape != np.shape(value):
        raise InputError(
            f'optimiser: the gradient of "{name}" has shape {gradient.shape}, not {np.shape(value)}. '
            "Give one entry for each entry of the parameter."
        )
    return gradient


def _finite(name: str, gradient: Array) -> Array:
    if np.isfinite(gradient).all():
        return gradient
    place = tuple(int(i) for i in np.argwhere(~np.isfinite(gradient))[0])
    count = int(np.count_nonzero(~np.isfinite(gradient)))
    raise RunError(
        f'optimiser: the gradient of "{name}" is {gradient[place]} at {list(place)} ({count} of '
        f"{gradient.size} entries are not finite). Look in result.warnings for a tangential crossing."
    )


def _moved(name: str, value: Array, delta: Array, log: bool) -> Array:
    """``p - delta``, or ``p exp(-delta)`` where the logarithm of p is what moves."""
    if not log:
        return value - delta
    with np.errstate(over="ignore", under="ignore"):
        moved: Array = value * np.exp(-delta)
    if not (np.isfinite(moved).all() and (moved > 0).all()):
        raise RunError(
            f'optimiser: a step of {float(np.abs(delta).max()):.3g} in the logarithm of "{name}" leaves the '
            "range of float64. Lower its learning rate: for a positive parameter it is a relative change."
        )
    return moved


def _rates(lr: Rate, parameters: Arrays) -> dict[str, float]:
    """The learning rate of each parameter; every parameter needs one and every pattern must be of use."""
    if not isinstance(lr, Mapping):
        return dict.fromkeys(parameters, lr)
    rates = {}
    for name in parameters:
        rate = next((value for pattern, value in lr.items() if fnmatchcase(name, pattern)), None)
        if rate is None:
            raise ConfigError(
                f'optimiser: no learning rate fits "{name}". Add it to lr, or end lr with "*" for the rest.'
            )
        rates[name] = rate
    for pattern in lr:
        if not any(fnmatchcase(name, pattern) for name in parameters):
            raise ConfigError(
                f'optimiser: lr names "{pattern}", which fits no parameter that learns. '
                f"Use a name or pattern of: {', '.join(parameters) or 'none'}."
            )
    return rates


def _check_rates(lr: Rate) -> None:
    for name, rate in lr.items() if isinstance(lr, Mapping) else (("lr", lr),):
        if not (math.isfinite(rate) and rate >= 0.0):
            raise ConfigError(
                f'optimiser: learning rate "{name}" = {rate} is negative or not finite. Use one such as 1e-3.'
            )


def _check_clip(clip: float | None) -> None:
    if clip is not None and not clip > 0.0:
        raise ConfigError(f"optimiser: clip = {clip} is not positive. Use a norm such as 1.0, or None.")
