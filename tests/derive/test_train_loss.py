"""The kernel of a distance of spike trains is the overlap of its filter with itself."""

import mpmath
import pytest
from interpreter import run

from saltus.derive import train_loss
from saltus.derive.train_loss import TrainLossSpec, lower_train

FILTERS = ["exp(-s/tau)", "s*exp(-s/tau)", "exp(-s/tau) - exp(-2*s/tau)", "(1 - s/tau)**2*exp(-s/tau)"]


def from_filter(text: str) -> TrainLossSpec:
    parameters = {"tau": {"value": 0.4, "positive": True}}
    data = {"name": "test", "title": "A loss", "parameters": parameters}
    return train_loss.from_dict(data | {"loss": {"data": {"target": "spikes"}, "filter": text}})


@pytest.mark.parametrize("text", FILTERS)
@pytest.mark.parametrize("d", [0.0, 0.1, 0.7, 3.0])
def test_kernel_and_slope(text: str, d: float) -> None:
    """Against quadrature, and differences of it."""
    spec, tau = from_filter(text), mpmath.mpf("0.4")
    trains = lower_train(spec)

    def h(s: mpmath.mpf) -> mpmath.mpf:
        return eval(text, {"s": s, "tau": tau, "exp": mpmath.exp})

    def overlap(d: mpmath.mpf) -> mpmath.mpf:
        return mpmath.quad(lambda s: h(s) * h(s + d), [0, tau, 5 * tau, 100 * tau])

    with mpmath.workdps(30):
        known = {"d": mpmath.mpf(d), "tau": tau}
        alone = overlap(mpmath.mpf(0))
        found = run(trains.kernel, known)["kernel"]
        assert mpmath.almosteq(found, overlap(known["d"]) / alone, rel_eps=1e-14, abs_eps=1e-16)
        slope = mpmath.diff(lambda d: overlap(d) / alone, known["d"])
        assert mpmath.almosteq(run(trains.slope, known)["slope"], slope, rel_eps=1e-8, abs_eps=1e-8)


@pytest.mark.parametrize("text", FILTERS)
def test_spikes_far_apart_do_not_overflow(text: str) -> None:
    """Each term holds one falling exponential."""
    trains = lower_train(from_filter(text))
    known = {"d": mpmath.mpf(1e6), "tau": mpmath.mpf("1e-3")}
    for block in (trains.kernel, trains.slope):
        assert "exp(d" not in str(block.body[0].value)
        assert abs(run(block, known)[block.outputs[0]]) < 1e-100
