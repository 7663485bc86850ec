"""A weighted sum of losses, and losses bound to the populations of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from saltus.runtime.losses.data import Data
from saltus.runtime.losses.evaluated import Evaluated, Objective, Seeds

if TYPE_CHECKING:
    from saltus.runtime.result import Result


@dataclass(frozen=True, eq=False)
class LossSum:
    """Several losses.

    Attributes:
        terms: each a weight and a loss; the first decides about predictions.
    """

    terms: tuple[tuple[float, Objective | LossSum], ...]


@dataclass(frozen=True, eq=False)
class Term:
    """A loss of a network: its weight in the sum, and the population that it reads."""

    weight: float
    objective: Objective
    population: str


def parts(given: Objective | LossSum | None, weight: float = 1.0) -> list[tuple[float, Objective]]:
    """The losses of a sum, of sums of sums, or of one loss, with their weights."""
    if given is None:
        return []
    if isinstance(given, LossSum):
        return [part for factor, term in given.terms for part in parts(term, weight * factor)]
    return [(weight, given)]


def evaluate(terms: Sequence[Term], result: Result, data: Data) -> Evaluated:
    """The weighted sum of the losses of each sample; ``missing``: of the term that misses most."""
    if len(terms) == 1 and terms[0].weight == 1.0:
        return terms[0].objective.evaluate(result, terms[0].population, data)
    losses, seeds, missing = np.zeros(len(result)), Seeds(), 0
    for term in terms:
        found = term.objective.evaluate(result, term.population, data)
        losses += term.weight * found.losses
        seeds.add(found.seeds, term.weight)
        missing = max(missing, found.missing)
    return Evaluated(losses, seeds, missing)
