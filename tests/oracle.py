"""A slow second opinion: an event simulator in 50 digits, differentiated forwards through the event times.

It shares nothing with the derivation, the IR or the kernels: closed forms of one leaky integrator written by
hand, the implicit function theorem at each crossing, and sparse tangents with respect to every number of the
network. It reads the same cases as ``reference.run_case`` (tests/cases/*.json) and answers in the shape of
their ``expected``.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from integrator import Course, response
from mpmath import mp, mpf

Key = tuple[Any, ...]
DIGITS = 50
_WORKING_DIGITS = DIGITS + 20  # nearly equal time constants cancel some


@dataclass(frozen=True)
class Dual:
    """A number and its derivatives with respect to the parameters it depends on."""

    value: mpf
    tangent: Mapping[Key, mpf] = field(default_factory=dict)

    def __add__(self, other: Dual | float) -> Dual:
        other = dual(other)
        return chain(self.value + other.value, (1, self), (1, other))

    def __sub__(self, other: Dual | float) -> Dual:
        other = dual(other)
        return chain(self.value - other.value, (1, self), (-1, other))

    def __mul__(self, other: Dual | float) -> Dual:
        other = dual(other)
        return chain(self.value * other.value, (other.value, self), (self.value, other))

    def __truediv__(self, other: Dual | float) -> Dual:
        other = dual(other)
        ratio = self.value / other.value
        return chain(ratio, (1 / other.value, self), (-ratio / other.value, other))

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Dual:
        return self * -1


def dual(number: Dual | float) -> Dual:
    return number if isinstance(number, Dual) else Dual(mpf(number))


def chain(value: mpf, *terms: tuple[mpf, Dual]) -> Dual:
    """The chain rule: ``value``, whose partial derivative with respect to each dual is given."""
    tangent: dict[Key, mpf] = {}
    for partial, argument in terms:
        for key, derivative in argument.tangent.items():
            tangent[key] = tangent.get(key, 0) + partial * derivative
    return Dual(value, tangent)


def exp(x: Dual) -> Dual:
    value = mp.exp(x.value)
    return chain(value, (value, x))


def log(x: Dual) -> Dual:
    return chain(mp.log(x.value), (1 / x.value, x))


def total(numbers: Iterable[Dual]) -> Dual:
    return functools.reduce(Dual.__add__, numbers, dual(0))


@dataclass
class Neuron:
    """One neuron at the last event that touched it; ``theta`` is None for one that never spikes."""

    tau_mem: Dual
    tau_syn: Dual
    theta: Dual | None
    v_reset: Dual | None
    V: Dual
    I: Dual
    time: Dual = field(default_factory=lambda: dual(0))
    integral_V: Dual = field(default_factory=lambda: dual(0))
    spikes: list[Dual] = field(default_factory=list)
    crossing: mpf | None = None  # absolute time of the next threshold crossing if nothing else happens
    least_slope: mpf = mp.inf  # of V at a spike, in thresholds a membrane time constant

    def advance(self, time: Dual) -> None:
        """Moves the state to ``time``, tangents included."""
        V, I = self.at(time - self.time)
        self.integral_V += self.tau_syn * (self.I - I) - self.tau_mem * (V - self.V)
        self.V, self.I, self.time = V, I, time

    def at(self, s: Dual) -> tuple[Dual, Dual]:
        """V and I a time ``s`` later."""
        tau_mem, tau_syn = self.tau_mem.value, self.tau_syn.value
        decay, k, k_mem, k_syn = response(s.value, tau_mem, tau_syn)
        V, I = self.V.value, self.I.value
        V_s, decay_I = V * decay + I * k, mp.exp(-s.value / tau_syn)
        I_s = I * decay_I
        return (
            chain(
                V_s,
                (decay, self.V),
                (k, self.I),
                ((I_s - V_s) / tau_mem, s),
                (V * decay * s.value / tau_mem**2 + I * k_mem, self.tau_mem),
                (I * k_syn, self.tau_syn),
            ),
            chain(I_s, (decay_I, self.I), (-I_s / tau_syn, s), (I_s * s.value / tau_syn**2, self.tau_syn)),
        )

    def predict(self) -> None:
        """Finds the next crossing from the state at ``time`` on."""
        self.crossing = None
        if self.theta is None:
            return
        course = Course(self.V.value, self.I.value, self.tau_mem.value, self.tau_syn.value)
        s = course.first_crossing(self.theta.value)
        if s is not None:
            self.crossing = self.time.value + s

    def fire(self) -> Dual:
        """Spikes at the predicted crossing, whose time V = theta defines implicitly."""
        assert self.crossing is not None and self.theta is not None and self.v_reset is not None
        V, I = self.at(Dual(self.crossing - self.time.value))
        V = V - self.theta  # as a function of everything but the interval's length
        slope = (I.value - V.value - self.theta.value) / self.tau_mem.value
        self.least_slope = min(self.least_slope, slope * self.tau_mem.value / abs(self.theta.value))
        time = self.time + chain(self.crossing - self.time.value, (-1 / slope, V))
        self.advance(time)
        self.V = self.v_reset
        self.spikes.append(time)
        return time


@dataclass(order=True)
class _Arrival:
    time: mpf
    order: int
    exact: Dual = field(compare=False)
    target: Neuron = field(compare=False)
    weight: Dual = field(compare=False)


class Trajectory:
    """A case simulated to its horizon: ``populations[name]`` are its neurons, with spikes and integrals."""

    def __init__(self, case: Mapping[str, Any]) -> None:
        self.case = case
        self.populations = {p["name"]: _neurons(p) for p in case["populations"]}
        self._arrivals: list[_Arrival] = []
        self._outgoing = self._wire()
        for i, (neuron, time) in enumerate(case["input"]["spikes"]):
            self._send((case["input"]["name"], neuron), Dual(mpf(time), {("input_times", i): mpf(1)}))
        self._run(mpf(case["T"]))

    def _wire(self) -> dict[Key, list[tuple[Neuron, Dual, Dual]]]:
        """Presynaptic (population, index) -> its synapses: target, weight, delay."""
        outgoing: dict[Key, list[tuple[Neuron, Dual, Dual]]] = {}
        for projection in self.case["projections"]:
            for post, row in enumerate(projection["weights"]):
                for pre, weight in enumerate(row):
                    if weight is None:
                        continue
                    place = (projection["name"], post, pre)
                    delay = dual(0)
                    if "delays" in projection:
                        delay = Dual(mpf(projection["delays"][post][pre]), {("delays", *place): mpf(1)})
                    synapse = (
                        self.populations[projection["post"]][post],
                        Dual(mpf(weight), {("weights", *place): mpf(1)}),
                        delay,
                    )
                    outgoing.setdefault((projection["pre"], pre), []).append(synapse)
        return outgoing

    def _send(self, source: Key, time: Dual) -> None:
        for target, weight, delay in self._outgoing.get(source, []):
            arrival = time + delay
            self._arrivals.append(_Arrival(arrival.value, len(self._arrivals), arrival, target, weight))
        self._arrivals.sort(reverse=True)

    def _run(self, horizon: mpf) -> None:
        neurons = [(name, i, n) for name, group in self.populations.items() for i, n in enumerate(group)]
        for _, _, neuron in neurons:
            neuron.predict()
        while True:
            spike = min(
                ((n.crossing, name, i, n) for name, i, n in neurons if n.crossing is not None),
                key=lambda s: s[0],
                default=None,
            )
            arrival = self._arrivals[-1].time if self._arrivals else mp.inf
            if min(arrival, mp.inf if spike is None else spike[0]) > horizon:
                break
            if spike is not None and spike[0] < arrival:
                _, name, i, neuron = spike
                self._send((name, i), neuron.fire())
                neuron.predict()
            else:
                event = self._arrivals.pop()
                event.target.advance(event.exact)
                event.target.I += event.weight
                event.target.predict()
        for _, _, neuron in neurons:
            neuron.advance(dual(horizon))

    def spikes(self, population: str) -> list[list[Dual]]:
        return [neuron.spikes for neuron in self.populations[population]]


def _neurons(population: Mapping[str, Any]) -> list[Neuron]:
    if population["model"] not in ("lif", "li") or population.get("reset", "hard") != "hard":
        raise NotImplementedError(
            f"the oracle has no {population['model']} with {population.get('reset')} reset"
        )

    def parameter(name: str, i: int) -> Dual | None:
        values = population["params"].get(name)
        return (
            None
            if values is None
            else Dual(mpf(values[i]), {("params", population["name"], name, i): mpf(1)})
        )

    names = ("tau_mem", "tau_syn", "theta", "v_reset", "V0", "I0")
    return [Neuron(*(parameter(name, i) for name in names)) for i in range(population["size"])]  # type: ignore[arg-type]


def _loss(trajectory: Trajectory) -> Dual:
    loss = trajectory.case["loss"]
    return LOSSES[loss["type"]](trajectory, loss)


def _first_spike_xent(trajectory: Trajectory, loss: Mapping[str, Any]) -> Dual:
    trains = trajectory.spikes(loss["pop"])
    tau_0, tau_1 = mpf(loss["tau0"]), mpf(loss["tau1"])
    first = trains[loss["label"]][0]
    partition = total(exp((first - train[0]) / tau_0) for train in trains if train)
    return log(partition) + loss["alpha"] * (exp(first / tau_1) - 1)


def _spike_time_squared(trajectory: Trajectory, loss: Mapping[str, Any]) -> Dual:
    times = [train[loss["nth"]] for train in trajectory.spikes(loss["pop"])]
    return total(time * time for time in times)


def _linear(trajectory: Trajectory, loss: Mapping[str, Any]) -> Dual:
    """sum_i c_i t_i over the spikes of ``pop`` (c cycles through ``coefficients``) + sum_k d_k int V_k dt."""
    times = [time for train in trajectory.spikes(loss["pop"]) for time in train]
    c, d = loss["coefficients"], loss.get("integrals", ())
    spikes = total(mpf(c[i % len(c)]) * time for i, time in enumerate(times))
    return spikes + total(
        mpf(w) * n.integral_V for w, n in zip(d, trajectory.populations[loss["pop"]], strict=False)
    )


def _integral_v_xent(trajectory: Trajectory, loss: Mapping[str, Any]) -> Dual:
    if loss["weighting"] != "none":
        raise NotImplementedError(f"the oracle has no weighting {loss['weighting']}")
    z = [mpf(loss["scale"]) * neuron.integral_V for neuron in trajectory.populations[loss["pop"]]]
    return log(total(exp(value - z[loss["label"]]) for value in z))


LOSSES = {
    "first_spike_xent": _first_spike_xent,
    "spike_time_squared": _spike_time_squared,
    "linear": _linear,
    "integral_v_xent": _integral_v_xent,
}


def evaluate(case: Mapping[str, Any]) -> dict[str, Any]:
    """Loss, spikes and gradient of a case, in the shape of its ``expected``; as mpf of 50 digits."""
    with mp.workdps(_WORKING_DIGITS):
        trajectory = Trajectory(case)
        loss = _loss(trajectory)

        def slope(*key: Any) -> mpf:
            return loss.tangent.get(key, mpf(0))

        def synapses(kind: str, projection: Mapping[str, Any]) -> list[list[mpf | None]]:
            return [
                [None if w is None else slope(kind, projection["name"], m, n) for n, w in enumerate(row)]
                for m, row in enumerate(projection["weights"])
            ]

        def parameters(population: Mapping[str, Any]) -> dict[str, list[mpf]]:
            name, size = population["name"], population["size"]
            return {p: [slope("params", name, p, i) for i in range(size)] for p in population["params"]}

        projections, populations = case["projections"], case["populations"]
        names = [p["name"] for p in populations]
        return {
            "loss": loss.value,
            "least_slope": min(n.least_slope for group in trajectory.populations.values() for n in group),
            "spikes": {
                name: [[t.value for t in train] for train in trajectory.spikes(name)] for name in names
            },
            "integrals": {name: [n.integral_V.value for n in trajectory.populations[name]] for name in names},
            "grad": {
                "weights": {p["name"]: synapses("weights", p) for p in projections},
                "delays": {p["name"]: synapses("delays", p) for p in projections if "delays" in p},
                "params": {p["name"]: parameters(p) for p in populations},
                "input_times": [slope("input_times", i) for i in range(len(case["input"]["spikes"]))],
            },
        }
