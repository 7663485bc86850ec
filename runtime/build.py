"""From a configuration to groups that can run, with a sentence for everything that cannot."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise

import numpy as np

from saltus.errors import ConfigError
from saltus.runtime import connect, graph
from saltus.runtime.choice import choose
from saltus.runtime.clock_group import ClockGroup
from saltus.runtime.config import OF_SYNAPSES, NetworkConfig, Population, Projection
from saltus.runtime.grid import Grid, grid
from saltus.runtime.group import Group
from saltus.runtime.kernel import why_no_clock
from saltus.runtime.losses.evaluated import Objective
from saltus.runtime.losses.terms import LossSum, Term, parts
from saltus.runtime.members import Members
from saltus.runtime.model import Model, model
from saltus.runtime.network_group import NetworkGroup
from saltus.runtime.spikes import LARGEST
from saltus.runtime.synapses import Synapses
from saltus.templates.context import timed

ENGINES = ("event", "clock")

AnyGroup = Group | NetworkGroup | ClockGroup
"""What a network runs, one after the other."""


def groups(config: NetworkConfig, random: np.random.Generator) -> dict[str, AnyGroup]:
    """The groups in the order in which they run.

    What is random is drawn in the order of the projections.

    Raises:
        ConfigError: for a name, size, shape or connection that does not fit, or that no kernel can do.
        SpecError: for a model that does not exist.
    """
    _check(config)
    models = {name: model(population.model) for name, population in config.populations.items()}
    for name, population in config.populations.items():
        _check_population(name, population, models[name], config)
    made = {
        name: _synapses(name, projection, config, models, random)
        for name, projection in config.projections.items()
    }
    edges = [(projection.pre, projection.post) for projection in config.projections.values()]
    steps = grid(config.dt, config.T, config.dtype) if config.engine == "clock" else None
    found: dict[str, AnyGroup] = {}
    for part in graph.components(config.populations, edges):
        into = [synapses for synapses in made.values() if synapses.post in part]
        own = {name: models[name] for name in part}
        populations = {name: config.populations[name] for name in part}
        if steps is not None:
            clocked = _clocked(own, populations, into, steps)
            found[clocked.name] = clocked
            continue
        sampled = [name for name in part if populations[name].sample_times or timed(models[name].ir)]
        moving = [name for name, projection in config.projections.items() if "delays" in projection.learn]
        choice = choose(own, into, sampled, moving)
        group: AnyGroup
        if choice.fast:
            name = part[0]
            group = Group(name, models[name], populations[name], into, choice.reason)
        else:
            _check_followed(populations, choice.reason)
            group = NetworkGroup(own, populations, into, config.tolerance, choice.reason)
        found[group.name] = group
    return found


def _clocked(
    models: Mapping[str, Model], configs: Mapping[str, Population], into: Iterable[Synapses], steps: Grid
) -> ClockGroup:
    """A group of the clock engine; ``ConfigError`` for a model that it does not take."""
    for name, found in models.items():
        if (why := why_no_clock(found.ir)) is not None:
            raise ConfigError(f"populations.{name}: {why}")
        if configs[name].spikes_kept is not None:
            raise ConfigError(
                f"populations.{name}.spikes_kept = {configs[name].spikes_kept}: the clock engine follows all "
                "neurons to the end. Leave it out."
            )
    return ClockGroup(models, configs, list(into), steps)


def members(found: Mapping[str, AnyGroup], order: Iterable[str]) -> dict[str, Members]:
    """All populations of the groups, in a given order."""
    known = {name: population for group in found.values() for name, population in group.populations.items()}
    return {name: known[name] for name in order}


def sink(config: NetworkConfig) -> str | None:
    """The only population without projections to another one; None if there are several."""
    sources = {
        projection.pre for projection in config.projections.values() if projection.pre != projection.post
    }
    last = [name for name in config.populations if name not in sources]
    return last[0] if len(last) == 1 else None


def terms(
    config: NetworkConfig, loss: Objective | LossSum | None, found: Mapping[str, Members]
) -> tuple[Term, ...]:
    """The losses, each with the population that it reads.

    Raises:
        ConfigError: if it does not exist, is not told, or cannot give what the loss reads.
    """
    bound = []
    for weight, objective in parts(loss):
        name = objective.population or sink(config)
        if name is None:
            raise ConfigError(
                "loss: several populations have no outgoing projection. Name one: population = ..."
            )
        if not isinstance(name, str) or name not in found:
            raise ConfigError(f"loss: there is no population {name!r}. There are {', '.join(found)}.")
        objective.check(name, found[name], config.populations[name].spikes_kept)
        bound.append(Term(weight, objective, name))
    return tuple(bound)


def _check(config: NetworkConfig) -> None:
    """Names, sizes and the end of time."""
    if not (math.isfinite(config.T) and config.T > 0.0):
        raise ConfigError(f"T = {config.T}: not the end of a simulation. Give a positive time in seconds.")
    if config.engine not in ENGINES:
        raise ConfigError(f"engine = {config.engine!r}: not known. Use any of {', '.join(ENGINES)}.")
    if config.engine != "clock" and config.dt is not None:
        raise ConfigError(f'dt = {config.dt}: engine = "{config.engine}" has no time steps. Leave it out.')
    if not (math.isfinite(config.tolerance) and 0.0 < config.tolerance < 1.0):
        raise ConfigError(f"tolerance = {config.tolerance}: not a tolerance. Give one such as 1e-8.")
    if config.threads is not None and config.threads < 1:
        raise ConfigError(f"threads = {config.threads}: not a number of threads. Leave it out for all cores.")
    if not config.populations:
        raise ConfigError("populations: there is none. Give layers or populations.")
    for name in (*config.populations, *config.inputs, *config.projections):
        if not name.isidentifier():
            raise ConfigError(f"{name!r}: not a name. Use letters, digits and underscores.")
    if both := [name for name in config.populations if name in config.inputs or name in config.projections]:
        raise ConfigError(
            f"populations.{both[0]}: an input or a projection has the same name. Rename one of them."
        )
    _check_inputs(config.inputs)


def _check_inputs(inputs: Mapping[str, int]) -> None:
    for name, size in inputs.items():
        if size < 1:
            raise ConfigError(
                f"inputs.{name}: size {size} is not positive. Give the number of input neurons."
            )
        if size > LARGEST:
            raise ConfigError(f"inputs.{name}: size {size} is more than {LARGEST}. Give fewer neurons.")


def _check_population(name: str, population: Population, found: Model, config: NetworkConfig) -> None:
    where = f"populations.{name}"
    if population.size < 1:
        raise ConfigError(f"{where}.size = {population.size}: not positive. Give the number of neurons.")
    if population.size > LARGEST:
        raise ConfigError(f"{where}.size = {population.size}: more than {LARGEST}. Give fewer neurons.")
    times = population.sample_times
    if any(not 0.0 <= t <= config.T for t in times) or any(b <= a for a, b in pairwise(times)):
        raise ConfigError(
            f"{where}.sample_times: not ascending times in [0, T = {config.T:g}]. Sort them, each once."
        )
    if (listed := [probe.name for probe in found.ir.probes if probe.listed]) and not times:
        raise ConfigError(
            f"{where}: {found.name} has the readout {listed[0]} at each of its sample times, and "
            "there are none. Give it sample_times = [...]."
        )
    kept = population.spikes_kept
    if kept is None:
        return
    if kept < 1:
        raise ConfigError(f"{where}.spikes_kept = {kept}: not positive. Leave it out to keep all spikes.")
    if kept > LARGEST:
        raise ConfigError(f"{where}.spikes_kept = {kept}: more than {LARGEST}. Leave it out to keep all.")
    if not found.spikes:
        raise ConfigError(f"{where}.spikes_kept = {kept}: {found.name} neurons do not spike. Leave it out.")
    if any(projection.pre == projection.post == name for projection in config.projections.values()):
        raise ConfigError(
            f"{where}.spikes_kept = {kept}: the population is recurrent, so later spikes act on the others. "
            "Leave it out."
        )


def _check_followed(populations: Mapping[str, Population], reason: str) -> None:
    """The network kernel follows all neurons to the end."""
    for name, population in populations.items():
        if population.spikes_kept is not None:
            raise ConfigError(
                f"populations.{name}.spikes_kept = {population.spikes_kept}: only the fast kernel ends a "
                f"neuron early, and this one runs on the {reason.rstrip('.')}. Leave it out."
            )


def _synapses(
    name: str,
    projection: Projection,
    config: NetworkConfig,
    models: Mapping[str, Model],
    random: np.random.Generator,
) -> Synapses:
    where = f"projections.{name}"
    sizes = {**config.inputs, **{key: population.size for key, population in config.populations.items()}}
    for end, there in ((projection.pre, sizes), (projection.post, models)):
        if end not in there:
            raise ConfigError(f"{where}: there is no population {end!r} here. There are {', '.join(there)}.")
    if projection.pre in models and not models[projection.pre].spikes:
        raise ConfigError(
            f"{where}: {models[projection.pre].name} neurons of {projection.pre!r} do not spike. "
            "Project from a spiking population."
        )
    if wrong := [learned for learned in projection.learn if learned not in OF_SYNAPSES]:
        raise ConfigError(
            f'{where}.learn: {wrong[0]!r} is not of a projection. Use any of "weights" and "delays".'
        )
    receptor = _receptor(projection.receptor, models[projection.post], where)
    shape = (sizes[projection.pre], sizes[projection.post])
    return connect.synapses(name, projection, receptor, shape, random)


def _receptor(given: str | None, found: Model, where: str) -> int:
    names = [arrival.receptor for arrival in found.ir.arrivals]
    if not names:
        raise ConfigError(f"{where}: {found.name} has no receptors. Project to a model with [receive.*].")
    if given is None and len(names) > 1:
        raise ConfigError(f"{where}: {found.name} has several receptors. Name one of {', '.join(names)}.")
    if given is not None and given not in names:
        raise ConfigError(f"{where}: {found.name} has no receptor {given!r}. There are {', '.join(names)}.")
    return 0 if given is None else names.index(given)
