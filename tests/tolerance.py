"""How far gradients are off at a tolerance, for the shipped models that are integrated."""

from __future__ import annotations

import numpy as np
from agreement import FLOOR, assert_spikes
from exactness import Loss, build, expected, found
from hybrid import Case
from test_every_model import LOSS, NONLINEAR, Drive, T, population, with_delays

INTEGRATED = (*NONLINEAR, "lotka_volterra")


def case_of(name: str) -> Case:
    """A recurrent network of the model, with delays and another model; prey and predators by themselves."""
    if name in NONLINEAR:
        return with_delays(name, NONLINEAR[name], 2, 0.6 * T)
    animals = population(name, Drive(), np.random.default_rng(4))
    return Case({"T": 3.0, "populations": {"a": animals}, "projections": {}}, [])


class Reference:
    """What the oracle says of a model's case, in 28 digits, and how far from it Saltus is."""

    def __init__(self, name: str, loss: Loss = LOSS) -> None:
        self.case, self.loss = case_of(name), loss
        self.trajectory, self.gradient = expected(self.case, loss)

    def error(self, tolerance: float) -> float:
        """Of all entries of the gradient, the largest relative error, floored as in ``agreement``."""
        result, gradient = found(self.case, self.loss, build(self.case, tolerance))
        trains = {name: self.trajectory.spikes(name) for name in result.spikes}
        seen = {
            name: [result.spikes[name].train(0, i) for i in range(len(train))]
            for name, train in trains.items()
        }
        assert_spikes(seen, trains, 0.1 * tolerance**0.5)
        return max(_relative(gradient[name], right) for name, right in self.gradient.items())


def _relative(found: object, right: object) -> float:
    a, b = np.asarray(found, float), np.asarray(right, float)
    scale = np.maximum(np.abs(b), FLOOR * np.max(np.abs(b), initial=0.0))
    return float(np.max(np.abs(a - b)[scale > 0] / scale[scale > 0], initial=0.0))
