"""The parameters of a population, shared or one a neuron: the user's live arrays and the kernel's block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saltus.errors import ConfigError, RunError
from saltus.runtime import memory
from saltus.runtime.config import Population
from saltus.templates.context import flow_parameters
from saltus.templates.ir import ModelIR

Array = NDArray[np.float64]


class Parameters:
    """Values of all parameters and initial values of a population.

    Attributes:
        block: ``(parameters, padded neurons)``, what the kernel reads; ``refresh`` fills it.
        values: by name, ``()`` if shared or ``(neurons,)``; assign into them.

    Raises:
        ConfigError: for a name that the model does not have, a wrong shape or value.
    """

    def __init__(self, ir: ModelIR, config: Population, where: str) -> None:
        self.where = where
        self.size = config.size
        self.names = tuple(parameter.name for parameter in ir.parameters)
        durations = [mode.duration for mode in ir.modes]
        positive = [parameter.positive or parameter.name in durations for parameter in ir.parameters]
        self.positive = np.array(positive, dtype=bool)
        _known(self.names, (*config.params, *config.per_neuron, *config.learn), where)
        self.block = memory.zeros(len(self.names), memory.padded(config.size))
        self._shared = np.zeros(len(self.names))
        self._per_neuron = np.zeros(len(self.names), dtype=bool)
        self.values: dict[str, Array] = {}
        for i, parameter in enumerate(ir.parameters):
            given = _value(config.params.get(parameter.name, parameter.default), f"{where}.{parameter.name}")
            if given.shape not in ((), (config.size,)):
                raise ConfigError(
                    f"{where}.{parameter.name}: shape {given.shape} where there are {config.size} neurons. "
                    "Give one number, or one for each neuron."
                )
            self._per_neuron[i] = given.shape != () or parameter.name in config.per_neuron
            view = self.block[i, : config.size] if self._per_neuron[i] else self._shared[i, ...]
            view[...] = given
            self.values[parameter.name] = view
        self._flow = np.array([name in flow_parameters(ir) for name in self.names], dtype=bool)
        self._all_shared = not self._per_neuron.any()
        self._flow_rows = np.flatnonzero(self._flow & self._per_neuron)
        self._last, self._flow_shared = b"", True
        self._shared_rows = np.flatnonzero(~self._per_neuron)
        try:
            self.refresh()
        except RunError as error:
            raise ConfigError(str(error)) from None

    @property
    def flow_may_differ(self) -> bool:
        """Whether neurons can be given flows of their own."""
        return bool(len(self._flow_rows))

    def refresh(self) -> bool:
        """Brings the block up to date; returns whether all neurons have the same flow.

        Raises:
            RunError: for a value that is not finite, or not positive where it must be.
        """
        block, size = self.block, self.size
        if self._given() == self._last:
            return self._flow_shared
        self._last = b""  # until all is found right
        block[self._shared_rows] = self._shared[self._shared_rows, None]
        block[:, size:] = block[:, size - 1 : size]
        wrong = ~np.isfinite(block) | (self.positive[:, None] & (block <= 0.0))
        if wrong.any():
            row, neuron = (int(i) for i in np.argwhere(wrong)[0])
            must = "a positive number" if self.positive[row] else "a finite number"
            raise RunError(
                f"{self.where}.{self.names[row]}: {block[row, neuron]:g} (neuron {neuron}) is not {must}. "
                "If learning led there, use a smaller learning rate."
            )
        self._last = self._given()
        self._flow_shared = all(bool((block[row, :size] == block[row, 0]).all()) for row in self._flow_rows)
        return self._flow_shared

    def gradient(self, name: str, block: Array) -> Array:
        """The gradient of one parameter, shaped like it; block: ``(parameters, padded neurons)``."""
        return self.in_block(name, block).copy()

    def in_block(self, name: str, block: Array) -> Array:
        """The same, in the block itself where each neuron has its own."""
        i = self.names.index(name)
        row = block[i, : self.size]
        return row if self._per_neuron[i] else np.asarray(row.sum())

    def _given(self) -> bytes:
        """What there is to bring up to date."""
        return self._shared.tobytes() + (b"" if self._all_shared else self.block.tobytes())


def _known(names: tuple[str, ...], used: tuple[str, ...], where: str) -> None:
    if unknown := [name for name in used if name not in names]:
        raise ConfigError(f"{where}: there is no parameter {unknown[0]!r}. There are {', '.join(names)}.")


def _value(given: object, where: str) -> Array:
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError(f"{where}: {given!r} is not a number. Give one, or one for each neuron.") from None


def moving_parameters(ir: ModelIR) -> set[str]:
    """The names that states depend on while spikes keep their times, but for initial values and resets."""
    return {*flow_parameters(ir)}.union(
        output.removeprefix("grad_") for arrival in ir.arrivals for output in arrival.parameters.outputs
    )
