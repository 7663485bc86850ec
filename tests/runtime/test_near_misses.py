"""The nearest miss is a maximum of a guard that stays below zero, and one that is there.

A scan of all guards between the spikes and arrivals of a run has all such maxima.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import saltus

INPUTS = 5
CASES = [
    (model, kind, own)
    for model in ("lif", "alif")
    for kind in ("feed-forward", "recurrent", "delayed")
    for own in (False, True)
]


@dataclass
class Drawn:
    """A network in the fast kernel, and what its neurons hear. own: each has a threshold of its own."""

    model: str
    kind: str
    params: dict[str, Any]
    weights: np.ndarray
    recurrent: np.ndarray
    delay: float
    times: np.ndarray
    T: float

    @classmethod
    def of(cls, seed: int, model: str, kind: str, own: bool) -> "Drawn":
        random = np.random.default_rng(seed)
        n = int(random.choice([8, 24, 64]))
        params = {"tau_mem": 20e-3 * random.uniform(0.5, 2.0), "tau_syn": 5e-3 * random.uniform(0.5, 1.5)}
        params["theta"] = random.uniform(0.9, 1.1, n) if own else 1.0
        if model == "alif":
            params |= {"tau_adapt": random.uniform(5e-3, 80e-3), "beta": random.uniform(0.0, 0.6)}
        gap = 5e-3 * np.exp(random.uniform(np.log(0.3), np.log(8.0)))
        weights = np.exp(random.uniform(1.2, 3.2)) * random.uniform(-0.6, 1.0, (INPUTS, n))
        recurrent = random.uniform(0.1, 2.0) * random.uniform(-1.0, 1.0, (n, n)) * (kind != "feed-forward")
        np.fill_diagonal(recurrent, 0.0)
        delay = random.uniform(1e-3, 20e-3) if kind == "delayed" else 0.0
        times = gap * (np.arange(INPUTS) + random.uniform(0.0, 0.3, INPUTS))
        return cls(model, kind, params, weights, recurrent, delay, times, gap * (INPUTS + 1))

    def run(self) -> saltus.Result:
        n = self.weights.shape[1]
        projections = {"in_a": {"pre": "in", "post": "a", "weights": self.weights}}
        if self.kind != "feed-forward":
            more = {"delay": self.delay} if self.kind == "delayed" else {}
            projections["a_a"] = {"pre": "a", "post": "a", "weights": self.recurrent, **more}
        net = saltus.Network(
            T=self.T,
            inputs={"in": INPUTS},
            populations={"a": {"model": self.model, "size": n, "params": self.params}},
            projections=projections,
        )
        assert "fast kernel" in net.explain()
        return net.run([[[t] for t in self.times]])

    def maxima(self, result: saltus.Result, n: int) -> np.ndarray:
        """How far neuron n's guard stays below zero at each of its maxima between two events."""
        spikes, found, x = result.spikes["a"], [], np.zeros(3)
        heard = [(t, self.weights[i, n]) for i, t in enumerate(self.times)]
        heard += [
            (t + self.delay, w)
            for t, w in zip(spikes.times, self.recurrent[spikes.neurons, n], strict=True)
            if w != 0.0
        ]
        events = [(t, (0.0, w, 0.0), False) for t, w in heard if t < self.T]
        events += [(t, (0.0, 0.0, 1.0), True) for t in spikes.times[spikes.neurons == n]]
        now = 0.0
        for t, jump, resets in sorted(
            [*events, (self.T, (0.0, 0.0, 0.0), False)], key=lambda event: event[0]
        ):
            found += self._between(x, t - now, n) if t > now else []
            x = np.array(self._states(x, t - now)) * (not resets, 1.0, 1.0) + jump
            now = t
        return np.array(found)

    def _states(self, x: np.ndarray, s: Any) -> tuple[Any, Any, Any]:
        m, d, a = self.params["tau_mem"], self.params["tau_syn"], self.params.get("tau_adapt", 1.0)
        V = x[0] * np.exp(-s / m) + x[1] * d / (m - d) * (np.exp(-s / m) - np.exp(-s / d))
        return V, x[1] * np.exp(-s / d), x[2] * np.exp(-s / a)

    def _slope(self, x: np.ndarray, s: Any) -> Any:
        V, I, A = self._states(x, s)
        return (I - V) / self.params["tau_mem"] + self.params.get("beta", 0.0) * A / self.params.get(
            "tau_adapt", 1.0
        )

    def _between(self, x: np.ndarray, length: float, n: int) -> list[float]:
        grid, found = np.linspace(0.0, length, 200), []
        slope = self._slope(x, grid)
        for j in np.flatnonzero((slope[:-1] > 0.0) & (slope[1:] <= 0.0)):
            low, high = grid[j], grid[j + 1]
            for _ in range(60):
                middle = 0.5 * (low + high)
                low, high = (middle, high) if self._slope(x, middle) > 0.0 else (low, middle)
            V, _, A = self._states(x, low)
            guard = (
                V
                - self.params.get("beta", 0.0) * A
                - np.broadcast_to(self.params["theta"], self.weights.shape[1])[n]
            )
            found += [-guard] if guard < 0.0 else []
        return found


def nearest(result: saltus.Result) -> float:
    return float(result.outcomes["a"].nearest_miss[0])


@pytest.mark.parametrize(("model", "kind", "own"), CASES)
def test_it_is_a_maximum_that_is_there(model, kind, own):
    """Not the end of an interval, nor what a guard would have come to if somebody had not spiked."""
    counted = 0
    for seed in range(16):
        drawn = Drawn.of(seed, model, kind, own)
        result = drawn.run()
        if (miss := nearest(result)) == np.inf:
            continue
        gaps = np.concatenate([drawn.maxima(result, n) for n in range(drawn.weights.shape[1])])
        assert np.abs(gaps - miss).min(initial=np.inf) < 1e-9, (seed, miss)
        counted += 1
    assert counted > 0 or (model, own) == ("lif", False)


def shy(drawn: Drawn) -> Drawn | None:
    """The same, but that a neuron that does not spike all but does: to 1e-8, by the share of its weights."""
    result = drawn.run()
    for n in np.setdiff1d(np.arange(drawn.weights.shape[1]), result.spikes["a"].neurons):
        theta = np.broadcast_to(drawn.params["theta"], drawn.weights.shape[1])[n]
        highest = theta - drawn.maxima(result, n).min(initial=theta)
        if highest < 0.01:
            continue
        share = (theta - 1e-8) / highest
        more = np.where(np.arange(drawn.weights.shape[1]) == n, share, 1.0)
        close = replace(drawn, weights=drawn.weights * more, recurrent=drawn.recurrent * more)
        if n not in close.run().spikes["a"].neurons:  # else it does at an arrival before, not at a maximum
            return close
    return None


@pytest.mark.parametrize(("model", "kind", "own"), CASES)
def test_none_is_overlooked(model, kind, own):
    """Whatever comes before it in the run, and whatever would have come after it."""
    found = [close for seed in range(16) if (close := shy(Drawn.of(seed, model, kind, own))) is not None]
    assert len(found) > 3
    for close in found:
        np.testing.assert_allclose(nearest(close.run()), 1e-8, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("own", [False, True])
def test_a_sample_knows_nothing_of_the_one_before(own):
    """In the first, seven of eight neurons all but spike; in the second one does, and lanes are left over."""
    n, theta = 8, 1.0
    s = 20e-3 * 5e-3 / 15e-3 * np.log(4.0)
    peak = 5e-3 / 15e-3 * (np.exp(-s / 20e-3) - np.exp(-s / 5e-3))
    weights = np.zeros((2, n))
    weights[0], weights[1, 0] = theta * (1.0 - 1e-8) / peak, 1.5 * theta / peak
    weights[0, 0] = 1.5 * theta / peak
    params = {"theta": np.append(np.full(n - 1, theta), theta + 0.1 * own)}
    layer = saltus.Layer("lif", n, inputs=2, weights=weights, params=params, name="a")
    net = saltus.Network([layer], T=60e-3)
    net.threads = 1
    alone = net.run([[[], [0.0]]]).outcomes["a"].nearest_miss
    after = net.run([[[0.0], []], [[], [0.0]]]).outcomes["a"].nearest_miss
    np.testing.assert_allclose(after[0], 1e-8, rtol=0.0, atol=1e-12)
    np.testing.assert_array_equal(after[1:], alone)
