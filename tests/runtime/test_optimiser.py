"""Adam and SGD: published recurrences, positivity by logarithms, rates per name, errors with a way out."""

import numpy as np
import pytest

from saltus.errors import ConfigError, InputError, RunError
from saltus.runtime.optimiser import SGD, Adam, OptimiserState


def arrays(seed=0):
    random = np.random.default_rng(seed)
    return {"a.weights": random.normal(size=(3, 2)), "a.tau": random.uniform(1e-3, 2e-2, size=2)}


def reference_adam(p, gradients, *, lr, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Algorithm 1 of Kingma & Ba (2015), as printed."""
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        p = p - lr * (m / (1 - beta_1**t)) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
    return p


def steps(optimiser, parameters, gradients, positive=()):
    state = optimiser.start(parameters)
    for g in gradients:
        parameters, state = optimiser.update(parameters, g, state, positive)
    return parameters, state


def test_adam_is_algorithm_1():
    p = arrays()
    gradients = [arrays(seed) for seed in range(1, 6)]
    after, state = steps(Adam(lr=5e-3), p, gradients)
    for name in p:
        expected = reference_adam(p[name], [g[name] for g in gradients], lr=5e-3)
        np.testing.assert_allclose(after[name], expected, rtol=1e-13)
    assert state.steps == 5 and state.clipped == 0


def test_a_positive_parameter_moves_in_its_logarithm():
    p = arrays()
    gradients = [arrays(seed) for seed in range(1, 6)]
    after, _ = steps(SGD(lr=0.3), p, gradients, positive={"a.tau"})
    q, tau = np.log(p["a.tau"]), p["a.tau"]
    for g in gradients:
        q = q - 0.3 * tau * g["a.tau"]
        tau = np.exp(q)
    np.testing.assert_allclose(after["a.tau"], tau, rtol=1e-14)
    assert np.any(np.abs(after["a.tau"] / (p["a.tau"] - 0.3 * sum(g["a.tau"] for g in gradients)) - 1) > 1e-4)


def test_a_positive_parameter_stays_positive_under_a_large_step():
    p = {"tau": np.array([1e-3])}
    after, _ = steps(Adam(lr=50.0), p, [{"tau": np.array([1e9])}], positive={"tau"})
    assert 0 < after["tau"][0] < 1e-20
    without, _ = steps(Adam(lr=50.0), p, [{"tau": np.array([1e9])}])
    assert without["tau"][0] < 0


def test_a_step_beyond_float64_is_refused_by_name():
    with pytest.raises(RunError, match=r'logarithm of "tau" leaves the range of float64. Lower its learning'):
        steps(Adam(lr=1e4), {"tau": np.array([1e-3])}, [{"tau": np.array([-1.0])}], positive={"tau"})


def test_momentum_accumulates():
    p = {"w": np.zeros(1)}
    after, _ = steps(SGD(lr=1.0, momentum=0.5), p, [{"w": np.ones(1)}] * 3)
    assert after["w"][0] == -(1 + 1.5 + 1.75)


def test_update_changes_no_argument():
    p, g = arrays(), arrays(1)
    before = {name: value.copy() for name, value in p.items()}
    for optimiser in (Adam(), SGD(momentum=0.9)):
        state = optimiser.start(p)
        optimiser.update(p, g, state, positive={"a.tau"})
        optimiser.update(p, g, state, positive={"a.tau"})
        assert all(np.array_equal(p[name], before[name]) for name in p)
        assert all(not a.any() for moment in state.moments.values() for a in moment.values())


def test_each_parameter_has_its_own_rate():
    p = {"in.weights": np.zeros(2), "out.weights": np.zeros(2), "out.theta": np.zeros(2)}
    g = {name: np.ones(2) for name in p}
    lr = {"out.theta": 0.0, "in.*": 1.0, "*": 0.1}
    after, _ = steps(SGD(lr=lr), p, [g])
    assert [after[name][0] for name in p] == [-1.0, -0.1, 0.0]


def test_a_factor_scales_every_rate():
    p, g = {"w": np.zeros(2)}, {"w": np.array([1.0, -2.0])}
    for optimiser in (SGD(lr=1.0), Adam(lr=1.0)):
        full, _ = optimiser.update(p, g, optimiser.start(p))
        half, _ = optimiser.update(p, g, optimiser.start(p), factor=0.5)
        np.testing.assert_allclose(half["w"], full["w"] / 2)


def test_clipping_is_off_by_default_and_counted_when_on():
    p, g = {"w": np.zeros(2)}, {"w": np.array([3.0, 4.0])}
    free, state = steps(SGD(lr=1.0), p, [g])
    assert np.array_equal(free["w"], [-3.0, -4.0]) and state.clipped == 0
    bound, state = steps(SGD(lr=1.0, clip=1.0), p, [g, g])
    np.testing.assert_allclose(bound["w"], [-1.2, -1.6])
    assert state.clipped == 2


def test_state_goes_through_plain_arrays():
    p = arrays()
    _, state = steps(Adam(clip=1e-9), p, [arrays(1), arrays(2)])
    again = OptimiserState.from_arrays(state.to_arrays())
    assert (again.steps, again.clipped) == (2, 2)
    for moment, named in state.moments.items():
        for name, value in named.items():
            assert np.array_equal(again.moments[moment][name], value)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_names_its_place(bad):
    g = arrays(1)
    g["a.weights"][2, 1] = bad
    with pytest.raises(RunError, match=r'"a.weights" is (nan|inf) at \[2, 1\] \(1 of 6 entries'):
        steps(Adam(), arrays(), [g])


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(InputError, match=r'"w" has shape \(2,\), not \(3,\). Give one entry'):
        steps(Adam(), {"w": np.zeros(3)}, [{"w": np.zeros(2)}])


def test_a_missing_gradient_is_refused():
    with pytest.raises(InputError, match=r'no gradient for "w". Freeze it'):
        steps(Adam(), {"w": np.zeros(3)}, [{}])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Adam(lr=-1.0), '"lr" = -1.0 is negative or not finite. Use one such'),
        (lambda: Adam(lr={"w": float("nan")}), '"w" = nan is negative or not finite'),
        (lambda: Adam(beta_1=1.0), r"beta_1 = 1.0 is outside \[0, 1\)"),
        (lambda: Adam(epsilon=0.0), "epsilon = 0.0 is not positive"),
        (lambda: SGD(momentum=1.5), "momentum = 1.5 is outside"),
        (lambda: SGD(clip=0.0), "clip = 0.0 is not positive"),
        (lambda: Adam(lr={"v.*": 1.0}).start({"w": np.zeros(1)}), 'no learning rate fits "w". Add it'),
        (
            lambda: Adam(lr={"v": 1.0, "*": 1.0}).start({"w": np.zeros(1)}),
            '"v", which fits no parameter that learns. Use a name or pattern of: w',
        ),
    ],
)
def test_wrong_settings_say_what_is_right(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_state_without_counters_is_refused():
    with pytest.raises(InputError, match="there is no array named 'steps'"):
        OptimiserState.from_arrays({})
