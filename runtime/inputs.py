"""The spikes of each input of a network, in any of the forms in which a user may give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saltus.errors import InputError
from saltus.runtime.spikes import Spikes, as_spikes, check_horizon


def checked_inputs(given: Any, inputs: Mapping[str, int], horizon: float) -> dict[str, Spikes]:
    """By the names of the inputs, whose sizes are given; raises ``InputError`` naming the place."""
    if given is None and not inputs:
        return {}
    if not isinstance(given, Mapping):
        if len(inputs) != 1:
            raise InputError(
                f"spikes: the network has the inputs {', '.join(inputs) or 'none'}. Give a dict "
                "by these names."
            )
        given = {next(iter(inputs)): given}
    if set(given) != set(inputs):
        raise InputError(
            f"spikes: given for {', '.join(map(str, given))}, and the inputs are "
            f"{', '.join(inputs)}. Give spikes for each input."
        )
    found = {name: as_spikes(given[name], size, name) for name, size in inputs.items()}
    lengths = {name: len(spikes) for name, spikes in found.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"spikes: different numbers of samples, {lengths}. Give the same for each input.")
    if 0 in lengths.values():
        raise InputError("spikes: there are no samples. Give at least one.")
    return {name: check_horizon(spikes, horizon, name) for name, spikes in found.items()}
