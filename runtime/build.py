"""From a configuration to groups that can run, with a sentence for everything that cannot."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from saltus.errors import ConfigError
from saltus.runtime import graph, initialise
from saltus.runtime.config import NetworkConfig, Population, Projection
from saltus.runtime.group import Group, Incoming
from saltus.runtime.losses.evaluated import Objective
from saltus.runtime.losses.terms import LossSum, Term, parts
from saltus.runtime.model import Model, model


def groups(config: NetworkConfig, random: np.random.Generator) -> dict[str, Group]:
    """The groups in the order in which they run.

    Weights are drawn in the order of the projections.

    Raises:
        ConfigError: for a name, size, shape or connection that does not fit, or that the engine cannot do.
        SpecError: for a model that does not exist.
    """
    _check(config)
    models = {name: model(population.model) for name, population in config.populations.items()}
    for name, population in config.populations.items():
        _check_population(name, population, models[name], config)
    incoming = {
        name: _incoming(name, projection, config, models, random)
        for name, projection in config.projections.items()
    }
    edges = [(projection.pre, projection.post) for projection in config.projections.values()]
    found = {}
    for name in graph.order(config.populations, edges):
        into = {key: made for key, made in incoming.items() if config.projections[key].post == name}
        recurrent = [made for made in into.values() if made.pre == name]
        if len(recurrent) > 1:
            raise ConfigError(
                f"projections {', '.join(made.name for made in recurrent)}: population {name!r} has several "
                "recurrent projections, and the event engine takes one. "
                "Add their weights up in one projection."
            )
        elsewhere = [made for made in into.values() if made.pre != name]
        population = config.populations[name]
        found[name] = Group(name, models[name], population, elsewhere, recurrent[0] if recurrent else None)
    return found


def sink(config: NetworkConfig) -> str | None:
    """The only population without projections to another one; None if there are several."""
    sources = {
        projection.pre for projection in config.projections.values() if projection.pre != projection.post
    }
    last = [name for name in config.populations if name not in sources]
    return last[0] if len(last) == 1 else None


def terms(
    config: NetworkConfig, loss: Objective | LossSum | None, found: Mapping[str, Group]
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
        if name not in found:
            raise ConfigError(f"loss: there is no population {name!r}. There are {', '.join(found)}.")
        objective.check(name, found[name], config.populations[name].spikes_kept)
        bound.append(Term(weight, objective, name))
    return tuple(bound)


def _check(config: NetworkConfig) -> None:
    """Names, sizes and the end of time."""
    if not (math.isfinite(config.T) and config.T > 0.0):
        raise ConfigError(f"T = {config.T}: not the end of a simulation. Give a positive time in seconds.")
    if config.engine != "event":
        raise ConfigError(f'engine = {config.engine!r}: not built yet. Use engine = "event".')
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
    for name, size in config.inputs.items():
        if size < 1:
            raise ConfigError(
                f"inputs.{name}: size {size} is not positive. Give the number of input neurons."
            )


def _check_population(name: str, population: Population, found: Model, config: NetworkConfig) -> None:
    where = f"populations.{name}"
    if population.size < 1:
        raise ConfigError(f"{where}.size = {population.size}: not positive. Give the number of neurons.")
    kept = population.spikes_kept
    if kept is None:
        return
    if kept < 1:
        raise ConfigError(f"{where}.spikes_kept = {kept}: not positive. Leave it out to keep all spikes.")
    if not found.spikes:
        raise ConfigError(f"{where}.spikes_kept = {kept}: {found.name} neurons do not spike. Leave it out.")
    if any(projection.pre == projection.post == name for projection in config.projections.values()):
        raise ConfigError(
            f"{where}.spikes_kept = {kept}: the population is recurrent, so later spikes act on the others. "
            "Leave it out."
        )


def _incoming(
    name: str,
    projection: Projection,
    config: NetworkConfig,
    models: Mapping[str, Model],
    random: np.random.Generator,
) -> Incoming:
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
    if np.any(np.asarray(projection.delay) != 0.0):
        raise ConfigError(f"{where}.delay: delays are not supported yet. Leave it out for none.")
    if wrong := [learned for learned in projection.learn if learned != "weights"]:
        raise ConfigError(f'{where}.learn: {wrong[0]!r} cannot be learned yet. Use ["weights"] or [].')
    shape = (sizes[projection.pre], sizes[projection.post])
    mask = _mask(projection.mask, shape, where)
    synapses = np.ones(shape, dtype=bool) if mask is None else mask
    weights = initialise.weights(projection.weights, random, synapses, where)
    receptor = _receptor(projection.receptor, models[projection.post], where)
    return Incoming(name, projection.pre, receptor, weights, mask)


def _mask(given: object, shape: tuple[int, int], where: str) -> NDArray[np.bool_] | None:
    if given is None:
        return None
    mask = np.asarray(given)
    if mask.shape != shape or not np.isin(mask, (0, 1)).all():
        raise ConfigError(f"{where}.mask: not 0 or 1 for each of (pre, post) = {shape}. Give such an array.")
    return mask.astype(bool)


def _receptor(given: str | None, found: Model, where: str) -> int:
    names = [arrival.receptor for arrival in found.ir.arrivals]
    if not names:
        raise ConfigError(f"{where}: {found.name} has no receptors. Project to a model with [receive.*].")
    if given is None and len(names) > 1:
        raise ConfigError(f"{where}: {found.name} has several receptors. Name one of {', '.join(names)}.")
    if given is not None and given not in names:
        raise ConfigError(f"{where}: {found.name} has no receptor {given!r}. There are {', '.join(names)}.")
    return 0 if given is None else names.index(given)
